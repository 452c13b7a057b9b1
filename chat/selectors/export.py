"""All of a tenant's rows, for its owner to take along: the answer to the hook `export_tenant`."""

import json
from collections.abc import Iterator
from typing import Any, Final

from django.db import models

from chat.models import Message, Participant, Reaction, Report, Room, Site, Visitor
from tenants.context import TenantRef, in_tenant

PAGE: Final = 1_000  # rows that are read at a time
SECRET: Final = frozenset(
    {"handle_hash", "old_handle_hash", "handle_grace", "content_hash", "open_hash", "open_cid", "identity_keys"}
)
TABLES: Final[dict[str, type[models.Model]]] = {
    "sites": Site,
    "visitors": Visitor,
    "rooms": Room,
    "participants": Participant,
    "messages": Message,
    "reactions": Reaction,
    "reports": Report,
}


def export(*, tenant: TenantRef) -> Iterator[tuple[str, Iterator[bytes]]]:
    """A file for each table, each row a line of JSON by the names of the columns. Call it outside of the tenant.

    Each page is read by itself, by the order in which rows were made: nothing is held in between, not even a connection.
    """
    for name, model in TABLES.items():
        yield f"{name}.ndjson", _lines(tenant, model)


def _lines(tenant: TenantRef, model: type[models.Model]) -> Iterator[bytes]:
    columns = [field.attname for field in model._meta.concrete_fields if field.attname not in SECRET]
    page = _page(tenant, model, columns, None)
    while page:
        yield b"".join(json.dumps(row, default=str, ensure_ascii=False).encode() + b"\n" for row in page)
        page = _page(tenant, model, columns, page[-1]["id"])


def _page(tenant: TenantRef, model: type[models.Model], columns: list[str], after: Any) -> list[dict[str, Any]]:
    with in_tenant(tenant):
        found = model._default_manager.order_by("id")
        return list((found if after is None else found.filter(id__gt=after)).values(*columns)[:PAGE])
