"""Requests checked against the types of the installed SDK."""

from typing import Any

import pytest
import stripe

from billing.sandbox import parts, routes  # noqa: F401  # registers
from billing.sandbox.catalogue import check, operations
from billing.sandbox.forms import decode
from tests.support.stripe import Sandbox


def checked(verb: str, path: str, form: str) -> tuple[dict[str, Any], list[str]]:
    params, complaints = check((verb, path), decode(form))
    return params, [complaint.param for complaint in complaints]


def test_the_sdk_is_the_one_that_this_was_written_for() -> None:
    """An upgrade is looked at: what it adds, renames and takes away is in its migration guide."""
    assert stripe.VERSION.split(".")[0] == "16"
    assert stripe.api_version == "2026-10-28.endive"
    assert len(operations()) == 647


def test_every_handler_answers_a_request_that_the_sdk_can_make() -> None:
    answered = routes.HANDLERS.shapes()
    assert answered
    assert answered <= operations().keys()


def test_text_becomes_numbers_booleans_and_lists() -> None:
    form = "customer=c&items[0][price]=p&items[0][quantity]=5&cancel_at_period_end=true&trial_end=1700000000&metadata[0]=zero"

    params, complaints = checked("POST", "/v1/subscriptions", form)

    assert complaints == []
    assert params == {
        "customer": "c",
        "items": [{"price": "p", "quantity": 5}],
        "cancel_at_period_end": True,
        "trial_end": 1_700_000_000,
        "metadata": {"0": "zero"},
    }


def test_a_word_beside_a_number_stays_a_word() -> None:
    assert checked("POST", "/v1/subscriptions", "customer=c&trial_end=now")[0]["trial_end"] == "now"
    tiers = checked("POST", "/v1/prices", "currency=usd&tiers[0][up_to]=1000&tiers[1][up_to]=inf")[0]["tiers"]
    assert [tier["up_to"] for tier in tiers] == [1000, "inf"]


def test_an_empty_text_takes_away_where_that_is_allowed() -> None:
    assert checked("POST", "/v1/customers/{}", "email=&metadata=") == ({"email": "", "metadata": ""}, [])
    assert checked("POST", "/v1/subscriptions", "customer=c&trial_end=")[1] == ["trial_end"]


@pytest.mark.parametrize(
    ("verb", "path", "form", "param"),
    [
        ("POST", "/v1/customers", "e_mail=a@b.example", "e_mail"),
        ("POST", "/v1/subscriptions", "customer=c&items[0][quantiti]=5", "items[0][quantiti]"),
        ("POST", "/v1/subscriptions", "customer=c&proration_behavior=sometimes", "proration_behavior"),
        ("POST", "/v1/subscriptions", "customer=c&trial_end=tomorrow", "trial_end"),
        (
            "POST",
            "/v1/prices",
            "currency=usd&recurring[aggregate_usage]=max",
            "recurring[aggregate_usage]",
        ),
        ("POST", "/v1/prices", "product=p", "currency"),
        ("POST", "/v1/checkout/sessions", "ui_mode=hosted", "ui_mode"),
        ("POST", "/v1/billing/meter_events", "event_name=e", "payload"),
        ("GET", "/v1/customers", "limit=many", "limit"),
    ],
)
def test_what_the_types_forbid_is_named(verb: str, path: str, form: str, param: str) -> None:
    assert param in checked(verb, path, form)[1]


def test_the_twin_of_each_with_the_right_word_passes() -> None:
    assert checked("POST", "/v1/customers", "email=a@b.example")[1] == []
    assert checked("POST", "/v1/subscriptions", "customer=c&items[0][quantity]=5")[1] == []
    assert checked("POST", "/v1/subscriptions", "customer=c&proration_behavior=none")[1] == []
    assert checked("POST", "/v1/checkout/sessions", "ui_mode=hosted_page")[1] == []
    assert checked("POST", "/v1/billing/meter_events", "event_name=e&payload[value]=1")[1] == []


def test_a_request_with_a_misspelt_parameter_fails_and_is_reported(sandbox: Sandbox) -> None:
    sandbox.expect("unknown parameter: e_mail")

    with pytest.raises(stripe.InvalidRequestError) as caught:
        sandbox.client().v1.customers.create({"e_mail": "ada@acme.example"})  # type: ignore[arg-type]

    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, "parameter_unknown", "e_mail")
    assert sandbox.state("customer") == []


def test_a_request_that_nothing_answers_is_reported(sandbox: Sandbox) -> None:
    sandbox.expect("GET /v1/radar/value_lists")

    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        sandbox.client().v1.radar.value_lists.list()


def test_another_version_of_the_api_is_refused(sandbox: Sandbox) -> None:
    sandbox.expect("Invalid Stripe API version: 2025-03-31.basil")

    with pytest.raises(stripe.InvalidRequestError, match=r"2025-03-31\.basil"):
        sandbox.client().v1.customers.list(options={"stripe_version": "2025-03-31.basil"})


def test_another_key_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        sandbox.client().v1.customers.list(options={"api_key": "sk_test_of_somebody_else"})
