"""What a server refuses to start with in production, all of it at once and one line for each.

Every problem is a sentence that names the setting, what is wrong and what to do. `python -m saas.checks` says them without a
server. Where PORCHLIGHT_DEVELOPMENT=1 (`make up`, tests, benchmarks) nothing is checked, but that nobody pays there.
"""

import logging
from typing import Final

from django.conf import settings

from saas.checks.alone import hold_the_place
from saas.checks.alone import keep_the_place as keep_the_place
from saas.checks.database import database_problems
from saas.checks.layer import redis_problems
from saas.checks.setup import development_problems, setting_problems
from saas.core.logins import owner_problems

log = logging.getLogger(__name__)

UNCHECKED: Final = "PORCHLIGHT_DEVELOPMENT=1: nothing is checked before a start; unset it where people are served"


def problems() -> list[str]:
    """All that speaks against a start. Asks the database and Redis, and blocks; in development neither."""
    if settings.DEVELOPMENT:
        return development_problems()
    return [*setting_problems(), *_logins(), *redis_problems(settings.REDIS_HOSTS)]


def _logins() -> list[str]:
    """A server of sockets alone makes no tenant, and needs no owner."""
    owner = [] if settings.SERVES == "ws" else owner_problems(settings.DATABASES["owner"])
    return [*database_problems(settings.DATABASES["default"]), *owner]


def refusal() -> str:
    """Why this server must not start, having said each reason in the log; empty if it may.

    Where there is no Redis it holds the one place of a server on this database from now on, and waits for one that is leaving.
    """
    found = problems()
    if settings.DEVELOPMENT and settings.SECURE:  # not as `make up` and tests are
        log.warning(UNCHECKED)
    if not found and not settings.DEVELOPMENT and not settings.REDIS_HOSTS:
        found = hold_the_place(settings.DATABASES["default"])
    for line in found:
        log.error("Refusing to start: %s", line)
    return f"{len(found)} settings are not safe for production; each has its line above" if found else ""
