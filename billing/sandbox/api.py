"""A request of the SDK, from its headers to its answer."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from billing.sandbox import catalogue, forms, idempotency, shapes
from billing.sandbox.errors import API_ERROR, Refusal
from billing.sandbox.faults import AFTER, BEFORE, DELAY, Fault, Faults
from billing.sandbox.http import Answer, Cut, Request, Send, reply
from billing.sandbox.params import Params
from billing.sandbox.report import Report
from billing.sandbox.routes import EXCLUSIVE, EXPANSIONS, HANDLERS, Found
from billing.sandbox.state import State

UNDER_WAY: Final = 0.001  # seconds that a call with a lock takes at least, so that two at once meet
BUSY: Final = (
    "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. "
    "If you see this error intermittently, retry the request."
)
NEEDLESS: Final = frozenset({"expand"})  # parameters that no handler needs to know
logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Call:
    """A request that is understood."""

    request: Request
    found: Found
    params: dict[str, Any]
    key: str  # the idempotency key, or ""
    id: str

    @property
    def name(self) -> str:
        return f"{self.request.verb} {self.found.shape}"


class Api:
    """Answers `/v1` and `/v2`."""

    def __init__(self, state: State, faults: Faults, report: Report) -> None:
        self._state, self._faults, self._report = state, faults, report
        self._held: set[Any] = set()  # locks of calls under way

    async def answer(self, request: Request, send: Send) -> None:
        """Answer one request. Raises `Cut` where a fault says so."""
        self._report.requests += 1
        request_id = self._state.new_id("req")
        try:
            call = self._understand(request, request_id)
            await self._serve(call, send)
        except Refusal as refusal:
            await reply(send, self._refused(refusal, request_id))

    async def _serve(self, call: Call, send: Send) -> None:
        fault = self._faults.of(call.name, BEFORE)
        _fail(fault)
        with self._alone(call) as lock:
            delay = self._faults.of(call.name, (DELAY,))
            if lock or delay:
                await asyncio.sleep(delay.seconds if delay else UNDER_WAY)
            after = self._faults.of(call.name, AFTER)
            answer = self._answered(call)
            _fail(after)
            await reply(send, answer)

    def _understand(self, request: Request, request_id: str) -> Call:
        """Raises `Refusal` for a wrong key or version, a request that nobody knows, and parameters that its type forbids."""
        self._authenticate(request)
        found = self._find(request)
        sent: dict[str, Any] = {}
        try:
            sent = _params(request)
            params = self._checked(request, found, sent)
        except Refusal as refusal:
            self._report.refuse(request.verb, request.path, sent, refusal.message)
            raise
        self._report.validated += 1
        key = request.header("idempotency-key") if request.verb == "POST" else ""
        return Call(request, found, params, key, request_id)

    def _authenticate(self, request: Request) -> None:
        if request.header("authorization") != f"Bearer {self._state.settings.key}":
            given = request.header("authorization").removeprefix("Bearer ")
            raise Refusal(401, None, f"Invalid API Key provided: {given[:8]}{'*' * 8}{given[-4:]}")
        version = request.header("stripe-version")
        if version != shapes.API_VERSION:
            message = f"Invalid Stripe API version: {version or 'none'}. This stand-in speaks {shapes.API_VERSION} only."
            self._report.refuse(request.verb, request.path, {}, message)
            raise Refusal(400, None, message)

    def _find(self, request: Request) -> Found:
        found = HANDLERS.find(request.verb, request.path)
        if found is None:
            self._report.note("unmodelled", f"{request.verb} {request.path}")
            message = f"Unrecognized request URL ({request.verb}: {request.path})."
            raise Refusal(404, None, f"{message} The stand-in does not model it.")
        return found

    def _checked(self, request: Request, found: Found, sent: dict[str, Any]) -> dict[str, Any]:
        typed = {name: value for name, value in sent.items() if name != "page" or not request.path.startswith("/v2/")}
        params, complaints = catalogue.check((request.verb, found.shape), typed)
        if not complaints:
            return {**sent, **params}  # the type of a v2 list does not know the `page` of its own `next_page_url`
        first = complaints[0]
        if "Extra inputs" in first.text:
            raise Refusal(400, "parameter_unknown", f"Received unknown parameter: {first.param}", first.param)
        if "Field required" in first.text:
            raise Refusal(400, "parameter_missing", f"Missing required param: {first.param}.", first.param)
        raise Refusal(400, "parameter_invalid", f"Invalid {first.param}: {first.text}.", first.param)

    @contextmanager
    def _alone(self, call: Call) -> Iterator[bool]:
        """Hold the call's lock, if it has one. Raises `Refusal` 429 if another call holds it."""
        maker = EXCLUSIVE.get((call.request.verb, call.found.shape))
        lock = maker(call.params) if maker else None
        if lock is None:
            yield False
            return
        if lock in self._held:
            self._report.collisions += 1
            raise Refusal(429, "lock_timeout", BUSY, headers={"stripe-should-retry": "true"})
        self._held.add(lock)
        try:
            yield True
        finally:
            self._held.discard(lock)

    def _answered(self, call: Call) -> Answer:
        """The handler's answer, or the one that was given under the same key. Runs in one go."""
        headers = {"request-id": call.id, "stripe-version": shapes.API_VERSION}
        if not call.key:
            return self._handled(call, headers)
        headers["idempotency-key"] = call.key
        mark = idempotency.fingerprint(call.request.path, call.params)
        if known := idempotency.recall(self._state, call.key, mark):
            headers["idempotent-replayed"] = "true"
            return Answer(known[0], known[1].encode(), "application/json", headers)
        answer = self._handled(call, headers)
        idempotency.keep(self._state, call.key, mark, (answer.status, answer.body.decode()))
        return answer

    def _handled(self, call: Call, headers: dict[str, str]) -> Answer:
        self._state.request = (call.id, call.key or None)
        try:
            with self._state.standing():
                return Answer.of_json(200, self._shown(call), headers)
        except Refusal as refusal:
            return self._refused(refusal, call.id, headers)
        except Exception:
            self._report.crash(call.name)
            logger.exception("%s failed", call.name)
            return self._refused(Refusal(500, None, "The stand-in failed; see its report.", type=API_ERROR), call.id, headers)
        finally:
            self._state.request = (None, None)

    def _shown(self, call: Call) -> dict[str, Any]:
        """What the handler answers, as Stripe shows it. Raises `Refusal` 500 if the SDK's class does not know it so."""
        params = Params(call.params)
        result = call.found.handler(self._state, params, *call.found.ids)
        if result.get("data") != []:  # where no row is asked, no filter is looked at
            for name in params.keys() - params.read - NEEDLESS:
                self._report.note("ignored", f"{call.name}: nothing looked at {name}")
        if result.get("object") in ("list", "search_result"):
            result = {"url": call.request.path, **result}
        expand = shapes.tree(call.params.get("expand") or [])
        answer: dict[str, Any] = shapes.shown(result, expand, self._expanded)
        if faults := shapes.complaints(answer):
            for fault in faults:
                self._report.note("shape_faults", f"{call.name}: {fault}")
            raise Refusal(500, None, f"The stand-in's answer is wrong: {faults[0]}.", type=API_ERROR)
        return answer

    def _expanded(self, kind: str, obj: dict[str, Any], field: str) -> Any:
        """What stands in a field when it is expanded."""
        if maker := EXPANSIONS.get((kind, field)):
            return maker(self._state, obj)
        value = obj.get(field)
        if isinstance(value, str):
            return self._state.find(value) or value
        if isinstance(value, list):
            return [(self._state.find(item) or item) if isinstance(item, str) else item for item in value]
        return shapes.MISSING

    def _refused(self, refusal: Refusal, request_id: str, headers: dict[str, str] | None = None) -> Answer:
        return Answer.of_json(refusal.status, refusal.body(), {**(headers or {}), "request-id": request_id, **refusal.headers})


def _params(request: Request) -> dict[str, Any]:
    """What was sent: a v2 body is JSON, all else is a form."""
    if request.path.startswith("/v2/") and request.verb == "POST":
        try:
            body = json.loads(request.body or "{}")
        except ValueError as error:
            raise Refusal(400, None, f"The body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise Refusal(400, None, f"The body must be a JSON object, and is {request.body[:50]!r}.")
        return body
    return forms.decode(request.query) | forms.decode(request.body)


def _fail(fault: Fault | None) -> None:
    """Let a fault happen that ends the call."""
    if fault is None:
        return
    if fault.do.startswith("cut"):
        raise Cut
    headers = {} if fault.should_retry is None else {"stripe-should-retry": str(fault.should_retry).lower()}
    kind = API_ERROR if fault.status >= 500 else "invalid_request_error"
    raise Refusal(fault.status, fault.code, "This answer was asked for with a fault.", type=kind, headers=headers)
