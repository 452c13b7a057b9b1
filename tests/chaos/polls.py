"""Somebody whose sockets are refused: the same frames travel by HTTP, as `protocol.md` says under "Without a socket"."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.chaos.habits import Address
from tests.chaos.person import Frame, Person

MOST_FRAMES: Final = 20  # in one request
BETWEEN_SECONDS: Final = 0.25  # two requests of one kind
SPEAK_SECONDS: Final = 12.0  # for an answer to what was said; the server takes at most 10
COME_BACK_SECONDS: Final = 2.0  # at most, after a refusal


def requests_to(address: Address) -> httpx.AsyncClient:
    """A browser at the host's own page."""
    headers = {"Host": address.host, "Origin": f"http://{address.host}", "Authorization": f"Bearer {address.token}"}
    base = f"http://127.0.0.1:{address.port}{address.door}"
    return httpx.AsyncClient(base_url=base, headers=headers, timeout=SPEAK_SECONDS, trust_env=False, verify=False)


@dataclass
class OverHttp(Person):
    """Two requests at a time: one that says, one that waits for news."""

    _waiting: list[Frame] = field(default_factory=list)  # to be said with the next request
    _news: asyncio.Event = field(default_factory=asyncio.Event)  # something waits
    _joined: asyncio.Event = field(default_factory=asyncio.Event)  # the next poll has another room to name
    _cut: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> bool:
        was_here, self.is_here = self.is_here, False
        self._cut.set()
        return was_here

    async def _visit(self, address: Address) -> None:
        self._waiting.clear()
        for event in (self._news, self._joined, self._cut):
            event.clear()
        async with requests_to(address) as http:
            self.is_here = True  # what is heard first may be answered at once
            cursor = await self._poll(http, None)
            self.welcomes += 1
            await self._stay(self._listen(http, cursor), self._begin(), self._speak(http), self._until_cut())

    async def _until_cut(self) -> None:
        await self._cut.wait()
        raise ConnectionAbortedError

    async def _say(self, **frame: Any) -> None:
        if self.is_here:
            self._waiting.append(frame)
            self._news.set()

    async def _speak(self, http: httpx.AsyncClient) -> None:
        """One request after another: then what is said is stored in the order said."""
        while True:
            await self._news.wait()
            said, self._waiting = self._waiting[:MOST_FRAMES], self._waiting[MOST_FRAMES:]
            answers = await self._post(http, "frames", {"frames": said})
            await self._hear_all(answers["frames"])
            if {one["cid"] for one in said if "cid" in one} - {one.get("cid") for one in answers["frames"]}:
                raise TimeoutError  # something has no answer: all that has none goes again, in order
            if not self._waiting:
                self._news.clear()
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _listen(self, http: httpx.AsyncClient, cursor: str) -> None:
        while True:
            self._joined.clear()
            poll = asyncio.create_task(self._poll(http, cursor))
            joined = asyncio.create_task(self._joined.wait())
            try:
                await asyncio.wait({poll, joined}, timeout=self.habits.patience, return_when=asyncio.FIRST_COMPLETED)
                cursor = poll.result() if poll.done() else cursor
            finally:
                await _end(poll, joined)
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _poll(self, http: httpx.AsyncClient, cursor: str | None) -> str:
        """Ask for news; the cursor for the next time."""
        asked = {"rooms": self._positions(), **({"cursor": cursor} if cursor else {})}
        answer = await self._post(http, "events", asked)
        await self._hear_all(answer["frames"])
        return str(answer["cursor"])

    async def _post(self, http: httpx.AsyncClient, act: str, body: Frame) -> Frame:
        """The answer. Raises OSError for a refusal, after a while."""
        answer = await http.post(f"/{act}", json=body)
        if answer.status_code == httpx.codes.OK:
            found: Frame = answer.json()
            return found
        self._note(answer.text)
        with suppress(ValueError, KeyError):
            self.log.codes.append(int(answer.json()["error"]["close"]))
        await asyncio.sleep(self.dice.random() * COME_BACK_SECONDS)
        raise ConnectionRefusedError(answer.text)

    async def _hear_all(self, frames: list[Frame]) -> None:
        self.pong_at = asyncio.get_running_loop().time()
        for frame in frames:
            self._note(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))
            if frame["t"] == "joined" and frame["room"] not in self.views:
                self._joined.set()
            await self._hear(frame)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
