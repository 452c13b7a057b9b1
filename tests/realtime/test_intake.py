"""The way in where the server offers no extension: turns, rests, and an end for who floods on."""

import asyncio
from typing import Any

import pytest

from chat.consumers import intake as intake_module
from chat.consumers.intake import Intake
from saas.core.fastsocket import MOST_IN_A_TURN
from tests.support.patience import PATIENCE

END = {"type": "websocket.disconnect"}


def text(number: int) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": str(number)}


@pytest.fixture
def queue() -> "asyncio.Queue[Any]":
    return asyncio.Queue()


async def test_others_have_their_turn_while_a_socket_floods(queue: "asyncio.Queue[Any]") -> None:
    for number in range(1_000):
        queue.put_nowait(text(number))
    receive, others = Intake(queue.get), []

    async def other() -> None:
        while True:
            others.append(0)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    found = [await receive() for _ in range(1_000)]
    task.cancel()
    assert found == [text(number) for number in range(1_000)]
    assert len(others) >= 1_000 // MOST_IN_A_TURN


async def test_a_rest_keeps_what_comes_and_its_order(queue: "asyncio.Queue[Any]") -> None:
    receive = Intake(queue.get)
    receive.rest(0.5)
    waiting = asyncio.create_task(receive())
    for number in range(5):
        queue.put_nowait(text(number))
        await asyncio.sleep(0)
    assert not waiting.done()
    queue.put_nowait(text(5))
    assert [await waiting, *[await receive() for _ in range(5)]] == [text(number) for number in range(6)]


async def test_a_peer_that_goes_ends_the_rest(queue: "asyncio.Queue[Any]") -> None:
    receive = Intake(queue.get)
    receive.rest(60)
    queue.put_nowait(text(0))
    queue.put_nowait(END)
    async with asyncio.timeout(PATIENCE):
        assert [await receive(), await receive()] == [text(0), END]


async def test_who_floods_on_during_a_rest_is_ended(queue: "asyncio.Queue[Any]", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "MOST_KEPT", 10)
    receive, overflows = Intake(queue.get), []
    receive.overflow = lambda: overflows.append(1)
    receive.rest(60)
    for number in range(11):
        queue.put_nowait(text(number))
    queue.put_nowait(END)
    async with asyncio.timeout(PATIENCE):
        assert await receive() == END
    assert overflows == [1]
