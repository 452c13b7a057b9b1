"""Each act of a moderator or admin leaves one line in the audit log, and what changes nothing leaves none."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from chat.models import Message, Report
from chat.services.identity import delete_identity_key, make_identity_key
from chat.services.invitations import invite, take_back
from chat.services.members import MemberChange, remove_member, set_member
from chat.services.moderation import pin, settle_report
from chat.services.rooms import RoomChange, archive_room, change_room, create_room
from chat.services.words import set_words
from saas.core.errors import AppError
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, Role
from tenants.tokens import Principal
from tests.support.community import community, member, message_of, moderator, team_member
from tests.support.talk import embed_key, visitor

SOON = timedelta(hours=1)


class Log:
    """What came into a tenant's log since this was made."""

    def __init__(self, tenant: TenantRef) -> None:
        self.rows = AuditEntry.objects.filter(tenant_id=tenant.id).order_by("id")
        self.before = set(self.rows.values_list("id", flat=True))

    def news(self) -> list[AuditEntry]:
        return list(self.rows.exclude(id__in=self.before))

    def one(self) -> AuditEntry:
        (entry,) = self.news()
        return entry


def words_in(entry: AuditEntry) -> set[str]:
    """Every word group that the entry keeps."""
    return {str(value) for value in (*entry.before.values(), *entry.after.values(), entry.thing_name)}


@pytest.fixture
def admin(acme: TenantRef) -> Principal:
    return team_member(acme, Role.ADMIN)


@pytest.fixture
def room(acme: TenantRef) -> UUID:
    return community(acme)


@pytest.fixture
def log(acme: TenantRef, admin: Principal, room: UUID) -> Callable[[], Log]:
    """Begins to look at acme's log."""
    return lambda: Log(acme)


def test_making_a_room(acme: TenantRef, admin: Principal, log: Callable[[], Log]) -> None:
    seen = log()
    made = create_room(acme, admin, kind="team", title="The kitchen")
    entry = seen.one()
    assert (entry.act, entry.by_id, entry.thing_kind, entry.thing_id) == ("room.created", admin.id, "room", str(made.id))
    assert entry.thing_name == "The kitchen"
    assert entry.after["kind"] == "team"


def test_changing_a_room_says_what_was_and_what_is(acme: TenantRef, admin: Principal, room: UUID, log: Callable[[], Log]) -> None:
    seen = log()
    change = RoomChange(title="Ask us", slow_seconds=5)
    change_room(acme, admin, room_id=room, change=change)
    entry = seen.one()
    assert (entry.act, entry.thing_name) == ("room.changed", "The shop's friends")
    assert entry.before == {"title": "The shop's friends", "slow_seconds": 0}
    assert entry.after == {"title": "Ask us", "slow_seconds": 5}
    change_room(acme, admin, room_id=room, change=change)
    assert len(seen.news()) == 1


def test_archiving_a_room_and_opening_it_again(acme: TenantRef, admin: Principal, room: UUID, log: Callable[[], Log]) -> None:
    seen = log()
    for archived in (True, True, False, False):
        archive_room(acme, admin, room_id=room, archived=archived)
    assert [entry.act for entry in seen.news()] == ["room.archived", "room.reopened"]


@pytest.mark.parametrize(
    ("change", "act", "field"),
    [
        (MemberChange(role="moderator"), "participant.appointed", "role"),
        (MemberChange(muted_until=timezone.now() + SOON), "participant.muted", "muted_until"),
        (MemberChange(banned_until=timezone.now() + SOON), "participant.banned", "banned_until"),
    ],
)
def test_changing_a_member(
    acme: TenantRef, admin: Principal, room: UUID, log: Callable[[], Log], change: MemberChange, act: str, field: str
) -> None:
    vic, seen = member(acme, room), log()
    set_member(acme, admin, room_id=room, person_id=vic.id, change=change)
    entry = seen.one()
    assert (entry.act, entry.thing_kind, entry.thing_id, entry.thing_name) == (act, "participant", str(vic.id), vic.name)
    assert set(entry.after) == {"room", field}
    assert entry.after["room"] == "The shop's friends"


@pytest.mark.parametrize(
    ("place", "change", "act"),
    [
        ({"role": "moderator"}, MemberChange(role="member"), "participant.dismissed"),
        ({"muted_until": timezone.now() + SOON}, MemberChange(muted_until=None), "participant.unmuted"),
        ({"banned_until": timezone.now() + SOON}, MemberChange(banned_until=None), "participant.unbanned"),
    ],
)
def test_taking_it_back(
    acme: TenantRef,
    admin: Principal,
    room: UUID,
    log: Callable[[], Log],
    place: dict[str, object],
    change: MemberChange,
    act: str,
) -> None:
    vic, seen = member(acme, room, **place), log()
    set_member(acme, admin, room_id=room, person_id=vic.id, change=change)
    assert seen.one().act == act


def test_a_visitor_who_moderates_is_named_too(acme: TenantRef, room: UUID, log: Callable[[], Log]) -> None:
    mod, vic, seen = moderator(acme, room), member(acme, room), log()
    set_member(acme, mod, room_id=room, person_id=vic.id, change=MemberChange(muted_until=timezone.now() + SOON))
    entry = seen.one()
    assert (entry.by_kind, entry.by_id, entry.by_name) == ("visitor", mod.id, mod.name)


