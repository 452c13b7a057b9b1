"""The pages of sites: what they show, what they keep, and what they say beside a field that is wrong."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from billing.services.comps import give_key
from chat.models import Message, Room, Site, TagSeen, Visitor
from chat.services.embed_keys import keys_of
from chat.services.sites import change_site, copy_settings, create_site
from chat.services.tags import lately, saw_tag
from saas.core.errors import BadFrame
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, EmbedKey, Membership, Role
from tenants.resolve import forget
from tests.support.cast import MakeTenant, make_user
from tests.support.talk import embed_key, room_of, visitor
from tests.support.web import Browser, Page

SHOP = "https://shop.example"
LOOK = {"color": "#0B5FFF", "position": "left", "icon": "letter", "label": "Ask us", "theme": "dark", "launcher": ""}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def site(tenant: TenantRef) -> Site:
    with in_tenant(tenant):
        return Site.objects.get()


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    lately.forget()


class Owner:
    """Somebody of the tenant before the pages of one site."""

    def __init__(self, tenant: TenantRef, site: Site, email: str = "") -> None:
        self.tenant, self.site, self.browser = tenant, site, Browser()
        self.host = f"http://{tenant.slug}.localhost:8000"
        self.browser.sign_in(f"{self.host}/billing/", email or f"owner@{tenant.slug}.example")

    def get(self, path: str = "") -> Page:
        return self.browser.get(f"{self.host}/sites/{self.site.id}/{path}")

    def post(self, path: str, **data: Any) -> Page:
        return self.browser.post(f"{self.host}/sites/{self.site.id}/{path}", data)

    def keep(self, path: str, **data: Any) -> Page:
        """Send the page's form with these values in the place of what it shows."""
        return self.post(path, **{**fields(self.get(path), path.split("/")[0]), **data})

    def stored(self) -> Site:
        with in_tenant(self.tenant):
            return Site.objects.get(id=self.site.id)


def fields(page: Page, part: str) -> dict[str, str]:
    """What the page's main form shows, by name."""
    form = page.context["form"]
    return {name: form[name].value() or "" for name in form.fields}


@pytest.fixture
def owner(tenant: TenantRef, site: Site) -> Owner:
    return Owner(tenant, site)


