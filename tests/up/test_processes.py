"""Child processes, ports, and the Redis of the tests."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import redis

from saas.up.database import ROOT
from saas.up.processes import free_port, holder, is_running, refusal
from saas.up.redis import NoRedis, RedisServer
from tests.support.patience import PATIENCE

STARTER = """
import time
from redis import Redis
from saas.up.redis import RedisServer
with RedisServer() as url:
    print(Redis.from_url(url).info("server")["process_id"], flush=True)
    time.sleep(120)
"""


def test_the_holder_of_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        assert f"process {os.getpid()} (" in holder(busy.getsockname()[1])
        assert refusal(busy.getsockname()[1]) is not None


def test_a_free_port_is_not_refused() -> None:
    assert refusal(free_port()) is None


def test_a_zombie_does_not_run() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(child.pid)
    child.wait()


def test_redis_answers_inside_the_block_only() -> None:
    with RedisServer() as url:
        assert redis.Redis.from_url(url).ping()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(url).ping()


def test_redis_whose_port_is_taken_meanwhile_has_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        found = iter([busy.getsockname()[1], free_port()])
        monkeypatch.setattr("saas.up.redis.free_port", lambda: next(found))
        with RedisServer() as url:
            assert redis.Redis.from_url(url).ping()


def test_redis_on_a_wanted_port_that_is_taken_says_so() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as busy,
        pytest.raises(NoRedis, match="in use"),
        RedisServer(busy.getsockname()[1]),
    ):
        pass


def test_redis_does_not_outlive_a_killed_starter() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    server = int(starter.stdout.readline())
    assert is_running(server)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    end = time.monotonic() + PATIENCE
    while is_running(server):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_no_redis_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saas.up.redis.find_program", lambda: None)
    with pytest.raises(NoRedis, match="set REDIS_URL"), RedisServer():
        pass
