"""Telling people: stored first, in one statement, then pushed to their open sockets on every process, after the commit."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.limits import NOTIFY_PER_TENANT
from chat.notifications.draft import draft
from chat.notifications.reading import mark_seen, unread
from chat.notifications.storing import Sent, store_for, store_for_roles
from chat.realtime.hub import from_thread
from tenants.access import ALLOWED, Do
from tenants.context import TenantRef, in_tenant, run_in_tenant
from tenants.plans import check_planned
from tenants.postgresql.base import connection_of

Actions = Sequence[Mapping[str, str]]  # {"label", "url"}, at most three


def send_notification(
    tenant: TenantRef,
    recipients: Sequence[UUID],
    *,
    category: str,
    kind: str,
    title: str,
    url: str,
    body: str = "",
    room: UUID | None = None,
    actions: Actions = (),
    key: str | None = None,
) -> int:
    """Tell these members and visitors of the tenant, each once under one `key`; how many were told.

    Those who do not want to hear of the category are passed over. Call it inside the tenant or outside, in a transaction or not:
    sockets hear of it after the commit. It costs the same few round trips for one recipient and for a thousand.
    Raises BadFrame, Empty or TooLong for what it says, NotFound for a recipient who is a stranger, and RateLimited when that was
    too many of the tenant's; then nothing is stored.
    """
    written = draft(category=category, kind=kind, title=title, url=url, body=body, room=room, actions=actions, key=key)
    return _send(tenant, lambda: store_for(recipients, written))


def send_to_members(
    tenant: TenantRef,
    permission: Do,
    *,
    category: str,
    kind: str,
    title: str,
    url: str,
    body: str = "",
    room: UUID | None = None,
    actions: Actions = (),
    key: str | None = None,
) -> int:
    """The same for all members whose role lets them do this."""
    written = draft(category=category, kind=kind, title=title, url=url, body=body, room=room, actions=actions, key=key)
    return _send(tenant, lambda: store_for_roles(ALLOWED[permission], written))


async def a_send_notification(tenant: TenantRef, recipients: Sequence[UUID], **words: Any) -> int:
    """`send_notification` for coroutines, with the same words."""
    return await run_in_tenant(tenant, send_notification, tenant, recipients, **words)


def see(tenant: TenantRef, person_id: UUID, notification_id: UUID | None) -> int:
    """Somebody has seen one of their notifications, or all of them; how many are unseen now.

    Their open sockets hear of it, if that was news. Call it outside of the tenant, from a thread.
    """
    with in_tenant(tenant):
        changed = mark_seen(person_id, notification_id)
        left = unread(person_id) if changed is None else changed
    if changed is not None:
        from_thread(lambda hub: hub.tell_seen(tenant, person_id, notification_id, left))
    return left


def push(tenant: TenantRef, sent: Sent) -> None:
    """Tell the open sockets of the recipients, on every process. From a thread, after the commit."""
    from_thread(lambda hub: hub.notify(tenant, sent.notice, sent.to))


def notify(*, tenant: TenantRef, recipients: Sequence[UUID] | Do, **words: Any) -> int:
    """The answer to the hook of the same name: a lower app tells people, or all members who may do something."""
    if isinstance(recipients, Do):
        return send_to_members(tenant, recipients, **words)
    return send_notification(tenant, recipients, **words)


def _send(tenant: TenantRef, store: Callable[[], Sent | None]) -> int:
    check_planned(NOTIFY_PER_TENANT, tenant, "all")
    with _inside(tenant), transaction.atomic():
        sent = store()
        if sent is not None:
            transaction.on_commit(lambda: push(tenant, sent), robust=True)
    return len(sent.to) if sent else 0


def _inside(tenant: TenantRef) -> AbstractContextManager[None]:
    """The door, unless this thread is inside already."""
    return nullcontext() if connection_of("default").schema_name == tenant.schema else in_tenant(tenant)
