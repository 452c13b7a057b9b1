"""Which pages may show a site, who is signed in there, and the page with the tag."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from chat.models import Site, TagSeen
from chat.services.embed_keys import rotate_key
from chat.services.identity import make_identity_key, set_strict
from chat.services.sites import change_site
from chat.services.tags import saw_tag
from saas.core.errors import ChangedSince
from saas.core.seen import mark_of
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tests.support.community import team_member
from tests.support.site_pages import SHOP, Owner, said
from tests.support.talk import embed_key
from tests.support.web import Page

BLOG = "https://blog.example"


def asked(page: Page) -> str:
    """Where the page asks whether that has changed, below the site's address."""
    found = re.search(r'hx-get="/sites/[^/]+/(install/seen/\?known=[0-9a-f]+-[0-9a-f]+)"', page.content.decode())
    assert found
    return found[1]


class TestAccess:
    def test_addresses_are_kept(self, owner: Owner) -> None:
        assert owner.keep("access/", allowed_origins=" https://Shop.example/cart \nhttps://*.shop.example\n\n").status_code == 302
        assert owner.stored().allowed_origins == [SHOP, "https://*.shop.example"]

    @pytest.mark.parametrize("bad", ["shop.example", "https://*", "javascript:alert(1)", "https://a@b.example", "*", "null"])
    def test_what_is_no_address_is_refused_beside_the_field_and_kept(self, owner: Owner, bad: str) -> None:
        answer = owner.keep("access/", allowed_origins=f"{SHOP}\n{bad}")
        assert answer.status_code == 422
        assert "is not an address like https://shop.example" in said(answer)
        assert answer.context["form"]["allowed_origins"].value() == f"{SHOP}\n{bad}"
        assert owner.stored().allowed_origins == []

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            (f"{SHOP}/cart", "Yes: https://shop.example is allowed by https://shop.example ."),
            ("a.b.shop.example", "is allowed by https://*.shop.example ."),
            ("http://shop.example", "No: nothing above allows http://shop.example ."),
            ("https://evilshop.example", "No: nothing above allows"),
            ("not an address", "is not an address like"),
            ("https://[::1", "is not an address like"),
            ("https://\u2100.example", "is not an address like"),
        ],
    )
    def test_one_is_tried_before_anything_is_kept(self, owner: Owner, address: str, words: str) -> None:
        typed = f"{SHOP}\nhttps://*.shop.example"
        assert words in said(owner.post("access/try/", allowed_origins=typed, address=address))
        assert owner.stored().allowed_origins == []

    def test_a_page_that_has_the_tag_is_allowed_with_one_click(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        saw_tag(tenant, site.id, key=embed_key(tenant).key, origin=SHOP, page=SHOP)
        assert f"Allow {SHOP}" in said(owner.get("access/"))
        assert owner.post("access/allow/", origin=SHOP, back="install")["Location"].endswith("/install/")
        assert owner.stored().allowed_origins == [SHOP]
        assert f"Allow {SHOP}" not in said(owner.get("access/"))

    def test_what_was_typed_stays_beside_the_address_that_is_allowed(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        seen = owner.get("access/").context["form"]["seen"].value()
        form = self.allow(owner, f"{BLOG}\r\n", seen).context["form"]
        assert form["allowed_origins"].value() == f"{BLOG}\n{SHOP}"
        assert owner.stored().allowed_origins == [SHOP]
        assert owner.post("access/", **{name: form[name].value() for name in form.fields}).status_code == 302
        assert owner.stored().allowed_origins == [BLOG, SHOP]

    def test_what_was_typed_does_not_go_over_what_somebody_else_has_changed(self, owner: Owner, tenant: TenantRef) -> None:
        seen = owner.get("access/").context["form"]["seen"].value()
        change_site(tenant, owner.site.id, allowed_origins=["https://theirs.example"])
        form = self.allow(owner, BLOG, seen).context["form"]
        assert form["allowed_origins"].value() == f"{BLOG}\n{SHOP}"
        assert owner.post("access/", **{name: form[name].value() for name in form.fields}).status_code == 409
        assert owner.stored().allowed_origins == ["https://theirs.example", SHOP]

    def test_where_nothing_was_typed_the_addresses_of_now_stand(self, owner: Owner, tenant: TenantRef) -> None:
        change_site(tenant, owner.site.id, allowed_origins=[BLOG])
        shown = owner.get("access/").context["form"]
        page = self.allow(owner, f"{BLOG}\r\n", shown["seen"].value())
        assert not page.context["form"].is_bound
        assert page.context["form"]["allowed_origins"].value() == f"{BLOG}\n{SHOP}"

    def test_what_was_typed_stays_where_the_address_is_refused(self, owner: Owner, tenant: TenantRef) -> None:
        seen = owner.get("access/").context["form"]["seen"].value()
        page = self.allow(owner, BLOG, seen, origin="null")
        assert page.context["form"]["allowed_origins"].value() == BLOG
        assert "'null' is not an address like https://shop.example." in said(page)
        assert owner.stored().allowed_origins == []

    def allow(self, owner: Owner, typed: str, seen: str, *, origin: str = SHOP) -> Page:
        """As htmx sends it: with the form of the addresses as it stands."""
        sent = {"origin": origin, "back": "access", "allowed_origins": typed, "seen": seen}
        jar = owner.browser.jar(f"{owner.tenant.slug}.localhost:8000")
        return jar.post(f"/sites/{owner.site.id}/access/allow/", sent, headers={"hx-request": "true"})

    def test_a_secret_is_shown_once(self, owner: Owner) -> None:
        page = owner.browser.follow(owner.post("access/identity-keys/"))
        secret = page.context["made"].secret
        assert secret in page.content.decode()
        assert "no-store" in page.headers["Cache-Control"]
        later = owner.get("access/").content.decode()
        (kid,) = owner.stored().identity_keys
        assert kid in later
        assert secret not in later
        assert owner.post(f"access/identity-keys/{kid}/remove/").status_code == 302
        assert owner.stored().identity_keys == []

    def test_a_reload_of_the_page_with_the_secret_makes_no_second_key(self, owner: Owner) -> None:
        sent = owner.post("access/identity-keys/")
        assert (sent.status_code, sent["Location"]) == (302, f"/sites/{owner.site.id}/access/#identity")
        assert "Copy the secret now" in said(owner.get("access/"))
        assert "Copy the secret now" not in said(owner.get("access/"))
        assert len(owner.stored().identity_keys) == 1

    def test_a_secret_is_not_shown_of_another_site_nor_of_a_key_that_is_gone(self, owner: Owner, tenant: TenantRef) -> None:
        with in_tenant(tenant):
            site = Site.objects.create(name="Other")
        other = Owner(tenant, site)
        other.browser = owner.browser
        owner.post("access/identity-keys/")
        assert not other.get("access/").context["made"]
        owner.post(f"access/identity-keys/{owner.stored().identity_keys[0]}/remove/")
        assert not owner.get("access/").context["made"]

    def test_the_lines_that_say_who_is_here_are_there_with_the_key(self, owner: Owner, tenant: TenantRef) -> None:
        assert "data-identity" not in said(owner.get("access/"))
        made = owner.browser.follow(owner.post("access/identity-keys/")).context["made"]
        page, key = owner.get("access/"), embed_key(tenant).key
        lines = {recipe.name: recipe.code for recipe in page.context["signing"]}
        assert f'data-key="{key}" data-identity="whoIsHere"' in lines["Your page"]
        backends = [lines[name] for name in ("Python", "Node.js", "PHP", "Ruby")]
        assert all(key in code and made.kid in code and made.secret not in code for code in backends)
        assert not re.search("@[a-z]+@", "".join(lines.values()))

    def test_strict_needs_a_key(self, owner: Owner) -> None:
        answer = owner.post("access/strict/", strict="on")
        assert answer.status_code == 422
        assert "Make an identity key first" in said(answer)
        owner.post("access/identity-keys/")
        assert owner.post("access/strict/", strict="on").status_code == 302
        assert owner.stored().strict

    def test_the_last_key_of_a_strict_site_stays(self, owner: Owner) -> None:
        for _ in range(2):
            owner.post("access/identity-keys/")
        first, last = owner.stored().identity_keys
        owner.post("access/strict/", strict="on")
        assert owner.post(f"access/identity-keys/{first}/remove/").status_code == 302
        answer = owner.browser.follow(owner.post(f"access/identity-keys/{last}/remove/"))
        assert "Without this key nobody could come in." in said(answer)
        assert owner.stored().identity_keys == [last]
        owner.post("access/strict/")
        owner.post(f"access/identity-keys/{last}/remove/")
        assert owner.stored().identity_keys == []

    @pytest.mark.parametrize("wanted", [{}, {"strict": "on"}])
    def test_who_decides_second_is_told_who_was_first(
        self, owner: Owner, tenant: TenantRef, site: Site, wanted: dict[str, str]
    ) -> None:
        admin = team_member(tenant, Role.ADMIN)
        make_identity_key(tenant, admin, site.id)
        seen = owner.get("access/").context["strictness"]["seen"].value()
        set_strict(tenant, admin, site.id, strict=True)
        answer = owner.post("access/strict/", seen=seen, **wanted)
        assert answer.status_code == 409
        assert f"{admin.name} changed this meanwhile." in said(answer)
        assert f'<a href="/sites/{site.id}/access/">take theirs</a>' in answer.content.decode()
        assert owner.stored().strict
        again = answer.context["strictness"]["seen"].value()
        assert owner.post("access/strict/", seen=again, **wanted).status_code == 302
        assert owner.stored().strict == bool(wanted)

    def test_what_was_seen_is_compared_under_the_lock(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        admin = team_member(tenant, Role.ADMIN)
        make_identity_key(tenant, admin, site.id)
        set_strict(tenant, admin, site.id, strict=True)
        with pytest.raises(ChangedSince):
            set_strict(tenant, admin, site.id, strict=False, seen=mark_of({"strict": False}))
        assert owner.stored().strict


class TestInstall:
    def test_the_tag_and_recipes_with_this_sites_key(self, owner: Owner, tenant: TenantRef) -> None:
        page = owner.get("install/")
        key = embed_key(tenant).key
        assert f'<script async src="http://widget.localhost:8000/porchlight.js" data-key="{key}"></script>' == page.context["tag"]
        assert all(key in recipe.code for recipe in page.context["recipes"] if recipe.name != "Content-Security-Policy")
        assert {"WordPress", "Shopify", "React", "Next.js", "Vue", "Google Tag Manager"} <= {
            recipe.name for recipe in page.context["recipes"]
        }
        assert not any("@" in recipe.code for recipe in page.context["recipes"])

    def test_it_says_that_the_tag_alone_lets_nobody_into_a_strict_site(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        words = "Only visitors whom your pages have signed in may write here"
        assert words not in said(owner.get("install/"))
        admin = team_member(tenant, Role.ADMIN)
        make_identity_key(tenant, admin, site.id)
        set_strict(tenant, admin, site.id, strict=True)
        assert words in said(owner.get("install/"))

    def test_it_says_so_until_an_address_is_named(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        assert "No page may show it yet." in said(owner.get("install/"))
        change_site(tenant, site.id, allowed_origins=[SHOP])
        assert "No page may show it yet." not in said(owner.get("install/"))

    def test_it_waits_for_the_tag_and_says_where_it_was_seen(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        change_site(tenant, site.id, allowed_origins=[SHOP])
        assert "We have not seen your tag yet." in said(owner.get("install/seen/"))
        saw_tag(tenant, site.id, key=embed_key(tenant).key, origin=SHOP, page=f"{SHOP}/cart")
        assert f"We saw your tag on {SHOP}/cart" in said(owner.get("install/seen/"))

    def test_it_is_asked_for_again_and_says_nothing_twice(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        asks = asked(owner.get("install/"))
        assert owner.get(asks).status_code == 204
        saw_tag(tenant, site.id, key=embed_key(tenant).key, origin=SHOP, page=SHOP)
        news = owner.get(asks)
        assert "The tag is on https://shop.example , which may not show it yet." in said(news)
        assert f'id="allow-{SHOP}"' in news.content.decode(), "by its id the focus finds the button again"
        assert owner.get(asked(news)).status_code == 204

    def test_another_page_of_the_same_origin_is_shown_and_not_said_aloud(
        self, owner: Owner, tenant: TenantRef, site: Site
    ) -> None:
        change_site(tenant, site.id, allowed_origins=[SHOP])
        seen = {"key": embed_key(tenant).key, "origin": SHOP}
        saw_tag(tenant, site.id, page=f"{SHOP}/cart", **seen)
        asks = asked(owner.get("install/"))
        with in_tenant(tenant):
            TagSeen.objects.filter(site_id=site.id).update(page=f"{SHOP}/pay")
        again = owner.get(asks)
        assert f"We saw your tag on {SHOP}/pay" in said(again)
        assert "The tag is on" not in said(again)

    def test_a_time_that_passes_is_shown_by_the_minute(
        self, owner: Owner, tenant: TenantRef, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        saw_tag(tenant, site.id, key=embed_key(tenant).key, origin=SHOP, page=SHOP)
        now = timezone.now()
        asks = asked(owner.get("install/"))
        for seconds, status in ((20, 204), (90, 200)):
            monkeypatch.setattr(timezone, "now", lambda seconds=seconds: now + timedelta(seconds=seconds))
            assert owner.get(asks).status_code == status

    def test_an_old_key_is_called_so_each_time(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        change_site(tenant, site.id, allowed_origins=[SHOP])
        saw_tag(tenant, site.id, key=embed_key(tenant).key, origin=SHOP, page=SHOP)
        assert "with an old key" not in said(owner.get("install/seen/"))
        rotate_key(tenant, site.id, grace="week")
        for path in ("install/", "install/seen/"):
            assert "with an old key" in said(owner.get(path))

    def test_the_short_address_leads_to_the_first_site(self, owner: Owner, site: Site) -> None:
        assert owner.browser.get(f"{owner.host}/install/")["Location"] == f"/sites/{site.id}/install/"
