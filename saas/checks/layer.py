"""Redis servers that would lose what they were given, or that cannot do what is asked of them."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import redis

log = logging.getLogger(__name__)

TIMEOUT: Final = 5.0  # seconds


def redis_problems(urls: Sequence[str]) -> list[str]:
    """Of each server. One that is away speaks against nothing: without Redis messages come later, and none is lost."""
    found: list[str] = []
    for number, url in enumerate(urls, 1):
        name = f"REDIS_URL, server {number}" if len(urls) > 1 else "REDIS_URL"
        try:
            found += [f"{name}: {problem}" for problem in _problems_of(_info(url))]
        except (redis.RedisError, ValueError) as error:
            log.warning("%s does not answer (%s): its settings were not looked at", name, type(error).__name__)
    return found


def _info(url: str) -> dict[str, Any]:
    with redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) as client:
        said: dict[str, Any] = client.info()
        return said


def _problems_of(info: dict[str, Any]) -> list[str]:
    found = []
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        found.append(f"maxmemory-policy is {policy}, which forgets limits and permits when memory is full; set it to noeviction")
    if info.get("role", "master") != "master":
        found.append("it is a replica; name the primary")
    if info.get("cluster_enabled"):
        found.append("cluster mode sends every message to every node; use primaries without it, several if one is not enough")
    return found
