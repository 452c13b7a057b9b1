"""Messages are kept as long as the plan says, and no longer; with them goes whatever repeats their words."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from billing.models import PlanMove, Subscription
from billing.selectors.retention import kept_since
from billing.services.comps import give_key
from chat.jobs import delete_old_messages
from chat.models import Message, Notification, Reaction, Room
from chat.selectors.messages import history, snapshot
from chat.services import retention
from chat.services.retention import delete_notices, delete_older
from saas.core.ids import uuid7_floor
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.models import Tenant
from tests.support.cast import MakeTenant
from tests.support.talk import room_of, say, visitor

DAY = timedelta(days=1)


@pytest.fixture
def usual_plan() -> str:
    return "free"


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    """On Free, which keeps 90 days."""
    return make_tenant()


def age(tenant: TenantRef, room: UUID, seq: int, days: float) -> UUID:
    """Make a line of the room so old. Its id says when it was made."""
    moment = datetime.now(UTC) - days * DAY
    made = UUID(int=uuid7_floor(moment).int | (7 << 76) | (uuid4().int & ((1 << 74) - 1)) | (2 << 62))
    with in_tenant(tenant):
        Message.objects.filter(room_id=room, seq=seq).update(id=made, ts=moment)
        if seq == Room.objects.get(id=room).last_seq:
            Room.objects.filter(id=room).update(last_at=moment)
    return made


def cutoff(tenant: TenantRef) -> datetime:
    found = kept_since(tenant.id)
    assert found
    return found


class TestOldMessages:
    def test_what_is_older_goes_and_what_is_not_stays(self, tenant: TenantRef) -> None:
        who = visitor(tenant)
        room = room_of(tenant, who, "old", "young", "new")
        age(tenant, room, 1, 91)
        age(tenant, room, 2, 89)
        limit = cutoff(tenant)
        with in_tenant(tenant):
            assert delete_older(limit) == 1
            assert delete_older(limit) == 0
            messages, more = history(who, room, before=10)
        assert ([(one.seq, one.text) for one in messages], more) == ([(2, "young"), (3, "new")], False)

    def test_in_small_steps(self, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "STEP", 2)
        room = room_of(tenant, visitor(tenant), *"abcde")
        for seq in range(1, 6):
            age(tenant, room, seq, 100 + seq)
        limit = cutoff(tenant)
        with in_tenant(tenant):
            assert [delete_older(limit) for _ in range(4)] == [2, 2, 1, 0]

    def test_whoever_comes_back_with_a_view_of_before_begins_anew(self, tenant: TenantRef) -> None:
        who = visitor(tenant)
        room = room_of(tenant, who, "old", "new")
        with in_tenant(tenant):
            before = Room.objects.get(id=room).epoch
        age(tenant, room, 1, 100)
        limit = cutoff(tenant)
        with in_tenant(tenant):
            assert snapshot(who, room, epoch=before, after=2).resumed
            delete_older(limit)
            seen = snapshot(who, room, epoch=before, after=2)
        assert (seen.resumed, seen.head, [one.text for one in seen.messages]) == (False, 2, ["new"])
        assert seen.epoch != before

    def test_a_room_begins_anew_once_with_the_last_of_them(self, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever shows it comes back for that."""
        monkeypatch.setattr(retention, "STEP", 2)
        rooms = [room_of(tenant, visitor(tenant), *texts) for texts in ("abcd", "ab")]
        for days, (room, seq) in enumerate(((1, 2), (1, 1), (0, 3), (0, 2), (0, 1)), 100):
            age(tenant, rooms[room], seq, days)
        limit = cutoff(tenant)
        with in_tenant(tenant):
            epochs = [dict(Room.objects.values_list("id", "epoch"))]
            while delete_older(limit):
                epochs.append(dict(Room.objects.values_list("id", "epoch")))
        assert [[before[room] != after[room] for before, after in pairwise(epochs)] for room in rooms] == [
            [False, True, False],
            [False, False, True],  # nothing is left in it
        ]

    def test_a_room_that_lost_nothing_goes_on(self, tenant: TenantRef) -> None:
        who = visitor(tenant)
        rooms = [room_of(tenant, who, "old"), room_of(tenant, who, "new")]
        age(tenant, rooms[0], 1, 100)
        with in_tenant(tenant):
            before = dict(Room.objects.values_list("id", "epoch"))
        limit = cutoff(tenant)
        with in_tenant(tenant):
            delete_older(limit)
            after = dict(Room.objects.values_list("id", "epoch"))
        assert [before[room] == after[room] for room in rooms] == [False, True]

    def test_no_copy_of_the_words_stays(self, tenant: TenantRef) -> None:
        room = room_of(tenant, visitor(tenant), "my secret")
        message = age(tenant, room, 1, 100)
        old = datetime.now(UTC) - 100 * DAY
        with in_tenant(tenant):
            Reaction.objects.create(message_id=message, person_id=uuid4(), emoji="x")
            Room.objects.filter(id=room).update(pinned=[str(message)])
            told = {"kind": "message", "title": "Vic", "body": "my secret", "url": "/inbox/", "recipient_id": uuid4()}
            Notification.objects.create(created_at=old, **told)
        limit = cutoff(tenant)
        with in_tenant(tenant):
            delete_older(limit)
            delete_notices(limit)
            left = Room.objects.get(id=room)
            assert (left.last_text, left.last_by, left.pinned, left.last_seq) == ("", "", [], 1)
            assert not Reaction.objects.exists()
            assert not Notification.objects.filter(body="my secret").exists()

    def test_the_next_message_takes_the_next_number(self, tenant: TenantRef) -> None:
        who = visitor(tenant)
        room = room_of(tenant, who, "one", "two")
        for seq in (1, 2):
            age(tenant, room, seq, 100)
        limit = cutoff(tenant)
        with in_tenant(tenant):
            delete_older(limit)
        say(tenant, room, who, "three")
        with in_tenant(tenant):
            assert list(Message.objects.filter(room_id=room).values_list("seq", "text")) == [(3, "three")]


