"""What a process tells of itself: how late its loop is, what it holds, how its jobs stand; and that it takes its leave."""

import asyncio
import os
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now

from saas.core import registry
from saas.core.job_figures import job_figures
from saas.core.jobs import defer, run_worker, task
from saas.core.metrics import LOOP_LAG, REGISTRY
from saas.core.models import Process
from saas.core.processes import LEASE_SECONDS, Myself, all_processes
from saas.core.watch import Watch
from tests.support.patience import PATIENCE
from tests.support.server import START_SECONDS, lasting_port, make_server
from tests.support.trying import try_again

MINE = f"tests-{os.getpid()}"


def sample(name: str, **labels: str) -> float:
    """What Prometheus would be told."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


class TestTheWatch:
    async def test_a_loop_that_is_held_up_is_seen_to_be_late(self) -> None:
        watch = Watch("all", knows_jobs=False)
        before = LOOP_LAG.of("").cumulative()[-1][1]
        watch.start()
        await asyncio.sleep(0.15)
        time.sleep(0.5)
        await asyncio.sleep(0.05)
        lag = watch.figures()["lag_ms"]
        await watch.stop()
        assert lag >= 300
        assert LOOP_LAG.of("").cumulative()[-1][1] > before

    async def test_a_process_is_seen_until_it_takes_its_leave(self) -> None:
        myself, figures = Myself("worker"), {"sockets": 3}
        await asyncio.to_thread(myself.tell, figures)
        (seen,) = [one for one in await asyncio.to_thread(all_processes) if one.id == myself.id]
        assert (seen.kind, seen.pid, seen.figures) == ("worker", os.getpid(), figures)
        await asyncio.to_thread(myself.tell, {"sockets": 4})
        (seen,) = [one for one in await asyncio.to_thread(all_processes) if one.id == myself.id]
        assert seen.figures == {"sockets": 4}
        await asyncio.to_thread(myself.leave)
        assert myself.id not in {one.id for one in await asyncio.to_thread(all_processes)}

    def test_one_that_is_silent_is_gone(self) -> None:
        myself = Myself("web")
        myself.tell({})
        Process.objects.filter(id=myself.id).update(seen_at=Now() - timedelta(seconds=LEASE_SECONDS / 2))
        assert myself.id in {one.id for one in all_processes()}
        Process.objects.filter(id=myself.id).update(seen_at=Now() - timedelta(seconds=LEASE_SECONDS + 2))
        assert myself.id not in {one.id for one in all_processes()}
        myself.leave()

    async def test_what_grows_is_told_by_the_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counted = iter((100, 150))
        monkeypatch.setattr(registry.figures, "_answers", [lambda: {"things_total": next(counted)}])
        began = time.monotonic()
        watch = Watch("all", knows_jobs=False)
        assert "things_rate" not in watch.figures()
        watch._before_at -= 10.0
        rate = watch.figures()["things_rate"]
        assert 50 / (10.1 + time.monotonic() - began) <= rate <= 5.01

    async def test_without_a_database_it_goes_on(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        def away(*_words: Any) -> None:
            raise OSError("no route")

        monkeypatch.setattr(Myself, "tell", away)
        monkeypatch.setattr(Myself, "leave", away)
        watch = Watch("all", knows_jobs=True)
        watch.start()
        async with asyncio.timeout(PATIENCE):
            while "cannot tell the others" not in caplog.text:
                await asyncio.sleep(0.01)
        await watch.stop()
        assert caplog.text.count("cannot tell the others") == 1


@task(queue=MINE, retries=1)
def fail_or_not(*, word: str) -> None:
    """A job of this module."""
    if word == "fail":
        raise RuntimeError(word)


class TestJobs:
    def test_how_they_stand(self) -> None:
        defer(fail_or_not, word="ok")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE public.procrastinate_events SET at = now() - interval '90 seconds' WHERE job_id IN"
                " (SELECT id FROM public.procrastinate_jobs WHERE queue_name = %s)",
                [MINE],
            )
        (queue,) = [one for one in job_figures() if one.name == MINE]
        assert (queue.waiting, queue.running, queue.failed) == (1, 0, 0)
        assert 90 <= queue.oldest < 90 + PATIENCE
        asyncio.run(run_worker(MINE, wait=False))
        assert [one for one in job_figures() if one.name == MINE] == []

    def test_each_run_is_counted_and_what_failed_stays(self) -> None:
        name = fail_or_not.name
        before = {result: sample("porchlight_job_runs_total", task=name, result=result) for result in ("done", "failed")}
        defer(fail_or_not, word="fail")
        defer(fail_or_not, word="ok")
        asyncio.run(run_worker(MINE, wait=False))
        try_again(MINE)
        asyncio.run(run_worker(MINE, wait=False))
        after = {result: sample("porchlight_job_runs_total", task=name, result=result) for result in before}
        assert (after["done"] - before["done"], after["failed"] - before["failed"]) == (1, 2)
        (queue,) = [one for one in job_figures() if one.name == MINE]
        assert (queue.waiting, queue.failed, queue.oldest) == (0, 1, 0.0)


class TestTheWorker:
    def test_it_has_a_port_and_a_place_in_the_list_and_leaves_both(self) -> None:
        port = lasting_port()
        worker = make_server(METRICS_PORT=str(port))
        worker.command = ["-m", "saas.worker"]
        worker.launch()
        try:
            told = _told_at(port, "porchlight_jobs_oldest_seconds")
            assert 'porchlight_process{kind="worker"} 1.0' in told
            assert "\nporchlight_sockets " not in told  # it serves none, and would lower the least of all processes
            assert [one.kind for one in all_processes() if one.pid == worker.process.pid] == ["worker"]
        finally:
            worker.terminate()
        assert worker.wait() == 0  # it goes on with the job that it has, whoever left it behind
        assert [one for one in all_processes() if one.pid == worker.process.pid] == []


def _told_at(port: int, word: str) -> str:
    """What is told there, as soon as it holds the word."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if f"{word}{{" in (text := httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text):
                return text
        time.sleep(0.1)
    raise TimeoutError(word)
