"""Every module that registers a handler, a page or a source of things due: imported here so that it does."""

from billing.sandbox import (
    catalog,
    checkout,
    coupons,
    customers,
    events,
    front,
    invoice_calls,
    meters,
    payment_methods,
    preview,
    schedules,
    subscriptions,
    timeline,
)

PARTS = (
    catalog,
    checkout,
    coupons,
    customers,
    events,
    front,
    invoice_calls,
    meters,
    payment_methods,
    preview,
    schedules,
    subscriptions,
    timeline,
)
