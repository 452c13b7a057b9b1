"""`@name` in notes and in rooms of many: who is meant, and that nobody else hears of it."""

from uuid import uuid4

import pytest

from chat.limits import MENTION_PER_PERSON
from chat.models import Participant
from chat.notifications import change_settings
from chat.notifications.mentions import names_of, spoken
from tenants.context import TenantRef, in_tenant, run_in_tenant, run_on_platform
from tenants.models import User
from tests.support.community import community, member
from tests.support.desk import Desk, copies, notes_of, rename, see_all, told, who_was_told
from tests.support.shop import Shop


class TestNames:
    async def test_whoever_is_named_in_a_note_hears_of_it_and_no_visitor(self, desk: Desk, shop: Shop) -> None:
        ben, viewer, vic = await shop.member("agent"), await shop.member("viewer"), await shop.visitor()
        await run_on_platform(rename, ben, "Ben Stone")
        room = await shop.room(vic, "hello")
        notes = await notes_of(shop, room)
        text = f"@ben stone, ask @{viewer.name} and not @{vic.name} nor olga@shop.example"
        await desk.says(shop.tenant, notes, shop.owner, text)
        assert await told(shop) == [(who, "mentions", text, room) for who in (ben.id, viewer.id)]
        ((_, notice, whom),) = desk.pushed
        assert (notice.kind, notice.url, notice.room) == ("mention", f"/inbox/{room}/", room)
        assert notice.title == f"{shop.owner.name} mentioned you in a note on {vic.name}"
        assert set(whom) == {ben.id, viewer.id}

    async def test_not_the_author_nor_who_looks_nor_who_does_not_want_it(self, desk: Desk, shop: Shop) -> None:
        people = [await shop.member("agent") for _ in range(3)]
        for number, one in enumerate(people):
            await run_on_platform(rename, one, f"Agent{number}")
        room = await shop.room(await shop.visitor(), "hello")
        notes = await notes_of(shop, room)
        await run_in_tenant(shop.tenant, change_settings, people[1].id, {"mentions": False})
        desk.looking[notes] = {people[2].id}
        await desk.says(shop.tenant, notes, people[0], "@agent0 @agent1 @agent2")
        assert await told(shop) == []
        await desk.says(shop.tenant, notes, shop.owner, "@agent0 @agent1 @agent2")
        assert await who_was_told(shop) == {people[0].id}

    async def test_members_of_a_community_room_and_nobody_else(self, desk: Desk, shop: Shop) -> None:
        friends = await run_on_platform(community, shop.tenant)
        vic, val, banned = [await run_on_platform(member, shop.tenant, friends) for _ in range(3)]
        outside = await shop.visitor()

        def ban() -> None:
            with in_tenant(shop.tenant):
                Participant.objects.filter(person_id=banned.id).update(banned_until="2099-01-01T00:00:00Z")

        await run_on_platform(ban)
        text = f"@{val.name.upper()}! and @{banned.name} and @{outside.name} and @{shop.owner.name}"
        await desk.says(shop.tenant, friends, vic, text)
        assert await told(shop) == [(val.id, "mentions", text, friends)]

    async def test_a_visitor_names_nobody_in_their_own_room(self, desk: Desk, shop: Shop) -> None:
        ben, vic = await shop.member("agent"), await shop.visitor()
        room = await shop.room(vic, "hello")
        await run_in_tenant(shop.tenant, change_settings, ben.id, {"messages": False})
        await desk.says(shop.tenant, room, vic, f"@{ben.name}, are you there?")
        assert ben.id not in await who_was_told(shop)

    async def test_the_same_line_again_tells_nobody_twice(self, desk: Desk, shop: Shop) -> None:
        ben, vic = await shop.member("agent"), await shop.visitor()
        room = await shop.room(vic, "hello")
        lines = await desk.says(shop.tenant, room, vic, "hello?")
        lines += await desk.says(shop.tenant, await notes_of(shop, room), shop.owner, f"@{ben.name} look")
        before = len(await told(shop))
        await run_on_platform(see_all, shop.tenant)
        desk.aftermath.heed(lines)  # as after an answer that was lost
        await desk.aftermath.flush()
        assert (len(await told(shop)), before) == (before, 3)

    async def test_who_names_people_all_the_time_names_them_in_vain(
        self, desk: Desk, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        friends = await run_on_platform(community, shop.tenant)
        vic, val = [await run_on_platform(member, shop.tenant, friends) for _ in range(2)]
        times = MENTION_PER_PERSON.times
        await desk.says(shop.tenant, friends, vic, *[f"@{val.name} {n}" for n in range(times + 5)])
        assert times <= len(await told(shop)) < times + 5

    async def test_another_tenants_people_hear_nothing(self, desk: Desk, shop: Shop, globex: TenantRef, gus: User) -> None:
        vic = await shop.visitor()
        notes = await notes_of(shop, await shop.room(vic, "hello"))
        before = await run_on_platform(copies, globex)
        await desk.says(shop.tenant, notes, shop.owner, f"@{gus.name} @Gus")
        assert (await told(shop), await run_on_platform(copies, globex)) == ([], before)
        assert all(tenant == shop.tenant for tenant, *_ in desk.pushed)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("@ben", [["ben"]]),
        ("Hi @Ben Stone!", [["ben stone!", "ben stone", "ben"]]),
        ("ask @ben, please", [["ben, please", "ben,", "ben"]]),
        ("ben@shop.example and a@b", []),
        ("@@ben or @ ben", []),
        ("(@ben)", [["ben)", "ben"]]),
        ("@ada @ben", [["ada @ben", "ada"], ["ben"]]),
        ("@ada\nben", [["ada"]]),
        ("@Zoë-Łucja", [["zoë-łucja"]]),
    ],
)
def test_what_may_be_a_name(text: str, forms: list[list[str]]) -> None:
    assert [list(found) for found in spoken(text)] == forms


def test_a_first_word_names_who_alone_begins_so() -> None:
    ada, ben, other = uuid4(), uuid4(), uuid4()
    names = names_of([(ada, "Ada Lovelace"), (ben, "Ben Stone"), (other, "Ben  Hill")])
    assert names == {"ada": [ada], "ada lovelace": [ada], "ben stone": [ben], "ben hill": [other]}
