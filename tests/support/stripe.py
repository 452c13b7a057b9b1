"""The stand-in for Stripe, running for the whole test run.

A test that asks for `sandbox` begins with an empty one, has the settings that lead to it, and ends with a look at its report.
"""

import contextlib
import http.client
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import stripe
from pytest_django import Settings

from saas.up.stripe import Access, StandIn
from tests.support.server import lasting_port

KEY: Final = "sk_test_of_the_suite"
WEBHOOK_SECRET: Final = "whsec_of_the_suite"
THIN_WEBHOOK_SECRET: Final = "whsec_of_the_suite_thin"
TIMEOUT: Final = 60  # seconds that a move of the clock may take


@dataclass(frozen=True, slots=True)
class Message:
    """An event as Stripe posts it: `kind` is "snapshot" or "thin"."""

    kind: str
    event: str
    type: str
    body: str
    signature: str


@dataclass
class Sandbox:
    """A running stand-in. Whatever it notices that the test does not `expect` fails the test."""

    access: Access
    expected: list[str] = field(default_factory=list)
    _connection: http.client.HTTPConnection | None = None

    @property
    def api_base(self) -> str:
        return self.access.api_base

    @property
    def key(self) -> str:
        return self.access.key

    def client(self, *, max_network_retries: int = 0, **more: Any) -> stripe.StripeClient:
        """The real SDK, speaking to the stand-in."""
        return stripe.StripeClient(
            self.key, base_addresses={"api": self.api_base}, max_network_retries=max_network_retries, **more
        )

    def control(self, verb: str, path: str, given: Any = None) -> Any:
        """One command of `/_sandbox/`. Raises `AssertionError` with what it says against it."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.access.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self._connection.request(verb, f"/_sandbox/{path}", json.dumps({} if given is None else given), headers)
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == http.HTTPStatus.OK, body
        return body

    # --- time

    def now(self) -> int:
        """The second that its clock shows."""
        return int(self.control("GET", "clock")["now"])

    def advance(self, seconds: int) -> None:
        """Move the clock; everything due on the way is done, and its events are told."""
        self.control("POST", "clock", {"advance": seconds})
        self.control("POST", "deliver")

    def advance_to(self, second: int) -> None:
        self.control("POST", "clock", {"to": second})
        self.control("POST", "deliver")

    # --- trouble

    def fail(self, do: str, on: str = "*", **more: Any) -> None:
        """Set a fault: `do`, `on` and the rest in the words of `billing/sandbox/faults.py`."""
        self.control("POST", "faults", {"do": do, "on": on, **more})

    def mend(self) -> None:
        """Take every fault away."""
        self.control("DELETE", "faults")

    # --- events

    def tell(self, platform: str) -> None:
        """Post events from now on to a running platform, as `http://localhost:8000`."""
        endpoints = {"snapshot": "/stripe/webhook/", "thin": "/stripe/webhook/thin/"}
        self.control("POST", "endpoints", {kind: {"url": platform + path} for kind, path in endpoints.items()})

    def deliver(self) -> list[dict[str, Any]]:
        """Post what waits, and what a fault held; what became of each. Nothing without `tell`."""
        tried: list[dict[str, Any]] = self.control("POST", "deliver", {"all": True})["tried"]
        return tried

    def take(self) -> list[Message]:
        """The messages that nobody was told of, signed, in the order in which they would be posted."""
        return [Message(**message) for message in self.control("POST", "take")]

    def sign(self, event: str, **more: Any) -> Message:
        """An event's message once more; forged with `secret`, or signed `at` another second."""
        return Message(**self.control("POST", "sign", {"event": event, **more}))

    def thin(self, type: str, data: dict[str, Any], related: dict[str, str] | None = None) -> str:
        """A thin event that nothing here causes by itself; its id. `related` is {"id", "type", "url"}."""
        return str(self.control("POST", "thin", {"type": type, "data": data, "related": related})["id"])

    # --- what it knows

    def state(self, kind: str) -> list[dict[str, Any]]:
        """All stored objects of a kind, the oldest first."""
        rows: list[dict[str, Any]] = self.control("GET", f"state/{kind}")
        return rows

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = self.control("GET", "report")
        return report

    def expect(self, words: str) -> None:
        """Something that the report will hold against this test, on purpose: words of it, as `unknown parameter: quantiti`."""
        self.expected.append(words)

    def check(self) -> None:
        """Fail for what was noticed and not expected, and for what was expected and not noticed."""
        noticed = _complaints(self.report())
        unexpected = [line for line in noticed if not any(words in line for words in self.expected)]
        unseen = [words for words in self.expected if not any(words in line for line in noticed)]
        assert not unexpected, "\n".join(["The stand-in for Stripe complains:", *unexpected])
        assert not unseen, f"The stand-in for Stripe should have complained of {unseen}."

    def reset(self) -> None:
        self.expected.clear()
        self.control("POST", "reset")


def _complaints(report: dict[str, Any]) -> list[str]:
    lines = [f"refused: {row['verb']} {row['path']} {row['params']}: {row['complaint']}" for row in report["refused"]]
    return lines + [f"{name}: {text}" for name in ("unmodelled", "ignored", "shape_faults", "crashes") for text in report[name]]


@contextlib.contextmanager
def running(folder: Path | None = None) -> Iterator[Sandbox]:
    """A stand-in of its own; with a folder it keeps its state there."""
    with tempfile.TemporaryDirectory(prefix="porchlight-stripe-") as own:
        access = Access(lasting_port(), KEY, WEBHOOK_SECRET, THIN_WEBHOOK_SECRET, Path(own) / "clock")
        child = StandIn(access, Path(own) / "log", folder=folder)
        child.start()
        try:
            child.wait()
            yield Sandbox(access)
        finally:
            child.stop()


@pytest.fixture(scope="session")
def stripe_sandbox() -> Iterator[Sandbox]:
    """The stand-in of this worker, for the whole run."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(stripe_sandbox: Sandbox, settings: Settings) -> Iterator[Sandbox]:
    """An empty stand-in with real time; whatever the test makes it complain of is the test's failure."""
    stripe_sandbox.reset()
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = stripe_sandbox.key, stripe_sandbox.api_base
    settings.STRIPE_WEBHOOK_SECRETS, settings.STRIPE_THIN_WEBHOOK_SECRETS = [WEBHOOK_SECRET], [THIN_WEBHOOK_SECRET]
    settings.STRIPE_CLOCK_FILE = str(stripe_sandbox.access.clock_file)
    yield stripe_sandbox
    stripe_sandbox.check()
