"""The server as an ASGI application: the API, the pages for people, and the control that tests use."""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any, Final

from billing.sandbox import catalogue, clock, forms, parts  # noqa: F401  # registers
from billing.sandbox.api import Api
from billing.sandbox.control import Control
from billing.sandbox.deliveries import Deliveries
from billing.sandbox.disk import Disk
from billing.sandbox.errors import Refusal
from billing.sandbox.faults import Faults
from billing.sandbox.http import Answer, Cut, Receive, Request, Send, read, reply
from billing.sandbox.report import Report
from billing.sandbox.routes import PAGES, Page
from billing.sandbox.settings import Settings
from billing.sandbox.state import State

TICK: Final = 0.25  # seconds between two looks at the clock and two writes to the disk
FOREIGN: Final = frozenset({"cross-site", "same-site"})  # same-site is another port of this machine
logger: Final = logging.getLogger(__name__)


class App:
    """One stand-in. With `folder` it keeps its state there, and goes on with what it finds."""

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        self.state, self.faults, self.report = State(settings), Faults(), Report()
        self.deliveries = Deliveries(self.state, self.faults)
        self.api = Api(self.state, self.faults, self.report)
        self.control = Control(self.state, self.faults, self.report, self.deliveries)
        self._disk = Disk(folder) if folder else None
        if self._disk:
            self.state.load(self._disk.read())
        self._background: list[asyncio.Task[None]] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        with contextlib.suppress(Cut):
            request = await read(scope, receive)
            try:
                await self._answer(request, send)
            except Cut:
                scope["extensions"]["cut"]()
                await asyncio.sleep(0)  # until uvicorn knows, which would answer by itself
        if self.state.outbox:
            self.deliveries.wake()

    async def _answer(self, request: Request, send: Send) -> None:
        if request.path.startswith(("/v1/", "/v2/")):
            return await self.api.answer(request, send)
        if request.path.startswith("/_sandbox/"):
            return await reply(send, await self.control.answer(request))
        return await reply(send, self._show(request))

    def _show(self, request: Request) -> Answer:
        """A page for people."""
        found = PAGES.find(request.verb, request.path)
        if found is None:
            return Answer.of_page(Page("There is no such page.", 404, "text/plain; charset=utf-8"))
        if request.verb == "POST" and request.header("sec-fetch-site") in FOREIGN:
            return Answer.of_page(Page("A form of another site was sent here.", 403, "text/plain; charset=utf-8"))
        try:
            form = forms.decode(request.query) | forms.decode(request.body)
            with self.state.standing():
                return Answer.of_page(found.handler(self.state, form, *found.ids))
        except Refusal as refusal:
            return Answer.of_page(Page(refusal.message, refusal.status, "text/plain; charset=utf-8"))
        except Exception:
            self.report.crash(f"{request.verb} {request.path}")
            logger.exception("%s %s", request.verb, request.path)
            return Answer.of_page(Page("The page failed.", 500, "text/plain; charset=utf-8"))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._background = [asyncio.create_task(task) for task in (self._tick(), self._tell(), _warm())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self._background:
            task.cancel()
        if self._disk:
            self._disk.write(self.state)
            self._disk.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tell(self) -> None:
        """What goes wrong with one event does not end the telling."""
        while True:
            try:
                await self.deliveries.run()
            except Exception:
                self.report.crash("telling")
                logger.exception("telling failed")

    async def _tick(self) -> None:
        """Real time moves the clock too."""
        while True:
            await asyncio.sleep(TICK)
            try:
                clock.run_due(self.state, self.state.now())
            except Exception:
                self.report.crash("something due")
                logger.exception("something due failed")
            self.deliveries.wake()
            if self._disk:
                self._disk.write(self.state)


async def _warm() -> None:
    """Read the SDK's catalogue before the first request needs it."""
    await asyncio.to_thread(catalogue.operations)
