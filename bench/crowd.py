"""Rooms full of sockets, the same on every side of a fan-out benchmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench import ours
from bench.load import Client
from bench.measure import OURS, Bench, Serve
from bench.peers import nchan, node_peers, plain

ALL = (plain.NAME, node_peers.SOCKET_IO, node_peers.WS, nchan.NAME)


@dataclass(frozen=True, slots=True)
class Crowd:
    """`rooms` of `size` sockets each; the first `senders` of all sockets write. Socket n is in room n modulo `rooms`.

    On our side a room of two is a support room, whose visitor has the page open in two tabs; a larger one is a community room, in
    which each socket is another visitor's.
    """

    slug: str
    rooms: int
    size: int
    senders: int

    @property
    def places(self) -> list[int]:
        """The room of each socket."""
        return [number % self.rooms for number in range(self.rooms * self.size)]

    def seeded(self, bench: Bench) -> list[Client]:
        """Our sockets, of a new tenant."""
        own = self.size == 2
        order = {"visitors": self.rooms if own else len(self.places), "support" if own else "community": self.rooms}
        (tenant,) = ours.Tenant.seeded(bench.services, [{"slug": self.slug, **order}])
        rooms = tenant.support if own else tenant.community
        return [
            tenant.visitor(room if own else number, room=rooms[room], writes=number < self.senders)
            for number, room in enumerate(self.places)
        ]

    def sides(self, bench: Bench, peers: Sequence[str], *, processes: int = 1) -> Mapping[str, Serve]:
        """Ours and these peers."""
        services, senders, places = bench.services, self.senders, self.places
        known: dict[str, Serve] = {
            plain.NAME: partial(
                plain.serve, services, application="plain_consumer", clients=plain.clients(places, senders=senders)
            ),
            node_peers.SOCKET_IO: partial(
                node_peers.serve_socket_io,
                services,
                clients=node_peers.socket_io_clients(places, senders=senders),
                processes=processes,
            ),
            node_peers.WS: partial(node_peers.serve_ws, services, clients=node_peers.ws_clients(places, senders=senders)),
            nchan.NAME: partial(nchan.serve, services, clients=nchan.clients(places, senders=senders)),
        }
        mine = partial(ours.serve, services, clients=self.seeded(bench), processes=processes)
        return {OURS: mine, **{name: known[name] for name in peers}}
