"""Notifications of the one who asks, over HTTP: the list, what they have seen, what they want to hear of."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.notifications import CATEGORIES, send_notification
from chat.notifications.reading import PAGE
from tenants.context import TenantRef
from tenants.models import Membership, Role, User
from tests.chat.test_rooms_api import error_of
from tests.support.api import Program, signed_in
from tests.support.cast import MakeTenant, make_user

WORDS: dict[str, Any] = {"category": "system", "kind": "news", "title": "New", "url": "/inbox/"}


@pytest.fixture
def owner(make_tenant: MakeTenant) -> User:
    return make_user(f"{uuid4().hex}@house.example", "Olga")


@pytest.fixture
def tenant(make_tenant: MakeTenant, owner: User) -> TenantRef:
    """A tenant of this test alone."""
    return make_tenant(owner=owner)


@pytest.fixture
def program(tenant: TenantRef, owner: User) -> Program:
    """The owner's."""
    return signed_in(tenant, owner.email)


def member(tenant: TenantRef, role: str) -> User:
    user = make_user(f"{uuid4().hex}@house.example", role.title())
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    return user


def tell(tenant: TenantRef, who: UUID, title: str, **words: Any) -> None:
    assert send_notification(tenant, [who], **WORDS | {"title": title} | words) == 1


class TestList:
    def test_pages_through_all_newest_first(self, tenant: TenantRef, owner: User, program: Program) -> None:
        for n in range(PAGE + 3):
            tell(tenant, owner.id, f"News {n}")
        first = program.get("/notifications").json()
        second = program.get("/notifications", cursor=first["cursor"]).json()
        titles = [one["title"] for one in first["notifications"] + second["notifications"]]
        assert titles == [f"News {n}" for n in reversed(range(PAGE + 3))]
        assert (len(first["notifications"]), second["cursor"], first["unread"]) == (PAGE, None, PAGE + 3)

    def test_what_one_holds(self, tenant: TenantRef, owner: User, program: Program) -> None:
        room, actions = uuid4(), [{"label": "Pay", "url": "https://pay.example/"}]
        tell(tenant, owner.id, "Invoice", category="billing", kind="invoice", body="Due", room=room, actions=actions)
        (one,) = program.get("/notifications").json()["notifications"]
        assert len(one.pop("id")) == 36
        assert one.pop("ts").endswith("Z")
        assert one == {
            "category": "billing",
            "kind": "invoice",
            "title": "Invoice",
            "body": "Due",
            "url": "/inbox/",
            "room": str(room),
            "actions": actions,
            "seen_at": None,
        }

    def test_nobody_sees_those_of_another(self, tenant: TenantRef, owner: User, program: Program) -> None:
        tell(tenant, member(tenant, Role.ADMIN).id, "Not yours")
        assert program.get("/notifications").json() == {"notifications": [], "cursor": None, "unread": 0}

    @pytest.mark.parametrize("cursor", ["x", "\0", "MjAyNi0xMS0yMg"])
    def test_a_cursor_that_is_not_ours(self, program: Program, cursor: str) -> None:
        assert error_of(program.get("/notifications", cursor=cursor)) == (400, "bad_frame", "cursor")


class TestSeen:
    def test_one_then_all(self, tenant: TenantRef, owner: User, program: Program) -> None:
        for n in range(3):
            tell(tenant, owner.id, f"News {n}")
        newest = program.get("/notifications").json()["notifications"][0]["id"]
        for _ in range(2):  # twice is once
            assert program.post("/notifications/seen", {"id": newest}).json() == {"unread": 2}
        seen = [one["seen_at"] is not None for one in program.get("/notifications").json()["notifications"]]
        assert seen == [True, False, False]
        assert program.post("/notifications/seen", {"all": True}).json() == {"unread": 0}

    def test_those_of_another_stay_unseen(self, tenant: TenantRef, program: Program) -> None:
        admin = member(tenant, Role.ADMIN)
        tell(tenant, admin.id, "Not yours")
        theirs = signed_in(tenant, admin.email).get("/notifications").json()["notifications"][0]["id"]
        assert program.post("/notifications/seen", {"id": theirs}).json() == {"unread": 0}
        assert signed_in(tenant, admin.email).get("/notifications").json()["unread"] == 1

    @pytest.mark.parametrize("body", [{}, {"all": False}, {"id": "3b241101-e2bb-4255-8caf-4136c566a962", "all": True}])
    def test_one_or_all_but_not_both_and_not_neither(self, program: Program, body: dict[str, Any]) -> None:
        assert error_of(program.post("/notifications/seen", body)) == (400, "bad_frame", "id")

    @pytest.mark.parametrize("body", [{"id": "x"}, {"everything": True}, {"all": "yes"}, []])
    def test_what_is_no_answer(self, program: Program, body: Any) -> None:
        assert error_of(program.post("/notifications/seen", body))[:2] == (400, "bad_frame")


class TestSettings:
    def test_each_role_begins_as_the_table_says(self, tenant: TenantRef, program: Program) -> None:
        viewer = signed_in(tenant, member(tenant, Role.VIEWER).email)
        for asked, role in ((program, Role.OWNER), (viewer, Role.VIEWER)):
            listed = asked.get("/notifications/settings").json()["categories"]
            assert [one["name"] for one in listed] == list(CATEGORIES)
            assert {one["name"]: one["wanted"] for one in listed} == {
                name: role in category.wanted_by for name, category in CATEGORIES.items()
            }
            assert all(one["label"] for one in listed)

    def test_a_change_holds_and_what_is_not_named_stays(self, tenant: TenantRef, owner: User, program: Program) -> None:
        program.put("/notifications/settings", {"settings": {"system": False, "rooms": False}})
        answer = program.put("/notifications/settings", {"settings": {"rooms": True}}).json()
        wanted = {one["name"]: one["wanted"] for one in answer["categories"]}
        assert (wanted["system"], wanted["rooms"], wanted["billing"]) == (False, True, True)
        assert send_notification(tenant, [owner.id], **WORDS) == 0
        assert send_notification(tenant, [owner.id], **WORDS | {"category": "rooms"}) == 1

    def test_it_is_mine_alone(self, tenant: TenantRef, program: Program) -> None:
        admin = member(tenant, Role.ADMIN)
        program.put("/notifications/settings", {"settings": {"system": False}})
        assert send_notification(tenant, [admin.id], **WORDS) == 1

    def test_a_category_that_does_not_exist(self, program: Program) -> None:
        answer = program.put("/notifications/settings", {"settings": {"rooms": False, "gossip": True}})
        assert error_of(answer) == (400, "bad_frame", "settings")
        assert "'gossip'" in answer.json()["error"]["message"]
        wanted = {one["name"]: one["wanted"] for one in program.get("/notifications/settings").json()["categories"]}
        assert wanted["rooms"], "nothing was stored"

    @pytest.mark.parametrize("body", [{}, {"settings": {"rooms": "no"}}, {"settings": []}, {"settings": {}, "more": 1}])
    def test_what_is_no_setting(self, program: Program, body: dict[str, Any]) -> None:
        assert error_of(program.put("/notifications/settings", body))[:2] == (400, "bad_frame")


class TestLiveVisitors:
    def test_nobody_without_a_socket(self, program: Program) -> None:
        assert program.get("/visitors/live").json() == {"visitors": [], "total": 0, "cursor": None}

    @pytest.mark.parametrize("cursor", ["x", "é" * 36])
    def test_a_cursor_that_is_not_ours(self, program: Program, cursor: str) -> None:
        assert error_of(program.get("/visitors/live", cursor=cursor)) == (400, "bad_frame", "cursor")
