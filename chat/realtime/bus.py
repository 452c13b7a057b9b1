"""The bus between processes: a doorbell that may lose anything at any time; the hub repairs from the database.

A process listens at one place of the channel layer for each tenant that has a socket here, not for each room: what one flush of
the journal has to tell of a tenant's rooms, inboxes and visitors travels as one layer message, and a socket that joins one more
room waits for nothing. The places lie on the lines (`line.py`), one for each Redis primary: each on the one whose address and its
own name have the highest hash together, so that one primary more takes its share from the others, and moves nothing else.

While no other process is known, nothing is said but the beats by which processes find each other; `others.py` sees to it that
nothing is missed when they do. On the in-memory layer nobody else can listen: there the bus does nothing at all.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final
from uuid import uuid4

from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer  # noqa: TID251  # this is the one place
from django.conf import settings

from chat.realtime.groups import PROCESSES, place_of
from chat.realtime.line import Item, Line, Said
from saas.layers import names_of

Hear = Callable[[str, str, list[Item]], None]  # group, process, items
Lies = Callable[[str], bool]  # whether a group lies on the lines in question

PLACES: Final = 8_192  # whose lines are remembered: more than a process has to do with in a while


class Bus:
    """This process's place on the channel layers. `missed` hears which groups another process may have told of in vain."""

    def __init__(
        self,
        hear: Hear,
        failed: Callable[[], None],
        restored: Callable[[], None],
        missed: Callable[[Lies], None] = lambda _lies: None,
    ) -> None:
        self.process = uuid4().hex
        self.heeded = True  # whether another process may listen
        self._hear, self._failed, self._restored, self._missed = hear, failed, restored, missed
        layers = {alias: get_channel_layer(alias) for alias in channel_layers.configs}
        self.alone = isinstance(next(iter(layers.values())), InMemoryChannelLayer)
        self._lines = [] if self.alone else [self._line(layer, number) for number, layer in enumerate(layers.values())]
        self._number_of = lru_cache(PLACES)(number_among(_names(list(layers))))
        self._groups: dict[str, set[str]] = {}  # by place: what this process wants to hear

    def _line(self, layer: Any, number: int) -> Line:
        """Each line has a beat of its own; the first one's name is also where what concerns all processes is said."""
        beat = PROCESSES if number == 0 else f"{PROCESSES}.{number}"
        return Line(layer, self.process, beat=beat, hear=self._take, changed=self._changed, missed=self._missed_on)

    @property
    def lines_down(self) -> int:
        """How many lines do not answer."""
        return sum(line.down for line in self._lines)

    @property
    def down(self) -> bool:
        """Whether a part of what is said may not arrive."""
        return any(line.down for line in self._lines)

    @property
    def is_silent(self) -> bool:
        """Whether nobody elsewhere can hear what is said: spare the trouble of saying it."""
        return self.alone or not self.heeded

    def start(self, *, hears: bool = True) -> None:
        """Begin to listen and to speak; the layers may be away. Who only rings the bell hears nothing, and is not met."""
        for line in self._lines:
            line.start(hears=hears)
        if hears:
            self.subscribe(PROCESSES)

    async def stop(self) -> None:
        """Say what waits, briefly, then leave."""
        for line in self._lines:
            await line.stop()

    def subscribe(self, group: str) -> None:
        """Hear the group from now on, or as soon as the layer answers."""
        if self.alone:
            return
        place = place_of(group)
        if place not in self._groups:
            self._groups[place] = set()
            self._line_of(place).subscribe(place)
        self._groups[place].add(group)

    def unsubscribe(self, group: str) -> None:
        """Hear the group no longer."""
        place = place_of(group)
        groups = self._groups.get(place)
        if groups is None:
            return
        groups.discard(group)
        if not groups:
            del self._groups[place]
            self._line_of(place).unsubscribe(place)

    async def subscribed(self, group: str) -> None:
        """Wait until the layer has taken the subscription, briefly: the group is joined before history is read."""
        if not self.alone:
            place = place_of(group)
            await self._line_of(place).subscribed(place)

    def say(self, group: str, item: Item) -> None:
        """Tell the other processes. Never waits, may be lost."""
        if self.alone or (not self.heeded and group != PROCESSES):
            return
        place = place_of(group)
        self._line_of(place).say(place, group, item)

    def admit(self) -> None:
        """Tell the others that they may have missed something of ours, on every line."""
        for line in self._lines:
            line.admit()

    def forget(self, process: str) -> None:
        """It is gone: nothing that it says can be missed any more."""
        for line in self._lines:
            line.numbers.forget(process)

    def lie_with(self, beat: str) -> Lies:
        """Which groups lie on the line with this place of beats."""
        line = next((line for line in self._lines if line.beat_place == beat), None)
        return lambda group: self._line_of(place_of(group)) is line

    def _line_of(self, place: str) -> Line:
        return self._lines[0] if place == PROCESSES else self._lines[self._number_of(place)]

    def _take(self, process: str, said: Said) -> None:
        for group, items in said.items():
            if group in self._groups.get(place_of(group), ()) or group.startswith(PROCESSES):
                self._hear(group, process, items)

    def _changed(self, line: Line) -> None:
        """A line failed, or is back: what it carried meanwhile is compared in both cases."""
        if line.down:
            self._failed()
        else:
            self._restored()

    def _missed_on(self, line: Line, place: str) -> None:
        self._missed((lambda group: place_of(group) == place) if place else self.lie_with(line.beat_place))


def _names(aliases: Sequence[str]) -> Sequence[str]:
    """What the primaries are called where places are spread over them."""
    names = names_of(settings.REDIS_HOSTS)
    return names if len(names) == len(aliases) else aliases


def number_among(names: Sequence[str]) -> Callable[[str], int]:
    """Which of these a place lies on, by rendezvous hashing: their order does not count, and one more moves only what it gets."""

    def number(place: str) -> int:
        weights = [blake2b(f"{name} {place}".encode(), digest_size=8).digest() for name in names]
        return weights.index(max(weights))

    return number
