"""The two tenants of a run, their people before they are alive, and the doors that are open to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import jwt

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.chaos.habits import Address
from tests.chaos.logs import Tenant, note_word, room_word
from tests.support.server import Server
from tests.support.sockets import agent_token, resigned, visitor_token
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
        return [*(one["room"] for one in self.made["visitors"]), self.community]

    @property
    def community(self) -> str:
        """The room in which visitors meet; the first of them keeps order there."""
        return str(self.made["community"])

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
    way: Literal["socket", "http"] = "socket"


def cast_of(made: dict[str, Any]) -> Cast:
    """A tenant that `seed.py` made."""
    ref = TenantRef(UUID(made["id"]), made["slug"], made["slug"].title(), made["schema"], "active")
    return Cast(ref, Tenant(ref.slug, ref.schema, f"canary-{ref.id.hex[-16:]}"), made)


def seats_of(cast: Cast, visitors: int, polling: int) -> list[Seat]:
    """Agents are in all rooms but those of the crowd, visitors in their own and in the community; `polling` have no socket."""
    seen = cast.made["visitors"][: visitors + polling]
    rooms = [one["room"] for one in seen] + [one["notes"] for one in seen if one["notes"]] + [cast.community]
    agents = [Seat(principal_of(cast, "agent", one), rooms) for one in cast.made["agents"]]
    guests = [(one, principal_of(cast, "visitor", one)) for one in seen]
    return agents + [
        Seat(who, [one["room"], cast.community], "socket" if place < visitors else "http")
        for place, (one, who) in enumerate(guests)
    ]


def crowd_of(cast: Cast, others: int, most: int) -> list[Seat]:
    """So many of the visitors who come after so many others."""
    return [Seat(principal_of(cast, "visitor", one), [one["room"]]) for one in cast.made["visitors"][others : others + most]]


def spare_of(cast: Cast) -> Seat:
    """The last visitor, where a setting asks for one who is not alive."""
    return crowd_of(cast, len(cast.made["visitors"]) - 1, 1)[0]


def strange_to(cast: Cast, casts: Sequence[Cast], seat: Seat) -> list[str]:
    """The rooms that somebody must not see: the other tenants', and to a visitor the notes, and what others say to the team.

    The notes about a visitor themselves come first.
    """
    about = [one["notes"] for one in cast.made["visitors"] if one["notes"] and one["id"] == str(seat.who.id)]
    theirs = [room for other in casts if other is not cast for room in other.rooms + other.notes]
    own = cast.rooms + cast.notes if seat.who.kind == "visitor" else []
    return about + theirs + [room for room in own if room not in (*about, *seat.rooms, cast.community)]


def principal_of(cast: Cast, kind: Literal["agent", "visitor"], one: dict[str, Any]) -> Principal:
    """Somebody of the tenant as a token names them."""
    role, site = ("agent", None) if kind == "agent" else (None, UUID(one["site"]))
    return Principal(cast.ref.id, kind, UUID(one["id"]), one["name"], role, site, None, "sid", FAR)


def address_of(worker: Server, cast: Cast, who: Principal, *, port: int, ahead: float = 0.0) -> Address:
    """Where somebody opens a socket or asks by HTTP, with a fresh token; `ahead` is what the clock was that made it."""
    key = cast.made["key"]
    if who.kind == "visitor":
        url, door, email = f"ws://widget.{worker.base_host}/ws/w/{key}/", f"/w/{key}", ""
    else:
        url, door = f"ws://{cast.ref.slug}.{worker.base_host}/ws/agent/", "/api/v1"
        email = next(one["email"] for one in cast.made["agents"] if one["id"] == str(who.id))
    return Address(url, port, token_of(cast, who, ahead), door, email)


def token_of(cast: Cast, who: Principal, ahead: float = 0.0) -> str:
    """A fresh one, as a server makes it whose clock is so many seconds ahead."""
    token = visitor_token(cast.ref, who) if who.kind == "visitor" else agent_token(cast.ref, who)
    if not ahead:
        return token
    claims = jwt.decode(token, options={"verify_signature": False})
    return resigned({**claims, "iat": claims["iat"] + int(ahead), "exp": claims["exp"] + int(ahead)}, cast.ref)
