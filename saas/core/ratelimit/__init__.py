"""Limits on how often. One algorithm (GCRA) in two places: in this process, and in Redis for all processes together.

GCRA keeps one number per key, the theoretical arrival time: the moment at which the key's past use is paid off. One more is
allowed while that moment lies less than the burst ahead. (ITU-T I.371, annex A.) With `Limit("sign_in", 10, 60)` ten may come at
once and then one every six seconds.

`check` and `a_check` ask Redis before they answer, and are exact: for what is rare and dear. `Permits` answers at once and
settles with Redis afterwards: for what is hot. `Meter` belongs to one holder, such as a socket.

Keys begin with the tenant, always: `counter_key` is the only place that makes one. Without Redis this process counts alone, which
is right for one process. When Redis is away each process counts alone against a smaller limit: tighter, never off.
"""

from saas.core.ratelimit.counting import a_check, check, forget_all
from saas.core.ratelimit.limit import PLATFORM, Limit
from saas.core.ratelimit.local import LocalTier, Meter
from saas.core.ratelimit.most import Most, Places
from saas.core.ratelimit.permits_on_credit import Counter, Permits, permits
from saas.core.ratelimit.shared import SharedTier

__all__ = [
    "PLATFORM",
    "Counter",
    "Limit",
    "LocalTier",
    "Meter",
    "Most",
    "Permits",
    "Places",
    "SharedTier",
    "a_check",
    "check",
    "forget_all",
    "permits",
]
