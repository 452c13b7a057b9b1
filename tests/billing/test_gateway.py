"""The gateway by the real SDK over HTTP: what goes out is what the SDK's own types promise, what comes back are plain records."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import stripe
from pytest_django import Settings

import billing.gateway
from billing.gateway import API_VERSION, Gateway, gateway, shapes
from billing.gateway.errors import (
    AlreadyReported,
    Away,
    Busy,
    Declined,
    Denied,
    Forged,
    KeyReused,
    NoSuch,
    NotConfigured,
    Refused,
    StripeError,
)
from billing.sandbox.catalogue import operations
from billing.services.price_list import sync_plans
from tests.support.stripe import Sandbox

ROOT = Path(billing.gateway.__file__).parents[2]
CUSTOMERS = "POST /v1/customers"


@pytest.fixture
def customer(sandbox: Sandbox) -> str:
    return made().id


def made(key: str = "k1", name: str = "Acme") -> shapes.Customer:
    tenant = uuid4()
    return gateway().create_customer(tenant_id=tenant, name=name, email="ada@acme.example", key=key)


def test_plans_come_to_stripe_and_are_found_again(sandbox: Sandbox) -> None:
    done = sync_plans(gateway())
    assert "price porchlight-team-1-message" in done
    (price,) = gateway().prices(lookup_keys=["porchlight-team-1-message"])
    assert (price.unit_amount, price.included, price.interval) == (Decimal("0.4"), 1_000, "month")
    assert sync_plans(gateway()) == []


def test_more_prices_are_looked_up_than_stripe_takes_at_once(sandbox: Sandbox) -> None:
    sync_plans(gateway())
    keys = [
        f"porchlight-{plan}-1-{name}"
        for plan in ("team", "business")
        for name in ("seat-month", "seat-year", "message", "visitor", "storage")
    ]
    asked = [*keys, "porchlight-none", "porchlight-nobody"]
    assert sorted(price.lookup_key for price in gateway().prices(lookup_keys=asked)) == sorted(keys)
    assert gateway().prices(lookup_keys=[]) == []


def test_a_customer_is_told_what_a_tenant_says(customer: str) -> None:
    gateway().set_tax_id(customer, type="eu_vat", value="DE123456789", key="t1")
    gateway().update_customer(customer, name="Acme Ltd", country="DE", key="u1")
    found = gateway().customer(customer)
    assert (found.name, found.country, found.tax_id_type, found.tax_id) == ("Acme Ltd", "DE", "eu_vat", "DE123456789")
    gateway().set_tax_id(customer, type="eu_vat", value="DE987654321", key="t2")
    assert gateway().customer(customer).tax_id == "DE987654321"
    gateway().set_tax_id(customer, type="", value="", key="t3")
    assert gateway().customer(customer).tax_id == ""


def test_a_credit_is_booked_once_under_one_key(customer: str) -> None:
    given: Any = {"customer": customer, "amount": 5_00, "currency": "usd", "description": "For the trouble"}
    id, since = uuid4(), datetime.now(UTC) - timedelta(minutes=1)
    assert gateway().credit_of(customer=customer, adjustment=id, since=since) == ""
    booked = gateway().credit_balance(**given, adjustment=id)
    assert gateway().credit_balance(**given, adjustment=id) == booked
    assert gateway().customer(customer).credit == 5_00
    assert gateway().credit_of(customer=customer, adjustment=id, since=since) == booked
    assert gateway().credit_of(customer=customer, adjustment=uuid4(), since=since) == ""


def test_usage_is_counted_once(customer: str) -> None:
    meter = gateway().create_meter(event_name="messages", display_name="Messages", key="m1")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    report = shapes.UsageReport("messages", customer, 40, "acme:message:1", hour)
    gateway().send_usage(report)
    again = shapes.UsageReport("messages", customer, 41, "acme:message:1", hour)
    with pytest.raises(KeyReused):
        gateway().send_usage(again)
    window: Any = {"meter_id": meter.id, "customer": customer, "start": hour, "end": hour + timedelta(hours=1)}
    assert [row.value for row in gateway().summaries(**window, window="hour")] == [40]


def test_a_repeated_identifier_was_delivered(sandbox: Sandbox, customer: str) -> None:
    """Under another key, as after 24 hours in which Stripe forgot the key but not the identifier."""
    gateway().create_meter(event_name="messages", display_name="Messages", key="m1")
    stripe_itself = sandbox.client()
    payload = {"stripe_customer_id": customer, "value": "40"}
    stripe_itself.v1.billing.meter_events.create({"event_name": "messages", "payload": payload, "identifier": "a1"})
    with pytest.raises(AlreadyReported, match="already exists with identifier"):
        gateway().send_usage(shapes.UsageReport("messages", customer, 40, "a1", datetime.now(UTC)))


async def test_usage_goes_over_the_clients_of_its_own_loop(customer: str) -> None:
    door = gateway()
    meter = door.create_meter(event_name="messages", display_name="Messages", key="m1")
    report = shapes.UsageReport("messages", customer, 1, "a1", datetime.now(UTC))
    await door.a_send_usage(report)
    await door.a_close()
    await door.a_send_usage(report)
    await door.a_close()
    hour = report.event_time.replace(minute=0, second=0, microsecond=0)
    window: Any = {"meter_id": meter.id, "customer": customer, "start": hour, "end": hour + timedelta(hours=1)}
    assert [row.value for row in door.summaries(**window, window="hour")] == [1]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"do": "error", "status": 500}, Away),
        ({"do": "error", "status": 503}, Away),
        ({"do": "cut"}, Away),
        ({"do": "error", "status": 429, "code": "rate_limit", "should_retry": False}, Busy),
        ({"do": "error", "status": 409, "code": "idempotency_key_in_use", "should_retry": False}, Busy),
        ({"do": "error", "status": 401}, Denied),
        ({"do": "error", "status": 403}, Denied),
        ({"do": "error", "status": 400, "code": "parameter_invalid"}, Refused),
        ({"do": "error", "status": 404, "code": "resource_missing"}, NoSuch),
    ],
)
def test_each_error_of_the_sdk_is_one_of_ours(sandbox: Sandbox, fault: dict[str, Any], error: type[StripeError]) -> None:
    sandbox.fail(**fault, on=CUSTOMERS, times=None)
    with pytest.raises(StripeError) as raised:
        made()
    assert type(raised.value) is error
    assert raised.value.message
    sandbox.mend()
    assert made(key="k2").name == "Acme"


def test_what_fails_for_a_moment_is_tried_again_under_the_same_key(sandbox: Sandbox) -> None:
    for do in ("error_after", "cut"):
        sandbox.fail(do, on=CUSTOMERS, times=1)
        made(key=do)
    assert len(sandbox.state("customer")) == 2


def test_one_key_for_two_things_is_refused(sandbox: Sandbox) -> None:
    made(key="same")
    with pytest.raises(KeyReused):
        made(key="same", name="Globex")


def test_a_declined_card_has_the_banks_reason(sandbox: Sandbox, customer: str) -> None:
    client = sandbox.client()
    method = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer}).id
    client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
    client.v1.invoice_items.create({"customer": customer, "amount": 500, "currency": "usd"})
    asked: Any = {"customer": customer, "auto_advance": False, "pending_invoice_items_behavior": "include"}
    invoice = client.v1.invoices.create(asked).id
    client.v1.invoices.finalize_invoice(invoice)
    with pytest.raises(Declined) as refusal:
        gateway().pay(invoice, key="p1")
    assert refusal.value.code == "generic_decline"
    found = gateway().invoice(invoice)
    assert (found.status, found.decline_reason) == ("open", "generic_decline")


def test_what_is_not_there_is_named(sandbox: Sandbox) -> None:
    for ask in (gateway().customer, gateway().invoice, gateway().subscription, gateway().coupon, gateway().promotion_code):
        with pytest.raises(NoSuch, match="nobody"):
            ask("nobody")


def test_without_a_key_there_is_no_gateway(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(NotConfigured):
        gateway()


def test_a_webhook_without_a_secret_here_is_forged(sandbox: Sandbox, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    made()
    message = sandbox.take()[0]
    with pytest.raises(Forged, match="no secret"):
        gateway().construct_event(message.body.encode(), message.signature)


def test_an_unknown_parameter_is_refused_by_the_catalogue(sandbox: Sandbox) -> None:
    """Acceptance 18: one letter too many in a call of the gateway, and the stand-in refuses it and remembers."""

    class Misspelt(Gateway):
        def credit_balance(self, *, customer: str, amount: int, currency: str, description: str, adjustment: UUID) -> str:
            asked: Any = {"amount": -amount, "currency": currency, "descripton": description}
            return self.stripe.v1.customers.balance_transactions.create(customer, asked, {"idempotency_key": "wrong"}).id

    given: Any = {"customer": made().id, "amount": 100, "currency": "usd", "description": "x"}
    gateway().credit_balance(**given, adjustment=uuid4())
    assert sandbox.report()["refused"] == []
    sandbox.expect("descripton")
    with pytest.raises(stripe.InvalidRequestError, match="descripton"):
        Misspelt(sandbox.key, sandbox.api_base).credit_balance(**given, adjustment=uuid4())


def test_the_sdk_is_the_one_that_this_was_written_for() -> None:
    """An upgrade is a decision: read Stripe's changelog, then change these lines and the pin together."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (pin,) = [line for line in wanted if line.startswith("stripe")]
    assert pin == "stripe~=16.1.0"
    assert stripe.VERSION.startswith("16.1.")
    assert API_VERSION == stripe.api_version == "2026-10-28.endive"


