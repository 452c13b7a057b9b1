"""Who of a tenant is here now: agents at their inbox, visitors on the sites. As one process holds it, merged over all.

Changes are gathered for `GATHER_SECONDS` and told once. Visitors hear how many agents are here; agents hear who.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from chat.realtime.protocol.incoming import Page
from chat.realtime.protocol.outgoing import LiveVisitor, Person, Presence, encode
from chat.realtime.roster import Roster
from chat.realtime.session import Session
from saas.core.fastsocket import frame
from tenants.context import TenantRef

GATHER_SECONDS = 0.2
LINGER_SECONDS = 2.0  # a page that is loaded again is not a person who left
MOST_LISTED = 500  # live visitors in one frame


class Present(msgspec.Struct, frozen=True):
    """A person who is here, and the page before them."""

    who: Person
    page: Page

    @property
    def live(self) -> LiveVisitor:
        return LiveVisitor(id=self.who.id, name=self.who.name, page=self.page)


def present(session: Session) -> Present:
    """The owner of a socket as others see them."""
    return Present(session.person, session.page)


@dataclass(slots=True)
class LocalTenant:
    """Lives while a local socket belongs to the tenant."""

    tenant: TenantRef
    group: str
    tell_others: Callable[[list[Present], list[UUID]], None]  # who came or moved, who went
    sessions: set[Session] = field(default_factory=set)
    roster: Roster[Present] = field(default_factory=lambda: Roster(of=lambda present: present.who.id))
    _changed: dict[UUID, Present | None] = field(default_factory=dict)
    _kinds: dict[UUID, Person] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None
    _told_agents: int = 0  # how many are here, as visitors heard last

    @property
    def empty(self) -> bool:
        return not self.sessions and not self.roster.sockets

    def came(self, session: Session) -> None:
        """A socket has said hello, or its page has changed."""
        now = present(session)
        before = self.roster.here.get(now.who.id)
        if session in self.sessions:
            self.roster.here[now.who.id] = now
        else:
            self.sessions.add(session)
            self.roster.came(now)
        if now != before:  # one more socket of somebody who is here is no news
            self.tell_others([now], [])
            self._note([now], [])

    def went(self, session: Session, then: Callable[[], None]) -> None:
        """A socket has ended. Its owner is gone after a while, unless they come back; `then` is called after that."""
        self.sessions.discard(session)
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self._gone, session.principal.id, then)

    def _gone(self, person_id: UUID, then: Callable[[], None]) -> None:
        here_before = person_id in self.roster.here
        gone = self.roster.went(person_id)
        if here_before and person_id not in self.roster.here:
            self.tell_others([], [person_id])
        self._note([], [gone] if gone else [])
        then()

    def heard(self, process: str, on: list[Present], off: list[UUID]) -> None:
        """What another process said of its sockets."""
        known = self.roster.elsewhere.get(process, {})
        news = [found for found in on if known.get(found.who.id) != found]
        _, gone = self.roster.heard(process, on=on, off=off)
        self._note(news, gone)

    def lost(self, process: str) -> None:
        """A process is no more."""
        self._note([], self.roster.lost(process))

    def welcome(self, session: Session) -> Presence:
        """What a socket that has just come must know."""
        if self._timer is not None:
            self._told_agents = -1  # this one hears another number than the others did
        if session.principal.kind == "visitor":
            return Presence(agents=len(self._agents()))
        return Presence(agents=len(self._agents()), visitors=self._visitors()[:MOST_LISTED])

    def _agents(self) -> list[Present]:
        return [found for found in self.roster.everyone() if found.who.kind == "agent"]

    def _visitors(self) -> list[LiveVisitor]:
        return [found.live for found in self.roster.everyone() if found.who.kind == "visitor"]

    def _note(self, came: Iterable[Present], gone: Iterable[Present]) -> None:
        for found in came:
            self._changed[found.who.id], self._kinds[found.who.id] = found, found.who
        for found in gone:
            self._changed[found.who.id], self._kinds[found.who.id] = None, found.who
        if self._changed and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        changed, kinds, self._changed, self._kinds, self._timer = self._changed, self._kinds, {}, {}, None
        visitors = [
            found.live if found else LiveVisitor(id=key, name=kinds[key].name, page=Page(), on=False)
            for key, found in changed.items()
            if kinds[key].kind == "visitor"
        ]
        agents = {key: found is not None for key, found in changed.items() if kinds[key].kind == "agent"}
        if agents:
            self._tell_agents({kinds[key]: on for key, on in agents.items()})
        for start in range(0, len(visitors), MOST_LISTED):
            self._send(Presence(visitors=visitors[start : start + MOST_LISTED]), "agent")

    def _tell_agents(self, changed: dict[Person, bool]) -> None:
        """Agents hear who came or went; visitors how many are here, if that is another number."""
        count = len(self._agents())
        if count != self._told_agents:
            self._told_agents = count
            self._send(Presence(agents=count), "visitor")
        for who, on in changed.items():
            self._send(Presence(who=who, state="online" if on else "offline", agents=count), "agent")

    def _send(self, told: Presence, kind: str) -> None:
        framed = frame(encode(told))
        for session in self.sessions:
            if session.principal.kind == kind:
                session.send_framed(framed)
