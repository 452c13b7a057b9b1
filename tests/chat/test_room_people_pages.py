"""The pages of who is in a room, who is let in, and how loud it may be."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.models import Invitation, Participant, Room, Visitor
from chat.services.moderation import pin
from chat.services.sites import change_site
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tests.support.community import Visit, community, member, message_of, place_of, team_member
from tests.support.console import Desk
from tests.support.talk import embed_key, visitor


def room_row(tenant: TenantRef, room_id: UUID) -> Room:
    with in_tenant(tenant):
        return Room.objects.get(id=room_id)


class TestPeople:
    def test_the_list_and_its_parts(self, tenant: TenantRef, olga: Desk) -> None:
        room, later = community(tenant), timezone.now() + timedelta(days=1)
        names: dict[str, dict[str, Any]] = {
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
            ("date", {"length": "date", "date": "2199-01-01"}, "2199-01-01 is more than ten years ahead"),
            ("date", {"length": "date", "date": "9999-12-31"}, "9999-12-31 is more than ten years ahead"),
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

    def test_the_last_day_that_is_named_can_be_chosen(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        path = f"/rooms/{room}/people/{vic.id}/"
        refused = olga.post(path, how="banned_until", length="date", date="9999-12-31")
        last = str(refused.context["form"].errors["date"]).partition("ahead; ")[2].partition(" is the last day")[0]
        assert olga.post(path, how="banned_until", length="date", date=last).status_code == 302
        assert self.end(tenant, room, vic, "banned_until").date() == date.fromisoformat(last) + timedelta(days=1)

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
    @pytest.fixture(autouse=True)
    def shop(self, tenant: TenantRef) -> None:
        """The pages of the shop may show the site."""
        change_site(tenant, embed_key(tenant).site_id, allowed_origins=["https://shop.example", "https://*.shop.example"])

    def test_a_link_is_shown_once_and_lets_in(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant, join_rule="invited")
        path = f"/rooms/{room}/invitations/"
        sent = olga.post(path, page="https://shop.example/friends#top", uses="2", expires_in="3600")
        assert (sent.status_code, sent["Location"]) == (302, path)
        assert not olga.get(f"/rooms/{community(tenant)}/invitations/").context["link"]  # another room's page
        address, _, code = olga.get(path).context["link"].partition("#porchlight=")
        assert address == "https://shop.example/friends"
        assert code not in olga.words(path)
        vic = visitor(tenant)
        assert Visit(tenant, vic).ask("post", f"/invitations/{code}").status_code == 200
        assert [one.uses_left for one in olga.get(path).context["page"].rows] == [1]

    def test_a_reload_of_the_page_with_the_link_makes_no_second_one(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        path = f"/rooms/{room}/invitations/"
        shown = olga.browser.follow(olga.post(path, page="https://shop.example/", uses="2", expires_in="3600"))
        assert "Here is the link" in shown.content.decode()
        assert "Here is the link" not in olga.browser.get(olga.browser.url).content.decode()
        with in_tenant(tenant):
            assert Invitation.objects.count() == 1

    def test_a_withdrawn_one_works_no_more(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant, join_rule="invited")
        path = f"/rooms/{room}/invitations/"
        olga.post(path, page="https://shop.example/", uses="2", expires_in="3600")
        shown = olga.get(path).context
        link, [one] = shown["link"], shown["page"].rows
        olga.post(f"{path}{one.id}/withdraw/")
        answer = Visit(tenant, visitor(tenant)).ask("post", f"/invitations/{link.partition('=')[2]}")
        assert answer.status_code == 404
        assert "No link works at the moment" in olga.words(path)

    def test_each_of_many_can_be_withdrawn(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        later = timezone.now() + timedelta(days=1)
        with in_tenant(tenant):
            Invitation.objects.bulk_create(
                Invitation(room_id=room, code_hash=uuid4().bytes, uses_left=1, expires_at=later, made_by=uuid4())
                for _ in range(120)
            )
            oldest = Invitation.objects.earliest("id")
        path = f"/rooms/{room}/invitations/"
        assert "1 – 50 of 120 links" in olga.words(path)
        assert f"{path}{oldest.id}/withdraw/" in olga.words(f"{path}?page=3")
        olga.post(f"{path}{oldest.id}/withdraw/")
        assert len(olga.get(f"{path}?page=3").context["page"].rows) == 19

    @pytest.mark.parametrize("count", [1, 30])
    def test_many_links_cost_no_more_than_one(
        self, tenant: TenantRef, olga: Desk, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
    ) -> None:
        room, later = community(tenant), timezone.now() + timedelta(days=1)
        with in_tenant(tenant):
            Invitation.objects.bulk_create(
                Invitation(room_id=room, code_hash=uuid4().bytes, uses_left=1, expires_at=later, made_by=uuid4())
                for _ in range(count)
            )
        with django_assert_max_num_queries(9):
            page = olga.get(f"/rooms/{room}/invitations/")
        assert len(page.context["page"].rows) == count
        assert page.content.decode().count(">Withdraw<") == count

    @pytest.mark.parametrize(
        ("field", "bad", "words"),
        [
            ("page", "javascript:alert(1)", "is not an address like"),
            ("page", "https://elsewhere.example/", "Pages of https://elsewhere.example may not show"),
            ("page", "http://shop.example/", "Pages of http://shop.example may not show"),
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