def test_each_operation_of_the_gateway_is_in_the_catalogue() -> None:
    """What the gateway calls, found in its source, is something that the SDK asks and the stand-in can check."""
    known = {(name, path) for name, path in _asked_by_the_sdk()}
    calls = list(_calls_of_the_gateway())
    assert len(calls) > 35
    for service, method in calls:
        assert (service, method) in known, f"{service}.{method} is no operation of the SDK"


def _calls_of_the_gateway() -> Iterator[tuple[str, str]]:
    for file in (ROOT / "billing/gateway").glob("*.py"):
        for path in re.findall(r"\.(v[12](?:\.[a-z_]+)+)\(", file.read_text()):
            service, _, method = path.rpartition(".")
            yield service, method.removesuffix("_async")


def _asked_by_the_sdk() -> Iterator[tuple[str, str]]:
    """Each service of the client's tree with its methods that ask for something of the catalogue."""
    client, modules = stripe.StripeClient("sk_test_x"), {operation.module for operation in operations().values()}
    assert modules
    yield from _walk(client.v1, "v1")
    yield from _walk(client.v2, "v2")


def _walk(service: Any, name: str) -> Iterator[tuple[str, str]]:
    for method in [key for key in vars(type(service)) if not key.startswith("_")]:
        yield name, method
    for key in getattr(type(service), "__annotations__", {}):
        yield from _walk(getattr(service, key), f"{name}.{key}")
