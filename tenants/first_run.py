"""How far a new tenant has come, from its sign-up to its first message. On the platform's role.

What is done is read from what is there (`chat/services/first_run.py`) and kept here, so that a step that was taken stays taken.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tenants.models import FirstRun, Tenant


class Step(StrEnum):
    """Something that a new tenant does, in this order; the last two may be left out."""

    SIGN_UP = "sign_up"
    SITE = "site"  # a site has the address of a page
    SNIPPET = "snippet"  # its tag was pasted, as somebody says, or was seen
    TAG = "tag"  # the tag was seen on a page
    MESSAGE = "message"  # a visitor wrote
    INVITE = "invite"
    ROOM = "room"  # a community or team room was made


NEEDED: Final = (Step.SIGN_UP, Step.SITE, Step.SNIPPET, Step.TAG, Step.MESSAGE)


@dataclass(frozen=True, slots=True)
class Progress:
    """What is done, and since when."""

    done: Mapping[Step, datetime]
    is_put_away: bool

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left that is needed."""
        return self.done.keys() >= set(NEEDED)

    @property
    def next(self) -> Step | None:
        """The first step that is needed and not taken."""
        return next((step for step in NEEDED if step not in self.done), None)


def progress_of(tenant_id: UUID) -> Progress:
    """How far the tenant has come, as it was kept."""
    signed_up = Tenant.objects.values_list("created_at", flat=True).get(id=tenant_id)
    row = FirstRun.objects.filter(tenant_id=tenant_id).first() or FirstRun(tenant_id=tenant_id)
    kept = {Step(name): datetime.fromisoformat(moment) for name, moment in row.done.items()}
    return Progress({Step.SIGN_UP: signed_up, **kept}, is_put_away=row.put_away_at is not None)


def keep(tenant_id: UUID, steps: Collection[Step]) -> None:
    """These steps are taken, from now on if they were not before."""
    now = timezone.now()
    with transaction.atomic():
        row = _locked(tenant_id)
        row.done = {step: now.isoformat() for step in steps} | row.done
        if row.finished_at is None and row.done.keys() | {Step.SIGN_UP} >= set(NEEDED):
            row.finished_at = now
        row.save(update_fields=["done", "finished_at"])


def put_away(tenant_id: UUID) -> None:
    """The tenant's front page leads to the inbox from now on, finished or not."""
    FirstRun.objects.update_or_create(tenant_id=tenant_id, defaults={"put_away_at": timezone.now()})


def take_up(tenant_id: UUID) -> None:
    """The front page leads to the first run again, while it is not finished."""
    FirstRun.objects.filter(tenant_id=tenant_id).update(put_away_at=None)


def begins_here(tenant_id: UUID) -> bool:
    """Whether the tenant's front page leads to the first run: it was neither finished nor put away."""
    row = FirstRun.objects.filter(tenant_id=tenant_id).first()
    return row is None or (row.finished_at is None and row.put_away_at is None)


def _locked(tenant_id: UUID) -> FirstRun:
    FirstRun.objects.get_or_create(tenant_id=tenant_id)
    return FirstRun.objects.select_for_update().get(tenant_id=tenant_id)
