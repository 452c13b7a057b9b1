"""What the stand-in answers instead of an object, in Stripe's own form."""

from typing import Any, Final

CARD_ERROR: Final = "card_error"
INVALID_REQUEST: Final = "invalid_request_error"
IDEMPOTENCY: Final = "idempotency_error"
API_ERROR: Final = "api_error"


class Refusal(Exception):
    """A request that Stripe would answer with an error. `headers` go out with it, `extra` goes into the error's body."""

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        param: str | None = None,
        type: str = INVALID_REQUEST,
        *,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param, self.type = status, code, message, param, type
        self.headers, self.extra = headers or {}, extra

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        given = {"code": self.code, "message": self.message, "param": self.param, "type": self.type, **self.extra}
        return {"error": {name: value for name, value in given.items() if value is not None}}


def missing(kind: str, id: str, param: str = "id") -> Refusal:
    """404 for an object that is not there, as `No such customer: 'cus_1'`."""
    return Refusal(404, "resource_missing", f"No such {kind.replace('_', ' ').replace('.', ' ')}: '{id}'", param)


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """400 for a request whose words are known but make no sense together."""
    return Refusal(400, code, message, param)
