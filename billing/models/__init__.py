"""Usage, plans, and money. All of it lives in the `public` schema and outlives a tenant's."""

from billing.models.accounts import (
    BillingAccount,
    BillingContact,
    Currency,
    SeatEntry,
    Subscription,
    SubscriptionItem,
    UsageAlert,
)
from billing.models.acts import AccessTransition, Adjustment, BillingAudit, FactorRemoval, PlanMove, SupportVisit
from billing.models.base import Owned
from billing.models.plans import PlanPrice, PlanVersion
from billing.models.reports import Difference, MeterPosition, MeterReport, ReconciliationRun, ReportingRun
from billing.models.stripe import Invoice, InvoiceLine, StripeCommand, StripeEvent
from billing.models.usage import ActiveVisitor, Meter, StorageSample, StripeMeter, UsageDay, UsageEvent

__all__ = [
    "AccessTransition",
    "ActiveVisitor",
    "Adjustment",
    "BillingAccount",
    "BillingAudit",
    "BillingContact",
    "Currency",
    "Difference",
    "FactorRemoval",
    "Invoice",
    "InvoiceLine",
    "Meter",
    "MeterPosition",
    "MeterReport",
    "Owned",
    "PlanMove",
    "PlanPrice",
    "PlanVersion",
    "ReconciliationRun",
    "ReportingRun",
    "SeatEntry",
    "StorageSample",
    "StripeCommand",
    "StripeEvent",
    "StripeMeter",
    "Subscription",
    "SubscriptionItem",
    "SupportVisit",
    "UsageAlert",
    "UsageDay",
    "UsageEvent",
]