def said(page: Page) -> str:
    """The page's words, as people read them."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


class TestList:
    def test_what_is_missing_before_visitors_can_write(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        def words() -> str:
            return said(owner.browser.get(f"{owner.host}/sites/"))

        assert "no page may show it" in words()
        change_site(tenant, site.id, allowed_origins=[SHOP])
        assert "waits for its tag" in words()
        saw_tag(tenant, site.id, key=embed_key(tenant).key, origin=SHOP, page=f"{SHOP}/cart")
        assert f"Tag seen on {SHOP}/cart now" in words()

    def test_whether_it_is_open(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        change_site(tenant, site.id, time_zone="Etc/UTC", hours=[[["00:00", "24:00"]]] * 7)
        assert "open now" in said(owner.browser.get(f"{owner.host}/sites/"))

    def test_twenty_sites_take_the_queries_of_one(self, owner: Owner, tenant: TenantRef) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as found:
                assert owner.browser.get(f"{owner.host}/sites/").status_code == 200
            return len(found)

        queries()  # what a process keeps is kept from here on
        one = queries()
        with in_tenant(tenant):
            Site.objects.bulk_create(Site(name=f"Site {number}") for number in range(20))
        assert queries() == one

    def test_a_plan_that_has_no_more_sites_says_so(self, owner: Owner, tenant: TenantRef) -> None:
        give_key(tenant.id, "free", seats=1)
        page = owner.browser.get(f"{owner.host}/sites/")
        assert "Choose a larger plan" in said(page)
        answer = owner.browser.post(f"{owner.host}/sites/new/", {"name": "Second", "allowed_origins": ""})
        assert answer.status_code == 422
        assert "has 1 site, and 1 is used" in said(answer)


class TestNewSite:
    def test_it_is_made_and_its_tag_comes_next(self, owner: Owner, tenant: TenantRef) -> None:
        answer = owner.browser.post(f"{owner.host}/sites/new/", {"name": "Second", "allowed_origins": f"{SHOP}\n"})
        with in_tenant(tenant):
            made = Site.objects.get(name="Second")
        assert answer["Location"] == f"/sites/{made.id}/install/"
        assert made.allowed_origins == [SHOP]
        key = EmbedKey.objects.get(site_id=made.id).key
        assert escape(f'data-key="{key}"') in owner.browser.get(answer["Location"]).content.decode()

    @pytest.mark.parametrize(
        ("name", "origins", "words"),
        [
            ("x" * 81, "", "This has 81 characters; 80 is the most."),
            ("Second", "shop.example", "'shop.example' is not an address like https://shop.example."),
        ],
    )
    def test_what_is_wrong_stands_beside_the_field_and_is_kept(self, owner: Owner, name: str, origins: str, words: str) -> None:
        answer = owner.browser.post(f"{owner.host}/sites/new/", {"name": name, "allowed_origins": origins})
        assert answer.status_code == 422
        assert escape(words) in answer.content.decode()
        assert name in answer.content.decode()
        assert origins in answer.content.decode()


class TestGeneral:
    def test_another_name(self, owner: Owner) -> None:
        assert owner.keep("", name="The  shop").status_code == 302
        assert owner.stored().name == "The shop"

    def test_somebody_else_was_faster(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        opened = fields(owner.get(), "")
        change_site(tenant, site.id, name="Theirs")
        answer = owner.post("", **{**opened, "name": "Mine"})
        assert answer.status_code == 409
        assert "Theirs" in said(answer)
        assert owner.stored().name == "Theirs"
        again = {name: answer.context["form"][name].value() for name in answer.context["form"].fields}
        assert again["name"] == "Mine"
        assert owner.post("", **again).status_code == 302
        assert owner.stored().name == "Mine"

    def test_what_another_form_keeps_is_no_conflict(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        opened = fields(owner.get(), "")
        change_site(tenant, site.id, look={"color": "#112233"})
        assert owner.post("", **{**opened, "name": "Mine"}).status_code == 302

    def test_a_new_key_stands_in_the_tag(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        before = embed_key(tenant).key
        assert owner.post("keys/rotate/", grace="week")["Location"].endswith("/install/")
        new, old = keys_of(tenant, site.id)
        assert (old.key, old.is_live) == (before, True)
        assert new.key in said(owner.get())
        assert owner.post(f"keys/{before}/revoke/").status_code == 302
        assert not keys_of(tenant, site.id)[1].is_live

    def test_a_rotation_without_a_choice(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        assert owner.post("keys/rotate/", grace="never").status_code == 422
        assert len(keys_of(tenant, site.id)) == 1

    def test_the_key_of_the_tag_cannot_be_ended(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        answer = owner.browser.follow(owner.post(f"keys/{embed_key(tenant).key}/revoke/"))
        assert "This is the key of the script tag." in said(answer)
        assert keys_of(tenant, site.id)[0].is_live


class TestCopy:
    @pytest.fixture
    def source(self, tenant: TenantRef) -> UUID:
        made = create_site(tenant, name="Source", allowed_origins=[SHOP], look={"color": "#112233"}, texts={"title": "Hi"})
        change_site(tenant, made.site_id, time_zone="Europe/Warsaw", hours=[[["09:00", "17:00"]]] * 7)
        return made.site_id

    def test_only_what_was_chosen(self, owner: Owner, source: UUID) -> None:
        assert owner.post("copy/", source=str(source), parts=["look", "hours"]).status_code == 302
        stored = owner.stored()
        assert (stored.look, stored.time_zone) == ({"color": "#112233"}, "Europe/Warsaw")
        assert (stored.texts, stored.allowed_origins) == ({}, [])

    def test_nothing_chosen(self, owner: Owner, source: UUID) -> None:
        assert owner.post("copy/", source=str(source), parts=[]).status_code == 422
        assert owner.stored().look == {}

    def test_not_from_a_site_of_another_tenant(self, owner: Owner, source: UUID, make_tenant: MakeTenant) -> None:
        stranger = embed_key(make_tenant()).site_id
        assert owner.post("copy/", source=str(stranger), parts=["look"]).status_code == 422

    @pytest.mark.parametrize("parts", [[], ["everything"]])
    def test_the_service_refuses_what_is_no_part(self, tenant: TenantRef, site: Site, source: UUID, parts: list[str]) -> None:
        with pytest.raises(BadFrame) as refused:
            copy_settings(tenant, site.id, source_id=source, parts=parts)
        assert refused.value.field == "parts"


class TestLook:
    def test_it_is_kept(self, owner: Owner) -> None:
        assert owner.keep("look/", **LOOK).status_code == 302
        assert owner.stored().look == {name: value for name, value in LOOK.items() if value}

    def test_back_to_what_is_usual(self, owner: Owner) -> None:
        owner.keep("look/", **LOOK)
        assert owner.keep("look/", position="", icon="lantern", label="", theme="").status_code == 302
        assert owner.stored().look == {"color": "#0B5FFF"}

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("color", "blue", "'blue' is not possible here: a colour is written like #B45309."),
            ("label", "x" * 25, "it has 24 characters at most, on one line."),
            ("theme", "sepia", "Select a valid choice."),
        ],
    )
    def test_what_is_wrong(self, owner: Owner, name: str, value: str, words: str) -> None:
        answer = owner.keep("look/", **{**LOOK, name: value})
        assert answer.status_code == 422
        assert words in said(answer).replace("&#x27;", "'")
        assert answer.context["form"][name].value() == value
        assert answer.context["form"].errors.keys() == {name}
        assert owner.stored().look == {}

    def test_two_at_once_see_each_others(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        opened = fields(owner.get("look/"), "look")
        change_site(tenant, site.id, look={"label": "Theirs"})
        answer = owner.post("look/", **{**opened, "label": "Mine"})
        assert answer.status_code == 409
        assert answer.context["form"]["label"].stored == "Theirs"
        assert owner.stored().look == {"label": "Theirs"}

    def test_a_picture_is_kept_and_taken_away(self, owner: Owner) -> None:
        picture = SimpleUploadedFile("lamp.png", PNG, "image/png")
        assert owner.post("look/logo/", logo=picture).status_code == 302
        assert owner.stored().look["logo"].endswith(".png")
        assert owner.keep("look/", color="#112233").status_code == 302
        assert "logo" in owner.stored().look  # the other form leaves it alone
        assert owner.post("look/logo/remove/").status_code == 302
        assert "logo" not in owner.stored().look

    def test_what_is_no_picture(self, owner: Owner) -> None:
        answer = owner.post("look/logo/", logo=SimpleUploadedFile("lamp.png", b"<svg/>", "image/png"))
        assert answer.status_code == 422
        assert "This is no picture that browsers show" in said(answer)


class TestPreview:
    def test_it_follows_what_stands_in_the_form(self, owner: Owner) -> None:
        answer = owner.post("preview/look/", **LOOK)
        address = re.search(r'src="(http://widget\.localhost:8000/w/~[^"]+/preview)"', answer.content.decode())
        assert address
        page = Browser().get(address[1].replace("/preview", "/config"))
        assert page.json()["look"]["color"] == "#0B5FFF"
        assert owner.stored().look == {}

    def test_a_colour_that_is_hard_to_see_is_said(self, owner: Owner) -> None:
        assert "hard to see" in said(owner.post("preview/look/", **{**LOOK, "color": "#FFFF66"}))
        assert "hard to see" not in said(owner.post("preview/look/", **LOOK))

    @pytest.mark.parametrize(
        ("part", "data"),
        [
            ("look", {**LOOK, "color": "#0B5F"}),
            ("texts", {"title": "x" * 301}),
            ("hours", {"time_zone": "Mars"}),
            ("hours", {"time_zone": "Etc/UTC", "holidays": "soon"}),
        ],
    )
    def test_what_cannot_be_kept_leaves_it_as_it_is(self, owner: Owner, part: str, data: dict[str, str]) -> None:
        assert owner.post(f"preview/{part}/", **data).status_code == 204

    def test_there_is_no_other(self, owner: Owner) -> None:
        assert owner.post("preview/names/").status_code == 404


class TestTexts:
    def test_they_are_kept_and_taken_back(self, owner: Owner) -> None:
        assert owner.keep("texts/", title="Ask", greeting="Hello.\nYou", away="").status_code == 302
        assert owner.stored().texts == {"title": "Ask", "greeting": "Hello. You"}
        assert owner.keep("texts/", title="").status_code == 302
        assert owner.stored().texts == {"greeting": "Hello. You"}

    def test_one_that_is_too_long(self, owner: Owner) -> None:
        answer = owner.keep("texts/", greeting="x" * 301)
        assert answer.status_code == 422
        assert "This has 301 characters; 300 is the most." in answer.context["form"].errors["greeting"]


class TestHours:
    def test_they_are_kept(self, owner: Owner) -> None:
        times = {"day0_0": "09:00", "day0_1": "12:00", "day0_2": "13:00", "day0_3": "17:00", "day6_0": "18:00", "day6_1": "00:00"}
        days = "2026-12-25 Christmas\n2026-12-24 09:00-13:00"
        assert owner.keep("hours/", time_zone="Europe/Warsaw", holidays=days, **times).status_code == 302
        stored = owner.stored()
        assert stored.hours[0] == [["09:00", "12:00"], ["13:00", "17:00"]]
        assert stored.hours[6] == [["18:00", "24:00"]]
        assert [one["date"] for one in stored.holidays] == ["2026-12-24", "2026-12-25"]
        shown = fields(owner.get("hours/"), "hours")
        assert {name: shown[name] for name in times} == times

    @pytest.mark.parametrize(
        ("data", "field", "words"),
        [
            ({"time_zone": "Warsaw"}, "time_zone", "'Warsaw' is no time zone."),
            ({"time_zone": "Etc/UTC", "day2_0": "17:00", "day2_1": "09:00"}, "day2_0", "It closes at 09:00"),
            ({"time_zone": "Etc/UTC", "day2_2": "09:00"}, "day2_0", "is no time of day"),
            ({"time_zone": "Etc/UTC", "holidays": "Christmas"}, "holidays", "'Christmas' is no date."),
        ],
    )
    def test_what_is_wrong(self, owner: Owner, data: dict[str, str], field: str, words: str) -> None:
        answer = owner.keep("hours/", **data)
        assert answer.status_code == 422
        assert words in answer.context["form"].errors[field][0]
        assert all(answer.context["form"][name].value() == value for name, value in data.items())
        assert owner.stored().time_zone == ""

    def test_how_it_stands_there_now(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        change_site(tenant, site.id, time_zone="Etc/UTC", hours=[[]] * 7)
        assert "the site is closed" in said(owner.get("hours/"))


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


class TestDelete:
    @pytest.fixture
    def second(self, owner: Owner, tenant: TenantRef) -> Owner:
        """Before another site, on which somebody wrote two lines."""
        made = create_site(tenant, name="Second", allowed_origins=[SHOP])
        with in_tenant(tenant):
            site = Site.objects.get(id=made.site_id)
        room_of(tenant, visitor(tenant, made.site_id), "one", "two")
        saw_tag(tenant, made.site_id, key=made.embed_key, origin=SHOP, page=SHOP)
        return Owner(tenant, site)

    def test_what_goes_is_said_first(self, second: Owner) -> None:
        words = said(second.get("delete/"))
        assert re.search(r"1 rooms 2 messages 1 visitors 0 files 0 reports", words)

    def test_all_of_it_goes_and_nothing_else(self, second: Owner, tenant: TenantRef, site: Site) -> None:
        room_of(tenant, visitor(tenant, site.id), "stays")
        assert second.post("delete/", sure="Second")["Location"] == "/sites/"
        with in_tenant(tenant):
            assert list(Site.objects.values_list("id", flat=True)) == [site.id]
            assert list(Message.objects.exclude(kind="system").values_list("text", flat=True)) == ["stays"]
            assert set(Visitor.objects.values_list("site_id", flat=True)) == {site.id}
            assert set(Room.objects.values_list("site_id", flat=True)) <= {site.id, None}
            assert not TagSeen.objects.exists()
        assert not EmbedKey.objects.filter(site_id=second.site.id, revoked_at=None).exists()

    def test_another_name_deletes_nothing(self, second: Owner) -> None:
        answer = second.post("delete/", sure="First")
        assert answer.status_code == 422
        assert "This is not the site's name." in said(answer).replace("&#x27;", "'")
        assert second.stored().name == "Second"

    def test_the_only_site_stays(self, owner: Owner, site: Site) -> None:
        answer = owner.post("delete/", sure=site.name)
        assert answer.status_code == 422
        assert "This is your only site." in said(answer)

    def test_what_went_is_written_down(self, second: Owner, tenant: TenantRef) -> None:
        second.post("delete/", sure="Second")
        entry = AuditEntry.objects.filter(tenant_id=tenant.id, act="site.deleted").get()
        assert (entry.thing_name, entry.by_name, entry.before["messages"]) == ("Second", "Olga", 2)


def test_each_change_is_written_down_setting_by_setting(owner: Owner, tenant: TenantRef) -> None:
    owner.keep("look/", **LOOK)
    entry = AuditEntry.objects.filter(tenant_id=tenant.id, act="site.changed").latest("id")
    assert entry.by_name == "Olga"
    assert entry.after["look.color"] == "#0B5FFF"
    assert "look.launcher" not in entry.after


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 200), (Role.AGENT, 403), (Role.VIEWER, 403)])
def test_who_may_not_manage_sites_reads_the_tag_only(tenant: TenantRef, site: Site, role: Role, status: int) -> None:
    user = make_user(f"{uuid4().hex}@role.example", "Rolf")
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    forget(tenant.id)
    person = Owner(tenant, site, user.email)
    assert person.get("install/").status_code == 200
    for path in ("", "look/", "texts/", "hours/", "access/", "delete/"):
        assert person.get(path).status_code == status


def test_a_site_of_another_tenant_is_not_there(tenant: TenantRef, make_tenant: MakeTenant) -> None:
    other = make_tenant()
    with in_tenant(other):
        theirs = Site.objects.get()
    person = Owner(tenant, theirs)
    for path in ("", "look/", "texts/", "hours/", "access/", "install/", "install/seen/", "delete/"):
        assert person.get(path).status_code == 404
    assert person.post("keys/rotate/", grace="now").status_code == 404
    assert person.post("access/allow/", origin=SHOP).status_code == 404
    with in_tenant(other):
        assert Site.objects.get().allowed_origins == []
