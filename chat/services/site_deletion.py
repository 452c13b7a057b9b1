"""Deleting a site for good, with its visitors and all that was said on it. What was used stays counted.

Called outside of the tenant.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from chat.models import Site
from chat.realtime.changes import end_room
from chat.realtime.hub import Hub, from_thread
from chat.services.deletion import delete_files
from chat.services.embed_keys import bring_back, end_all_keys, tell_ended
from chat.services.logos import drop_logo
from chat.services.sites import forget_everywhere, hold_sites, locked_site, thing
from saas.core.errors import BadFrame, Conflict, NotFound
from tenants.audit import By, record
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey

LONGEST: Final = "SET LOCAL statement_timeout = '5min'"  # a site may hold millions of messages
_ROOMS: Final = (
    "SELECT id FROM chat_room WHERE site_id = %(site)s OR notes_of_id IN (SELECT id FROM chat_room WHERE site_id = %(site)s)"
)
COUNTS: Final = f"""
    WITH gone AS MATERIALIZED ({_ROOMS})
    SELECT
        (SELECT count(*) FROM chat_room WHERE site_id = %(site)s),
        (SELECT count(*) FROM chat_message WHERE room_id IN (SELECT id FROM gone) AND kind <> 'system'),
        (SELECT count(*) FROM chat_visitor WHERE site_id = %(site)s),
        (SELECT coalesce(sum(jsonb_array_length(attachments)), 0) FROM chat_message
         WHERE room_id IN (SELECT id FROM gone) AND attachments <> '[]'),
        (SELECT count(*) FROM chat_report WHERE room_id IN (SELECT id FROM gone))
"""  # noqa: S608 - only our own words
FILES: Final = """
    SELECT DISTINCT file->>'id' FROM chat_message, jsonb_array_elements(attachments) AS file
    WHERE room_id = ANY(%(rooms)s) AND attachments <> '[]'
"""
# What hangs on something else goes first.
PARTS: Final = (
    "DELETE FROM chat_reaction USING chat_message said WHERE message_id = said.id AND said.room_id = ANY(%(rooms)s)",
    "DELETE FROM chat_change WHERE room_id = ANY(%(rooms)s)",
    "DELETE FROM chat_report WHERE room_id = ANY(%(rooms)s)",
    "DELETE FROM chat_message WHERE room_id = ANY(%(rooms)s)",
    "DELETE FROM chat_participant WHERE room_id = ANY(%(rooms)s)",
    "DELETE FROM chat_invitation WHERE room_id = ANY(%(rooms)s)",
    "DELETE FROM chat_notification WHERE room_id = ANY(%(rooms)s)",
    "DELETE FROM chat_notification WHERE recipient_id IN (SELECT id FROM chat_visitor WHERE site_id = %(site)s)",
    "DELETE FROM chat_room WHERE id = ANY(%(rooms)s) AND notes_of_id IS NOT NULL",
    "DELETE FROM chat_room WHERE id = ANY(%(rooms)s)",
    "DELETE FROM chat_visitor WHERE site_id = %(site)s",
    "DELETE FROM chat_signedin WHERE site_id = %(site)s",
    "DELETE FROM chat_tagseen WHERE site_id = %(site)s",
    "DELETE FROM chat_site WHERE id = %(site)s",
)


@dataclass(frozen=True, slots=True)
class SiteLosses:
    """What goes with a site, in numbers."""

    rooms: int
    messages: int  # what people said; not the rooms' own lines
    visitors: int
    files: int
    reports: int


@dataclass(frozen=True, slots=True)
class _Gone:
    """What was deleted, and what lies outside of the database still."""

    lost: SiteLosses
    rooms: list[UUID]
    files: list[UUID]
    logo: str


def what_site_takes(tenant: TenantRef, site_id: UUID) -> SiteLosses:
    """What deleting the site would destroy. Raises NotFound."""
    with in_tenant(tenant):
        if not Site.objects.filter(id=site_id).exists():
            raise NotFound("There is no such site.")
        return _losses(site_id)


def delete_site(tenant: TenantRef, site_id: UUID, *, sure: str, by: By = None) -> SiteLosses:
    """Delete the site with its rooms, messages, files and visitors; `sure` is its name, typed once more.

    Its keys end first, so that nobody comes in while it goes; then all in one transaction. If that fails, they work again.
    Raises NotFound, BadFrame with field `sure` for another name, and Conflict for a tenant's only site.
    """
    ended = _close(tenant, site_id, sure)
    try:
        tell_ended(tenant, [one.key for one in ended])
        gone = _take_down(tenant, site_id, sure, by)
    except BaseException:
        with suppress(NotFound):  # of two who delete the same site the second finds it gone
            bring_back(tenant, site_id, ended)
        raise
    _told(tenant, gone.rooms)
    delete_files(tenant, gone.files)
    drop_logo(tenant, gone.logo)
    return gone.lost


def _close(tenant: TenantRef, site_id: UUID, sure: str) -> list[EmbedKey]:
    """End the keys of a site that may be deleted; as they were."""
    with transaction.atomic():
        with in_tenant(tenant):
            _doomed(site_id, sure)
        return end_all_keys(tenant, site_id)


def _take_down(tenant: TenantRef, site_id: UUID, sure: str, by: By) -> _Gone:
    with in_tenant(tenant), transaction.atomic():
        site = _doomed(site_id, sure)
        lost, rooms = _losses(site_id), _rooms(site_id)
        files = _files_of(rooms)
        _delete(site_id, rooms)
        record(tenant, by=by, act="site.deleted", on=thing(site), before=asdict(lost))
    return _Gone(lost, rooms, files, site.look.get("logo", ""))


def _doomed(site_id: UUID, sure: str) -> Site:
    """The site, locked, if it may be deleted. Of several sites of a tenant one goes after the other, so that one always stays."""
    hold_sites()
    site = locked_site(site_id)
    _refuse(site, sure)
    return site


def _refuse(site: Site, sure: str) -> None:
    if not Site.objects.exclude(id=site.id).exists():
        raise Conflict("This is your only site. Make another one first, or close the whole tenant under Billing, Settings.")
    if " ".join(sure.split()) != site.name:
        raise BadFrame(f"This is not the site's name. Type {site.name!r} to delete it.", field="sure")


def _losses(site_id: UUID) -> SiteLosses:
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"site": site_id})
        return SiteLosses(*map(int, cursor.fetchone()))


def _rooms(site_id: UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_ROOMS} FOR UPDATE", {"site": site_id})
        return [found for (found,) in cursor.fetchall()]


def _files_of(rooms: list[UUID]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(FILES, {"rooms": rooms})
        return [UUID(found) for (found,) in cursor.fetchall() if found]


def _delete(site_id: UUID, rooms: list[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LONGEST)
        for statement in PARTS:
            cursor.execute(statement, {"site": site_id, "rooms": rooms})


def _told(tenant: TenantRef, rooms: Sequence[UUID]) -> None:
    forget_everywhere(tenant.id)

    def end(hub: Hub) -> None:
        for room_id in rooms:
            end_room(hub, tenant, room_id)

    from_thread(end)
