"""What tests ask of the stand-in beside Stripe's API: `/_sandbox/...`, JSON in and out, with the key like the API."""

import dataclasses
import json
import traceback
from collections.abc import Callable
from typing import Any, Final

from billing.sandbox import clock, totals
from billing.sandbox.deliveries import Deliveries
from billing.sandbox.errors import Refusal, invalid
from billing.sandbox.faults import Faults
from billing.sandbox.http import Answer, Request
from billing.sandbox.report import Report
from billing.sandbox.settings import SNAPSHOT, THIN
from billing.sandbox.state import State

PREFIX: Final = "/_sandbox/"
Given = dict[str, Any]


class Control:
    """Answers `/_sandbox/`."""

    def __init__(self, state: State, faults: Faults, report: Report, deliveries: Deliveries) -> None:
        self._state, self._faults, self._report, self._deliveries = state, faults, report, deliveries
        self._first_settings = state.settings
        self._commands: dict[str, Callable[[Given], Any]] = {
            "GET clock": self._clock,
            "POST clock": self._move,
            "POST faults": self._fault,
            "DELETE faults": self._mend,
            "GET report": self._tell,
            "POST reset": self._reset,
            "POST endpoints": self._endpoints,
            "POST take": lambda _given: self._deliveries.take(),
            "POST sign": self._sign,
            "POST thin": self._thin,
            "POST tax": self._tax,
        }

    async def answer(self, request: Request) -> Answer:
        """Do what is asked. 404 for a command that is not there."""
        try:
            return Answer.of_json(200, await self._done(request))
        except Refusal as refusal:
            return Answer.of_json(refusal.status, refusal.body())
        except Exception:
            self._report.crash(f"{request.verb} {request.path}")
            return Answer.of_json(500, {"error": {"message": traceback.format_exc()}})

    async def _done(self, request: Request) -> Any:
        if request.header("authorization") != f"Bearer {self._state.settings.key}":
            raise Refusal(401, None, "The control wants the same key as the API.")
        name = request.path.removeprefix(PREFIX)
        given = json.loads(request.body or "{}")
        if (request.verb, name) == ("POST", "deliver"):
            return await self._deliver(given)
        if request.verb == "GET" and name.startswith("state/"):
            return list(self._state.table(name.removeprefix("state/")).values())
        if command := self._commands.get(f"{request.verb} {name}"):
            return command(given)
        raise Refusal(404, None, f"There is no {request.verb} {request.path}.")

    def _clock(self, _given: Given) -> Given:
        return {"now": self._state.now(), "next_due": clock.next_due(self._state)}

    def _move(self, given: Given) -> Given:
        """`{"advance": seconds}`, or `{"to": second}`."""
        if not given.keys() & {"advance", "to"}:
            raise invalid("Say how far: `advance` by seconds, or `to` a second.")
        clock.move(self._state, given["to"] if "to" in given else self._state.now() + given["advance"])
        return self._clock(given)

    def _fault(self, given: Given) -> Given:
        return dataclasses.asdict(self._faults.add(given))

    def _mend(self, _given: Given) -> Given:
        self._faults.clear()
        return {}

    def _tell(self, _given: Given) -> Given:
        return self._report.as_json() | {"waiting": self._deliveries.waiting()}

    def _reset(self, _given: Given) -> Given:
        """As new: no object, no fault, no report, real time, the addresses of the start."""
        self._state.reset()
        self._state.settings = self._first_settings
        self._faults.clear()
        self._report.clear()
        return {}

    def _endpoints(self, given: Given) -> Given:
        """`{"snapshot": {"url", "secret"}, "thin": ...}`: whom to tell from now on."""
        settings = self._state.settings
        snapshot = dataclasses.replace(settings.snapshot, **given.get(SNAPSHOT, {}))
        thin = dataclasses.replace(settings.thin, **given.get(THIN, {}))
        self._state.settings = dataclasses.replace(settings, snapshot=snapshot, thin=thin)
        return {}

    def _sign(self, given: Given) -> Given:
        """`{"event": id}`, and to forge it `secret` or `at`, a second."""
        return self._deliveries.signed(given["event"], secret=given.get("secret", ""), at=given.get("at"))

    def _tax(self, given: Given) -> Given:
        """`{"percent": "20"}` is charged where automatic tax is on; without it nothing is."""
        totals.set_rate(self._state, given.get("percent"))
        return {}

    def _thin(self, given: Given) -> Given:
        """`{"type", "data", "related"}`: a thin event of whatever type, for what the stand-in does not cause by itself."""
        return self._state.emit_thin(given["type"], given.get("related"), given.get("data") or {})

    async def _deliver(self, given: Given) -> Given:
        """Tell everything that is due; with `{"all": true}` also what is held, or waits for another try."""
        if given.get("all"):
            self._deliveries.release()
        tried = await self._deliveries.settle()
        return {"tried": tried, "waiting": self._deliveries.waiting()}
