"""What was refused is taken again in the order in which it was said."""

from uuid import UUID

import pytest

from chat.realtime.protocol.codes import MAX_JOINED
from chat.realtime.send_order import AGAIN, MOST, PATIENCE, SendOrder
from saas.core.errors import Busy, RateLimited

ROOM, OTHER = UUID(int=1), UUID(int=2)
A, B, C = UUID(int=10), UUID(int=11), UUID(int=12)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def order(clock: Clock) -> SendOrder:
    """A was refused for two seconds."""
    order = SendOrder(clock)
    order.refuse(ROOM, A, 2.0, RateLimited)
    return order


def test_a_room_that_refused_nothing_takes_everything(order: SendOrder) -> None:
    assert order.refusal(OTHER, B) is None


def test_nothing_is_taken_before_the_time(order: SendOrder) -> None:
    for cid in (A, B):
        refused = order.refusal(ROOM, cid)
        assert isinstance(refused, RateLimited)
        assert refused.retry_after == 2.0


def test_after_the_time_the_first_is_taken_and_no_other(order: SendOrder, clock: Clock) -> None:
    clock.now += 2.0
    late = order.refusal(ROOM, B)
    assert late is not None
    assert late.retry_after == AGAIN
    assert order.refusal(ROOM, A) is None


def test_what_was_on_its_way_takes_its_place_behind(order: SendOrder, clock: Clock) -> None:
    order.refusal(ROOM, B)
    clock.now += 2.0
    assert order.refusal(ROOM, C) is not None
    for cid in (A, B, C):
        assert order.refusal(ROOM, cid) is None
        order.taken(ROOM, cid)
    assert order.refusal(ROOM, UUID(int=99)) is None


def test_what_is_refused_again_further_on_keeps_its_place(order: SendOrder, clock: Clock) -> None:
    order.refusal(ROOM, B)
    clock.now += 2.0
    order.taken(ROOM, A)
    order.refuse(ROOM, A, 1.0, Busy)
    clock.now += 1.0
    assert order.refusal(ROOM, B) is not None
    assert order.refusal(ROOM, A) is None


def test_what_is_settled_is_waited_for_no_more(order: SendOrder, clock: Clock) -> None:
    clock.now += 2.0
    order.taken(ROOM, A)
    order.settled(ROOM, A)
    assert order.refusal(ROOM, B) is None


def test_who_gave_the_first_up_is_not_refused_for_ever(order: SendOrder, clock: Clock) -> None:
    clock.now += 2.0 + PATIENCE
    assert order.refusal(ROOM, B) is not None
    clock.now += 0.1
    assert order.refusal(ROOM, B) is None


def test_a_second_refusal_of_the_first_prolongs_the_time(order: SendOrder, clock: Clock) -> None:
    clock.now += 2.0
    assert order.refuse(ROOM, A, 3.0, Busy) == 3.0
    clock.now += 2.9
    assert order.refusal(ROOM, A) is not None
    clock.now += 0.1
    assert order.refusal(ROOM, A) is None


def test_a_flood_is_not_remembered_without_end(order: SendOrder, clock: Clock) -> None:
    for number in range(100, 100 + 2 * MOST):
        assert order.refusal(ROOM, UUID(int=number)) is not None
    assert len(order._rooms[ROOM].cids) == MOST


def test_rooms_that_refuse_are_not_remembered_without_end(order: SendOrder) -> None:
    """Whoever names a new one each time keeps no more of them than a socket may join; the newest count."""
    rooms = [UUID(int=number) for number in range(1_000, 1_000 + 2 * MAX_JOINED)]
    for room in rooms:
        order.refuse(room, A, 2.0, RateLimited)
    assert len(order._rooms) == MAX_JOINED
    assert all(order.refusal(room, B) for room in rooms[-MAX_JOINED:])


def test_rooms_that_were_given_up_go_before_those_that_wait(order: SendOrder, clock: Clock) -> None:
    for number in range(MAX_JOINED - 2):
        order.refuse(UUID(int=1_000 + number), A, 2.0, RateLimited)
    clock.now += 2.0 + PATIENCE
    order.refuse(ROOM, A, 2.0, RateLimited)  # the oldest, and waited for again
    order.refuse(OTHER, A, 2.0, RateLimited)
    clock.now += 0.1
    order.refuse(UUID(int=3), A, 2.0, RateLimited)
    assert order.refusal(ROOM, B) is not None
    assert len(order._rooms) == 3


def test_while_the_socket_rests_nothing_is_taken_and_nothing_given_up(order: SendOrder, clock: Clock) -> None:
    order.rest(1.0 + PATIENCE)
    clock.now += 0.5 + PATIENCE
    assert order.refusal(ROOM, A) is not None
    clock.now += 0.5
    assert order.refusal(ROOM, B) is not None
    assert order.refusal(ROOM, A) is None
