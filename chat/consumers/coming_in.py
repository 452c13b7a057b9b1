"""Coming in by turns: a crowd of one tenant's that is welcomed leaves room for every other tenant's."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from saas.core.turns import Turns

WELCOMES: Final = 128  # under way at the same time in one process
WELCOMES_EACH: Final = 64  # of one tenant: as many as two reads of the database take

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turn_to_be_welcomed(tenant_id: UUID) -> AbstractAsyncContextManager[None]:
    """Hold it while a client is welcomed. Raises Busy when too many of the tenant's wait."""
    loop = asyncio.get_running_loop()
    turns = _turns.get(loop)
    if turns is None:
        turns = _turns[loop] = Turns(most=WELCOMES, each=WELCOMES_EACH)
    return turns.of(tenant_id)