@pytest.mark.parametrize("rule", ["open", "invited"])
def test_taking_somebody_into_a_room(acme: TenantRef, admin: Principal, rule: str) -> None:
    room, vic = community(acme, join_rule=rule), visitor(acme)
    seen = Log(acme)
    for _ in range(2):
        set_member(acme, admin, room_id=room, person_id=vic.id, change=MemberChange())
    entry = seen.one()
    assert (entry.act, entry.by_id, entry.thing_id, entry.thing_name) == ("participant.joined", admin.id, str(vic.id), vic.name)
    assert entry.after == {"room": "The shop's friends"}


def test_taking_in_is_written_down_before_what_comes_with_it(acme: TenantRef, admin: Principal, room: UUID) -> None:
    for change, acts in (
        (MemberChange(role="moderator"), ["participant.joined", "participant.appointed"]),
        (MemberChange(banned_until=timezone.now() + SOON), ["participant.banned"]),
    ):
        vic, seen = visitor(acme), Log(acme)
        set_member(acme, admin, room_id=room, person_id=vic.id, change=change)
        assert [entry.act for entry in seen.news()] == acts


def test_who_comes_by_themselves_is_no_admins_act(acme: TenantRef, room: UUID, log: Callable[[], Log]) -> None:
    seen = log()
    member(acme, room)
    assert seen.news() == []


def test_removing_somebody_once(acme: TenantRef, admin: Principal, room: UUID, log: Callable[[], Log]) -> None:
    vic, seen = member(acme, room), log()
    for _ in range(2):
        remove_member(acme, admin, room_id=room, person_id=vic.id)
    assert (seen.one().act, seen.one().before) == ("participant.removed", {"room": "The shop's friends"})


def test_pins(acme: TenantRef, admin: Principal, room: UUID, log: Callable[[], Log]) -> None:
    message = message_of(acme, room, member(acme, room))
    seen = log()
    for on in (True, True, False):
        pin(acme, admin, room_id=room, message_id=message, on=on)
    assert [(entry.act, entry.before, entry.after) for entry in seen.news()] == [
        ("message.pinned", {}, {"message": str(message)}),
        ("message.unpinned", {"message": str(message)}, {}),
    ]


def test_settling_a_report_counts_once(acme: TenantRef, admin: Principal, room: UUID, log: Callable[[], Log]) -> None:
    vic = member(acme, room)
    message = message_of(acme, room, vic, "buy this")
    with in_tenant(acme):
        about = {
            "message_id": message,
            "room_id": room,
            "reporter_kind": "agent",
            "reporter_id": admin.id,
            "reporter_name": "Ada",
        }
        report = Report.objects.create(**about, reason="spam")
        said = Message.objects.get(id=message)
    seen = log()
    for _ in range(2):
        settle_report(acme, admin, report_id=report.id)
    entry = seen.one()
    assert (entry.act, entry.thing_name) == ("report.settled", vic.name)
    assert (entry.before, entry.after) == ({}, {"room": "The shop's friends", "message": said.seq})
    assert not {"buy this", "spam"} & words_in(entry)


def test_invitations_are_named_without_their_code(acme: TenantRef, admin: Principal, room: UUID, log: Callable[[], Log]) -> None:
    seen = log()
    made = invite(acme, admin, room_id=room, expires_in=60, uses=3)
    take_back(acme, admin, room_id=room, invitation_id=made.id)
    first, second = seen.news()
    assert (first.act, first.after["uses"], second.act) == ("room_invitation.made", 3, "room_invitation.withdrawn")
    assert str(made.code) not in str([vars(first), vars(second)])


def test_words(make_tenant: Callable[..., TenantRef]) -> None:
    tenant = make_tenant()
    owner, site = team_member(tenant, Role.OWNER), embed_key(tenant).site_id
    seen = Log(tenant)
    set_words(tenant, owner, site, ["spam"])
    assert (seen.one().act, seen.one().before, seen.one().after) == ("words.changed", {"words": []}, {"words": ["spam"]})


def test_identity_keys_are_named_without_their_secret(make_tenant: Callable[..., TenantRef]) -> None:
    tenant = make_tenant()
    owner, site = team_member(tenant, Role.OWNER), embed_key(tenant).site_id
    seen = Log(tenant)
    key = make_identity_key(tenant, owner, site)
    delete_identity_key(tenant, owner, site, key.kid)
    first, second = seen.news()
    assert (first.act, first.after, second.act) == ("identity_key.added", {"key": key.kid}, "identity_key.removed")
    assert key.secret not in str([vars(first), vars(second)])


def test_what_is_refused_is_not_written_down(acme: TenantRef, room: UUID, log: Callable[[], Log]) -> None:
    viewer, vic = team_member(acme, Role.VIEWER), member(acme, room)
    seen = log()
    acts: list[Callable[[], object]] = [
        lambda: create_room(acme, viewer, kind="team", title="No"),
        lambda: change_room(acme, viewer, room_id=room, change=RoomChange(title="No")),
        lambda: remove_member(acme, viewer, room_id=room, person_id=vic.id),
    ]
    for act in acts:
        with pytest.raises(AppError):
            act()
    assert seen.news() == []
