"""Stripe's idempotency keys: the same key with the same request gets the same answer, for a day of the clock."""

import hashlib
import json
from typing import Any, Final

from billing.sandbox.errors import IDEMPOTENCY, Refusal
from billing.sandbox.state import State

KIND: Final = "_idempotency_key"
KEPT: Final = 24 * 3600  # seconds of the clock
LONGEST: Final = 255  # characters of a key
Answer = tuple[int, str]  # status and body


def fingerprint(path: str, params: dict[str, Any]) -> str:
    """What must be the same for a key to be used again."""
    return hashlib.blake2b(json.dumps([path, params], sort_keys=True, default=str).encode(), digest_size=12).hexdigest()


def recall(state: State, key: str, mark: str) -> Answer | None:
    """The answer that was given under a key, or None for a new one.

    Raises `Refusal` if the key is too long, or was used with another request.
    """
    if len(key) > LONGEST:
        raise Refusal(
            400, None, f"Idempotency keys have {LONGEST} characters at most; this one has {len(key)}.", type=IDEMPOTENCY
        )
    _forget(state)
    known = state.table(KIND).get(key)
    if known is None:
        return None
    if known["mark"] != mark:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise Refusal(400, None, message, type=IDEMPOTENCY)
    return known["status"], known["body"]


def keep(state: State, key: str, mark: str, answer: Answer) -> None:
    """Remember what was answered."""
    state.put(KIND, {"id": key, "mark": mark, "at": state.now(), "status": answer[0], "body": answer[1]})


def _forget(state: State) -> None:
    """Keys are kept in the order of their first use, so that the oldest stand in front."""
    table = state.table(KIND)
    before = state.now() - KEPT
    while table and table[oldest := next(iter(table))]["at"] <= before:
        state.drop(KIND, oldest)
