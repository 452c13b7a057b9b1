"""The only door to Stripe. Nobody else imports its SDK; what comes out are records of `shapes` and errors of `errors`."""

from functools import cache

import stripe
from django.conf import settings

from billing.gateway.catalogue import Catalogue
from billing.gateway.customers import Customers
from billing.gateway.errors import NotConfigured
from billing.gateway.events import Events
from billing.gateway.invoices import Invoices
from billing.gateway.paying import Pages
from billing.gateway.schedules import Schedules
from billing.gateway.subscriptions import Subscriptions
from billing.gateway.usage import Usage

__all__ = ["API_VERSION", "Gateway", "gateway"]

API_VERSION = str(stripe.api_version)  # that the SDK speaks; webhook endpoints are made with the same


class Gateway(Catalogue, Customers, Pages, Subscriptions, Schedules, Invoices, Usage, Events):
    """Stripe, as far as we ask anything of it. Calls may raise any error of `errors`; those that mean something are named."""


def gateway() -> Gateway:
    """Stripe with this installation's key. Raises NotConfigured without one."""
    if not settings.STRIPE_SECRET_KEY:
        raise NotConfigured("Payment is not set up on this installation: it has no STRIPE_SECRET_KEY.")
    return _made(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@cache
def _made(key: str, api_base: str) -> Gateway:
    return Gateway(key, api_base)
