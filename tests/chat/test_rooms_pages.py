"""The pages of rooms: what each shows, keeps, refuses beside the field, and whom it lets in."""

from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from chat.models import Room
from chat.pages.rooms import desk
from chat.services.moderation import pin
from chat.services.rooms import RoomChange, archive_room, change_room, create_room
from chat.services.sites import create_site
from saas.core.ratelimit import Limit
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tests.support.cast import MakeTenant
from tests.support.community import community, delete, member, message_of, moderator, place_of, team_member
from tests.support.console import Desk, desk_of
from tests.support.talk import embed_key, room_of, visitor
from tests.support.web import Browser


def room_row(tenant: TenantRef, room_id: UUID) -> Room:
    with in_tenant(tenant):
        return Room.objects.get(id=room_id)


class TestTheList:
    def test_it_teaches_while_it_is_empty(self, olga: Desk) -> None:
        for path, words in (
            ("/rooms/", "No community room yet"),
            ("/rooms/?show=team", "No team room yet"),
            ("/rooms/?show=archived", "Nothing is archived"),
        ):
            assert words in olga.words(path)

    def test_each_room_stands_under_its_kind(self, tenant: TenantRef, olga: Desk) -> None:
        boss = team_member(tenant, Role.OWNER)
        create_room(tenant, boss, kind="community", title="Riders")
        create_room(tenant, boss, kind="team", title="Workshop")
        closed = create_room(tenant, boss, kind="community", title="Last year")
        archive_room(tenant, boss, room_id=closed.id, archived=True)
        found = {
            show: [room.title for room in olga.get(f"/rooms/?show={show}").context["page"].rows]
            for show in ("community", "team", "archived")
        }
        assert found == {"community": ["Riders"], "team": ["Workshop"], "archived": ["Last year"]}

    def test_a_room_whose_last_line_was_deleted_is_not_one_without_lines(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        assert "nobody has written yet" in olga.words("/rooms/")
        delete(tenant, room, vic := member(tenant, room), message_of(tenant, room, vic))
        assert "nobody has written yet" not in olga.words("/rooms/")

    def test_no_visitors_room_and_no_notes_are_in_it(self, tenant: TenantRef, olga: Desk) -> None:
        room = room_of(tenant, visitor(tenant), "hello")
        with in_tenant(tenant):
            notes = Room.objects.get(notes_of=room).id
        assert olga.get("/rooms/?show=team").context["page"].rows == []
        assert {olga.get(f"/rooms/{one}/").status_code for one in (room, notes)} == {404}

    def test_the_rooms_of_another_site(self, tenant: TenantRef, olga: Desk) -> None:
        site = create_site(tenant, name="Wholesale").site_id
        community(tenant, site_id=site)
        assert olga.get("/rooms/").context["page"].rows == []
        assert len(olga.get(f"/rooms/?site={site}").context["page"].rows) == 1
        assert olga.get("/rooms/?site=nonsense").status_code == 200

    def test_a_part_of_the_title_finds_it(self, tenant: TenantRef, olga: Desk) -> None:
        boss = team_member(tenant, Role.OWNER)
        for title in ("Riders 100%", "Builders"):
            create_room(tenant, boss, kind="community", title=title)
        assert [room.title for room in olga.get("/rooms/?named=rs+100%25").context["page"].rows] == ["Riders 100%"]
        assert "No room has this in its title" in olga.words("/rooms/?named=nobody")

    def test_many_rooms_come_in_pages_and_cost_no_more(
        self, tenant: TenantRef, olga: Desk, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        site = embed_key(tenant).site_id
        with in_tenant(tenant):
            Room.objects.bulk_create(Room(kind="community", title=f"Room {n}", site_id=site, position=n) for n in range(1, 124))
        with django_assert_max_num_queries(16):
            page = olga.get("/rooms/?page=3").context["page"]
        assert [room.title for room in page.rows][:2] == ["Room 101", "Room 102"]
        assert (page.first, page.total, page.later) == (101, 123, "")

    def test_a_room_moves_and_the_list_shows_it(self, tenant: TenantRef, olga: Desk) -> None:
        boss = team_member(tenant, Role.OWNER)
        first, second = (create_room(tenant, boss, kind="community", title=title).id for title in ("One", "Two"))
        answer = olga.post(f"/rooms/{second}/move/", to="up", query="show=community")
        assert answer["Location"] == f"/rooms/?show=community#room-{second}"
        assert [room.title for room in olga.get("/rooms/").context["page"].rows] == ["Two", "One"]
        olga.post(f"/rooms/{second}/move/", to=str(first))
        assert [room.title for room in olga.get("/rooms/").context["page"].rows] == ["One", "Two"]

    def test_a_place_that_is_none_moves_nothing(self, tenant: TenantRef, olga: Desk) -> None:
        boss = team_member(tenant, Role.OWNER)
        room, _ = (create_room(tenant, boss, kind="community", title=title).id for title in ("One", "Two"))
        assert olga.post(f"/rooms/{room}/move/", to=str(UUID(int=7))).status_code == 404
        assert olga.post(f"/rooms/{room}/move/", to="sideways")["Location"] == "/rooms/"
        assert "A room goes first, up, down, last" in olga.words("/rooms/")
        assert [room.title for room in olga.get("/rooms/").context["page"].rows] == ["One", "Two"]


class TestANewRoom:
    def test_a_community_room(self, tenant: TenantRef, olga: Desk) -> None:
        answer = olga.keeps("/rooms/new/", title=" Bees  and honey ", join_rule="identified", slow_seconds="30")
        assert answer.status_code == 302
        made = room_row(tenant, UUID(answer["Location"].split("/")[2]))
        assert (made.title, made.kind, made.join_rule, made.slow_seconds) == ("Bees and honey", "community", "identified", 30)
        assert f"{made.title} is open." in olga.words(answer["Location"])

    def test_of_a_team_room_the_rest_does_not_count(self, tenant: TenantRef, olga: Desk) -> None:
        answer = olga.keeps("/rooms/new/", kind="team", title="Us", join_rule="invited", slow_seconds="30")
        made = room_row(tenant, UUID(answer["Location"].split("/")[2]))
        assert (made.kind, made.site_id, made.join_rule, made.slow_seconds) == ("team", None, "open", 0)

    @pytest.mark.parametrize("bad", [{"slow_seconds": "soon"}, {"join_rule": "nobody"}, {"site": str(UUID(int=7))}])
    def test_of_a_team_room_the_rest_cannot_be_wrong(self, tenant: TenantRef, olga: Desk, bad: dict[str, str]) -> None:
        said = {"kind": "team", "slow_seconds": "5", "join_rule": "open"} | bad
        assert list(olga.post("/rooms/new/", title="", **said).context["form"].errors) == ["title"]
        assert olga.post("/rooms/new/", title="Us", **said).status_code == 302

    def test_who_makes_too_many_is_told_on_the_list(self, olga: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(desk, "MODERATION_PER_PERSON", Limit(f"test_rooms_{uuid4()}", 1, 60))
        answers = [olga.post("/rooms/new/", kind="team", title=title) for title in ("One", "Two")]
        assert answers[1]["Location"] == "/rooms/"
        assert [room.title for room in olga.get("/rooms/?show=team").context["page"].rows] == ["One"]

    @pytest.mark.parametrize(
        ("field", "bad", "words"),
        [
            ("title", "", "required"),
            ("title", "x" * 121, "This has 121 characters; 120 is the most."),
            ("slow_seconds", "3601", "3600"),
            ("slow_seconds", "soon", "Slow mode is a whole number of seconds, such as 30."),
            ("join_rule", "nobody", "nobody"),
            ("kind", "support", "support"),
            ("site", str(UUID(int=7)), "The site that you chose is gone meanwhile."),
        ],
    )
    def test_what_is_wrong_stands_beside_the_field_and_the_rest_is_kept(
        self, tenant: TenantRef, olga: Desk, field: str, bad: str, words: str
    ) -> None:
        said = {"kind": "community", "title": "Bees", "slow_seconds": "5", "join_rule": "open"} | {field: bad}
        page = olga.post("/rooms/new/", **said)
        assert page.status_code == 422
        assert words in str(page.context["form"].errors[field])
        kept = page.context["form"]
        assert {name: kept[name].value() for name in said} == said
        with in_tenant(tenant):
            assert not Room.objects.exists()

    def test_of_a_site_that_is_gone_the_page_says_so_also_where_one_is_left(self, olga: Desk) -> None:
        page = olga.post("/rooms/new/", kind="community", title="Bees", site=str(UUID(int=7)))
        assert "The site that you chose is gone meanwhile." in page.content.decode()
        assert str(UUID(int=7)) not in page.content.decode(), "an id says nothing to anybody"


class TestOneRoom:
    def test_it_is_renamed_and_narrowed(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        assert olga.keeps(f"/rooms/{room}/", title="Friends", join_rule="invited").status_code == 302
        now = room_row(tenant, room)
        assert (now.title, now.join_rule) == ("Friends", "invited")

    def test_a_team_room_has_a_title_only(self, tenant: TenantRef, olga: Desk) -> None:
        room = create_room(tenant, team_member(tenant, Role.OWNER), kind="team", title="Us").id
        assert list(olga.get(f"/rooms/{room}/").context["form"].fields) == ["seen", "title"]
        assert olga.keeps(f"/rooms/{room}/", title="We").status_code == 302
        for path in ("people", "invitations", "embed"):
            assert olga.get(f"/rooms/{room}/{path}/")["Location"] == f"/rooms/{room}/"

    def test_what_somebody_changed_meanwhile_is_shown_and_not_overwritten(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        form = olga.get(f"/rooms/{room}/").context["form"]
        ben = team_member(tenant, Role.ADMIN)
        change_room(tenant, ben, room_id=room, change=RoomChange(title="Ben's friends"))
        vic = moderator(tenant, room)
        pin(tenant, vic, room_id=room, message_id=message_of(tenant, room, vic), on=True)  # which is about the room, too
        said = {"title": "Olga's friends", "join_rule": "open"}
        page = olga.post(f"/rooms/{room}/", seen=form["seen"].value(), **said)
        assert page.status_code == 409
        assert f"{ben.name} changed this meanwhile" in page.content.decode()
        assert page.context["form"].stored == {"title": "Ben's friends"}
        assert page.context["form"]["title"].value() == "Olga's friends"
        assert room_row(tenant, room).title == "Ben's friends"
        again = olga.post(f"/rooms/{room}/", seen=page.context["form"]["seen"].value(), **said)
        assert again.status_code == 302
        assert room_row(tenant, room).title == "Olga's friends"

    def test_it_is_archived_and_opened_again(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        olga.post(f"/rooms/{room}/archive/", archived="yes")
        assert room_row(tenant, room).closed_at
        assert "An archived room is not changed" in olga.words(f"/rooms/{room}/")
        olga.post(f"/rooms/{room}/archive/", archived="no")
        assert room_row(tenant, room).closed_at is None

    def test_deleting_says_first_what_goes(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        message_of(tenant, room, member(tenant, room))
        page = olga.get(f"/rooms/{room}/delete/")
        assert page.context["counts"][:3] == [(1, "message"), (1, "person"), (0, "files")]
        refused = olga.post(f"/rooms/{room}/delete/", sure="the shop")
        assert refused.status_code == 422
        assert "not the room&#x27;s title" in refused.content.decode()
        assert refused.context["form"]["sure"].value() == "the shop"
        assert olga.post(f"/rooms/{room}/delete/", sure="The shop's friends")["Location"] == "/rooms/"
        assert olga.get(f"/rooms/{room}/").status_code == 404
        assert "is gone, with all that was said in it" in olga.words("/rooms/")

    def test_the_tag_names_the_site_and_the_room(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        page = olga.get(f"/rooms/{room}/embed/")
        key = embed_key(tenant).key
        assert page.context["tag"].endswith(f'/porchlight.js" data-key="{key}" data-room="{room}"></script>')
        assert "No page may show" in page.content.decode()

    def test_a_room_of_another_tenant_has_no_page(self, tenant: TenantRef, olga: Desk, make_tenant: MakeTenant) -> None:
        other = community(make_tenant())
        for path in ("", "people/", "invitations/", "moderation/", "embed/", "delete/"):
            assert olga.get(f"/rooms/{other}/{path}").status_code == 404


class TestWhoMay:
    def test_an_agent_keeps_order_but_does_not_build(self, tenant: TenantRef, browser: Browser) -> None:
        agent, room = desk_of(tenant, browser, Role.AGENT), community(tenant)
        vic = member(tenant, room)
        assert agent.keeps(f"/rooms/{room}/moderation/", slow_seconds="5").status_code == 302
        assert agent.post(f"/rooms/{room}/people/{vic.id}/", how="muted_until", length="3600").status_code == 302
        assert "Owners and admins change it." in agent.words(f"/rooms/{room}/")
        refused = [
            agent.get("/rooms/new/"),
            agent.get(f"/rooms/{room}/delete/"),
            agent.post(f"/rooms/{room}/", title="Mine"),
            agent.post(f"/rooms/{room}/archive/", archived="yes"),
            agent.post(f"/rooms/{room}/move/", to="up"),
            agent.post(f"/rooms/{room}/people/{vic.id}/role/", role="moderator"),
        ]
        assert {page.status_code for page in refused} == {403}
        assert room_row(tenant, room).title == "The shop's friends"

    def test_a_viewer_looks(self, tenant: TenantRef, browser: Browser) -> None:
        viewer, room = desk_of(tenant, browser, Role.VIEWER), community(tenant)
        vic = member(tenant, room)
        for path in ("/rooms/", f"/rooms/{room}/", f"/rooms/{room}/people/", f"/rooms/{room}/people/{vic.id}/"):
            assert viewer.get(path).status_code == 200
        for path in (f"/rooms/{room}/moderation/", f"/rooms/{room}/invitations/"):
            assert viewer.get(path).status_code == 403
        assert viewer.post(f"/rooms/{room}/people/{vic.id}/", how="muted_until", length="3600").status_code == 403
        place = place_of(tenant, room, vic)
        assert place
        assert place.muted_until is None
