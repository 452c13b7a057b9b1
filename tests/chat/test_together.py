"""What is read for many at once is what each would read alone."""

from chat.models import Participant
from chat.notifications import unseen_of
from chat.selectors import snapshot, summaries
from chat.selectors.messages import Position, snapshots_for_agents, snapshots_for_visitors
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tests.support.cast import MakeTenant
from tests.support.talk import agent, first_summaries, room_of, say, visitor


def test_each_of_a_crowd_has_their_own_rooms(acme: TenantRef) -> None:
    crowd = [visitor(acme) for _ in range(4)]
    rooms = [room_of(acme, who, "hello") for who in crowd[:3]]
    with in_tenant(acme):
        assert first_summaries(crowd) == [summaries(who) for who in crowd]
        assert [[summary.id for summary in page] for page, _ in first_summaries(crowd)] == [*([room] for room in rooms), []]
        assert unseen_of([who.id for who in crowd]) == [([], 0)] * 4


def test_each_agent_has_their_own_count_of_what_is_unread(acme: TenantRef, ada: User, ben: User) -> None:
    desk, owner = agent(acme, ben), agent(acme, ada, "owner")
    read, written, new = (room_of(acme, visitor(acme), "one", "two") for _ in range(3))
    say(acme, written, owner, "an answer")
    with in_tenant(acme):
        Participant.objects.create(room_id=read, kind="agent", person_id=desk.id, name="Ben", read_seq=1)
        found = first_summaries([desk, owner, desk])
        assert found == [summaries(who) for who in (desk, owner, desk)]
        unread = [{one.id: one.unread for one in rooms} for rooms, _ in found]
        assert [[each[room] for room in (read, written, new)] for each in unread] == [[1, 3, 2], [2, 2, 2], [1, 3, 2]]
        assert [first_summaries([who], limit=2) for who in (desk, owner)] == [[summaries(who, limit=2)] for who in (desk, owner)]


def test_agents_without_a_room_have_an_empty_list(make_tenant: MakeTenant, ben: User) -> None:
    nobody = make_tenant()
    with in_tenant(nobody):
        assert first_summaries([agent(nobody, ben), agent(nobody, ben)]) == [([], None)] * 2


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
