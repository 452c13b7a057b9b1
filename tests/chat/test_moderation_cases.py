"""What can be done about a reported message, whose mute and ban stay, and how dear a long list of those who are kept out is."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.models import Message, Participant, Report
from chat.services.members import leave_room
from chat.services.moderation import report_message
from chat.services.settling import Decision, settle_message
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, Role
from tenants.tokens import Principal
from tests.support.community import community, delete, message_of, place_of, team_member
from tests.support.console import Desk
from tests.support.reported import Story
from tests.support.talk import room_of, visitor

DAY = timedelta(days=1)
SETTLE, DISMISS = ">Settle</button>", ">Dismiss</button>"
NOTHING_LEFT = "The message is gone already, and its author cannot be muted or banned here."


class TestWhatCanBeDone:
    def of_an_agent(self, tenant: TenantRef, keeper: Principal) -> tuple[UUID, UUID]:
        room = community(tenant)
        return room, message_of(tenant, room, keeper, "I am rude")

    def of_a_support_room(self, tenant: TenantRef, keeper: Principal) -> tuple[UUID, UUID]:
        room = room_of(tenant, visitor(tenant), "bad words")
        with in_tenant(tenant):
            return room, Message.objects.filter(room=room, kind="text").latest("seq").id

    @pytest.mark.parametrize("author", ["agent", "support"])
    def test_with_nothing_left_the_case_is_put_away(self, tenant: TenantRef, keeper: Principal, olga: Desk, author: str) -> None:
        room, message = (self.of_an_agent if author == "agent" else self.of_a_support_room)(tenant, keeper)
        report_message(tenant, team_member(tenant, Role.ADMIN), room_id=room, message_id=message, reason="rude")
        there = olga.words("/moderation/")
        assert SETTLE in there
        assert "Delete the message" in there
        delete(tenant, room, keeper, message)
        gone = olga.words("/moderation/")
        assert NOTHING_LEFT in gone
        assert SETTLE not in gone
        assert DISMISS in gone
        assert olga.post(f"/moderation/{message}/", dismiss="1")["Location"] == "/moderation/"
        with in_tenant(tenant):
            assert not Report.objects.filter(message=message, settled_at=None).exists()
        assert "Nothing waits for you" in olga.words("/moderation/")

    def test_the_author_of_a_deleted_message_can_still_be_kept_out(
        self, tenant: TenantRef, keeper: Principal, olga: Desk
    ) -> None:
        story = Story(tenant)
        delete(tenant, story.room, keeper, story.message)
        page = olga.words("/moderation/")
        assert SETTLE in page
        assert "Delete the message" not in page
        assert NOTHING_LEFT not in page
        assert olga.post(f"/moderation/{story.message}/", settle="1", author="banned_until", length="3600").status_code == 302
        assert story.place().banned_until


class TestALongerEndStays:
    @pytest.mark.parametrize("how", ["muted_until", "banned_until"])
    @pytest.mark.parametrize(("theirs", "stays"), [(9 * DAY, True), (DAY / 24, False), (-DAY, False)])
    def test_of_two_ends_the_later_one_counts(
        self, tenant: TenantRef, keeper: Principal, how: str, theirs: timedelta, stays: bool
    ) -> None:
        story, now = Story(tenant), timezone.now()
        self.held(story, how, now + theirs)
        ours = Decision(muted_until=now + DAY) if how == "muted_until" else Decision(banned_until=now + DAY)
        settle_message(tenant, keeper, message_id=story.message, decision=ours)
        assert getattr(story.place(), how) == now + (theirs if stays else DAY)
        assert story.done == [ours.done, ours.done]
        acts = AuditEntry.objects.filter(tenant_id=tenant.id, act__in=("participant.muted", "participant.banned"))
        assert acts.exists() != stays, "what did not change is not written down as a change"

    def test_a_mute_leaves_a_ban_as_it_is(self, tenant: TenantRef, keeper: Principal) -> None:
        story, now = Story(tenant), timezone.now()
        self.held(story, "banned_until", now + 9 * DAY)
        settle_message(tenant, keeper, message_id=story.message, decision=Decision(muted_until=now + DAY))
        assert (story.place().muted_until, story.place().banned_until) == (now + DAY, now + 9 * DAY)

    def held(self, story: Story, how: str, end: datetime) -> None:
        with in_tenant(story.tenant):
            Participant.objects.filter(room=story.room, person_id=story.lou.id).update(**{how: end})


class TestAnAuthorWhoIsGone:
    """In a room that everybody may enter."""

    @pytest.fixture
    def story(self, tenant: TenantRef) -> Story:
        story = Story(tenant)
        leave_room(tenant, story.lou, room_id=story.room)
        return story

    def test_a_ban_keeps_them_out(self, story: Story, olga: Desk) -> None:
        assert olga.post(f"/moderation/{story.message}/", settle="1", author="banned_until", length="3600").status_code == 302
        assert story.place().banned_until

    def test_a_mute_does_not_take_them_back_in(self, tenant: TenantRef, story: Story, olga: Desk) -> None:
        page = olga.post(f"/moderation/{story.message}/", settle="1", author="muted_until", length="3600")
        assert page.status_code == 422
        [(_, form)] = page.context["cases"]
        assert f"{story.lou.name} is not in The shop&#x27;s friends any more." in str(form.errors["author"])
        assert place_of(tenant, story.room, story.lou) is None
        assert story.is_open


@pytest.mark.parametrize("count", [1, 30])
def test_many_who_are_kept_out_cost_no_more_than_one(
    tenant: TenantRef, olga: Desk, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    later = timezone.now() + DAY
    rooms = [community(tenant) for _ in range(3)]
    with in_tenant(tenant):
        Participant.objects.bulk_create(
            Participant(
                room_id=rooms[number % 3],
                kind="visitor",
                person_id=uuid4(),
                name=f"Vic {number}",
                muted_until=later,
                banned_until=later if number % 2 else None,
            )
            for number in range(count)
        )
    with django_assert_max_num_queries(9):
        page = olga.get("/moderation/people/")
    assert len(page.context["page"].rows) == count
    assert page.content.decode().count(">End the mute<") == count
