"""The order of a site's community rooms: given by heads, seen by visitors."""

from functools import partial
from uuid import UUID, uuid4

import pytest

from chat.models import Room
from chat.services.order import Step, move_room
from chat.services.rooms import archive_room, create_room
from saas.core.errors import Conflict, Forbidden, NotFound, ReadOnly
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, Role
from tenants.tokens import Principal
from tests.support.api import Program, signed_in
from tests.support.cast import MakeTenant
from tests.support.community import Visit, community, team_member
from tests.support.order import at_once
from tests.support.talk import room_of, visitor


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def olga(tenant: TenantRef) -> Principal:
    return team_member(tenant, Role.OWNER)


def order_of(tenant: TenantRef) -> str:
    """The titles in the order in which a visitor finds them."""
    return "".join(room["title"] for room in Visit(tenant, visitor(tenant)).get("/rooms").json()["rooms"])


@pytest.fixture
def rooms(tenant: TenantRef, olga: Principal) -> dict[str, UUID]:
    return {title: create_room(tenant, olga, kind="community", title=title).id for title in "abcd"}


def test_a_new_room_stands_at_the_end(tenant: TenantRef, rooms: dict[str, UUID]) -> None:
    assert order_of(tenant) == "abcd"


@pytest.mark.parametrize(
    ("room", "to", "after"),
    [
        ("c", Step.UP, "acbd"),
        ("c", Step.DOWN, "abdc"),
        ("c", Step.FIRST, "cabd"),
        ("a", Step.LAST, "bcda"),
        ("a", Step.UP, "abcd"),
        ("d", Step.DOWN, "abcd"),
        ("d", "a", "dabc"),
        ("a", "d", "bcda"),
        ("b", "b", "abcd"),
    ],
)
def test_a_room_moves(tenant: TenantRef, olga: Principal, rooms: dict[str, UUID], room: str, to: Step | str, after: str) -> None:
    move_room(tenant, olga, room_id=rooms[room], to=to if isinstance(to, Step) else rooms[to])
    assert order_of(tenant) == after


def test_rooms_that_nobody_ordered_stand_as_they_were_made(tenant: TenantRef, olga: Principal) -> None:
    rooms = {title: community(tenant) for title in "abc"}
    with in_tenant(tenant):
        for title, room in rooms.items():
            Room.objects.filter(id=room).update(title=title)
    move_room(tenant, olga, room_id=rooms["c"], to=Step.UP)
    assert order_of(tenant) == "acb"


def test_an_archived_room_is_stepped_over_and_does_not_move(tenant: TenantRef, olga: Principal, rooms: dict[str, UUID]) -> None:
    archive_room(tenant, olga, room_id=rooms["b"], archived=True)
    move_room(tenant, olga, room_id=rooms["c"], to=Step.UP)
    assert order_of(tenant) == "cad"
    with pytest.raises(Conflict):
        move_room(tenant, olga, room_id=rooms["b"], to=Step.UP)


def test_many_at_once_leave_one_order(tenant: TenantRef, olga: Principal, rooms: dict[str, UUID]) -> None:
    at_once([partial(move_room, tenant, olga, room_id=room, to=Step.FIRST) for room in rooms.values()])
    assert sorted(order_of(tenant)) == list("abcd")
    with in_tenant(tenant):
        assert sorted(Room.objects.filter(kind="community").values_list("position", flat=True)) == [1, 2, 3, 4]


@pytest.mark.parametrize(("role", "error"), [(Role.AGENT, Forbidden), (Role.VIEWER, ReadOnly)])
def test_only_heads_order(tenant: TenantRef, rooms: dict[str, UUID], role: Role, error: type[Exception]) -> None:
    who = team_member(tenant, role)
    with pytest.raises(error):
        move_room(tenant, who, room_id=rooms["a"], to=Step.LAST)
    assert order_of(tenant) == "abcd"


def test_other_rooms_have_no_order(tenant: TenantRef, olga: Principal, rooms: dict[str, UUID]) -> None:
    for room in (create_room(tenant, olga, kind="team", title="Us").id, room_of(tenant, visitor(tenant), "hello")):
        with pytest.raises(Conflict):
            move_room(tenant, olga, room_id=room, to=Step.UP)
    with pytest.raises(NotFound):
        move_room(tenant, olga, room_id=rooms["a"], to=uuid4())


def test_a_move_is_written_down(tenant: TenantRef, olga: Principal, rooms: dict[str, UUID]) -> None:
    move_room(tenant, olga, room_id=rooms["d"], to=Step.FIRST)
    move_room(tenant, olga, room_id=rooms["d"], to=Step.FIRST)
    moves = AuditEntry.objects.filter(tenant_id=tenant.id, act="room.moved")
    assert [(one.thing_name, one.before, one.after) for one in moves] == [("d", {"place": 4}, {"place": 1})]


def test_a_visitor_reads_on_where_the_page_ended(tenant: TenantRef, olga: Principal) -> None:
    rooms = [str(community(tenant)) for _ in range(52)]
    move_room(tenant, olga, room_id=UUID(rooms[51]), to=Step.FIRST)
    vic = Visit(tenant, visitor(tenant))
    first = vic.get("/rooms").json()
    second = vic.get("/rooms", cursor=first["cursor"]).json()
    assert [room["id"] for room in first["rooms"] + second["rooms"]] == [rooms[51], *rooms[:51]]
    assert second["cursor"] is None


class TestOverHttp:
    @pytest.fixture
    def program(self, tenant: TenantRef) -> Program:
        return signed_in(tenant, f"owner@{tenant.slug}.example")

    @pytest.mark.parametrize(("to", "place", "after"), [("up", 2, "acbd"), ("last", 4, "abdc"), ("a", 1, "cabd")])
    def test_a_room_moves(
        self, tenant: TenantRef, program: Program, rooms: dict[str, UUID], to: str, place: int, after: str
    ) -> None:
        answer = program.post(f"/rooms/{rooms['c']}/move", {"to": str(rooms.get(to, to))})
        assert (answer.status_code, answer.json()) == (200, {"place": place})
        assert order_of(tenant) == after

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"to": "sideways"}, 400, "bad_frame"),
            ({"to": 2}, 400, "bad_frame"),
            ({"to": "up", "by": 2}, 400, "bad_frame"),
            ({}, 400, "bad_frame"),
            ({"to": str(uuid4())}, 404, "not_found"),
        ],
    )
    def test_what_is_no_place_moves_nothing(
        self, tenant: TenantRef, program: Program, rooms: dict[str, UUID], body: dict[str, object], status: int, code: str
    ) -> None:
        answer = program.post(f"/rooms/{rooms['c']}/move", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert order_of(tenant) == "abcd"
