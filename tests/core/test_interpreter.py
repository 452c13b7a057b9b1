"""The interpreter is handed over sooner while somebody asks for it, and only then."""

import threading

import pytest

from saas.core.interpreter import HandOver

SECONDS = 10


def test_it_is_sooner_from_the_first_who_comes_to_the_last_who_leaves() -> None:
    told = list[float]()
    hand_over, begun, gate = HandOver(0.5, 0.1, set_to=told.append), threading.Semaphore(0), threading.Event()

    def work() -> None:
        with hand_over:
            begun.release()
            gate.wait(SECONDS)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    with hand_over:
        assert all(begun.acquire(timeout=SECONDS) for _ in workers)
    assert told == [0.1]
    gate.set()
    for worker in workers:
        worker.join(SECONDS)
    assert told == [0.1, 0.5]
    with hand_over:
        assert told == [0.1, 0.5, 0.1]
    assert told == [0.1, 0.5, 0.1, 0.5]


def test_it_is_as_usual_after_an_error() -> None:
    told = list[float]()
    with pytest.raises(ZeroDivisionError), HandOver(0.5, 0.1, set_to=told.append):
        1 // 0  # noqa: B018  # it raises
    assert told == [0.1, 0.5]
