"""What is read for many at once is what each would read alone."""

from chat.notifications import unseen_of
from chat.selectors import snapshot, summaries
from chat.selectors.messages import Position, snapshots_for_agents, snapshots_for_visitors
from chat.selectors.rooms import first_summaries
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tests.support.talk import agent, room_of, visitor


def test_each_of_a_crowd_has_their_own_rooms(acme: TenantRef, ben: User) -> None:
    crowd = [visitor(acme) for _ in range(4)]
    rooms = [room_of(acme, who, "hello") for who in crowd[:3]]
    desk = agent(acme, ben)
    with in_tenant(acme):
        assert first_summaries(crowd) == [summaries(who) for who in crowd]
        assert [[summary.id for summary in page] for page, _ in first_summaries(crowd)] == [*([room] for room in rooms), []]
        assert first_summaries([desk], limit=2) == [summaries(desk, limit=2)]
        assert unseen_of([who.id for who in crowd]) == [([], 0)] * 4


def test_each_of_a_crowd_has_the_page_of_the_room_they_may_see(acme: TenantRef, ben: User) -> None:
    vic, val = visitor(acme), visitor(acme)
    long, short, empty = room_of(acme, vic, *map(str, range(60))), room_of(acme, val, "a", "b", "c"), room_of(acme, val)
    desk = agent(acme, ben)
    with in_tenant(acme):
        epoch = snapshot(val, short).epoch
        of_val = [Position(val, short), Position(val, short, epoch, 1), Position(val, empty)]
        asked = [Position(vic, long), Position(vic, short), *of_val, Position(val, long)]
        found = snapshots_for_visitors(asked)
        assert found[0] == snapshot(vic, long)
        assert found[2:5] == [snapshot(one.principal, one.room_id, epoch=one.epoch, after=one.after) for one in of_val]
        assert (found[1], found[5]) == (None, None)
        assert snapshots_for_agents([Position(desk, short), Position(desk, long)]) == [
            snapshot(desk, short),
            snapshot(desk, long),
        ]
