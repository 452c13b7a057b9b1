"""What every request to the stand-in has: idempotency, lists, expansion, faults; and what it keeps."""

import asyncio
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import stripe

from billing.sandbox.app import App
from billing.sandbox.settings import KEY, Settings
from billing.sandbox.shapes import API_VERSION
from tests.support.patience import PATIENCE
from tests.support.stripe import Sandbox, running


def test_a_key_is_answered_once(sandbox: Sandbox) -> None:
    client = sandbox.client()
    first = client.v1.customers.create({"name": "acme"}, {"idempotency_key": "k"})
    again = client.v1.customers.create({"name": "acme"}, {"idempotency_key": "k"})

    assert first.id == again.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(sandbox.state("customer")) == 1


def test_a_key_means_one_request(sandbox: Sandbox) -> None:
    client = sandbox.client()
    client.v1.customers.create({"name": "acme"}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "globex"}, {"idempotency_key": "k"})


def test_a_refusal_is_remembered_under_its_key_too(sandbox: Sandbox) -> None:
    client = sandbox.client()
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="No such product: 'prod_1'"):
            client.v1.prices.create({"product": "prod_1", "currency": "usd", "unit_amount": 1}, {"idempotency_key": "k"})
    client.v1.products.create({"id": "prod_1", "name": "Seats"})

    with pytest.raises(stripe.InvalidRequestError, match="No such product: 'prod_1'"):
        client.v1.prices.create({"product": "prod_1", "currency": "usd", "unit_amount": 1}, {"idempotency_key": "k"})


def test_a_request_that_its_type_forbids_is_not_remembered(sandbox: Sandbox) -> None:
    sandbox.expect("parameter: nam")
    client = sandbox.client()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.create({"nam": "acme"}, {"idempotency_key": "k"})  # type: ignore[arg-type]

    assert client.v1.customers.create({"name": "acme"}, {"idempotency_key": "k"}).name == "acme"


def test_a_key_is_forgotten_after_a_day(sandbox: Sandbox) -> None:
    client = sandbox.client()
    first = client.v1.customers.create({"name": "acme"}, {"idempotency_key": "k"}).id
    sandbox.advance(23 * 3600)
    assert client.v1.customers.create({"name": "acme"}, {"idempotency_key": "k"}).id == first

    sandbox.advance(3600)
    assert client.v1.customers.create({"name": "acme"}, {"idempotency_key": "k"}).id != first


def test_a_list_is_read_in_pages_the_newest_first(sandbox: Sandbox) -> None:
    client = sandbox.client()
    made = [client.v1.customers.create({"name": f"tenant {number}"}).id for number in range(5)]

    first = client.v1.customers.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == ([made[4], made[3]], True)
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
    before = client.v1.customers.list({"limit": 2, "ending_before": made[0]})
    assert ([one.id for one in before.data], before.has_more) == ([made[2], made[1]], True)
    with pytest.raises(stripe.InvalidRequestError, match="Invalid limit: 101"):
        client.v1.customers.list({"limit": 101})


def test_what_an_id_stands_for_is_shown_when_asked(sandbox: Sandbox) -> None:
    client = sandbox.client()
    product = client.v1.products.create({"name": "Seats"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 1500, "expand": ["product"]})

    assert isinstance(price.product, stripe.Product)
    assert price.product.name == "Seats"
    assert client.v1.prices.retrieve(price.id).product == product.id
    assert client.v1.prices.list({"expand": ["data.product"]}).data[0].product == price.product


def test_an_answer_that_fails_before_its_work_did_nothing(sandbox: Sandbox) -> None:
    sandbox.fail("error", "POST /v1/customers")
    with pytest.raises(stripe.APIError):
        sandbox.client().v1.customers.create({"name": "acme"})
    assert sandbox.state("customer") == []

    sandbox.client().v1.customers.create({"name": "acme"})
    assert len(sandbox.state("customer")) == 1


@pytest.mark.parametrize("fault", ["error", "error_after", "cut", "cut_after"])
def test_the_sdk_gets_over_a_fault_without_doing_it_twice(sandbox: Sandbox, fault: str) -> None:
    sandbox.fail(fault, "POST /v1/customers")

    customer = sandbox.client(max_network_retries=1).v1.customers.create({"name": "acme"})

    assert [row["id"] for row in sandbox.state("customer")] == [customer.id]


