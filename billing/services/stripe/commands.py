"""Asking Stripe for something: written down before the call, and answered after it.

The key of a call is made of what is asked. Whoever asks for the same again before the answer is known, because a process died or
Stripe did not answer, asks with the same key, and Stripe does it once. After an answer the same is another wish.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from billing.clock import now
from billing.gateway.errors import Refused, StripeError
from billing.models import StripeCommand
from billing.services.audit import Actor, record

KEPT: Final = timedelta(hours=20)  # Stripe knows a key for 24 hours: an older one protects nothing
SETTLED: Final = (StripeCommand.Status.DONE, StripeCommand.Status.REFUSED)
Answer = TypeVar("Answer")


def ask(account_id: UUID, operation: str, *, actor: Actor, params: Mapping[str, Any], call: Callable[[str], Answer]) -> Answer:
    """Do `call` under a key; what it answers. `params` is JSON that says what is asked for, completely.

    Raises what the call raises: of a refusal the command is over, of anything else it stays to be asked for again.
    """
    command = _written(account_id, operation, actor, params)
    try:
        answer = call(command.key)
    except StripeError as error:
        is_final = isinstance(error, Refused)
        _settle(command, StripeCommand.Status.REFUSED if is_final else StripeCommand.Status.FAILED, error=error.message)
        raise
    _finish(command, actor, _id_of(answer))
    return answer


def _written(account_id: UUID, operation: str, actor: Actor, params: Mapping[str, Any]) -> StripeCommand:
    """The row of what is asked: the one that nobody has answered yet, or a new one. Two who ask at once share it."""
    digest = sha256(json.dumps([operation, params], sort_keys=True, default=str).encode()).hexdigest()
    same = StripeCommand.for_tenant(account_id).filter(operation=operation, params_hash=digest)
    number = same.filter(Q(status__in=SETTLED) | Q(asked_at__lt=now() - KEPT)).count()
    values = {"account_id": account_id, "operation": operation, "actor": actor.email, "params_hash": digest, "asked_at": now()}
    command: StripeCommand = StripeCommand.objects.get_or_create(
        key=f"{operation}:{account_id}:{digest[:20]}:{number}", defaults=values | {"params": dict(params)}
    )[0]
    return command


def _finish(command: StripeCommand, actor: Actor, result: str) -> None:
    with transaction.atomic():
        _settle(command, StripeCommand.Status.DONE, result_id=result)
        after = {**command.params, "result": result}
        record(f"stripe.{command.operation}", tenant_id=command.account_id, actor=actor, after=after)


def _settle(command: StripeCommand, status: str, **values: str) -> None:
    StripeCommand.objects.filter(id=command.id).update(status=status, answered_at=now(), **{"error": ""} | values)


def _id_of(answer: object) -> str:
    return answer if isinstance(answer, str) else str(getattr(answer, "id", ""))
