"""Two people who keep order in one room: a page that was opened before the other's act undoes nothing in silence."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from chat.models import Participant
from chat.services.members import MemberChange, enter, leave_room, remove_member, set_member
from chat.services.rooms import archive_room, create_room
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.community import community, lines_in, member, people_in, place_of, team_member
from tests.support.console import Desk
from tests.support.order import SOON, decision
from tests.support.talk import visitor
from tests.support.web import Page

GONE = re.compile(r"(They are not in this room|Visitor \w+ is not in The shop&#x27;s friends) any more\.")
FAR = timedelta(days=3_650)
APPOINT = ("role/", {"role": "moderator"})
STALE: list[tuple[str, dict[str, str]]] = [
    APPOINT,
    ("role/", {"role": "member"}),
    ("lift/", {"what": "muted_until"}),
    ("lift/", {"what": "banned_until"}),
    ("remove/", {}),
    ("", {"how": "muted_until", "length": "3600"}),
    ("", {"how": "muted_until", "length": "7"}),  # which is wrong, too
]


@pytest.fixture
def ben(tenant: TenantRef) -> Principal:
    """Who is faster."""
    return team_member(tenant, Role.ADMIN)


class TestWhoIsGone:
    @pytest.mark.parametrize("rule", ["open", "identified", "invited"])
    @pytest.mark.parametrize(("act", "said"), STALE)
    def test_no_button_of_their_page_takes_them_back_in(
        self, tenant: TenantRef, olga: Desk, ben: Principal, rule: str, act: str, said: dict[str, str]
    ) -> None:
        room = community(tenant, join_rule=rule)
        vic = member_of(tenant, room, ben)
        remove_member(tenant, ben, room_id=room, person_id=vic.id)
        answer = olga.post(f"/rooms/{room}/people/{vic.id}/{act}", **said)
        assert answer["Location"] == f"/rooms/{room}/people/"
        assert GONE.search(olga.words(f"/rooms/{room}/people/"))
        assert (place_of(tenant, room, vic), people_in(tenant, room)) == (None, (0, 0))
        assert lines_in(tenant, room) == []

    def test_who_is_in_is_appointed_by_the_same_button(self, tenant: TenantRef, olga: Desk, ben: Principal) -> None:
        room = community(tenant, join_rule="invited")
        vic = member_of(tenant, room, ben)
        act, said = APPOINT
        assert olga.post(f"/rooms/{room}/people/{vic.id}/{act}", **said)["Location"] == f"/rooms/{room}/people/{vic.id}/"
        assert place(tenant, room, vic).role == "moderator"

    def test_the_list_of_all_rooms_says_it_where_the_button_was(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        leave_room(tenant, vic, room_id=room)
        answer = olga.post(f"/rooms/{room}/people/{vic.id}/lift/", what="banned_until", back="moderation")
        assert answer["Location"] == "/moderation/people/"
        page = olga.words("/moderation/people/")
        assert GONE.search(page)
        assert "may come back" not in page
        assert place_of(tenant, room, vic) is None

    @pytest.mark.parametrize(("rule", "is_kept_out"), [("open", True), ("identified", True), ("invited", False)])
    @pytest.mark.parametrize("once", ["", "muted_until", "banned_until"])
    def test_a_ban_keeps_them_out_of_a_room_into_which_they_could_come(
        self, tenant: TenantRef, olga: Desk, ben: Principal, rule: str, is_kept_out: bool, once: str
    ) -> None:
        """Whatever they once had, which is over."""
        room = community(tenant, join_rule=rule)
        vic = member_of(tenant, room, ben)
        if once:
            with in_tenant(tenant):
                Participant.objects.filter(room=room, person_id=vic.id).update(**{once: timezone.now() - SOON})
        path, seen = opened(olga, room, vic)
        remove_member(tenant, ben, room_id=room, person_id=vic.id)
        answer = olga.post(path, how="banned_until", length="3600", seen=seen)
        assert answer["Location"] == (path if is_kept_out else f"/rooms/{room}/people/")
        assert bool(place_of(tenant, room, vic)) == is_kept_out

    def test_they_are_taken_in_by_the_button_that_says_so(self, tenant: TenantRef, olga: Desk, ben: Principal) -> None:
        room = community(tenant, join_rule="invited")
        vic = member_of(tenant, room, ben)
        remove_member(tenant, ben, room_id=room, person_id=vic.id)
        olga.post(f"/rooms/{room}/people/{vic.id}/in/")
        assert place(tenant, room, vic).role == "member"


class TestMutesAndBans:
    @pytest.mark.parametrize(
        ("theirs", "words"), [(FAR, "Banned for good"), (timedelta(days=9), "Banned until")], ids=["for good", "for a while"]
    )
    def test_what_somebody_decided_meanwhile_is_shown_and_stays(
        self, tenant: TenantRef, olga: Desk, ben: Principal, theirs: timedelta, words: str
    ) -> None:
        room, end = community(tenant), timezone.now() + theirs
        vic = member(tenant, room)
        path, seen = opened(olga, room, vic)
        set_member(tenant, ben, room_id=room, person_id=vic.id, change=MemberChange(banned_until=end))
        said = {"how": "banned_until", "length": "86400"}
        page = olga.post(path, seen=seen, **said)
        assert page.status_code == 409
        assert f"{ben.name} changed this meanwhile." in page.content.decode()
        assert page.context["form"].stored["how"].startswith(words.lower())
        assert "Stored now:" in page.content.decode()
        assert page.context["form"]["length"].value() == "86400"
        assert place(tenant, room, vic).banned_until == end
        self.goes_through_a_second_time(tenant, olga, room, vic, page)

    def goes_through_a_second_time(self, tenant: TenantRef, olga: Desk, room: UUID, vic: Principal, page: Page) -> None:
        form = page.context["form"]
        again = olga.post(page.request["PATH_INFO"], **{name: form[name].value() or "" for name in form.fields})
        assert again.status_code == 302
        assert soon(place(tenant, room, vic).banned_until)

    def test_one_that_was_lifted_meanwhile_is_told_too(self, tenant: TenantRef, olga: Desk, ben: Principal) -> None:
        room = community(tenant)
        vic = member(tenant, room, muted_until=timezone.now() + SOON)
        path, seen = opened(olga, room, vic)
        set_member(tenant, ben, room_id=room, person_id=vic.id, change=MemberChange(muted_until=None))
        page = olga.post(path, seen=seen, how="muted_until", length="3600")
        assert page.status_code == 409
        assert page.context["form"].stored["how"] == "neither muted nor banned"
        assert place(tenant, room, vic).muted_until is None

    def test_who_did_it_is_not_who_decided_something_of_the_same_person_elsewhere(
        self, tenant: TenantRef, olga: Desk, ben: Principal
    ) -> None:
        room, other, cyd = community(tenant), community(tenant), team_member(tenant, Role.AGENT)
        vic = member(tenant, room)
        path, seen = opened(olga, room, vic)
        for who, where, end in ((ben, room, SOON), (cyd, other, 2 * SOON)):
            set_member(tenant, who, room_id=where, person_id=vic.id, change=MemberChange(banned_until=timezone.now() + end))
        page = olga.post(path, seen=seen, how="banned_until", length="86400").content.decode()
        assert f"{ben.name} changed this meanwhile." in page

    def test_another_role_is_no_matter(self, tenant: TenantRef, olga: Desk, ben: Principal) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        path, seen = opened(olga, room, vic)
        set_member(tenant, ben, room_id=room, person_id=vic.id, change=MemberChange(role="moderator"))
        assert olga.post(path, seen=seen, how="banned_until", length="86400").status_code == 302
        assert soon(place(tenant, room, vic).banned_until)

    def test_another_of_the_same_time_elsewhere_is_nobody_who_did_it(self, tenant: TenantRef, olga: Desk, ben: Principal) -> None:
        """Nothing that was done in another room counts, a mute that ended there neither."""
        room, other, cyd = community(tenant), community(tenant, title="Elsewhere"), team_member(tenant, Role.AGENT)
        vic = member(tenant, room)
        with in_tenant(tenant):
            assert enter(vic, other)
        path, seen = opened(olga, room, vic)
        set_member(tenant, ben, room_id=room, person_id=vic.id, change=MemberChange(banned_until=timezone.now() + SOON))
        for end in (timezone.now() + SOON, None):
            set_member(tenant, cyd, room_id=other, person_id=vic.id, change=MemberChange(muted_until=end))
        page = olga.post(path, seen=seen, how="banned_until", length="86400").content.decode()
        assert f"{ben.name} changed this meanwhile." in page


class TestSmallButtons:
    """What ends a mute, a ban or a place asks first whether it is still the one that was seen."""

    def test_who_was_banned_meanwhile_is_not_let_in_by_removing_them(self, tenant: TenantRef, olga: Desk, ben: Principal) -> None:
        room, end = community(tenant), timezone.now() + FAR
        vic = member(tenant, room)
        path, seen = opened(olga, room, vic)
        set_member(tenant, ben, room_id=room, person_id=vic.id, change=MemberChange(banned_until=end))
        answer = olga.post(f"{path}remove/", seen=seen)
        assert answer["Location"] == path
        assert f"{ben.name} changed this meanwhile. Nothing was done" in olga.words(path)
        assert place(tenant, room, vic).banned_until == end

    def test_who_was_not_is_removed(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        vic = member(tenant, room)
        path, seen = opened(olga, room, vic)
        assert olga.post(f"{path}remove/", seen=seen)["Location"] == f"/rooms/{room}/people/"
        assert place_of(tenant, room, vic) is None

    def test_removing_is_not_offered_where_it_would_end_a_ban(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        free, banned = (member(tenant, room, banned_until=end) for end in (None, timezone.now() + SOON))
        assert ">Remove</button>" in olga.words(f"/rooms/{room}/people/{free.id}/")
        assert ">Remove</button>" not in olga.words(f"/rooms/{room}/people/{banned.id}/")

    def test_that_a_mute_ends_with_the_place_is_said(self, tenant: TenantRef, olga: Desk) -> None:
        room = community(tenant)
        free, muted = (member(tenant, room, muted_until=end) for end in (None, timezone.now() + SOON))
        assert "Their mute ends with it." not in olga.words(f"/rooms/{room}/people/{free.id}/")
        assert "Their mute ends with it." in olga.words(f"/rooms/{room}/people/{muted.id}/")

    @pytest.mark.parametrize("what", ["muted_until", "banned_until"])
    @pytest.mark.parametrize("back", ["", "moderation"])
    def test_one_that_somebody_made_longer_stays(
        self, tenant: TenantRef, olga: Desk, ben: Principal, what: str, back: str
    ) -> None:
        room, end = community(tenant), timezone.now() + FAR
        vic = member(tenant, room, **{what: timezone.now() + SOON})
        path, seen = opened(olga, room, vic, listed=bool(back))
        set_member(tenant, ben, room_id=room, person_id=vic.id, change=decision(what, end))
        answer = olga.post(f"{path}lift/", what=what, seen=seen, back=back)
        assert answer["Location"] == ("/moderation/people/" if back else path)
        assert f"{ben.name} changed this meanwhile. Nothing was done" in olga.words(answer["Location"])
        assert getattr(place(tenant, room, vic), what) == end
        _, again = opened(olga, room, vic, listed=bool(back))
        olga.post(f"{path}lift/", what=what, seen=again, back=back)
        assert getattr(place(tenant, room, vic), what) is None


class TestAnArchivedRoom:
    @pytest.mark.parametrize(
        ("kind", "path", "said"),
        [
            ("community", "", {"title": "Olga's very good friends", "join_rule": "open"}),
            ("team", "", {"title": "Us and no others"}),
            ("community", "moderation/", {"slow_seconds": "37"}),
        ],
    )
    def test_what_was_typed_stays_with_the_reason_why_it_was_not_kept(
        self, tenant: TenantRef, olga: Desk, ben: Principal, kind: str, path: str, said: dict[str, str]
    ) -> None:
        room = community(tenant) if kind == "community" else create_room(tenant, ben, kind="team", title="Us").id
        form = olga.get(f"/rooms/{room}/{path}").context["form"]
        archive_room(tenant, ben, room_id=room, archived=True)
        page = olga.post(f"/rooms/{room}/{path}", seen=form["seen"].value(), **said)
        assert page.status_code == 422
        words = page.content.decode().replace("&#x27;", "'")
        assert "This room is archived; open it again first." in words
        assert f'value="{next(iter(said.values()))}"' in words
        assert "Keep</button>" in words
        assert "Keep</button>" not in olga.words(f"/rooms/{room}/{path}"), "who opens it now is not asked"


def opened(olga: Desk, room: UUID, vic: Principal, *, listed: bool = False) -> tuple[str, str]:
    """The address of their page, and the mark that each form carries, there or in the list of all rooms."""
    path = f"/rooms/{room}/people/{vic.id}/"
    marks = set(re.findall('name="seen" value="([0-9a-f]+)"', olga.words("/moderation/people/" if listed else path)))
    [seen] = marks
    return path, seen


def member_of(tenant: TenantRef, room: UUID, by: Principal) -> Principal:
    """A visitor whom the team has taken in, whatever the join rule."""
    vic = visitor(tenant)
    set_member(tenant, by, room_id=room, person_id=vic.id, change=MemberChange())
    return vic


def place(tenant: TenantRef, room: UUID, who: Principal) -> Any:
    found = place_of(tenant, room, who)
    assert found
    return found


def soon(end: datetime | None) -> bool:
    """Whether it ends in a day."""
    return bool(end and abs(end - timezone.now() - timedelta(days=1)) < timedelta(minutes=1))
