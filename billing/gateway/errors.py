"""What Stripe may answer instead of what was asked for: a closed list, in words for people."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import stripe

REPORTED: Final = "already exists with identifier"
IN_USE: Final = "idempotency_key_in_use"
KEY_REUSED: Final = "idempotency_error"
MISSING: Final = "resource_missing"
BUSY: Final = (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)  # a call with the same key is under way, or too many are


class StripeError(Exception):
    """Stripe did not do it. `message` is a sentence."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotConfigured(StripeError):
    """There is no key: this installation takes no money."""


class Refused(StripeError):
    """Stripe will not do it, and asking again changes nothing. `code` is Stripe's, `param` the parameter that it is about."""

    def __init__(self, message: str, *, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.code, self.param = code, param


class NoSuch(Refused):
    """There is no such object at Stripe."""


class Declined(Refused):
    """The bank does not pay: of a card, with the bank's reason as `code`."""


class KeyReused(Refused):
    """The idempotency key was used before for something else: a fault of ours."""


class Busy(StripeError):
    """Too many calls at once. Nothing was done; `retry_after` seconds until it is worth trying again, if Stripe said so."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Away(StripeError):
    """No answer, or one that something is broken, after all retries. Nobody knows whether it was done: ask with the same key."""


class Denied(StripeError):
    """The key is wrong, or may not do this."""


class AlreadyReported(StripeError):
    """Usage under this identifier is counted already: it was delivered before."""


class Forged(StripeError):
    """A webhook that is not Stripe's, not for us, or too old."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise our errors for the SDK's."""
    try:
        yield
    except stripe.StripeError as error:
        raise translate(error) from error


def translate(error: stripe.StripeError) -> StripeError:
    """Our error for one of the SDK's."""
    text = str(error.user_message or error)
    if error.http_status in BUSY or error.code == IN_USE:
        return Busy(text, retry_after=_retry_after(error))
    match error:
        case stripe.AuthenticationError() | stripe.PermissionError():
            return Denied(text)
        case stripe.IdempotencyError():
            return KeyReused(text, code=KEY_REUSED)
        case stripe.CardError():
            decline = getattr(error.error, "decline_code", None)
            return Declined(text, code=decline or error.code or "", param=error.param or "")
        case stripe.InvalidRequestError():
            return _invalid(error, text)
    return Away(text)


def _invalid(error: stripe.InvalidRequestError, text: str) -> StripeError:
    if REPORTED in text:
        return AlreadyReported(text)
    kind = NoSuch if error.code == MISSING or error.http_status == HTTPStatus.NOT_FOUND else Refused
    return kind(text, code=error.code or "", param=error.param or "")


def _retry_after(error: stripe.StripeError) -> float | None:
    said = dict(error.headers or {}).get("retry-after", "")
    try:
        return float(said)
    except ValueError:
        return None
