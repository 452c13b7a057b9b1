"""Usage is written in the transaction of its cause, once per source, for the tenant whose role is in force."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DataError, ProgrammingError, connection, transaction
from django.utils import timezone

from billing.metering import record
from billing.models import Meter, UsageEvent
from chat.models import Message
from chat.realtime.append import append_sync
from saas.core.ids import uuid7
from tenants.context import TenantRef, in_tenant, run_in_tenant, run_on_platform
from tests.support import talk
from tests.support.journals import a_journal, in_room, row
from tests.support.shop import Shop
from tests.support.usage import id_at

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_each_source_counts_once(acme: TenantRef) -> None:
    sources = [uuid7(), uuid7()]
    with in_tenant(acme):
        record(Meter.MESSAGE, sources, occurred_at=NOON)
        record(Meter.MESSAGE, [*sources, sources[0]], occurred_at=NOON)
    events = UsageEvent.objects.filter(source_id__in=sources)
    assert sorted(event.source_id for event in events) == sorted(sources)
    assert {(event.tenant_id, event.meter, event.quantity, event.occurred_at) for event in events} == {
        (acme.id, "message", 1, NOON)
    }


def test_the_same_source_of_another_tenant_counts_too(acme: TenantRef, globex: TenantRef) -> None:
    source = uuid7()
    for tenant in (acme, globex):
        with in_tenant(tenant):
            record(Meter.MESSAGE, [source], occurred_at=NOON)
    assert set(UsageEvent.objects.filter(source_id=source).values_list("tenant_id", flat=True)) == {acme.id, globex.id}


def test_a_rolled_back_cause_is_not_counted(acme: TenantRef) -> None:
    source = uuid7()
    with in_tenant(acme), transaction.atomic():
        record(Meter.MESSAGE, [source], occurred_at=NOON)
        transaction.set_rollback(True)
    assert not UsageEvent.objects.filter(source_id=source).exists()


def test_nobody_records_outside_of_a_tenant() -> None:
    with pytest.raises(ProgrammingError, match="porch_platform is not the role of a tenant"):
        record(Meter.MESSAGE, [uuid7()], occurred_at=NOON)


def test_a_tenant_cannot_record_for_another(acme: TenantRef, globex: TenantRef) -> None:
    source = uuid7()
    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('porch.tenant', %s, false)", [str(globex.id)])  # no setting of its own is believed
        record(Meter.MESSAGE, [source], occurred_at=NOON)
    assert UsageEvent.objects.get(source_id=source).tenant_id == acme.id


@pytest.mark.parametrize("source", [uuid4(), UUID(int=0), UUID(int=2**128 - 1)])
def test_a_source_that_is_no_uuid7_is_refused_by_name(acme: TenantRef, source: UUID) -> None:
    with in_tenant(acme), pytest.raises(DataError, match=f"{source} is not the UUIDv7 of something that has happened"):
        record(Meter.MESSAGE, [uuid7(), source], occurred_at=NOON)


@pytest.mark.parametrize(("ahead", "counts"), [(timedelta(minutes=4), True), (timedelta(minutes=6), False)])
def test_a_clock_may_be_five_minutes_ahead_and_no_more(acme: TenantRef, ahead: timedelta, counts: bool) -> None:
    source = id_at(timezone.now() + ahead)
    with in_tenant(acme):
        if counts:
            record(Meter.MESSAGE, [source], occurred_at=NOON)
        else:
            with pytest.raises(DataError, match=str(source)):
                record(Meter.MESSAGE, [source], occurred_at=NOON)
    assert UsageEvent.objects.filter(source_id=source).exists() is counts


@pytest.mark.parametrize("fails", [False, True])
def test_a_message_and_its_usage_row_commit_together(shop: Shop, fails: bool) -> None:
    """Acceptance check 1."""
    vic = talk.visitor(shop.tenant)
    one = row(talk.room_of(shop.tenant, vic), vic, "hello")
    try:
        with in_tenant(shop.tenant), transaction.atomic():
            source = append_sync([one])[0].id
            if fails:
                raise ConnectionResetError
    except ConnectionResetError:
        pass
    with in_tenant(shop.tenant):
        stored = list(Message.objects.filter(cid=one.cid).values_list("id", flat=True))
    counted = list(UsageEvent.objects.filter(tenant_id=shop.tenant.id).values_list("source_id", flat=True))
    assert stored == counted == ([] if fails else [source])


async def test_the_same_cid_five_times_at_once_is_one_message_and_one_usage_row(shop: Shop) -> None:
    """Acceptance check 2."""
    vic = await shop.visitor()
    one = row(await in_room(shop.tenant, vic), vic, "hello")
    async with a_journal() as first, a_journal() as second:  # two processes
        said = await asyncio.gather(*(journal.put(shop.tenant, one) for journal in (first, second, first, second, first)))
    assert len({appended.id for appended in said}) == 1
    assert sorted(appended.outcome for appended in said) == ["again"] * 4 + ["stored"]
    assert await run_in_tenant(shop.tenant, lambda: Message.objects.filter(cid=one.cid).count()) == 1
    assert await run_on_platform(lambda: UsageEvent.objects.filter(tenant_id=shop.tenant.id).count()) == 1


@pytest.mark.parametrize(("who", "counts"), [("visitor", True), ("owner", True), ("nobody", False)])
def test_whose_messages_count(shop: Shop, who: str, counts: bool) -> None:
    """What a person says does; a line of the room itself, as of who took it, does not."""
    vic = talk.visitor(shop.tenant)
    room = talk.room_of(shop.tenant, vic)
    talk.say(shop.tenant, room, {"visitor": vic, "owner": shop.owner, "nobody": None}[who], "hello")
    assert UsageEvent.objects.filter(tenant_id=shop.tenant.id).count() == int(counts)
