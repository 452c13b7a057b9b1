"""Threads shared fairly: in turn, by shares, and bounded."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from saas.core import fairpool
from saas.core.errors import Busy
from saas.core.fairpool import FairPool

SECONDS = 10


def test_who_asks_once_does_not_wait_behind_who_asks_a_hundred_times() -> None:
    pool, gate, order = FairPool(1, "test"), threading.Event(), list[str]()

    def note(owner: str) -> Callable[[], None]:
        return lambda: order.append(owner)

    first = pool.submit("a", lambda: gate.wait(SECONDS))
    calls = [pool.submit("a", note("a")) for _ in range(100)]
    calls += [pool.submit(owner, note(owner)) for owner in ("b", "c", "b")]
    gate.set()
    for call in [first, *calls]:
        call.result(SECONDS)
    assert order[:6] == ["a", "b", "c", "a", "b", "a"]
    assert len(order) == 103


def test_nobody_holds_all_threads() -> None:
    pool, gate = FairPool(4, "test"), threading.Event()
    slow = [pool.submit("a", lambda: gate.wait(SECONDS)) for _ in range(10)]
    assert pool.submit("b", lambda: "at once").result(SECONDS) == "at once"
    assert sum(call.running() for call in slow) == 3
    gate.set()
    assert [call.result(SECONDS) for call in slow] == [True] * 10


def test_what_a_call_raises_reaches_who_asked_and_frees_the_thread() -> None:
    pool = FairPool(1, "test")
    failed = pool.submit("a", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        failed.result(SECONDS)
    assert pool.submit(None, lambda: 7).result(SECONDS) == 7


def test_who_no_longer_waits_is_passed_over() -> None:
    pool, gate, done = FairPool(1, "test"), threading.Event(), list[int]()
    first = pool.submit("a", lambda: gate.wait(SECONDS))
    second, third = pool.submit("a", lambda: done.append(2)), pool.submit("a", lambda: done.append(3))
    assert second.cancel()
    gate.set()
    first.result(SECONDS), third.result(SECONDS)
    assert done == [3]


def test_what_waits_is_bounded_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairpool, "MOST_WAITING", 5)
    pool, gate = FairPool(1, "test"), threading.Event()
    running = [pool.submit("a", lambda: gate.wait(SECONDS)) for _ in range(6)]
    with pytest.raises(Busy) as refused:
        pool.submit("a", lambda: None)
    assert refused.value.retry_after
    other = pool.submit("b", lambda: "mine")
    gate.set()
    assert other.result(SECONDS) == "mine"
    assert [call.result(SECONDS) for call in running] == [True] * 6


def test_an_owner_may_be_held_to_less_and_always_has_one_thread() -> None:
    for threads, share, held in ((4, 0.5, 2), (2, 0.75, 1), (1, 0.5, 1)):
        pool, gate = FairPool(threads, "test", share=share), threading.Event()
        slow = [pool.submit("a", partial(gate.wait, SECONDS)) for _ in range(10)]
        assert (sum(call.running() for call in slow), pool.waits("a"), pool.waits("b")) == (held, 10 - held, 0)
        gate.set()
        assert [call.result(SECONDS) for call in slow] == [True] * 10
        assert pool.waits("a") == 0


def test_an_owners_executor_waits_for_the_owners_turn() -> None:
    pool, gate = FairPool(2, "test"), threading.Event()
    own = pool.of("a")
    slow, waiting = own.submit(gate.wait, SECONDS), own.submit(divmod, 7, 2)
    assert pool.of("b").submit(int, "11", base=8).result(SECONDS) == 9
    assert not waiting.done()
    gate.set()
    assert slow.result(SECONDS)
    assert waiting.result(SECONDS) == (3, 1)


def test_a_second_thread_comes_when_the_first_call_has_taken_long() -> None:
    now = [0.0]
    pool, gate, begun = FairPool(4, "test", share=0.5, patience=1.0, clock=lambda: now[0]), threading.Event(), threading.Event()
    slow = pool.submit("a", lambda: gate.wait(SECONDS))
    next_one = pool.submit("a", begun.set)
    now[0] = 0.9
    assert pool.look_again("a")
    assert pool.submit("b", lambda: 1).result(SECONDS) == 1
    assert not begun.is_set()
    now[0] = 1.0
    assert not pool.look_again("a")
    next_one.result(SECONDS)
    assert not slow.done()
    gate.set()
    slow.result(SECONDS)
