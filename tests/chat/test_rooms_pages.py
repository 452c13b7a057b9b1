"""The pages of rooms: what each shows, keeps, refuses beside the field, and whom it lets in."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.models import Invitation, Participant, Room, Visitor
from chat.services.moderation import pin
from chat.services.rooms import RoomChange, archive_room, change_room, create_room
from chat.services.sites import create_site
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Role
from tenants.resolve import forget
from tests.support.cast import MakeTenant, make_user
from tests.support.community import Visit, community, member, message_of, place_of, team_member
from tests.support.talk import embed_key, room_of, visitor
from tests.support.web import Browser, Page


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


class Desk:
    """A member at the console of their tenant."""

    def __init__(self, tenant: TenantRef, browser: Browser, email: str) -> None:
        self.at, self.browser = f"http://{tenant.slug}.localhost:8000", browser
        assert browser.sign_in(f"{self.at}/rooms/", email).status_code == 200

    def get(self, path: str) -> Page:
        return self.browser.get(f"{self.at}{path}")

    def post(self, path: str, **said: Any) -> Page:
        return self.browser.post(f"{self.at}{path}", said)

    def words(self, path: str) -> str:
        """The page's words; it must be there."""
        page = self.get(path)
        assert page.status_code == 200, page.status_code
        return str(page.content.decode())

    def keeps(self, path: str, **said: Any) -> Page:
        """Send the form of a page as it is shown, with these values in it."""
        form = self.get(path).context["form"]
        shown = {name: form[name].value() for name in form.fields}
        return self.post(path, **{name: value for name, value in (shown | said).items() if value not in (None, False)})


@pytest.fixture
def olga(tenant: TenantRef, browser: Browser) -> Desk:
    """The owner."""
    return Desk(tenant, browser, f"owner@{tenant.slug}.example")


