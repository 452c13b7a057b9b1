"""Plans as rows: the table of `billing/plans.py`, copied. What somebody has never changes."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction

from billing.clock import now
from billing.models import PlanPrice, PlanVersion
from billing.plans import PLANS, Plan
from billing.terms import Terms, as_terms
from saas.core.errors import Conflict, NotFound

ONE_AT_A_TIME: Final = 0x706C616E  # advisory lock


class PlanInUse(Conflict):
    """A plan was edited that somebody has. The message names plan, field, both values and the way out."""


def version_of(key: str) -> PlanVersion:
    """The version of a plan that is sold now. Raises NotFound."""
    version = PlanVersion.objects.filter(key=key, is_current=True).first()
    if version is None:
        raise NotFound(f"There is no plan {key!r} on sale. Run manage.py sync_plans if it is in billing/plans.py.")
    return version


def use(version: PlanVersion) -> None:
    """From now on somebody has it: it never changes again. Using it once more changes nothing."""
    PlanVersion.objects.filter(id=version.id, used_since=None).update(used_since=now())


def changed_plans() -> list[str]:
    """What is another in the tables than in `billing/plans.py`, in words."""
    return [f"plan {plan.key} {plan.version}: {names}" for plan in PLANS if (names := ", ".join(_changed(plan)))]


def write_plans() -> None:
    """The rows of all plans and their prices as `billing/plans.py` has them; what is no longer there is not sold any more.

    Raises PlanInUse, and then nothing is changed.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
        written = [_written(plan).id for plan in PLANS]
        PlanVersion.objects.exclude(id__in=written).update(is_current=False)
        PlanVersion.objects.filter(id__in=written).update(is_current=True)


def _changed(plan: Plan) -> list[str]:
    version = PlanVersion.objects.filter(key=plan.key, version=plan.version).first()
    return ["new"] if version is None else [name for name, _, _ in _differences(version, plan)]


def _differences(version: PlanVersion, plan: Plan) -> list[tuple[str, Any, Any]]:
    """Field, the row's value, the table's."""
    before, after = _flat(version.terms), _flat(as_terms(plan))
    names = dict.fromkeys([*after, *before])
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _flat(values: Terms, prefix: str = "") -> Terms:
    """Without nesting: `meters.message.included`."""
    flat: Terms = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _written(plan: Plan) -> PlanVersion:
    """The row of a plan's version, brought up to date unless somebody has it."""
    fresh = {"terms": as_terms(plan), "is_current": False}
    version, _ = PlanVersion.objects.select_for_update().get_or_create(key=plan.key, version=plan.version, defaults=fresh)
    for name, before, after in _differences(version, plan):
        if version.used_since is not None:
            raise PlanInUse(_refusal(plan, name, before, after))
    version.terms = as_terms(plan)
    version.save(update_fields=["terms"])
    for wanted in _prices(plan):
        _write_price(version, wanted)
    return version


def _write_price(version: PlanVersion, wanted: PlanPrice) -> None:
    """A price whose amounts are others than before is another one in Stripe."""
    wanted.plan = version
    before = PlanPrice.objects.filter(lookup_key=wanted.lookup_key).first()
    if before is None:
        wanted.save(force_insert=True)
    elif _amounts(before) != _amounts(wanted):
        PlanPrice.objects.filter(id=before.id).update(stripe_price_id=None, **_amounts(wanted))


def _amounts(price: PlanPrice) -> dict[str, Any]:
    return {name: getattr(price, name) for name in ("interval", "meter", "currency", "unit_amount", "included")}


def _prices(plan: Plan) -> Iterator[PlanPrice]:
    """What is paid for a plan: a seat by the month or the year, and what each meter counts beyond its allowance, by the month."""
    if plan.is_free:
        return
    seats = {"month": plan.seat, "year": plan.seat_year}
    for interval, amount in seats.items():
        yield _price(plan, f"seat-{interval}", kind="seat", interval=interval, unit_amount=Decimal(amount))
    for meter, allowance in plan.meters.items():
        metered = {"kind": "meter", "meter": meter.value, "included": allowance.included, "unit_amount": allowance.over}
        yield _price(plan, meter.value, interval="month", **metered)


def _price(plan: Plan, name: str, **values: Any) -> PlanPrice:
    return PlanPrice(lookup_key=f"porchlight-{plan.key}-{plan.version}-{name}", currency=plan.currency, **values)


def _refusal(plan: Plan, name: str, before: Any, after: Any) -> str:
    return (
        f"Plan {plan.key}, version {plan.version}, is in use, and its terms never change: {name} is {before!r} for those who have"
        f" it, and {after!r} in billing/plans.py. Take that back, or give the plan version {plan.version + 1}."
    )
