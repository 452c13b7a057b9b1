"""Whatever refuses a message for a moment, nothing that was said after it is taken before it comes again."""

from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import OperationalError

from chat.consumers.collector import Collector
from chat.consumers.frames import handle, refuse
from chat.realtime.protocol.incoming import Send
from chat.realtime.session import Session
from saas.core.errors import Busy, Forbidden, RateLimited
from tenants.context import TenantRef
from tenants.tokens import Principal


@pytest.fixture
def said() -> Collector:
    """What the socket heard."""
    return Collector()


@pytest.fixture
def session(acme: TenantRef, vic: Principal, said: Collector) -> Session:
    return Session(acme, vic, said, said.end)


def codes(said: Collector) -> list[str]:
    return [msgspec.json.decode(text)["code"] for text in said.frames]


def send(room: UUID) -> Send:
    return Send(cid=uuid4(), room=room, text="hello")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Busy("Too many frames are waiting.", retry_after=0.2), "busy"),
        (RateLimited("Too many.", retry_after=0.01), "rate_limited"),
        (OperationalError("the connection is lost"), "busy"),
    ],
    ids=["busy", "too many", "no database"],
)
async def test_what_follows_is_refused_too(session: Session, said: Collector, error: Exception, code: str) -> None:
    room = uuid4()
    refuse(session, send(room), error)
    for _ in range(3):
        assert handle(session, send(room)) is None
    assert codes(said) == [code] * 4


async def test_another_room_takes_what_is_said_there(session: Session, said: Collector) -> None:
    refuse(session, send(uuid4()), Busy("The room is very busy.", retry_after=0.2))
    elsewhere = send(uuid4())
    assert session.order.refusal(elsewhere.room, elsewhere.cid) is None


async def test_a_refusal_for_good_holds_nothing(session: Session, said: Collector) -> None:
    room = uuid4()
    refuse(session, send(room), Forbidden("This room does not take the word.", field="text"))
    after = send(room)
    assert session.order.refusal(room, after.cid) is None
