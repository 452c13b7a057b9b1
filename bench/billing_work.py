"""`python -m bench.billing_work TENANTS HOURS EACH`: freezes and drains usage; figures as JSON.

Run with the server's environment, and that of a running stand-in for Stripe. Tenants are rows only: nobody speaks in them.
"""

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.gateway import gateway
from billing.models import BillingAccount, Meter, StripeMeter, Subscription
from billing.periods import period_from
from billing.reporting.freeze import freeze
from billing.reporting.send import Drained, drain
from billing.selectors.staff.overview import overview
from billing.services.plans import version_of, write_plans
from tenants.models import Tenant

HOUR = timedelta(hours=1)
LONGEST = 900.0  # seconds for all batches
EVENTS = """
    INSERT INTO billing_usageevent (tenant_id, meter, source_id, quantity, occurred_at, recorded_at)
    SELECT t.id, 'message', uuidv7(moment - clock_timestamp() + (n * 2 || ' ms')::interval), 1, moment, moment
    FROM unnest(%s::uuid[]) AS t (id), generate_series(%s, %s - interval '1 hour', interval '1 hour') AS moment,
        generate_series(1, %s) AS n
"""


def work(tenants: int, hours: int, each: int) -> dict[str, Any]:
    """All figures."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    customers = _seed(tenants, end - hours * HOUR)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [list(customers), end - hours * HOUR, end, each])
    freezing, _ = _timed(lambda: freeze(end))
    idle, _ = _timed(lambda: freeze(end))
    cpu = time.process_time()
    draining, drained = _timed(lambda: asyncio.run(_drained()))
    cpu = time.process_time() - cpu
    if drained.failed or drained.sent != tenants * hours:
        raise RuntimeError(f"not all was sent: {drained}")
    with CaptureQueriesContext(connection) as queries:
        overview()
    found = {
        "batches": drained.sent,
        "freeze_seconds": freezing,
        "idle_freeze_seconds": idle,
        "drain_seconds": draining,
        "sender_cpu_seconds": cpu,
        "wrong": _wrong(customers.values(), end, hours, hours * each),
        "overview_ms": median(_timed(overview)[0] for _ in range(9)) * 1000,
        "overview_queries": len(queries),
    }
    Tenant.objects.filter(id__in=customers).update(status=Tenant.Status.CLOSED)  # as they have no schema
    return found


def _seed(count: int, since: datetime) -> dict[Any, str]:
    """Tenants that pay, and the ids of their customers at Stripe, by tenant."""
    write_plans()
    meter = gateway().create_meter(event_name="porchlight_message", display_name="Messages", key="bench")
    StripeMeter.objects.create(meter=Meter.MESSAGE, event_name=meter.event_name, stripe_meter_id=meter.id)
    made = [Tenant(slug=f"payer-{n}", name=f"Payer {n}", schema_name=f"t_payer_{n}") for n in range(count)]
    Tenant.objects.bulk_create(made, batch_size=500)
    client = gateway().stripe.v1
    customers = {tenant.id: client.customers.create({"name": tenant.name}).id for tenant in made}
    BillingAccount.objects.bulk_create(
        [BillingAccount(tenant=tenant, stripe_customer_id=customers[tenant.id], created_at=since) for tenant in made],
        batch_size=500,
    )
    period = period_from(since, datetime.now(UTC))
    times = {"period_start": period.start, "period_end": period.end, "seat_period_start": period.start}
    times |= {"seat_period_end": period.end, "anchor": since, "created_at": since, "fetched_at": since}
    plan = {"plan": version_of("team"), "interval": "month", "seats": 5, "status": "active"}
    rows = [Subscription(account_id=tenant.id, stripe_id=f"sub_{tenant.id.hex}", **times, **plan) for tenant in made]
    Subscription.objects.bulk_create(rows, batch_size=500)
    return customers


async def _drained() -> Drained:
    try:
        return await drain(LONGEST)
    finally:
        await gateway().a_close()


def _wrong(customers: Any, end: datetime, hours: int, expected: int) -> int:
    """How many tenants have another sum at Stripe."""
    meter = StripeMeter.objects.get().stripe_meter_id
    asked: dict[str, Any] = {"meter_id": meter, "start": end - hours * HOUR, "end": end, "window": "hour"}
    sums = [sum(row.value for row in gateway().summaries(customer=customer, **asked)) for customer in customers]
    return sum(1 for found in sums if found != expected)


def _timed(act: Any) -> tuple[float, Any]:
    """Seconds, and what it answered."""
    began = time.perf_counter()
    answer = act()
    return time.perf_counter() - began, answer


if __name__ == "__main__":
    print(json.dumps(work(*map(int, sys.argv[1:]))))
