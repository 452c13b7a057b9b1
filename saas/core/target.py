"""On AWS: whether the load balancer has begun to take leave of this process, which ECS says to nobody.

ECS takes a task that is to end out of its target groups first: the target is `draining`, nothing new comes, and when the delay of
its deregistration is over the load balancer cuts what is still open. Only then comes SIGTERM, and finds nobody to say goodbye to.
(AWS, "Optimize load balancer connection draining parameters for Amazon ECS"; only a task that is stopped by hand gets SIGTERM at
once.) So a server of sockets looks after its own target, and drains when it drains.
"""

import asyncio
import logging
import os
import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cache, partial
from itertools import cycle
from threading import Thread
from typing import Any, Final

import boto3
import httpx
from botocore.config import Config

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0  # between two looks, a quarter more or less by chance; AWS answers ten a second, of all tasks
ANSWER_SECONDS: Final = 3.0  # for an answer, asked for twice at most
DRAINING: Final = "draining"
OPTIONS: Final = Config(
    connect_timeout=ANSWER_SECONDS, read_timeout=ANSWER_SECONDS, retries={"mode": "standard", "total_max_attempts": 2}
)


async def until_draining(groups: Sequence[str], state_in: Callable[[str], str]) -> None:
    """Return when the target is draining in one of these groups (their ARNs). Never raises, however often an answer is missing.

    `state_in(group)` says how it stands there; it may block, and is called on a thread. The groups are asked by turns: ECS leaves
    all of them at the same time.
    """
    is_unheard = False
    for group in cycle(groups):
        await asyncio.sleep(LOOK_SECONDS * random.uniform(0.75, 1.25))  # noqa: S311  # spread, not secret
        try:
            state = await _unwaited(partial(state_in, group))
        except Exception as error:  # whatever it was, the server serves on, and drains at SIGTERM as anywhere else
            if not is_unheard:
                log.warning("AWS does not say how the target of this process stands: %s: %s", type(error).__name__, error)
            is_unheard = True
            continue
        is_unheard = False
        if state == DRAINING:
            return


async def _unwaited(look: Callable[[], str]) -> str:
    """On a thread of its own: an event loop waits for its threads when it ends, and the process must not wait for AWS."""
    answer: Future[str] = Future()
    answer.set_running_or_notify_cancel()  # from now on nobody's cancelling reaches it

    def run() -> None:
        try:
            answer.set_result(look())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=run, name="target", daemon=True).start()
    return await asyncio.wrap_future(answer)


class Target:
    """This process as its load balancers know it: the address of its task, and a port. Every method blocks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._address = ""

    def state_in(self, group: str) -> str:
        """As AWS has it: initial, healthy, unhealthy, draining, unused or unavailable.

        Raises what AWS' client and httpx raise, and KeyError outside of ECS.
        """
        self._address = self._address or _own_address()
        wanted = {"Id": self._address, "Port": self._port}
        answer = _client(group.split(":")[3]).describe_target_health(TargetGroupArn=group, Targets=[wanted])
        return str(answer["TargetHealthDescriptions"][0]["TargetHealth"]["State"])


def _own_address() -> str:
    """What ECS says to a container of its one network interface. (Amazon ECS task metadata endpoint, version 4.)"""
    answer = httpx.get(os.environ["ECS_CONTAINER_METADATA_URI_V4"], timeout=ANSWER_SECONDS, trust_env=False)
    return str(answer.raise_for_status().json()["Networks"][0]["IPv4Addresses"][0])


@cache
def _client(region: str) -> Any:
    return boto3.client("elbv2", region_name=region, config=OPTIONS)
