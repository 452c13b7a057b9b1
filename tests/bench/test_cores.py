"""Who has the cores first: what is started in the block, threads and children included, and nothing after it."""

import os
import subprocess
import sys

import pytest

from bench import cores

PRINT_POLICY = "import os; print(os.sched_getscheduler(0))"


def policy_of_a_child() -> int:
    return int(subprocess.run([sys.executable, "-c", PRINT_POLICY], capture_output=True, check=True).stdout)


@pytest.fixture
def is_allowed() -> None:
    with cores.first() as is_first:
        if not is_first:
            pytest.skip("no right to real-time priority here")


@pytest.mark.usefixtures("is_allowed")
def test_what_is_started_in_the_block_comes_first() -> None:
    with cores.first():
        assert policy_of_a_child() == os.SCHED_RR
    assert policy_of_a_child() == os.SCHED_OTHER


def test_without_the_right_it_runs_like_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with cores.first() as is_first:
        assert not is_first
        assert policy_of_a_child() == os.SCHED_OTHER


def test_what_is_put_last_has_one_core_and_of_it_the_rest() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        cores.put_last(child.pid)
        assert os.sched_getscheduler(child.pid) == os.SCHED_IDLE
        assert len(os.sched_getaffinity(child.pid)) == 1
        child.kill()
