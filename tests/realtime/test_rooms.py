"""Joining, coming back, reading upwards and leaving."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from chat.models import Room
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.tokens import Principal
from tests.support import talk
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors, key_of, visitor_token
from tests.support.stored import texts

LONG = [f"line {n}" for n in range(3, 251)]  # with "one" and "two" before them


def seqs(frame: dict[str, object]) -> list[int]:
    return [message["seq"] for message in frame["messages"]]  # type: ignore[attr-defined]


async def rest_of_catch_up(socket: ChatSocket, joined: dict[str, object]) -> list[int]:
    """The seqs of `joined` and of the pages that follow it."""
    found, more = seqs(joined), joined["more"]
    while more:
        page = await socket.expect("page", ref=joined["ref"])
        found, more = found + seqs(page), page["more"]
    return found


def _empty_rooms(who: Principal, count: int) -> list[UUID]:
    """So many rooms of the visitor, oldest first."""
    start = timezone.now()
    made = Room.objects.bulk_create(
        Room(kind="support", title="x", visitor_id=who.id, site_id=who.site_id, last_at=start + timedelta(seconds=n))
        for n in range(count)
    )
    return [room.id for room in made]


def _update(room_id: UUID, **fields: object) -> None:
    Room.objects.filter(id=room_id).update(**fields)


class TestJoin:
    async def test_a_newcomer_gets_the_newest_page(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        room = await run_on_platform(talk.room_of, acme, vic, *[f"line {n}" for n in range(1, 31)])
        async with doors.visitor(acme, vic) as widget:
            joined = await widget.join(room)
            assert (joined["resumed"], joined["head"], joined["more"]) == (False, 30, True)
            assert seqs(joined) == list(range(11, 31))
            assert joined["summary"]["epoch"] == joined["epoch"]

    async def test_history_reads_upwards_to_the_first_line(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        room = await run_on_platform(talk.room_of, acme, vic, *[f"line {n}" for n in range(1, 46)])
        async with doors.visitor(acme, vic) as widget:
            found, more = seqs(await widget.join(room)), True
            while more:
                await widget.say("history", ref=found[0], room=room, before=found[0])
                page = await widget.expect("page", ref=found[0])
                found, more = seqs(page) + found, page["more"]
            assert found == list(range(1, 46))

    async def test_a_page_is_small_even_when_its_lines_are_not(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        room = await run_on_platform(talk.room_of, acme, vic, *["🪔" * 4000] * 8)
        async with doors.visitor(acme, vic) as widget:
            joined = await widget.join(room)
            assert (seqs(joined), joined["more"]) == ([7, 8], True)

    async def test_one_socket_joins_a_hundred_rooms_and_not_one_more(self, doors: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        rooms = await run_in_tenant(shop.tenant, _empty_rooms, who, 101)
        async with doors.agent(shop.tenant, shop.owner) as inbox:
            for room in rooms:
                await inbox.say("join", ref=str(room), room=room)
            refused = await inbox.expect_error("forbidden")
            for room in rooms:
                if str(room) != refused["ref"]:
                    await inbox.expect("joined", ref=str(room))

    async def test_messages_stop_after_leaving(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
            await inbox.join(room)
            await inbox.say("leave", ref=5, room=room)
            await inbox.expect("left", ref=5, room=str(room))
            await widget.send(room, "unheard")
            await inbox.expect("room", room=str(room))  # the list hears of it all the same
            await inbox.settled()
            assert inbox.came("msg") == []

    async def test_leaving_a_room_that_was_not_joined_is_refused(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say("leave", ref=1, room=room)
            await widget.expect_error("not_found", ref=1)


class TestResume:
    async def test_only_what_was_missed_comes(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with doors.visitor(acme, vic) as widget:
            before = await widget.join(room)
        await run_on_platform(talk.say, acme, room, vic, "three", "four")
        async with doors.visitor(acme, vic) as widget:
            joined = await widget.join(room, epoch=before["epoch"], after=before["head"])
            assert (joined["resumed"], joined["head"], joined["more"], seqs(joined)) == (True, 4, False, [3, 4])

    async def test_hello_resumes_what_the_client_knows(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with doors.visitor(acme, vic) as widget:
            epoch = (await widget.join(room))["epoch"]
        gone = uuid4()
        known = [{"room": room, "epoch": epoch, "after": 1}, {"room": gone, "epoch": epoch, "after": 1}]
        async with doors.visitor(acme, vic, rooms=known) as widget:
            joined = await widget.expect("joined", room=str(room))
            assert (joined["resumed"], seqs(joined), "ref" in joined) == (True, [2], False)
            assert (await widget.expect("left", room=str(gone)))["code"] == "not_found"
            await widget.send(room, "joined by that")
            await widget.expect("msg", seq=3)

    async def test_nothing_missed_is_an_empty_resume(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with doors.visitor(acme, vic) as widget:
            joined = await widget.join(room)
            again = await widget.join(room, epoch=joined["epoch"], after=joined["head"])
            assert (again["resumed"], seqs(again), again["more"]) == (True, [], False)

    async def test_another_epoch_starts_anew(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with doors.visitor(acme, vic) as widget:
            joined = await widget.join(room, epoch=uuid4(), after=1)
            assert (joined["resumed"], seqs(joined)) == (False, [1, 2])

    async def test_a_position_ahead_of_the_room_starts_anew(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            epoch = (await widget.join(room))["epoch"]
            joined = await widget.join(room, epoch=epoch, after=3)
            assert (joined["resumed"], seqs(joined)) == (False, [1, 2])

    async def test_two_hundred_missed_come_in_pages_and_in_order(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        await run_on_platform(talk.say, acme, room, vic, *LONG)
        async with doors.visitor(acme, vic) as widget:
            epoch = (await widget.join(room))["epoch"]
            joined = await widget.join(room, epoch=epoch, after=50)
            assert joined["resumed"]
            assert await rest_of_catch_up(widget, joined) == list(range(51, 251))

    async def test_one_more_starts_anew(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        await run_on_platform(talk.say, acme, room, vic, *LONG)
        async with doors.visitor(acme, vic) as widget:
            epoch = (await widget.join(room))["epoch"]
            joined = await widget.join(room, epoch=epoch, after=49)
            assert (joined["resumed"], seqs(joined)) == (False, list(range(231, 251)))

    async def test_what_is_said_during_a_long_catch_up_comes_too(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        await run_on_platform(talk.say, acme, room, vic, *LONG)
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            epoch = (await widget.join(room))["epoch"]
            await widget.say("join", ref=9, room=room, epoch=epoch, after=100)
            for n in range(5):
                await inbox.send(room, f"meanwhile {n}")
            joined = await widget.expect("joined", ref=9)
            found = await rest_of_catch_up(widget, joined)
            if joined["head"] < 255:
                await widget.expect("msg", seq=255)
            heard = found + [one["seq"] for one in widget.came("msg")]
            assert sorted(set(heard)) == list(range(101, 256))


class TestStatus:
    async def test_writing_again_opens_a_resolved_room(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        await run_in_tenant(acme, _update, room, status="resolved")
        async with doors.visitor(acme, vic) as widget:
            await widget.send(room, "one more thing")
            assert (await widget.expect("room", room=str(room)))["summary"]["status"] == "open"

    async def test_a_closed_room_takes_nothing(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        await run_in_tenant(acme, _update, room, closed_at=timezone.now())
        async with doors.visitor(acme, vic) as widget:
            cid = uuid4()
            await widget.say("send", cid=cid, room=room, text="too late")
            await widget.expect_error("room_closed", cid=str(cid))
            assert await texts(acme, room) == ["one", "two"]

    async def test_a_visitor_sees_nothing_of_the_teams_fields(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            joined = await widget.join(room)
            await widget.send(room, "three")
            told = await widget.expect("room", room=str(room))
            for summary in (joined["summary"], told["summary"]):
                assert not {"assignee", "labels"} & summary.keys()


async def test_a_viewer_reads_and_does_not_write(doors: Doors, shop: Shop) -> None:
    viewer, who = await shop.member("viewer"), await shop.visitor()
    room = await shop.room(who, "hello")
    async with doors.agent(shop.tenant, viewer) as inbox:
        assert (await inbox.join(room))["head"] == 1
        for joined in (True, False):
            cid = uuid4()
            await inbox.say("send", cid=cid, room=room, text="me too")
            await inbox.expect_error("read_only", cid=str(cid))
            if joined:
                await inbox.say("leave", ref=1, room=room)
        assert await texts(shop.tenant, room) == ["hello"]


async def test_the_list_in_welcome_is_the_newest_fifty(doors: Doors, shop: Shop) -> None:
    who = await shop.visitor()
    rooms = await run_in_tenant(shop.tenant, _empty_rooms, who, 52)
    async with doors.socket(doors.visitor_url(key_of(shop.tenant))) as socket:
        welcome = await socket.hello(visitor_token(shop.tenant, who))
        assert [one["id"] for one in welcome["rooms"]] == [str(room) for room in rooms[:1:-1]]
        assert welcome["cursor"]