class TestHowLong:
    def test_by_the_plan(self, make_tenant: MakeTenant) -> None:
        kept = {}
        for key in ("free", "team", "business"):
            tenant = make_tenant()
            if key != "free":
                give_key(tenant.id, key, seats=3)
            since = kept_since(tenant.id)
            kept[key] = since and round((datetime.now(UTC) - since) / DAY)
        assert kept == {"free": 90, "team": 730, "business": None}

    def test_whoever_leaves_a_plan_has_30_days_more(self, tenant: TenantRef) -> None:
        give_key(tenant.id, "team", seats=1)
        ended = datetime.now(UTC) - 29 * DAY
        Subscription.for_tenant(tenant.id).update(status="canceled", ended_at=ended)
        assert round((datetime.now(UTC) - cutoff(tenant)) / DAY) == 730
        Subscription.for_tenant(tenant.id).update(ended_at=ended - 2 * DAY)
        assert round((datetime.now(UTC) - cutoff(tenant)) / DAY) == 90

    def test_whoever_goes_to_a_smaller_plan_has_them_too(self, tenant: TenantRef) -> None:
        moved = {"kind": "contraction", "currency": "usd", "before": 2, "after": 1}
        PlanMove.objects.create(account_id=tenant.id, at=datetime.now(UTC) - 29 * DAY, **moved)
        assert kept_since(tenant.id) is None

    async def test_the_job_leaves_a_suspended_tenant_as_it_is(self, make_tenant: MakeTenant) -> None:
        active, suspended = await run_on_platform(make_tenant), await run_on_platform(make_tenant)
        rooms = [await run_on_platform(_old_room, one) for one in (active, suspended)]
        await run_on_platform(Tenant.objects.filter(id=suspended.id).update, status="suspended")
        await delete_old_messages.func(timestamp=0)
        assert [await run_on_platform(_texts, *pair) for pair in zip((active, suspended), rooms, strict=True)] == [[], ["old"]]


def _old_room(tenant: TenantRef) -> UUID:
    room = room_of(tenant, visitor(tenant), "old")
    age(tenant, room, 1, 100)
    return room


def _texts(tenant: TenantRef, room: UUID) -> list[str]:
    with in_tenant(tenant):
        return list(Message.objects.filter(room_id=room).values_list("text", flat=True))
