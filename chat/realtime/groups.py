"""Names of groups on the bus: the only place where they are made, always from the tenant's id. Pure.

The name is what keeps tenants apart on the bus, so nobody else may put one together.
"""

import re
from functools import lru_cache
from uuid import UUID

PROCESSES = "processes"  # every process hears it: beats of life, how far each has come in which place; no words, no names

_NAME = re.compile(r"^[a-zA-Z0-9\-_.]{1,99}$")  # what channel layers allow


def room(tenant_id: UUID, room_id: UUID) -> str:
    """Everyone who has the room open."""
    return f"t{tenant_id.hex}.r{room_id.hex}"


@lru_cache(4_096)
def inbox(tenant_id: UUID) -> str:
    """Every agent of the tenant."""
    return f"t{tenant_id.hex}.inbox"


def person(tenant_id: UUID, person_id: UUID) -> str:
    """Every socket of one agent or one visitor."""
    return f"t{tenant_id.hex}.p{person_id.hex}"


def embed_key(tenant_id: UUID, key: str) -> str:
    """Every visitor's socket that was opened with one embed key."""
    return f"t{tenant_id.hex}.k{key}"


@lru_cache(4_096)
def here(tenant_id: UUID) -> str:
    """Every socket of the tenant: who is here now, and orders that concern them all."""
    return f"t{tenant_id.hex}.here"


def place_of(group: str) -> str:
    """Where on the bus a group is heard: one place for all groups of a tenant."""
    return group.partition(".")[0]


def is_valid(name: str) -> bool:
    """Whether every layer takes the name; the pub/sub layer does not check by itself."""
    return _NAME.match(name) is not None
