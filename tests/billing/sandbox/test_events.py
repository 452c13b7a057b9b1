"""Events of the stand-in: signed, posted, told again, and mixed up on purpose."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import stripe

from tests.support.stripe import THIN_WEBHOOK_SECRET, WEBHOOK_SECRET, Message, Sandbox


@dataclass
class Platform:
    """Where events are posted to, and what it answers."""

    address: str
    status: int = 200
    got: list[tuple[str, str, str]] = field(default_factory=list)  # path, body, signature

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body, _ in self.got]


@contextmanager
def listening() -> Iterator[Platform]:
    heard = Platform("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.got.append((self.path, body, self.headers["Stripe-Signature"]))
            self.send_response(heard.status)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.address = f"http://acme.localhost:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield heard
    server.shutdown()
    server.server_close()


@pytest.fixture
def platform(sandbox: Sandbox) -> Iterator[Platform]:
    with listening() as platform:
        sandbox.tell(platform.address)
        yield platform


def a_customer(sandbox: Sandbox) -> str:
    return sandbox.client().v1.customers.create({"name": "acme"}).id


def test_an_event_tells_what_it_was_before_and_who_asked(sandbox: Sandbox) -> None:
    client = sandbox.client()
    customer = a_customer(sandbox)
    client.v1.customers.update(customer, {"name": "Acme Bikes"}, {"idempotency_key": "rename"})

    event = client.v1.events.list({"type": "customer.updated"}).data[0]

    assert event.data.object["name"] == "Acme Bikes"
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes.to_dict() == {"name": "acme"}
    assert event.request is not None
    assert event.request.idempotency_key == "rename"
    assert event.api_version == stripe.api_version


def test_nothing_is_told_of_an_update_that_changes_nothing(sandbox: Sandbox) -> None:
    customer = a_customer(sandbox)
    sandbox.client().v1.customers.update(customer, {"name": "acme"})

    assert [message.type for message in sandbox.take()] == ["customer.created"]


def test_events_are_listed_by_type_and_time(sandbox: Sandbox) -> None:
    client = sandbox.client()
    a_customer(sandbox)
    sandbox.advance(3600)
    later = sandbox.now()
    client.v1.products.create({"name": "Seats"})

    assert [event.type for event in client.v1.events.list({"type": "customer.*"}).data] == ["customer.created"]
    assert [event.type for event in client.v1.events.list({"created": {"gte": later}}).data] == ["product.created"]
    assert [event.type for event in client.v1.events.list({"types": ["product.created"]}).data] == ["product.created"]
    sandbox.advance(31 * 86_400)
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        client.v1.events.retrieve(client.v1.events.list().data[0].id)


def test_events_are_posted_with_a_signature(sandbox: Sandbox, platform: Platform) -> None:
    customer = a_customer(sandbox)
    sandbox.deliver()

    path, body, signature = platform.got[0]
    assert path == "/stripe/webhook/"
    event = sandbox.client().construct_event(body, signature, WEBHOOK_SECRET)
    assert (event.type, event.data.object["id"]) == ("customer.created", customer)
    assert sandbox.report()["waiting"] == 0


def test_thin_events_go_to_an_address_of_their_own_without_their_data(sandbox: Sandbox, platform: Platform) -> None:
    sandbox.thin("v1.billing.meter.no_meter_found", {"developer_message_summary": "There is 1 invalid event."})
    sandbox.deliver()

    path, body, signature = platform.got[0]
    assert path == "/stripe/webhook/thin/"
    assert "data" not in json.loads(body)
    notice = sandbox.client().parse_event_notification(body, signature, THIN_WEBHOOK_SECRET)
    assert isinstance(notice, stripe.events.V1BillingMeterNoMeterFoundEventNotification)
    assert notice.fetch_event().data.developer_message_summary == "There is 1 invalid event."


def test_a_forged_or_a_stale_message_is_known_for_what_it_is(sandbox: Sandbox) -> None:
    a_customer(sandbox)
    message = sandbox.take()[0]
    construct = sandbox.client().construct_event
    stale, forged = (
        sandbox.sign(message.event, at=int(time.time()) - 301),
        sandbox.sign(message.event, secret="whsec_of_somebody_else"),
    )

    assert construct(message.body, message.signature, WEBHOOK_SECRET).id == message.event
    for bad in (stale, forged):
        with pytest.raises(stripe.SignatureVerificationError):
            construct(bad.body, bad.signature, WEBHOOK_SECRET)
    with pytest.raises(stripe.SignatureVerificationError):
        construct(message.body.replace("acme", "globex"), message.signature, WEBHOOK_SECRET)


def test_each_kind_of_event_is_for_its_own_parser(sandbox: Sandbox) -> None:
    a_customer(sandbox)
    sandbox.thin("v1.billing.meter.no_meter_found", {})
    snapshot, thin = sandbox.take()
    client = sandbox.client()

    with pytest.raises(ValueError, match="construct_event"):
        client.parse_event_notification(snapshot.body, snapshot.signature, WEBHOOK_SECRET)
    with pytest.raises(ValueError, match="parse_event_notification"):
        client.construct_event(thin.body, thin.signature, THIN_WEBHOOK_SECRET)


def test_what_the_platform_does_not_take_is_told_again(sandbox: Sandbox, platform: Platform) -> None:
    platform.status = 500
    a_customer(sandbox)
    assert [row["status"] for row in sandbox.deliver()] in ([500], [])  # [] if the background was quicker
    assert sandbox.report()["waiting"] == 1

    platform.status = 200
    sandbox.advance(60)
    assert sandbox.report()["waiting"] == 0
    assert set(platform.types()) == {"customer.created"}
    assert len({body for _, body, _ in platform.got}) == 1


def test_nobody_there_is_no_answer(sandbox: Sandbox) -> None:
    sandbox.tell("http://localhost:1")
    a_customer(sandbox)
    sandbox.deliver()

    assert sandbox.report()["waiting"] == 1


def three(sandbox: Sandbox) -> list[Message]:
    """What comes of a customer, a product and a meter made one after the other."""
    client = sandbox.client()
    a_customer(sandbox)
    client.v1.products.create({"name": "Seats"})
    client.v1.billing.meters.create({"display_name": "M", "event_name": "m", "default_aggregation": {"formula": "sum"}})
    return sandbox.take()


CUSTOMER, PRODUCT, METER = "customer.created", "product.created", "billing.meter.created"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("double", [CUSTOMER, PRODUCT, PRODUCT, METER]),
        ("drop", [CUSTOMER, METER]),
        ("hold", [CUSTOMER, METER]),
    ],
)
def test_a_fault_happens_to_events_of_its_type(sandbox: Sandbox, fault: str, told: list[str]) -> None:
    sandbox.fail(fault, "product.*")

    assert [message.type for message in three(sandbox)] == told


def test_a_fault_turns_the_order_around(sandbox: Sandbox) -> None:
    sandbox.fail("reverse", times=None)

    assert [message.type for message in three(sandbox)] == [METER, PRODUCT, CUSTOMER]


def test_what_was_held_comes_when_it_is_let_go(sandbox: Sandbox, platform: Platform) -> None:
    sandbox.fail("hold", "customer.created")
    customer = a_customer(sandbox)
    sandbox.client().v1.customers.update(customer, {"name": "Acme Bikes"})
    sandbox.advance(60)
    assert platform.types() == ["customer.updated"]
    sandbox.deliver()
    assert platform.types() == ["customer.updated", "customer.created"]


def test_the_endpoint_is_listed_with_its_version(sandbox: Sandbox, platform: Platform) -> None:
    endpoints = sandbox.client().v1.webhook_endpoints.list().data

    assert [(one.url, one.api_version, one.status) for one in endpoints] == [
        (f"{platform.address}/stripe/webhook/", stripe.api_version, "enabled")
    ]
    assert sandbox.client().v1.webhook_endpoints.retrieve(endpoints[0].id).url == endpoints[0].url
