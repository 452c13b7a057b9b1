"""A plan's terms as the rows of its versions keep them."""

from decimal import Decimal
from typing import Any

from billing.models import Meter, PlanVersion
from billing.plans import Allowance, Feature, Plan

Terms = dict[str, Any]


def terms(version: PlanVersion) -> Plan:
    """The plan as it was when this version was sold first."""
    known = dict(version.terms)
    meters = {Meter(name): Allowance(row["included"], Decimal(row["over"]), row["hard"]) for name, row in known["meters"].items()}
    return Plan(**known | {"meters": meters, "features": frozenset(Feature[name] for name in known["features"])})


def as_terms(plan: Plan) -> Terms:
    """The plan as JSON."""
    meters = {
        meter.value: {"included": one.included, "over": str(one.over), "hard": one.hard} for meter, one in plan.meters.items()
    }
    plain = {name: getattr(plan, name) for name in Plan.__dataclass_fields__}
    return plain | {"meters": meters, "features": sorted(feature.name for feature in plan.features)}
