"""The pages of keeping order in all rooms: reports, who is kept out, refused words."""

import re
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.models import Message, Report, Room, Site
from chat.services.deletion import delete_room
from chat.services.members import remove_member
from chat.services.moderation import report_message, settle_report
from chat.services.settling import Decision, settle_message
from chat.services.words import set_words
from saas.core.errors import Conflict, Forbidden, ReadOnly
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, Role
from tenants.tokens import Principal
from tests.support.community import community, member, message_of, team_member
from tests.support.console import Desk, desk_of
from tests.support.order import at_once
from tests.support.reported import Story
from tests.support.talk import embed_key, room_of, visitor
from tests.support.web import Browser


class TestTheQueue:
    def test_a_message_stands_there_once_with_what_was_said_around_it(self, tenant: TenantRef, olga: Desk) -> None:
        Story(tenant)
        [(case, _)] = olga.get("/moderation/").context["cases"]
        assert case.message.text == "BUY MY LAMPS"
        assert [line.text for line in case.before] == ["two", "three"]
        assert [line.text for line in case.after] == ["four", "five"]
        assert [one.reason for one in case.complaints] == ["advertising", ""]

    def test_it_is_narrowed_to_a_room(self, tenant: TenantRef, olga: Desk) -> None:
        one, other = Story(tenant), Story(tenant)
        assert len(olga.get("/moderation/").context["cases"]) == 2
        [(case, _)] = olga.get(f"/moderation/?room={other.room}").context["cases"]
        assert case.message.id == other.message != one.message
        assert olga.get("/moderation/?room=nonsense").status_code == 200

    def test_it_teaches_while_it_is_empty(self, olga: Desk) -> None:
        assert "Nothing waits for you" in olga.words("/moderation/")
        assert "Nothing was settled yet" in olga.words("/moderation/?show=settled")

    def test_many_reports_cost_no_more(
        self, tenant: TenantRef, olga: Desk, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        story = Story(tenant)
        for n in range(24):
            message = message_of(tenant, story.room, story.lou, f"lamp {n}")
            report_message(tenant, story.val, room_id=story.room, message_id=message, reason="again")
        with django_assert_max_num_queries(22):
            page = olga.get("/moderation/")
        assert (len(page.context["cases"]), page.context["page"].total) == (20, 25)


class TestSettling:
    def test_dismissed_nothing_happens_to_anybody(self, tenant: TenantRef, olga: Desk) -> None:
        story = Story(tenant)
        olga.post(f"/moderation/{story.message}/", dismiss="1", delete="on", author="banned_until", length="3600")
        assert (story.is_open, story.is_deleted, story.done) == (False, False, [[], []])
        assert story.place().banned_until is None

    @pytest.mark.parametrize(
        ("said", "done"),
        [
            ({"delete": "on"}, ["deleted"]),
            ({"author": "muted_until", "length": "3600"}, ["muted"]),
            ({"delete": "on", "author": "banned_until", "length": "86400"}, ["deleted", "banned"]),
        ],
    )
    def test_all_of_a_decision_is_done_in_one_go(
        self, tenant: TenantRef, olga: Desk, said: dict[str, str], done: list[str]
    ) -> None:
        story = Story(tenant)
        assert olga.post(f"/moderation/{story.message}/", settle="1", **said)["Location"] == "/moderation/"
        assert (story.is_open, story.done) == (False, [done, done])
        assert story.is_deleted == ("deleted" in done)
        assert bool(story.place().muted_until) == ("muted" in done)
        assert bool(story.place().banned_until) == ("banned" in done)
        [(case, _)] = olga.get("/moderation/?show=settled").context["cases"]
        assert case.done == done
        assert "by Olga" in olga.words("/moderation/?show=settled")
        with in_tenant(tenant):
            Report.objects.update(settled_by=uuid4())  # somebody who is known no more
        assert "Settled, <time" in olga.words("/moderation/?show=settled")

    @pytest.mark.parametrize(
        ("said", "field", "words"),
        [
            ({}, "__all__", "Choose what is to be done"),
            ({"author": "muted_until", "length": "date"}, "date", "Choose the last day."),
            ({"author": "banned_until", "length": "date", "date": "9999-12-31"}, "date", "more than ten years ahead"),
            ({"author": "hurt"}, "author", "hurt is not one of the available choices"),
        ],
    )
    def test_a_decision_that_cannot_be_leaves_the_report_open(
        self, tenant: TenantRef, olga: Desk, said: dict[str, str], field: str, words: str
    ) -> None:
        story = Story(tenant)
        page = olga.post(f"/moderation/{story.message}/", settle="1", **said)
        assert page.status_code == 422
        [(_, form)] = page.context["cases"]
        assert words in str(form.errors[field])
        assert story.is_open

    def test_who_comes_second_is_told(self, tenant: TenantRef, keeper: Principal, olga: Desk) -> None:
        story = Story(tenant)
        settle_message(tenant, keeper, message_id=story.message, decision=Decision())
        answer = olga.post(f"/moderation/{story.message}/", settle="1", delete="on")
        assert answer["Location"] == "/moderation/"
        assert "Somebody has settled this already." in olga.words("/moderation/")
        assert not story.is_deleted

    def test_an_agents_message_is_deleted_and_the_agent_stays(self, tenant: TenantRef, keeper: Principal) -> None:
        story = Story(tenant)
        said = message_of(tenant, story.room, keeper, "I am rude too")
        report_message(tenant, story.val, room_id=story.room, message_id=said, reason="rude")
        with pytest.raises(Conflict):
            settle_message(tenant, keeper, message_id=said, decision=Decision(muted_until=timezone.now() + timedelta(hours=1)))
        assert settle_message(tenant, keeper, message_id=said, decision=Decision(delete=True)) == 1

    def test_an_author_who_is_gone_is_not_banned(self, tenant: TenantRef, keeper: Principal, olga: Desk) -> None:
        story = Story(tenant)
        with in_tenant(tenant):
            Room.objects.filter(id=story.room).update(join_rule="invited")
        remove_member(tenant, keeper, room_id=story.room, person_id=story.lou.id)
        page = olga.post(f"/moderation/{story.message}/", settle="1", delete="on", author="banned_until", length="3600")
        assert page.status_code == 422
        assert "Its author is not in the room any more." in page.content.decode()
        assert (story.is_open, story.is_deleted) == (True, False)
        assert not AuditEntry.objects.filter(tenant_id=tenant.id, act__in=("report.settled", "message.deleted")).exists()

    def test_of_many_at_once_one_decides_and_the_others_are_told(self, tenant: TenantRef, keeper: Principal) -> None:
        story, later = Story(tenant), timezone.now() + timedelta(hours=1)
        decisions = [Decision(), Decision(delete=True, banned_until=later)] * 3
        said = at_once([partial(settle_message, tenant, keeper, message_id=story.message, decision=one) for one in decisions])
        assert [one for one in said if not isinstance(one, Conflict)] == [2]
        done = decisions[said.index(2)].done
        assert story.done == [done, done]
        assert (story.is_deleted, bool(story.place().banned_until)) == (bool(done), bool(done))
        entry = AuditEntry.objects.get(tenant_id=tenant.id, act="report.settled")
        assert entry.after == {"done": done, "reports": 2}

    @pytest.mark.parametrize("said", [{"settle": "1"}, {"dismiss": "1"}])
    def test_what_is_gone_meanwhile_is_told_above_the_list(self, tenant: TenantRef, olga: Desk, said: dict[str, str]) -> None:
        story = Story(tenant)
        path = f"/moderation/{story.message}/"
        delete_room(tenant, team_member(tenant, Role.OWNER), room_id=story.room, sure="The shop's friends")
        assert olga.post(path, **said).status_code == 404
        jar = olga.browser.jar(f"{tenant.slug}.localhost:8000")
        assert jar.post(path, said, headers={"HX-Request": "true"})["HX-Redirect"] == "/moderation/"
        assert re.search("This message is gone|There is no such message", olga.words("/moderation/"))

    def test_one_without_an_open_report_is_not_settled(self, tenant: TenantRef, keeper: Principal) -> None:
        story = Story(tenant)
        other = message_of(tenant, story.room, story.vic, "nobody minds")
        with pytest.raises(Conflict):
            settle_message(tenant, keeper, message_id=other, decision=Decision(delete=True))
        with in_tenant(tenant):
            assert Message.objects.get(id=other).deleted_at is None

    @pytest.mark.parametrize(("role", "error"), [(Role.VIEWER, ReadOnly)])
    def test_a_viewer_settles_nothing(self, tenant: TenantRef, role: Role, error: type[Exception]) -> None:
        story = Story(tenant)
        with pytest.raises(error):
            settle_message(tenant, team_member(tenant, role), message_id=story.message, decision=Decision(delete=True))
        with pytest.raises(Forbidden):
            settle_message(tenant, story.val, message_id=story.message, decision=Decision(delete=True))
        assert story.is_open
        assert not story.is_deleted

    def test_a_report_that_a_program_settled_is_dismissed(self, tenant: TenantRef, keeper: Principal) -> None:
        story = Story(tenant)
        with in_tenant(tenant):
            one = Report.objects.filter(message=story.message).earliest("id").id
        settle_report(tenant, keeper, report_id=one)
        assert story.is_open
        assert settle_message(tenant, keeper, message_id=story.message, decision=Decision()) == 1

    def test_it_is_written_down(self, tenant: TenantRef, olga: Desk) -> None:
        story = Story(tenant)
        olga.post(f"/moderation/{story.message}/", settle="1", delete="on")
        acts = AuditEntry.objects.filter(tenant_id=tenant.id, act__in=("report.settled", "message.deleted"))
        assert sorted(acts.values_list("act", flat=True)) == ["message.deleted", "report.settled"]
        entry = acts.get(act="report.settled")
        assert (entry.by_name, entry.way, entry.after["done"]) == ("Olga", "console", ["deleted"])
        assert "LAMPS" not in str([(one.before, one.after, one.thing_name) for one in acts])

    def test_a_message_in_a_visitors_own_room_can_be_deleted_only(self, tenant: TenantRef, keeper: Principal, olga: Desk) -> None:
        vic = visitor(tenant)
        room = room_of(tenant, vic, "bad words")
        with in_tenant(tenant):
            message = Message.objects.filter(room=room, kind="text").latest("seq").id
        report_message(tenant, keeper, room_id=room, message_id=message, reason="bad words")
        [(case, _)] = olga.get("/moderation/").context["cases"]
        assert not case.can_restrain
        olga.post(f"/moderation/{message}/", settle="1", delete="on")
        with in_tenant(tenant):
            assert Message.objects.get(id=message).deleted_at


class TestWhoIsKeptOut:
    def test_the_list_of_all_rooms_and_the_way_back(self, tenant: TenantRef, olga: Desk) -> None:
        later, rooms = timezone.now() + timedelta(days=1), [community(tenant) for _ in range(2)]
        lou = member(tenant, rooms[0], name="Lou", muted_until=later)
        member(tenant, rooms[1], name="Bo", banned_until=later)
        member(tenant, rooms[1], name="Vic", muted_until=timezone.now())
        assert [place.name for place in olga.get("/moderation/people/").context["page"].rows] == ["Bo", "Lou"]
        answer = olga.post(f"/rooms/{rooms[0]}/people/{lou.id}/lift/", what="muted_until", back="moderation")
        assert answer["Location"] == "/moderation/people/"
        assert [place.name for place in olga.get("/moderation/people/").context["page"].rows] == ["Bo"]

    def test_it_teaches_while_it_is_empty(self, olga: Desk) -> None:
        assert "Nobody is muted or banned" in olga.words("/moderation/people/")


class TestRefusedWords:
    def site(self, tenant: TenantRef) -> UUID:
        return UUID(str(embed_key(tenant).site_id))

    def words(self, tenant: TenantRef) -> list[str]:
        site = self.site(tenant)
        with in_tenant(tenant):
            return list(Site.objects.get(id=site).words)

    def test_a_list_is_kept(self, tenant: TenantRef, olga: Desk) -> None:
        assert olga.get("/moderation/words/")["Location"] == f"/moderation/words/{self.site(tenant)}/"
        path = f"/moderation/words/{self.site(tenant)}/"
        assert olga.keeps(path, words="Darned\n\n snail* \n").status_code == 302
        assert self.words(tenant) == ["darned", "snail*"]
        assert "darned\nsnail*" in olga.words(path)

    def test_what_is_no_word_is_refused_beside_the_field(self, tenant: TenantRef, olga: Desk) -> None:
        page = olga.keeps(f"/moderation/words/{self.site(tenant)}/", words="darned\n***")
        assert page.status_code == 422
        assert "is no word" in str(page.context["form"].errors["words"])
        assert page.context["form"]["words"].value() == "darned\n***"
        assert self.words(tenant) == []

    def test_what_somebody_changed_meanwhile_is_shown(self, tenant: TenantRef, olga: Desk) -> None:
        path = f"/moderation/words/{self.site(tenant)}/"
        seen = olga.get(path).context["form"]["seen"].value()
        set_words(tenant, team_member(tenant, Role.ADMIN), self.site(tenant), ["snail"])
        page = olga.post(path, seen=seen, words="darned")
        assert page.status_code == 409
        assert page.context["form"].stored == {"words": "snail"}
        assert self.words(tenant) == ["snail"]
        assert olga.post(path, seen=page.context["form"]["seen"].value(), words="darned").status_code == 302
        assert self.words(tenant) == ["darned"]

    def test_an_agent_reads_the_list(self, tenant: TenantRef, browser: Browser) -> None:
        agent, path = desk_of(tenant, browser, Role.AGENT), f"/moderation/words/{self.site(tenant)}/"
        set_words(tenant, team_member(tenant, Role.ADMIN), self.site(tenant), ["snail"])
        assert "snail" in agent.words(path)
        assert agent.post(path, words="darned").status_code == 403
        assert self.words(tenant) == ["snail"]

    def test_a_site_of_nobody(self, olga: Desk) -> None:
        assert olga.get(f"/moderation/words/{uuid4()}/").status_code == 404


@pytest.mark.parametrize("path", ["/moderation/", "/moderation/people/", "/moderation/words/"])
def test_a_viewer_keeps_no_order(tenant: TenantRef, browser: Browser, path: str) -> None:
    assert desk_of(tenant, browser, Role.VIEWER).get(path).status_code == 403


def test_a_stranger_is_sent_to_sign_in(tenant: TenantRef, browser: Browser) -> None:
    answers: list[Any] = [browser.get(f"http://{tenant.slug}.localhost:8000{path}") for path in ("/rooms/", "/moderation/")]
    assert all(answer["Location"].startswith("/sign-in/?next=") for answer in answers)
