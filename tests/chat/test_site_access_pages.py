"""Which pages may show a site, who is signed in there, and the page with the tag."""

import pytest

from chat.models import Site
from chat.services.sites import change_site
from chat.services.tags import saw_tag
from tenants.context import TenantRef
from tests.support.site_pages import SHOP, Owner, said
from tests.support.talk import embed_key


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

    def test_a_secret_is_shown_once(self, owner: Owner) -> None:
        page = owner.post("access/identity-keys/")
        secret = page.context["made"].secret
        assert secret in page.content.decode()
        assert "no-store" in page.headers["Cache-Control"]
        later = owner.get("access/").content.decode()
        (kid,) = owner.stored().identity_keys
        assert kid in later
        assert secret not in later
        assert owner.post(f"access/identity-keys/{kid}/remove/").status_code == 302
        assert owner.stored().identity_keys == []

    def test_strict_needs_a_key(self, owner: Owner) -> None:
        answer = owner.post("access/strict/", strict="on")
        assert answer.status_code == 422
        assert "Make an identity key first" in said(answer)
        owner.post("access/identity-keys/")
        assert owner.post("access/strict/", strict="on").status_code == 302
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

    def test_it_says_so_until_an_address_is_named(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        assert "No page may show it yet." in said(owner.get("install/"))
        change_site(tenant, site.id, allowed_origins=[SHOP])
        assert "No page may show it yet." not in said(owner.get("install/"))

    def test_it_waits_for_the_tag_and_says_where_it_was_seen(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        change_site(tenant, site.id, allowed_origins=[SHOP])
        assert "We have not seen your tag yet." in said(owner.get("install/seen/"))
        saw_tag(tenant, site.id, key=embed_key(tenant).key, origin=SHOP, page=f"{SHOP}/cart")
        assert f"We saw your tag on {SHOP}/cart" in said(owner.get("install/seen/"))

    def test_the_short_address_leads_to_the_first_site(self, owner: Owner, site: Site) -> None:
        assert owner.browser.get(f"{owner.host}/install/")["Location"] == f"/sites/{site.id}/install/"
