"""The pages of sites as a whole: the list, a new one, names and keys, taking settings over, deleting; and who may open them."""

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from billing.plans import FREE
from chat.models import Message, Room, Site, TagSeen, Visitor
from chat.selectors.embed_keys import keys_of
from chat.services import site_deletion
from chat.services.embed_keys import bring_back, end_all_keys, rotate_key
from chat.services.site_deletion import delete_site
from chat.services.sites import change_site, copy_settings, create_site
from chat.services.tags import saw_tag
from saas.core.errors import BadFrame, Conflict
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, EmbedKey, Membership, Role
from tenants.resolve import forget
from tests.support.cast import MakeTenant, make_user
from tests.support.order import at_once
from tests.support.site_pages import SHOP, Owner, fields, said
from tests.support.talk import embed_key, room_of, visitor
from tests.support.web import Page


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


class TestAFullPlan:
    @pytest.fixture
    def usual_plan(self) -> str:
        return FREE.key

    def test_it_says_so_before_one_tries_and_after(self, owner: Owner) -> None:
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
        opened = fields(owner.get())
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
        opened = fields(owner.get())
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


class TestFormsOfOnePage:
    """A page with several forms also stands at the address of the one that was refused."""

    @pytest.fixture
    def others(self, tenant: TenantRef) -> str:
        return str(create_site(tenant, name="Source").site_id)

    @pytest.mark.parametrize(
        ("refused", "sent", "field", "kept", "goes"),
        [
            ("access/strict/", {"strict": "on"}, "allowed_origins", SHOP, "access/"),
            ("look/logo/", {}, "color", "#112233", "look/"),
            ("copy/", {}, "name", "Mine", ""),
            ("keys/rotate/", {"grace": "never"}, "name", "Mine", ""),
        ],
    )
    def test_each_goes_where_it_belongs_after_another_was_refused(
        self, owner: Owner, others: str, refused: str, sent: dict[str, str], field: str, kept: str, goes: str
    ) -> None:
        page = owner.post(refused, source=others, **sent)
        assert page.status_code == 422
        goal = sends_to(page, field)
        assert goal == f"/sites/{owner.site.id}/{goes}"
        shown = fields(page)
        assert owner.browser.post(f"{owner.host}{goal}", {**shown, field: kept})["Location"] == goal
        assert fields(owner.get(goes))[field] == kept


def sends_to(page: Page, field: str) -> str | None:
    """Where the form with this field sends it, if it says so."""
    found = re.search(rf'<form(?=[^>]*action="([^"]*)")[^>]*>(?:(?!</form>).)*name="{field}"', page.content.decode(), re.DOTALL)
    return found and found[1]


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
        answer = owner.post("copy/", source=str(stranger), parts=["look"])
        assert answer.status_code == 422
        assert "The site that you chose is gone meanwhile. Choose one of these." in said(answer)
        assert str(stranger) not in answer.content.decode(), "an id says nothing to anybody"

    @pytest.mark.parametrize("parts", [[], ["everything"]])
    def test_the_service_refuses_what_is_no_part(self, tenant: TenantRef, site: Site, source: UUID, parts: list[str]) -> None:
        with pytest.raises(BadFrame) as refused:
            copy_settings(tenant, site.id, source_id=source, parts=parts)
        assert refused.value.field == "parts"


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
        assert re.search(r"1 room 2 messages 1 visitor 0 files 0 reports", words)

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
        assert "This is not the site's name." in said(answer)
        assert second.stored().name == "Second"

    def test_the_only_site_stays(self, owner: Owner, site: Site) -> None:
        answer = owner.post("delete/", sure=site.name)
        assert answer.status_code == 422
        assert "This is your only site." in said(answer)

    def test_of_the_last_two_one_stays_and_its_key_works(self, second: Owner, tenant: TenantRef, site: Site) -> None:
        def deletes(one: Site) -> Callable[[], object]:
            return lambda: delete_site(tenant, one.id, sure=one.name)

        said = at_once([deletes(site), deletes(second.site)])
        assert [type(one) for one in said if isinstance(one, Exception)] == [Conflict]
        with in_tenant(tenant):
            left = Site.objects.get()
        assert [key.is_live for key in keys_of(tenant, left.id)] == [True]
        assert AuditEntry.objects.filter(tenant_id=tenant.id, act="site.deleted").count() == 1

    def test_keys_work_as_before_if_the_rest_fails(
        self, second: Owner, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rotate_key(tenant, second.site.id, grace="week")
        before = keys_of(tenant, second.site.id)

        def fails(*_: object) -> None:
            raise OperationalError("the database is away")

        monkeypatch.setattr(site_deletion, "_delete", fails)
        with pytest.raises(OperationalError):
            delete_site(tenant, second.site.id, sure="Second")
        assert keys_of(tenant, second.site.id) == before
        assert second.stored().name == "Second"

    def test_a_key_that_was_made_meanwhile_stays_the_only_one(self, second: Owner, tenant: TenantRef) -> None:
        with transaction.atomic():
            ended = end_all_keys(tenant, second.site.id)
        made = rotate_key(tenant, second.site.id, grace="now")
        bring_back(tenant, second.site.id, ended)
        assert [key.key for key in keys_of(tenant, second.site.id) if key.is_live] == [made]

    def test_what_went_is_written_down(self, second: Owner, tenant: TenantRef) -> None:
        second.post("delete/", sure="Second")
        entry = AuditEntry.objects.filter(tenant_id=tenant.id, act="site.deleted").get()
        assert (entry.thing_name, entry.by_name, entry.before["messages"]) == ("Second", "Olga", 2)


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
