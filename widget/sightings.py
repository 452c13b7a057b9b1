"""Which pages ask for a site's config: noted beside the answer, which does not wait for it.

Told of each request that the byte cache did not answer by itself: of one site a few in ten seconds at most, however busy it is.
"""

import asyncio
import logging
import re
from typing import Any, Final

from chat.services.tags import lately
from saas.core.errors import AppError
from tenants.context import run_on_platform
from tenants.routing import header
from widget.services import embed_for, note_tag

log = logging.getLogger(__name__)

_KEY: Final = re.compile(r"/w/([A-Za-z0-9]{1,32})/config")
_noting: set[asyncio.Task[None]] = set()  # the loop itself keeps only a weak reference


def note_asked(scope: dict[str, Any]) -> None:
    """A page asked for a config. On the event loop; costs a look at two headers."""
    found, origin = _KEY.fullmatch(scope["path"]), header(scope, b"origin")
    if found is None or not origin or not lately.would_take(found[1], origin):
        return
    task = asyncio.get_running_loop().create_task(_note(found[1], origin, header(scope, b"referer") or ""), name="sighting")
    _noting.add(task)
    task.add_done_callback(_noting.discard)


async def _note(key: str, origin: str, page: str) -> None:
    try:
        await run_on_platform(_note_now, key, origin, page)
    except AppError:
        return  # no site of ours
    except Exception as error:
        log.warning("where a tag was seen is not noted: %s: %s", type(error).__name__, error)


def _note_now(key: str, origin: str, page: str) -> None:
    note_tag(embed_for(key), origin, page)