def test_a_connection_that_is_cut_is_no_answer(sandbox: Sandbox) -> None:
    sandbox.fail("cut_after", "POST /v1/customers")
    with pytest.raises(stripe.APIConnectionError):
        sandbox.client().v1.customers.create({"name": "acme"})
    assert len(sandbox.state("customer")) == 1


def test_a_fault_has_the_status_and_the_times_that_were_asked_for(sandbox: Sandbox) -> None:
    sandbox.fail("error", "* /v1/customers*", status=429, code="rate_limit", times=2, skip=1)
    client = sandbox.client()
    client.v1.customers.list()
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.list()

    client.v1.customers.list()


def test_faults_end_when_they_are_mended(sandbox: Sandbox) -> None:
    sandbox.fail("error", times=None)
    with pytest.raises(stripe.APIError):
        sandbox.client().v1.customers.list()

    sandbox.mend()
    sandbox.client().v1.customers.list()


def test_a_fault_that_is_not_there_is_refused_with_those_that_are(sandbox: Sandbox) -> None:
    with pytest.raises(AssertionError, match="Unknown fault: 'explode'"):
        sandbox.fail("explode")


async def test_many_calls_at_a_time_are_all_answered(sandbox: Sandbox) -> None:
    client = sandbox.client(http_client=stripe.HTTPXClient())

    await asyncio.gather(*(client.v1.customers.create_async({"name": f"tenant {number}"}) for number in range(40)))

    assert len(sandbox.state("customer")) == 40


def test_the_clock_only_moves_forward(sandbox: Sandbox) -> None:
    before = sandbox.now()
    sandbox.advance(40 * 86_400)
    assert 0 <= sandbox.now() - before - 40 * 86_400 <= PATIENCE
    assert abs(int(sandbox.access.clock_file.read_text()) - 40 * 86_400) <= PATIENCE

    with pytest.raises(AssertionError, match="The clock shows"):
        sandbox.advance(-1)


async def test_the_clock_stands_while_a_call_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is looked at meanwhile, and though the real one shows another second each time."""
    seconds = count(1_800_000_000)
    monkeypatch.setattr("billing.sandbox.state.time", SimpleNamespace(time=lambda: next(seconds)))
    app: Any = App(Settings())
    headers = {"authorization": f"Bearer {KEY}", "stripe-version": API_VERSION}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=Settings().public, headers=headers) as web:

        async def made(path: str, **fields: str) -> dict[str, Any]:
            answer = await web.post(f"/v1/{path}", data=fields)
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        customer, product = (await made("customers"))["id"], (await made("products", name="Team"))["id"]
        price = {"product": product, "currency": "usd", "unit_amount": "1500", "recurring[interval]": "month"}
        items = {f"items[{number}][price]": (await made("prices", **price))["id"] for number in range(2)}
        sub = await made("subscriptions", customer=customer, collection_method="send_invoice", days_until_due="1", **items)
    starts = {item["current_period_start"] for item in sub["items"]["data"]}
    assert len(starts | {sub["created"], sub["billing_cycle_anchor"]}) == 1


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as sandbox:
        client = sandbox.client()
        create = client.v1.customers.create
        customers = [create({"name": f"tenant {number}"}, {"idempotency_key": f"k{number}"}) for number in range(3)]
        client.v1.customers.delete(customers[0].id)
        client.v1.customers.update(customers[1].id, {"metadata": {"plan": "team"}})
        sandbox.control("POST", "clock", {"advance": 3600})
        told = {message.event for message in sandbox.take()}

    with running(tmp_path) as sandbox:
        client = sandbox.client()
        assert [one.id for one in client.v1.customers.list().data] == [customers[2].id, customers[1].id]
        metadata = client.v1.customers.retrieve(customers[1].id).metadata
        assert metadata is not None
        assert metadata["plan"] == "team"
        assert client.v1.customers.create({"name": "tenant 2"}, {"idempotency_key": "k2"}).id == customers[2].id
        assert int(sandbox.access.clock_file.read_text()) in range(3595, 3605)
        assert sandbox.take() == []
        assert told == {event.id for event in client.v1.events.list().data}


def test_nothing_is_left_after_a_reset(sandbox: Sandbox) -> None:
    sandbox.client().v1.customers.create({"name": "acme"})
    sandbox.advance(3600)
    sandbox.reset()

    assert sandbox.client().v1.events.list().data == []
    assert sandbox.access.clock_file.read_text() == "0"
