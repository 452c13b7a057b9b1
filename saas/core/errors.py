"""The closed list of refusals. Mapped to the wire in two places only: `saas/core/http.py` and `chat/consumers.py`."""

from collections.abc import Mapping
from typing import ClassVar


class AppError(Exception):
    """A refusal with a code for programs and a sentence for people. Nothing was stored."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after


class BadFrame(AppError):
    """The input is not of the promised shape."""

    code, status = "bad_frame", 400


class TooLarge(AppError):
    """The whole input is larger than the limit."""

    code, status = "too_large", 413


class TooLong(AppError):
    """A text is longer than the limit."""

    code, status = "too_long", 400


class Empty(AppError):
    """A text holds nothing after trimming."""

    code, status = "empty", 400


class NotFound(AppError):
    """No such object, or not one that this person may know of."""

    code, status = "not_found", 404


class Forbidden(AppError):
    """The person may see the object but not do this to it."""

    code, status = "forbidden", 403


class Unauthenticated(AppError):
    """No valid proof of who is asking."""

    code, status = "unauthenticated", 401


class TokenExpired(Unauthenticated):
    """The proof was valid and has run out: get a new one and come again."""

    code: ClassVar[str] = "token_expired"


class OtpRequired(Unauthenticated):
    """The password is right; the second factor is missing or wrong."""

    code: ClassVar[str] = "otp_required"


class Conflict(AppError):
    """The same identifier was used before with other content."""

    code, status = "conflict", 409


class ChangedSince(Conflict):
    """Somebody else has changed it since this person looked; `stored` is what it holds now, `field` by field, for people."""

    code: ClassVar[str] = "changed_since"

    def __init__(self, message: str, *, stored: Mapping[str, object]) -> None:
        super().__init__(message)
        self.stored = stored


class RateLimited(AppError):
    """Too many in too short a time; `retry_after` seconds until one more is let through."""

    code, status, retryable = "rate_limited", 429, True


class PlanLimit(AppError):
    """The tenant's plan, its spend cap or an unpaid invoice stands in the way. The sentence names the limit and the way out."""

    code, status = "plan_limit", 402


class RoomClosed(AppError):
    """The room takes no more messages."""

    code, status = "room_closed", 409


class Muted(AppError):
    """A moderator keeps this person from writing; `retry_after` seconds until it ends, if it does."""

    code, status = "muted", 403


class SlowMode(AppError):
    """The room takes one message of each member in so many seconds; `retry_after` until the next."""

    code, status, retryable = "slow_mode", 429, True


class ReadOnly(AppError):
    """This person may read but not write."""

    code, status = "read_only", 403


class Busy(AppError):
    """The server has more to do than it can hold; `retry_after` seconds until it is worth trying again."""

    code, status, retryable = "busy", 503, True


class Internal(AppError):
    """A fault of ours; the log has the details."""


class AttachmentRefused(AppError):
    """The file is unknown, or not of a kind or size that is taken."""

    code, status = "attachment_refused", 400
