"""Numbers and codes of the wire, version 1. Pure."""

from collections.abc import Sequence
from enum import IntEnum

VERSION = 1  # the newest
SUPPORTED = (1,)  # every version that this server speaks; an old one stays for a year after the next
SUBPROTOCOL = f"porchlight.v{VERSION}"
MAX_FRAME = 64 * 1024  # bytes of one client frame
MAX_TEXT = 4_000  # characters of one message, after trimming
MAX_EMOJI = 32  # characters of one reaction
MAX_REACTED = 20  # people named under one emoji; the count goes on
MAX_JOINED = 100  # rooms of one socket
MAX_SOCKETS = 5  # sockets of one visitor; the oldest goes
MAX_BAD_FRAMES = 3  # in a row, then the socket closes
MAX_SUMMARIES = 50  # rooms in `welcome`
MAX_NOTICES = 20  # notifications in `welcome`
MAX_UNREAD = 99
MAX_NAMED = 50  # people of a room who are announced one by one; above, a count and `NAMED_SAMPLE` names
NAMED_SAMPLE = 20
PAGE_MESSAGES = 20  # messages in one page
PAGE_BYTES = 48 * 1024
CATCH_UP = 200  # changes that one catch-up may bring; further behind starts anew
PING_SECONDS = 25
PONG_SECONDS = 8
HELLO_SECONDS = 10


class Close(IntEnum):
    """Why a socket ends. 1012 and 4000-4399: come back. 4400-4499: stop and say why."""

    RESTART = 1012
    NO_HELLO = 4000
    TOKEN_EXPIRED = 4001
    TOO_SLOW = 4008
    BUSY = 4013
    BAD_PROTOCOL = 4400
    REVOKED = 4401
    NOT_YOURS = 4403
    NO_SUCH_SITE = 4404
    TOO_MANY_SOCKETS = 4409
    SUSPENDED = 4410
    CLIENT_TOO_OLD = 4426


def version_for(newest: int, oldest: int | None, supported: Sequence[int] = SUPPORTED) -> int | Close:
    """The highest version that this server and a client of these versions both speak, or the code that turns it away.

    A client that is behind our newest is too old; one that is ahead of it has to come back with an older version, if it can.
    """
    common = [version for version in supported if (newest if oldest is None else oldest) <= version <= newest]
    return max(common, default=Close.CLIENT_TOO_OLD if newest < max(supported) else Close.BAD_PROTOCOL)


def subprotocol_for(offered: Sequence[str]) -> str | None:
    """The one of the offered subprotocols that is answered with: the newest that this server speaks."""
    ours = (f"porchlight.v{version}" for version in sorted(SUPPORTED, reverse=True))
    return next((name for name in ours if name in offered), None)
