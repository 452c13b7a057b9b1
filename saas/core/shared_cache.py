"""Django's cache in Redis, for what all processes count together; by this process alone while Redis is away.

What is kept in it are the library's limits of signing in, and the codes of authenticator apps that were used up. Both are better
counted by each process alone for a while than not at all, and nobody is kept from signing in.
"""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from saas.core.ratelimit.absence import ANSWER_SOON, absence_of
from saas.core.ratelimit.local import MOST_KEYS


def _either(what: str) -> Any:
    """A method of the cache that answers either way."""

    def method(self: "SharedCache", *args: Any, **kwargs: Any) -> Any:
        return self.ask(what, *args, **kwargs)

    return method


class SharedCache(RedisCache):
    """Named in settings. Raises for no Redis that is away, frozen, full or restarting: it answers by what this process holds.

    The two know nothing of each other's keys: what was counted in one counts anew in the other.
    """

    def __init__(self, server: list[str], params: dict[str, Any]) -> None:
        options = {**ANSWER_SOON, "retry": Retry(NoBackoff(), 0), **params.get("OPTIONS", {})}
        super().__init__(server, params | {"OPTIONS": options})
        self._here = LocMemCache(f"beside {server[0]}", params | {"OPTIONS": {"MAX_ENTRIES": MOST_KEYS}})
        self._absence = absence_of(server[0])

    add = _either("add")
    get = _either("get")
    set = _either("set")
    touch = _either("touch")
    delete = _either("delete")
    get_many = _either("get_many")
    has_key = _either("has_key")
    incr = _either("incr")
    set_many = _either("set_many")
    delete_many = _either("delete_many")

    def clear(self) -> None:
        """Both: what is left here would come back with the next absence."""
        self._here.clear()
        self.ask("clear")

    def ask(self, what: str, *args: Any, **kwargs: Any) -> Any:
        """Have Redis do it, or this process while Redis is away."""
        here = getattr(self._here, what)
        if self._absence.lasts:
            return here(*args, **kwargs)
        try:
            answer = getattr(super(), what)(*args, **kwargs)
        except RedisError as error:
            self._absence.begin(error)
            return here(*args, **kwargs)
        self._absence.end()
        return answer
