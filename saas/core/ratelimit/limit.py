"""What a limit is, and the name of what is counted under it."""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from typing import Final
from uuid import UUID

from django.conf import settings

ADDRESS_SHARE: Final = 0.25  # of what a whole tenant may: one address has no more
PLATFORM: Final = "platform"  # in the tenant's place for what happens on the platform host


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` at once, and `times` in each `per` seconds in the long run, for each of its `scope`.

    The operator may put other numbers in their place (settings.LIMITS, by name).
    """

    name: str
    times: int
    per: float
    scope: str = ""  # socket, person, ip, network, site, tenant; for the reader, and for who makes keys from it
    whole: "Limit | None" = None  # of an address: what all of the tenant may together

    def __post_init__(self) -> None:
        if own := settings.LIMITS.get(self.name):
            object.__setattr__(self, "times", own[0])
            object.__setattr__(self, "per", own[1])

    @property
    def each(self) -> float:
        """Seconds that one costs."""
        return self.per / self.times

    def tighter(self) -> "Limit":
        """What one process of several allows while they cannot count together."""
        return _tighter(self)

    def scaled(self, factor: float) -> "Limit":
        """So many times as much, for a larger plan; at least one."""
        return _plain(self, max(1, round(self.times * factor)), self.per)

    def beside(self, whole: "Limit") -> "Limit":
        """No more than an address's share of the whole, however large that is. The operator's own number stands as it is."""
        share = max(1, int(whole.times * ADDRESS_SHARE * self.per / whole.per))
        return self if share >= self.times or self.name in settings.LIMITS else _plain(self, share, self.per)


@lru_cache(1024)
def _tighter(limit: Limit) -> Limit:
    return _plain(limit, max(1, limit.times // 2), limit.per if limit.times > 1 else limit.per * 2)


@lru_cache(1024)
def _plain(limit: Limit, times: int, per: float) -> Limit:
    """Another limit of the same name, with just these numbers."""
    made = replace(limit)
    object.__setattr__(made, "times", times)
    object.__setattr__(made, "per", per)
    return made


def counter_key(limit: Limit, tenant: UUID | str, key: object) -> str:
    """The one place that names a counter: the tenant first."""
    return f"rl:{tenant}:{limit.name}:{key}"


@cache
def _prefix(version: int, *, wide: bool) -> int:
    return 64 if version == 6 else 24 if wide else 32


@lru_cache(maxsize=65_536)
def network_of(address: str, *, wide: bool = False) -> str:
    """Who an address stands for. Of IPv6 a household has a whole /64; of IPv4 the address, or with `wide` its /24."""
    try:
        found = ip_address(address)
        if found.version == 6 and found.ipv4_mapped:
            found = found.ipv4_mapped
        return str(ip_network(f"{found}/{_prefix(found.version, wide=wide)}", strict=False))
    except ValueError:
        return address[:45]
