"""Who of a tenant is here now: agents at their inbox, visitors on the sites. As one process holds it, merged over all.

Changes are gathered for `GATHER_SECONDS` and told once. Visitors hear how many agents answer at present; agents hear who is here.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec

from chat.realtime.protocol.incoming import Page
from chat.realtime.protocol.outgoing import LiveVisitor, Person, Presence, encode
from chat.realtime.roster import Roster
from chat.realtime.session import NO_PAGE, Session
from saas.core.fastsocket import frame, together
from tenants.access import Do, may
from tenants.context import TenantRef

GATHER_SECONDS = 0.2
LINGER_SECONDS = 2.0  # a page that is loaded again is not a person who left
WATCH_SECONDS = 90.0  # for which a process keeps an eye on a tenant after it was asked about it
ANSWER_SECONDS = 0.25  # in which the other processes have answered who is with them
MOST_LISTED = 500  # live visitors in one frame


class Word(msgspec.Struct, frozen=True):
    """What an agent says of themselves. Of two the one with the higher `rev` is newer."""

    state: str = "online"
    rev: int = 0


ONLINE: Final = Word()  # what holds as long as they have said nothing


class Present(msgspec.Struct, frozen=True):
    """A person who is here: the page before a visitor, and what an agent says of themselves."""

    who: Person
    page: Page = Page()
    answers: bool = False  # an agent whose role lets them
    word: Word = ONLINE

    @property
    def live(self) -> LiveVisitor:
        return LiveVisitor(id=self.who.id, name=self.who.name, page=self.page)

    @property
    def is_free(self) -> bool:
        """An agent who may answer and is neither away nor busy."""
        return self.answers and self.word.state == "online"

    def saying(self, word: Word) -> "Present":
        """The same person with this word, if it is newer."""
        return msgspec.structs.replace(self, word=word) if word.rev > self.word.rev else self


def present(session: Session) -> Present:
    """The owner of a socket as others see them."""
    who = session.principal
    return Present(session.person, session.page, answers=who.kind == "agent" and may(who.role, Do.ANSWER))


@dataclass(slots=True)
class LocalTenant:
    """Lives while a local socket belongs to the tenant, or somebody asks about it."""

    tenant: TenantRef
    group: str
    tell_others: Callable[[list[Present], list[UUID]], None]  # who came or moved, who went
    since: float = 0.0  # loop time at which this process began to listen
    watched_until: float = 0.0
    sessions: dict[Session, bool] = field(default_factory=dict)  # whether it has arrived: its owner is here, and hears of others
    hearing: dict[str, set[Session]] = field(default_factory=lambda: {"agent": set(), "visitor": set()})  # those, by kind
    roster: Roster[Present] = field(default_factory=lambda: Roster(of=lambda present: present.who.id))
    team: dict[UUID, Present] = field(default_factory=dict)  # the agents who are here, with their newest word
    _changed: dict[UUID, Present | None] = field(default_factory=dict)
    _kinds: dict[UUID, Person] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None
    _told_agents: int = 0  # how many answer, as visitors heard last
    _answering: int = 0
    _first: dict[str, list[bytes]] = field(default_factory=dict)  # what one who comes is told, by kind

    @property
    def empty(self) -> bool:
        return not self.sessions and not self.roster.sockets

    @property
    def agents(self) -> int:
        """How many agents are here who may answer and are neither away nor busy. From any thread."""
        return self._answering

    def came(self, session: Session, word: Word = ONLINE) -> None:
        """The owner of a socket is here, or the page before them has changed."""
        known = self.team.get(session.principal.id)
        now = present(session).saying(known.word if known else word).saying(word)
        before = self.roster.here.get(now.who.id)
        if self.sessions.get(session):
            self.roster.here[now.who.id] = now
        else:
            self.sessions[session] = True
            self.hearing[session.principal.kind].add(session)
            self.roster.came(now)
        if now != before:  # one more socket of somebody who is here is no news
            self.tell_others([now], [])
            self._note([now], [])

    def went(self, session: Session, then: Callable[[], None]) -> None:
        """A socket has ended. Its owner is gone after a while, unless they come back; `then` is called after that."""
        self.hearing[session.principal.kind].discard(session)
        if self.sessions.pop(session, False):
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._gone, session.principal.id, then)
        else:
            then()

    def _gone(self, person_id: UUID, then: Callable[[], None]) -> None:
        here_before = person_id in self.roster.here
        gone = self.roster.went(person_id)
        if here_before and person_id not in self.roster.here:
            self.tell_others([], [person_id])
        self._note([], [gone] if gone else [])
        then()

    def said(self, person_id: UUID, word: Word) -> None:
        """An agent who is here said something new of themselves."""
        if (before := self.roster.here.get(person_id)) and (now := before.saying(word)) is not before:
            self.roster.here[person_id] = now
            self.tell_others([now], [])
            self._note([now], [])

    def heard(self, process: str, on: list[Present], off: list[UUID], *, whole: bool = False) -> None:
        """What another process said of its sockets; `whole`: these are all."""
        known = self.roster.elsewhere.get(process, {})
        news = [found for found in on if known.get(found.who.id) != found]
        for found in news:
            if mine := self.roster.here.get(found.who.id):
                self.roster.here[found.who.id] = mine.saying(found.word)
        _, gone = self.roster.heard(process, on=on, off=off, whole=whole)
        self._note(news, gone)

    def lost(self, process: str) -> None:
        """A process is no more."""
        self._note([], self.roster.lost(process))

    def welcome(self, session: Session) -> list[bytes]:
        """What a socket that has just come must know: the count; for an agent also the visitors and the other agents.

        As pieces of frames, made once for all who come before the count changes, or for agents before the next changes are told:
        what is gathered until then is told to them, too.
        """
        if self._timer is not None:
            self._told_agents = -1  # this one hears another number than the others did
        kind = session.principal.kind
        if kind not in self._first:
            self._first[kind] = [*together([frame(encode(told)) for told in self._first_of(kind)])]
        return self._first[kind]

    def _first_of(self, kind: str) -> list[Presence]:
        if kind == "visitor":
            return [Presence(agents=self.agents)]
        first = Presence(agents=self.agents, visitors=self.some_visitors(MOST_LISTED))
        return [first, *(self._state(one) for one in self.team.values())]

    def some_visitors(self, most: int) -> list[LiveVisitor]:
        """Visitors who are here, at most so many."""
        found = self.roster.some(most + len(self.team))
        return [self._one_page(one) for one in found if one.who.kind == "visitor"][:most]

    def _one_page(self, one: Present) -> LiveVisitor:
        """Who has tabs on several processes is on one page, the same by each of them."""
        key, places = one.who.id, (self.roster.here, *self.roster.elsewhere.values())
        found = [people[key].live for people in places if key in people]
        return found[0] if len(found) == 1 else min(found, key=msgspec.json.encode)

    def visitors(self) -> list[LiveVisitor]:
        """All visitors who are here, in the order of their ids. On the event loop."""
        visitors = (self._one_page(one) for one in self.roster.everyone() if one.who.kind == "visitor")
        return sorted(visitors, key=lambda one: one.id)

    def _state(self, one: Present) -> Presence:
        return Presence(who=one.who, state=one.word.state, agents=self.agents)

    def _note(self, came: Iterable[Present], gone: Iterable[Present]) -> None:
        answering = self._answering
        for found in came:
            self._changed[found.who.id], self._kinds[found.who.id] = found, found.who
            if found.who.kind == "agent":
                before = self.team.get(found.who.id)
                now = self.team[found.who.id] = found.saying(before.word) if before else found
                self._answering += now.is_free - (before is not None and before.is_free)
        for found in gone:
            self._changed[found.who.id], self._kinds[found.who.id] = None, found.who
            before = self.team.pop(found.who.id, None)
            self._answering -= before is not None and before.is_free
        if self._answering != answering:
            self._first.pop("visitor", None)
        if self._changed and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        changed, kinds, self._changed, self._kinds, self._timer = self._changed, self._kinds, {}, {}, None
        self._first.clear()
        agents = [who for who in kinds.values() if who.kind == "agent"]
        if agents:
            self._tell_agents(agents)
        if self.hearing["agent"]:
            self._tell_visitors([(who, changed[key]) for key, who in kinds.items() if who.kind == "visitor"])

    def _tell_visitors(self, changed: Iterable[tuple[Person, Present | None]]) -> None:
        """Agents hear which visitors came, moved or went."""
        told = [found.live if found else LiveVisitor(id=who.id, name=who.name, page=NO_PAGE, on=False) for who, found in changed]
        starts = range(0, len(told), MOST_LISTED)
        self._send((Presence(visitors=told[start : start + MOST_LISTED]) for start in starts), "agent")

    def _tell_agents(self, changed: list[Person]) -> None:
        """Agents hear who came, went or said something; visitors how many answer, if that is another number."""
        count = self.agents
        if count != self._told_agents:
            self._told_agents = count
            self._send([Presence(agents=count)], "visitor")
        team = [(who, self.team.get(who.id)) for who in changed]
        self._send([self._state(one) if one else Presence(who=who, state="offline", agents=count) for who, one in team], "agent")

    def _send(self, told: Iterable[Presence], kind: str) -> None:
        """In as few pieces as it takes: a crowd that comes is told to a crowd."""
        hearing = self.hearing[kind]
        if not hearing:
            return
        pieces = together([frame(encode(one)) for one in told])
        for session in hearing:
            for piece in pieces:
                session.send_framed(piece)
