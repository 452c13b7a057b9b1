"""The two tenants of a run, their people before they are alive, and the doors that are open to them."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.chaos.logs import Tenant, note_word, room_word
from tests.support.server import Server
from tests.support.sockets import agent_token, visitor_token
from tests.support.talk import FAR


@dataclass
class Cast:
    """A tenant of the run with its people and their rooms."""

    ref: TenantRef
    tenant: Tenant
    made: dict[str, Any]

    @property
    def rooms(self) -> list[str]:
        """All rooms with visitors."""
        return [one["room"] for one in self.made["visitors"]]

    @property
    def notes(self) -> list[str]:
        """The rooms of the private notes, if there are any."""
        return [one["notes"] for one in self.made["visitors"] if one["notes"]]

    def words(self) -> dict[str, str]:
        """What every line begins with, by room."""
        canary = self.tenant.canary
        said = {room: f"{canary} {room_word(room)}" for room in self.rooms}
        return said | {room: f"{canary} {room_word(room)} {note_word(canary)}" for room in self.notes}


@dataclass(frozen=True)
class Seat:
    """Somebody before they are alive."""

    who: Principal
    rooms: list[str]


def cast_of(made: dict[str, Any]) -> Cast:
    """A tenant that `seed.py` made."""
    ref = TenantRef(UUID(made["id"]), made["slug"], made["slug"].title(), made["schema"], "active")
    return Cast(ref, Tenant(ref.slug, ref.schema, f"canary-{ref.id.hex[-16:]}"), made)


def seats_of(cast: Cast, visitors: int) -> list[Seat]:
    """Agents are in all rooms but those of the crowd, visitors in their own."""
    seen = cast.made["visitors"][:visitors]
    rooms = [one["room"] for one in seen] + [one["notes"] for one in seen if one["notes"]]
    agents = [Seat(principal_of(cast, "agent", one), rooms) for one in cast.made["agents"]]
    return agents + [Seat(principal_of(cast, "visitor", one), [one["room"]]) for one in seen]


def crowd_of(cast: Cast, visitors: int) -> list[Seat]:
    """The other visitors."""
    return [Seat(principal_of(cast, "visitor", one), [one["room"]]) for one in cast.made["visitors"][visitors:]]


def principal_of(cast: Cast, kind: Literal["agent", "visitor"], one: dict[str, Any]) -> Principal:
    """Somebody of the tenant as a token names them."""
    role, site = ("agent", None) if kind == "agent" else (None, UUID(one["site"]))
    return Principal(cast.ref.id, kind, UUID(one["id"]), one["name"], role, site, None, "sid", FAR)


def url_of(worker: Server, cast: Cast, who: Principal) -> str:
    """The socket's address as the server's own page would name it."""
    if who.kind == "visitor":
        return f"ws://widget.{worker.base_host}/ws/w/{cast.made['key']}/"
    return f"ws://{cast.ref.slug}.{worker.base_host}/ws/agent/"


def token_of(cast: Cast, who: Principal) -> str:
    """A fresh one."""
    return visitor_token(cast.ref, who) if who.kind == "visitor" else agent_token(cast.ref, who)
