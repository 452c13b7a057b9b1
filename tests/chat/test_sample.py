"""Sample data: it comes and goes as a whole, nobody pays for it, and no visitor of the site sees it."""

from uuid import UUID

import pytest
from msgspec import UNSET

from billing.models import UsageEvent
from chat.models import Message, Notification, Reaction, Report, Room, Visitor
from chat.selectors import snapshot, summaries
from chat.selectors.rooms import community_rooms
from chat.selectors.sample import COMMUNITY_ROOM, sample_id, sample_of, sample_rooms
from chat.services.sample import load_sample, remove_sample
from saas.core.errors import Forbidden, ReadOnly
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, Role
from tenants.tokens import Principal
from tests.support.cast import MakeTenant
from tests.support.community import community, message_of, team_member
from tests.support.talk import visitor


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def owner(tenant: TenantRef) -> Principal:
    return team_member(tenant, Role.OWNER)


def everything(tenant: TenantRef) -> dict[str, int]:
    """How many rows of each kind the tenant has."""
    with in_tenant(tenant):
        return {kind.__name__: kind.objects.count() for kind in (Room, Visitor, Message, Reaction, Report, Notification)}


def porch(tenant: TenantRef) -> UUID:
    return sample_id(tenant.id, COMMUNITY_ROOM)


class TestLoading:
    def test_the_inbox_shows_it_newest_first(self, tenant: TenantRef, owner: Principal) -> None:
        loaded = load_sample(tenant, owner)
        assert (loaded.rooms, loaded.people, loaded.messages) == (4, 4, 14)
        with in_tenant(tenant):
            listed, _ = summaries(owner)
        said = [(room.title, room.status, room.last.text) for room in listed if room.last]
        assert said == [
            ("Mira (sample)", "open", "And how long would it take?"),
            ("Front porch (sample)", UNSET, "Half price in my own shop, write to me for the link"),
            ("Jonas (sample)", "open", "Got it, thank you."),
            ("Pilar (sample)", "resolved", "Robin (sample) resolved this"),
        ]
        assert listed[0].unread == 2

    def test_every_name_says_what_it_is(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        with in_tenant(tenant):
            names = [*Visitor.objects.values_list("name", flat=True), *Room.objects.values_list("title", flat=True)]
        assert names
        assert all(name.endswith("(sample)") for name in names)

    def test_rooms_read_like_any_other(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        with in_tenant(tenant):
            room = Room.objects.get(id=porch(tenant))
            rows = list(Message.objects.filter(room=room).order_by("seq"))
        assert [row.seq for row in rows] == list(range(1, room.last_seq + 1))
        assert [row.ts for row in rows] == sorted(row.ts for row in rows)
        assert room.last_at == rows[-1].ts
        assert room.people == 4
        assert room.pinned == [str(rows[1].id)]

    def test_there_is_a_report_to_settle(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        with in_tenant(tenant):
            report = Report.objects.select_related("message").get()
        assert (report.message.author_name, report.reporter_name, report.settled_at) == (
            "Deal Hunter (sample)",
            "Mira (sample)",
            None,
        )

    def test_twice_is_once(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        before = everything(tenant)
        load_sample(tenant, owner)
        assert everything(tenant) == before

    def test_nobody_pays_for_it_and_nobody_is_told(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        assert not UsageEvent.objects.filter(tenant_id=tenant.id).exists()
        assert everything(tenant)["Notification"] == 0

    def test_what_is_sent_into_it_counts(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        message_of(tenant, porch(tenant), owner, "Welcome")
        assert UsageEvent.objects.filter(tenant_id=tenant.id, meter="message").count() == 1

    def test_no_visitor_of_the_site_sees_it(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        own, who = community(tenant), visitor(tenant)
        with in_tenant(tenant):
            shown, _ = community_rooms(who)
        assert [room.id for room, _ in shown] == [own]


class TestRemoving:
    def test_nothing_of_it_is_left(self, tenant: TenantRef, owner: Principal) -> None:
        own = community(tenant)
        message_of(tenant, own, owner, "Ours stays")
        before = everything(tenant)
        load_sample(tenant, owner)
        message_of(tenant, porch(tenant), owner, "Written into it")
        with in_tenant(tenant):
            Room.objects.filter(id=porch(tenant)).update(title="Renamed")
        gone = remove_sample(tenant, owner)
        assert (gone.rooms, gone.people, gone.messages) == (4, 4, 15)
        assert everything(tenant) == before

    def test_what_people_were_told_of_it_goes_too(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        with in_tenant(tenant):
            for room in (*sample_rooms(tenant.id)[:1], owner.id):
                Notification.objects.create(recipient_id=owner.id, kind="x", title="x", url="/inbox/", room_id=room)
        remove_sample(tenant, owner)
        with in_tenant(tenant):
            assert list(Notification.objects.values_list("room_id", flat=True)) == [owner.id]

    def test_without_any_it_does_nothing(self, tenant: TenantRef, owner: Principal) -> None:
        assert not remove_sample(tenant, owner).is_loaded
        assert not AuditEntry.objects.filter(tenant_id=tenant.id, act="sample.removed").exists()

    def test_it_can_be_loaded_again(self, tenant: TenantRef, owner: Principal) -> None:
        load_sample(tenant, owner)
        first = everything(tenant)
        remove_sample(tenant, owner)
        load_sample(tenant, owner)
        assert everything(tenant) == first


def test_both_are_written_down(tenant: TenantRef, owner: Principal) -> None:
    load_sample(tenant, owner)
    remove_sample(tenant, owner)
    acts = AuditEntry.objects.filter(tenant_id=tenant.id, by_id=owner.id).order_by("id").values_list("act", flat=True)
    assert list(acts) == ["sample.loaded", "sample.removed"]


@pytest.mark.parametrize(("role", "error"), [(Role.AGENT, Forbidden), (Role.VIEWER, ReadOnly)])
def test_only_who_manages_rooms_may(tenant: TenantRef, role: Role, error: type[Exception]) -> None:
    who = team_member(tenant, role)
    for act in (load_sample, remove_sample):
        with pytest.raises(error):
            act(tenant, who)
    with in_tenant(tenant):
        assert not sample_of(tenant.id).is_loaded


def test_an_admin_may(tenant: TenantRef) -> None:
    assert load_sample(tenant, team_member(tenant, Role.ADMIN)).is_loaded


def test_other_tenants_have_their_own(tenant: TenantRef, owner: Principal, globex: TenantRef) -> None:
    load_sample(tenant, owner)
    with in_tenant(globex):
        assert not sample_of(globex.id).is_loaded
        assert not sample_of(tenant.id).is_loaded


def test_the_team_reads_it_like_any_room(tenant: TenantRef, owner: Principal) -> None:
    load_sample(tenant, owner)
    with in_tenant(tenant):
        page = snapshot(owner, porch(tenant)).messages
    assert [one.by.kind for one in page] == ["system", "visitor", "visitor", "visitor", "visitor"]
    assert {emoji: reacted.n for emoji, reacted in page[3].reactions.items()} == {"👍": 2}
