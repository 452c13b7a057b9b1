"""On AWS a server of sockets drains when its target does, and no missing answer harms it."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from saas.core import target
from saas.core.target import Target, until_draining
from tests.support.ecs import GROUPS, Ecs, ecs
from tests.support.patience import PATIENCE

UNHEARD = "AWS does not say how the target of this process stands"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecs]:
    """To a task that listens on port 8000."""
    with ecs() as said:
        said.port = 8000
        for name, value in said.variables.items():
            monkeypatch.setenv(name, value)
        target._client.cache_clear()
        yield said
        target._client.cache_clear()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "LOOK_SECONDS", 0.0)


class Answers:
    """One after the other; what is an error is raised."""

    def __init__(self, *answers: str | Exception) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    def __call__(self, group: str) -> str:
        self.asked.append(group)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def said_by_it(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Not what the garbage of other tests says."""
    return [record for record in caplog.records if record.name == target.__name__]


@pytest.mark.usefixtures("hurried")
class TestUntilDraining:
    @pytest.mark.parametrize("state", ["initial", "healthy", "unhealthy", "unused", "unavailable"])
    async def test_in_any_other_state_it_looks_again(self, state: str) -> None:
        answers = Answers(state, state, "draining", "draining")
        await until_draining(GROUPS, answers)
        assert answers.asked == [GROUPS[0], GROUPS[1], GROUPS[0]]

    async def test_one_group_that_it_leaves_is_enough(self) -> None:
        answers = Answers("healthy", "draining")
        await until_draining(GROUPS, answers)
        assert answers.asked == GROUPS

    async def test_what_goes_wrong_is_said_once_and_ends_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        answers = Answers(*[ConnectionError("no way")] * 3, "draining")
        await until_draining(GROUPS, answers)
        assert len(answers.asked) == 4
        assert [record.getMessage() for record in said_by_it(caplog)] == [f"{UNHEARD}: ConnectionError: no way"]

    async def test_it_is_said_again_when_it_had_gone_well_meanwhile(self, caplog: pytest.LogCaptureFixture) -> None:
        answers = Answers(KeyError("x"), "healthy", KeyError("x"), "draining")
        await until_draining(GROUPS, answers)
        assert [record.levelno for record in said_by_it(caplog)] == [logging.WARNING] * 2


async def test_the_looks_of_many_servers_fall_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    await until_draining(GROUPS, Answers(*["healthy"] * 99, "draining"))
    assert len(set(waits)) > 90
    assert target.LOOK_SECONDS * 0.75 <= min(waits) < max(waits) <= target.LOOK_SECONDS * 1.25


def test_the_end_of_the_process_waits_for_no_look(hurried: None) -> None:
    """Nor is the look's answer, which comes after it, an error."""
    looking, may_end = threading.Event(), threading.Event()

    def look(_group: str) -> str:
        looking.set()
        assert may_end.wait(2 * PATIENCE)
        return "healthy"

    async def serve() -> None:
        leave = asyncio.create_task(until_draining(GROUPS, look))
        while not looking.is_set():
            await asyncio.sleep(0.001)
        leave.cancel()

    timer = threading.Timer(PATIENCE, may_end.set)
    timer.start()
    asyncio.run(serve())
    assert not may_end.is_set()
    timer.cancel()
    may_end.set()


class TestTarget:
    @pytest.mark.parametrize("state", ["initial", "healthy", "draining", "unused"])
    def test_it_asks_for_its_own_address_and_port(self, aws: Ecs, state: str) -> None:
        aws.state = state
        mine = Target(8000)
        assert [mine.state_in(group) for group in GROUPS] == [state, state]
        assert aws.asked == GROUPS

    def test_another_port_is_another_target(self, aws: Ecs) -> None:
        with pytest.raises(ClientError, match="InvalidTarget"):
            Target(8001).state_in(GROUPS[0])

    @pytest.mark.parametrize("code", ["TargetGroupNotFound", "AccessDenied"])
    async def test_who_is_refused_asks_again(self, aws: Ecs, code: str, hurried: None, caplog: pytest.LogCaptureFixture) -> None:
        aws.refusal, aws.state = code, "draining"
        mine = Target(8000)

        def refused_once(group: str) -> str:
            try:
                return mine.state_in(group)
            finally:
                aws.refusal = ""

        await until_draining(GROUPS, refused_once)
        (record,) = said_by_it(caplog)
        assert record.getMessage().startswith(f"{UNHEARD}: ")
        assert code in record.getMessage()

    def test_outside_of_ecs_it_has_no_address(self, aws: Ecs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ECS_CONTAINER_METADATA_URI_V4")
        with pytest.raises(KeyError, match="ECS_CONTAINER_METADATA_URI_V4"):
            Target(8000).state_in(GROUPS[0])
