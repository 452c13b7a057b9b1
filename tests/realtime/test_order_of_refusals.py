"""Whatever refuses a message for a moment, nothing that was said after it is taken before it comes again."""

from uuid import UUID, uuid4

import msgspec
import pytest

from chat.consumers.collector import Collector
from chat.consumers.frames import handle, refuse
from chat.realtime.protocol.incoming import Send
from chat.realtime.session import HOLD_SECONDS, Session
from saas.core.errors import AppError, Busy, Forbidden, RateLimited
from tenants.context import TenantRef
from tenants.tokens import Principal


@pytest.fixture
def said() -> Collector:
    """What the socket heard."""
    return Collector()


@pytest.fixture
def session(acme: TenantRef, vic: Principal, said: Collector) -> Session:
    return Session(acme, vic, said, said.end)


def codes(said: Collector) -> list[tuple[str, float]]:
    frames = [msgspec.json.decode(text) for text in said.frames]
    return [(frame["code"], frame.get("retry_after", 0.0)) for frame in frames]


def send(room: UUID) -> Send:
    return Send(cid=uuid4(), room=room, text="hello")


@pytest.mark.parametrize(
    "error", [Busy("Too many frames are waiting.", retry_after=0.2), RateLimited("Too many.", retry_after=0.01)]
)
async def test_what_follows_is_refused_too(session: Session, said: Collector, error: AppError) -> None:
    room = uuid4()
    refuse(session, send(room), error)
    assert handle(session, send(room)) is None
    (first, wait), (second, rest) = codes(said)
    assert first == second == error.code
    assert wait >= HOLD_SECONDS
    assert 0 < rest <= wait


async def test_what_was_held_is_not_held_for_longer_by_what_follows(session: Session, said: Collector) -> None:
    room = uuid4()
    refuse(session, send(room), Busy("Too many frames are waiting.", retry_after=0.2))
    until = session.holds[room][0]
    for _ in range(3):
        assert handle(session, send(room)) is None
    assert session.holds[room][0] == until


async def test_a_refusal_for_good_holds_nothing(session: Session, said: Collector) -> None:
    room = uuid4()
    refuse(session, send(room), Forbidden("This room does not take the word.", field="text"))
    assert session.refusal_in(room) is None
    assert not session.sends_wait()
