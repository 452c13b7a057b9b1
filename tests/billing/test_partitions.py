"""Partitions of usage: there are some for months to come, what is old goes, and nothing that is kept is lost on the way."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import ProgrammingError, connection
from django.utils import timezone

from billing.jobs.usage import keep_usage_partitions
from billing.models import UsageEvent
from billing.periods import period_from
from billing.services.partitions import drop_old, make_ahead
from tenants.context import TenantRef, in_tenant, run_on_platform
from tests.support.usage import use

FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'public.billing_usageevent'::regclass")
        return {name.removeprefix("public.").removeprefix("billing_usageevent_") for (name,) in cursor.fetchall()}


def lies_in(source: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM public.billing_usageevent WHERE source_id = %s", [source])
        return str(cursor.fetchone()[0]).removeprefix("public.").removeprefix("billing_usageevent_")


def month(moment: datetime) -> str:
    return f"{moment:%Y_%m}"


def months_before(moment: datetime, steps: int) -> datetime:
    for _ in range(steps):
        moment = period_from(FIRST, period_from(FIRST, moment).start - timedelta(seconds=1)).start
    return moment


def remove(superuser: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    superuser.execute(f"DROP TABLE public.billing_usageevent_{name}")


def test_each_event_lies_in_the_partition_of_its_month(acme: TenantRef) -> None:
    now = timezone.now()
    source, old = use(acme, now, datetime(2021, 5, 5, tzinfo=UTC))
    assert (lies_in(source), lies_in(old)) == (month(now), "other")


def test_there_are_partitions_for_a_year_to_come() -> None:
    make_ahead()
    ahead = timezone.now() + timedelta(days=360)
    assert {month(timezone.now()), month(ahead)} <= partitions()
    assert make_ahead() == 0


def test_what_came_before_its_partition_moves_into_it(acme: TenantRef, superuser: psycopg.Connection[tuple[object, ...]]) -> None:
    make_ahead()
    before = months_before(timezone.now(), 1)
    remove(superuser, month(before))
    source = use(acme, before + timedelta(days=3))[0]
    assert lies_in(source) == "other"
    assert make_ahead() == 1
    assert lies_in(source) == month(before)
    assert use(acme, before + timedelta(days=4))  # and it takes more


async def test_the_job_makes_what_is_missing_and_drops_what_is_old(
    acme: TenantRef, superuser: psycopg.Connection[tuple[object, ...]]
) -> None:
    now = timezone.now()
    old, kept = months_before(now, 20), months_before(now, 17)
    for moment in (old, kept):
        await run_on_platform(attach, superuser, moment)
    gone, stays = await run_on_platform(use, acme, old + timedelta(days=1), kept + timedelta(days=1))
    await keep_usage_partitions(timestamp=0)
    found = await run_on_platform(partitions)
    assert month(old) not in found
    assert month(kept) in found
    left = await run_on_platform(
        lambda: set(UsageEvent.objects.filter(source_id__in=[gone, stays]).values_list("source_id", flat=True))
    )
    assert left == {stays}
    assert await run_on_platform(drop_old) == 0


def attach(superuser: psycopg.Connection[tuple[object, ...]], moment: datetime) -> None:
    """A partition of a month that is past, as it was made in its time."""
    period, name = period_from(FIRST, moment), f"public.billing_usageevent_{month(moment)}"
    bounds = f"('{low(period.start)}') TO ('{low(period.end)}')"
    superuser.execute(f"CREATE TABLE {name} PARTITION OF public.billing_usageevent FOR VALUES FROM {bounds}")
    superuser.execute(f"ALTER TABLE {name} OWNER TO porch_owner")


def low(moment: datetime) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.uuid7_floor(%s)", [moment])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("statement", ["DELETE FROM public.{}", "UPDATE public.{} SET quantity = 2", "TRUNCATE public.{}"])
@pytest.mark.parametrize("table", ["", "_other", "_{this_month}"])
def test_what_was_counted_stays_counted(acme: TenantRef, statement: str, table: str) -> None:
    source = use(acme, now := timezone.now())[0]
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
        cursor.execute(statement.format(f"billing_usageevent{table.format(this_month=month(now))}"))
    assert UsageEvent.objects.filter(source_id=source).exists()


def test_a_tenant_reads_no_usage_and_makes_no_partitions(acme: TenantRef) -> None:
    for statement in ("SELECT FROM public.billing_usageevent", "SELECT public.make_usage_partitions(1)"):
        with in_tenant(acme), connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute(statement)