def desk_of(tenant: TenantRef, browser: Browser, role: Role) -> Desk:
    """A new member with this role."""
    user = make_user(f"{uuid4().hex}@role.example", "Rolf")
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    forget(tenant.id)
    return Desk(tenant, browser, user.email)


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
        assert olga.post(f"/rooms/{second}/move/", to="sideways").status_code == 404


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

    @pytest.mark.parametrize(
        ("field", "bad", "words"),
        [
            ("title", "", "required"),
            ("title", "x" * 121, "This has 121 characters; 120 is the most."),
            ("slow_seconds", "3601", "3600"),
            ("slow_seconds", "soon", "Slow mode is a whole number of seconds, such as 30."),
            ("join_rule", "nobody", "nobody"),
            ("kind", "support", "support"),
            ("site", str(uuid4()), "not one of the available choices"),
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


class TestPeople:
    def test_the_list_and_its_parts(self, tenant: TenantRef, olga: Desk) -> None:
        room, later = community(tenant), timezone.now() + timedelta(days=1)
        names = {
            "Mo": {"role": "moderator"},
            "Lou": {"muted_until": later},
            "Bo": {"banned_until": later},
            "Vic": {"muted_until": timezone.now()},
        }
        for name, place in names.items():
            member(tenant, room, name=name, **place)
        found = {
            only: [place.name for place in olga.get(f"/rooms/{room}/people/?only={only}").context["page"].rows]
            for only in ("all", "moderators", "muted", "banned")
        }
        assert found == {"all": ["Mo", "Bo", "Lou", "Vic"], "moderators": ["Mo"], "muted": ["Lou"], "banned": ["Bo"]}
        assert [place.name for place in olga.get(f"/rooms/{room}/people/?named=o").context["page"].rows] == ["Mo", "Bo", "Lou"]

    def test_a_visitor_who_is_not_in_is_taken_in(self, tenant: TenantRef, olga: Desk) -> None:
        room, vic = community(tenant, join_rule="invited"), visitor(tenant)
        with in_tenant(tenant):
            Visitor.objects.filter(id=vic.id).update(name="Victoria")
        assert [one.id for one in olga.get(f"/rooms/{room}/people/?named=victor").context["others"]] == [vic.id]
        olga.post(f"/rooms/{room}/people/{vic.id}/in/")
        assert place_of(tenant, room, vic)
        assert olga.get(f"/rooms/{room}/people/?named=victor").context["others"] == []

    def test_a_moderator_is_appointed_and_dismissed(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        for role in ("moderator", "member"):
            olga.post(f"/rooms/{room}/people/{vic.id}/role/", role=role)
            place = place_of(tenant, room, vic)
            assert place
            assert place.role == role
        assert olga.post(f"/rooms/{room}/people/{vic.id}/role/", role="owner").status_code == 404

    @pytest.mark.parametrize("how", ["muted_until", "banned_until"])
    def test_a_mute_and_a_ban_end_when_they_were_said_to_or_sooner(self, tenant: TenantRef, olga: Desk, how: str) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        path = f"/rooms/{room}/people/{vic.id}/"
        assert olga.post(path, how=how, length="3600").status_code == 302
        assert timedelta(minutes=59) < self.end(tenant, room, vic, how) - timezone.now() < timedelta(minutes=61)
        last = (timezone.now() + timedelta(days=9)).date()
        assert olga.post(path, how=how, length="date", date=last.isoformat()).status_code == 302
        assert self.end(tenant, room, vic, how).date() == last + timedelta(days=1)
        olga.post(f"{path}lift/", what=how)
        place = place_of(tenant, room, vic)
        assert place
        assert getattr(place, how) is None

    @staticmethod
    def end(tenant: TenantRef, room: UUID, who: Any, how: str) -> Any:
        return getattr(place_of(tenant, room, who), how)

    @pytest.mark.parametrize(
        ("field", "said", "words"),
        [
            ("date", {"length": "date"}, "Choose the last day."),
            ("date", {"length": "date", "date": "2020-02-02"}, "2020-02-02 is over already"),
            ("date", {"length": "date", "date": "soon"}, "A date is written like 2026-12-31."),
            ("date", {"length": "date", "date": "2199-01-01"}, "more than ten years ahead"),
            ("length", {"length": "7"}, "7 is not one of the available choices"),
            ("how", {"how": "hurt", "length": "3600"}, "hurt is not one of the available choices"),
        ],
    )
    def test_an_end_that_cannot_be_is_refused_beside_the_field(
        self, tenant: TenantRef, olga: Desk, field: str, said: dict[str, str], words: str
    ) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        page = olga.post(f"/rooms/{room}/people/{vic.id}/", **({"how": "muted_until"} | said))
        assert page.status_code == 422
        assert words in str(page.context["form"].errors[field])
        place = place_of(tenant, room, vic)
        assert place
        assert place.muted_until is None

    def test_somebody_is_removed(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        olga.post(f"/rooms/{room}/people/{vic.id}/remove/")
        assert place_of(tenant, room, vic) is None
        assert olga.get(f"/rooms/{room}/people/{vic.id}/").status_code == 404

    def test_many_people_cost_no_more(
        self, tenant: TenantRef, olga: Desk, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        room = community(tenant)
        with in_tenant(tenant):
            Participant.objects.bulk_create(
                Participant(room_id=room, kind="visitor", person_id=uuid4(), name=f"Vic {n}") for n in range(120)
            )
        with django_assert_max_num_queries(20):
            assert len(olga.get(f"/rooms/{room}/people/").context["page"].rows) == 50


class TestInvitations:
    def test_a_link_is_shown_once_and_lets_in(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant, join_rule="invited")
        path = f"/rooms/{room}/invitations/"
        page = olga.post(path, page="https://shop.example/friends#top", uses="2", expires_in="3600")
        address, _, code = page.context["link"].partition("#porchlight=")
        assert address == "https://shop.example/friends"
        assert code not in olga.words(path)
        vic = visitor(tenant)
        assert Visit(tenant, vic).ask("post", f"/invitations/{code}").status_code == 200
        assert [one.uses_left for one in olga.get(path).context["found"]] == [1]

    def test_a_withdrawn_one_works_no_more(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant, join_rule="invited")
        path = f"/rooms/{room}/invitations/"
        link = olga.post(path, page="https://shop.example/", uses="2", expires_in="3600").context["link"]
        [one] = olga.get(path).context["found"]
        olga.post(f"{path}{one.id}/withdraw/")
        answer = Visit(tenant, visitor(tenant)).ask("post", f"/invitations/{link.partition('=')[2]}")
        assert answer.status_code == 404
        assert "No link works at the moment" in olga.words(path)

    @pytest.mark.parametrize(
        ("field", "bad", "words"),
        [
            ("page", "javascript:alert(1)", "This is not an address like"),
            ("uses", "0", "1 to 10000"),
            ("uses", "many", "whole number of people"),
            ("expires_in", "1", "not one of the available choices"),
        ],
    )
    def test_what_cannot_be_is_refused_beside_the_field(
        self, tenant: TenantRef, olga: Desk, field: str, bad: str, words: str
    ) -> None:
        room = community(tenant)
        said = {"page": "https://shop.example/", "uses": "2", "expires_in": "3600"} | {field: bad}
        page = olga.post(f"/rooms/{room}/invitations/", **said)
        assert page.status_code == 422
        assert words in str(page.context["form"].errors[field])
        with in_tenant(tenant):
            assert not Invitation.objects.exists()


class TestOrderInTheRoom:
    def test_it_is_locked_and_slowed(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        assert olga.keeps(f"/rooms/{room}/moderation/", slow_seconds="30", locked="on").status_code == 302
        now = room_row(tenant, room)
        assert (now.slow_seconds, bool(now.locked_at)) == (30, True)
        assert olga.keeps(f"/rooms/{room}/moderation/", slow_seconds="").status_code == 302
        assert room_row(tenant, room).slow_seconds == 0

    def test_a_pinned_message_is_shown_and_taken_down(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        message = message_of(tenant, room, member(tenant, room), "Nine o'clock at the lighthouse")
        pin(tenant, team_member(tenant, Role.AGENT), room_id=room, message_id=message, on=True)
        assert "Nine o&#x27;clock at the lighthouse" in olga.words(f"/rooms/{room}/moderation/")
        olga.post(f"/rooms/{room}/moderation/pins/{message}/")
        assert room_row(tenant, room).pinned == []
        assert "Nothing is pinned" in olga.words(f"/rooms/{room}/moderation/")


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
