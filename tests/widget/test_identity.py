"""Users whom the site's backend signs in: who they become, its keys, and sites that ask for it."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connections

from chat.models import Participant, Room, Site, Visitor
from chat.services import visitor_names
from chat.services.identity import IdentityKey, delete_identity_key, set_strict
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.api import signed_in
from tests.support.cast import MakeTenant
from tests.support.community import Visit, team_member
from tests.support.identities import external_ids, new_key, signed, site_of, visitor_of
from tests.support.talk import embed_key, room_of
from tests.support.visits import refused, visitors
from tests.support.widgets import SHOP, Widget, browser


class TestWhoTheyBecome:
    def test_a_new_visitor_at_first_sight_and_the_same_ever_after(
        self, shop: TenantRef, widget: Widget, key: IdentityKey
    ) -> None:
        first = widget.session(identity=signed(widget, key))
        widget.client = browser()
        again = widget.session(identity=signed(widget, key, name="Vic Two"))
        assert visitor_of(first) == visitor_of(again)
        assert [one.json()["visitor"]["name"] for one in (first, again)] == ["Vic", "Vic Two"]
        assert (visitors(shop), external_ids(shop)) == (1, ["user-1"])

    def test_without_a_name_they_have_one_of_ours(self, widget: Widget, key: IdentityKey) -> None:
        assert widget.session(identity=signed(widget, key, name=None)).json()["visitor"]["name"].startswith("Visitor ")

    def test_an_anonymous_visitor_becomes_the_user_whom_nobody_is_yet(
        self, shop: TenantRef, widget: Widget, key: IdentityKey
    ) -> None:
        before = widget.session().json()
        after = widget.session(handle=before["handle"], identity=signed(widget, key))
        assert visitor_of(after) == before["visitor"]["id"]
        assert visitors(shop) == 1

    def test_an_anonymous_history_is_never_merged_into_anothers(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        known = visitor_of(widget.session(identity=signed(widget, key)))
        widget.client = browser()
        anonymous = widget.session().json()
        assert visitor_of(widget.session(handle=anonymous["handle"], identity=signed(widget, key))) == known
        with in_tenant(shop):
            assert Visitor.objects.get(id=anonymous["visitor"]["id"]).external_id is None
        assert visitors(shop) == 2

    def test_another_user_in_the_same_browser_is_another_visitor(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        one = widget.session(identity=signed(widget, key))
        two = widget.session(handle=one.json()["handle"], identity=signed(widget, key, sub="user-2"))
        assert visitor_of(one) != visitor_of(two)
        assert sorted(external_ids(shop)) == ["user-1", "user-2"]

    def test_a_handle_without_an_identity_stays_that_visitor(self, widget: Widget, key: IdentityKey) -> None:
        one = widget.session(identity=signed(widget, key)).json()
        widget.client = browser()
        assert visitor_of(widget.session(handle=one["handle"])) == one["visitor"]["id"]

    def test_both_browsers_of_one_user_keep_a_handle(self, widget: Widget, key: IdentityKey) -> None:
        handles = []
        for _ in range(2):
            widget.client = browser()
            handles.append(widget.session(identity=signed(widget, key)).json())
        who = handles[0]["visitor"]["id"]
        for one in handles:  # that of the first for a day, or until the second comes again
            widget.client = browser()
            assert visitor_of(widget.session(handle=one["handle"])) == who
        assert visitor_of(widget.session(handle=handles[0]["handle"], identity=signed(widget, key))) == who

    def test_many_first_sights_at_once_are_one_visitor(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        def sign_in(_n: int) -> str:
            try:
                return visitor_of(Widget(widget.key, browser()).session(identity=signed(widget, key)))
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            assert len(set(pool.map(sign_in, range(6)))) == 1
        assert visitors(shop) == 1

    def test_the_same_user_of_another_site_is_another_visitor(
        self, shop: TenantRef, widget: Widget, make_tenant: MakeTenant
    ) -> None:
        other = make_tenant()
        with in_tenant(other):
            Site.objects.update(allowed_origins=["https://shop.example"])
        there = Widget(embed_key(other).key, browser())
        widget.session(identity=signed(widget, new_key(shop)))
        there.session(identity=signed(there, new_key(other)))
        assert (external_ids(shop), external_ids(other)) == (["user-1"], ["user-1"])


class TestSigningOut:
    """The page says that nobody is signed in: the next in this browser is not the user who was."""

    def test_a_users_handle_proves_nothing_from_then_on(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        user = widget.session(identity=signed(widget, key)).json()
        stranger = widget.session(handle=user["handle"], signed_out=True).json()
        assert stranger["visitor"]["id"] != user["visitor"]["id"]
        widget.client = browser()
        copied = visitor_of(widget.session(handle=user["handle"]))
        assert copied not in (user["visitor"]["id"], stranger["visitor"]["id"])
        assert visitors(shop) == 3

    def test_the_handle_before_that_neither(self, widget: Widget, key: IdentityKey) -> None:
        before = widget.session(identity=signed(widget, key)).json()
        after = Widget(widget.key, browser()).session(handle=before["handle"], identity=signed(widget, key)).json()
        assert after["handle"] != before["handle"]
        Widget(widget.key, browser()).session(handle=after["handle"], signed_out=True)
        assert visitor_of(Widget(widget.key, browser()).session(handle=before["handle"])) != before["visitor"]["id"]

    def test_the_user_is_who_they_were_at_the_next_identity(self, widget: Widget, key: IdentityKey) -> None:
        user = widget.session(identity=signed(widget, key)).json()
        stranger = widget.session(handle=user["handle"], signed_out=True).json()
        assert visitor_of(widget.session(handle=stranger["handle"], identity=signed(widget, key))) == user["visitor"]["id"]

    def test_a_strict_site_takes_it_back_too(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        owner, site = team_member(shop, Role.OWNER), site_of(shop)
        set_strict(shop, owner, site, strict=True)
        user = widget.session(identity=signed(widget, key)).json()
        assert refused(widget.session(handle=user["handle"], signed_out=True)) == (403, "forbidden", "identity")
        set_strict(shop, owner, site, strict=False)
        assert visitor_of(Widget(widget.key, browser()).session(handle=user["handle"])) != user["visitor"]["id"]

    def test_who_never_signed_in_stays_who_they_are(self, shop: TenantRef, widget: Widget) -> None:
        before = widget.session().json()
        assert visitor_of(widget.session(handle=before["handle"], signed_out=True)) == before["visitor"]["id"]
        assert visitors(shop) == 1


class TestKeys:
    def test_two_at_most_each_shown_once_and_none_stored(self, shop: TenantRef, widget: Widget) -> None:
        owner = f"owner@{shop.slug}.example"
        program, path = signed_in(shop, owner), f"/sites/{site_of(shop)}/identity-keys"
        made = [program.post(path).json() for _ in range(2)]
        assert [set(one) for one in made] == [{"kid", "secret"}] * 2
        answer = program.post(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        assert program.get(path).json() == {"keys": [{"kid": one["kid"]} for one in made], "strict": False}
        with in_tenant(shop):
            assert Site.objects.get().identity_keys == [one["kid"] for one in made]
        for one in made:
            assert visitor_of(widget.session(identity=signed(widget, IdentityKey(**one))))

    def test_a_deleted_key_counts_no_more(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        owner, other = team_member(shop, Role.OWNER), new_key(shop)
        delete_identity_key(shop, owner, site_of(shop), key.kid)
        assert refused(widget.session(identity=signed(widget, key))) == (403, "forbidden", "identity")
        assert visitor_of(widget.session(identity=signed(widget, other)))
        program = signed_in(shop, f"owner@{shop.slug}.example")
        assert program.delete(f"/sites/{site_of(shop)}/identity-keys/{key.kid}").status_code == 404
        assert program.delete(f"/sites/{site_of(shop)}/identity-keys/{other.kid}").status_code == 204

    @pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
    def test_only_who_manages_sites(self, acme: TenantRef, role: Role, ben: Any) -> None:
        path = f"/sites/{site_of(acme)}"
        program = signed_in(acme, ben.email)
        for answer in (
            program.get(f"{path}/identity-keys"),
            program.post(f"{path}/identity-keys"),
            program.delete(f"{path}/identity-keys/x"),
            program.put(f"{path}/strict", {"strict": True}),
            program.put(f"{path}/words", {"words": []}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")

    def test_another_tenants_site_does_not_exist(self, shop: TenantRef, acme: TenantRef) -> None:
        program, path = signed_in(acme, "ada@acme.example"), f"/sites/{site_of(shop)}"
        for answer in (
            program.get(f"{path}/identity-keys"),
            program.post(f"{path}/identity-keys"),
            program.put(f"{path}/strict", {"strict": False}),
            program.put(f"{path}/words", {"words": []}),
            program.get(f"{path}/words"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


class TestStrict:
    def test_only_who_is_signed_in_comes_in(self, shop: TenantRef, widget: Widget) -> None:
        program, path = signed_in(shop, f"owner@{shop.slug}.example"), f"/sites/{site_of(shop)}/strict"
        assert program.put(path, {"strict": True}).status_code == 409  # nobody could come in
        key, before = new_key(shop), widget.session().json()
        assert program.put(path, {"strict": True}).json() == {"strict": True}
        assert refused(widget.session()) == (403, "forbidden", "identity")
        assert refused(Widget(widget.key, browser()).session(handle=before["handle"])) == (403, "forbidden", "identity")
        assert visitor_of(widget.session(identity=signed(widget, key)))
        assert program.put(path, {"strict": False}).json() == {"strict": False}
        assert visitor_of(Widget(widget.key, browser()).session())

    def test_an_identified_visitor_may_join_where_only_they_may(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        program = signed_in(shop, f"owner@{shop.slug}.example")
        room = program.post("/rooms", {"kind": "community", "title": "Us", "join_rule": "identified"}).json()["room"]["id"]
        rooms = []
        for said in ({}, {"identity": signed(widget, key)}):
            token = Widget(widget.key, browser()).session(**said).json()["token"]
            at = Visit(shop, None)
            rooms.append([one["id"] for one in at.client.get(f"/w/{at.key}/rooms", headers=bearer(token)).json()["rooms"]])
        assert rooms == [[], [room]]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_secret_is_derived_from_ours_the_tenant_the_site_and_the_key(shop: TenantRef, key: IdentityKey) -> None:
    assert len(bytes.fromhex(key.secret)) == hashlib.sha256().digest_size
    assert new_key(shop).secret != key.secret


class TestWhatTheTeamReads:
    """A room bears its visitor's name, and who spoke last in it is known by that."""

    def test_a_room_is_called_as_the_user_whom_its_visitor_turned_out_to_be(
        self, shop: TenantRef, widget: Widget, key: IdentityKey
    ) -> None:
        before = widget.session().json()
        room = room_of_session(shop, before, "hello")
        widget.session(handle=before["handle"], identity=signed(widget, key))
        assert named(shop, room) == ("Vic", "Vic", "Vic", "Vic")

    def test_who_answered_stays_who_spoke_last(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        before = widget.session().json()
        room = room_of_session(shop, before, "hello")
        with in_tenant(shop):
            Room.objects.filter(id=room).update(last_by="Ada")
        widget.session(handle=before["handle"], identity=signed(widget, key))
        assert named(shop, room) == ("Vic", "Ada", "Vic", "Vic")

    def test_a_new_name_is_told_once(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        before = widget.session(identity=signed(widget, key)).json()
        room, revs = room_of_session(shop, before, "hello"), []
        for name in ("Vic", "Vic Two", "Vic Two"):
            widget.session(handle=before["handle"], identity=signed(widget, key, name=name))
            with in_tenant(shop):
                revs.append(Room.objects.get(id=room).rev)
        assert (revs[1] - revs[0], revs[2] - revs[1]) == (1, 0)
        assert named(shop, room)[0] == "Vic Two"

    def test_a_name_that_cannot_be_told_keeps_nobody_out_and_is_told_at_the_next_session(
        self, shop: TenantRef, widget: Widget, key: IdentityKey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        before = widget.session().json()
        room = room_of_session(shop, before, "hello")
        with monkeypatch.context() as broken:
            broken.setattr(visitor_names, "touch", refuse)
            user = widget.session(handle=before["handle"], identity=signed(widget, key))
        assert visitor_of(user) == before["visitor"]["id"]
        assert "keep their old name" in caplog.text
        assert named(shop, room)[0] == before["visitor"]["name"]
        widget.session(handle=user.json()["handle"], identity=signed(widget, key))
        assert named(shop, room) == ("Vic", "Vic", "Vic", "Vic")

    def test_the_rooms_of_others_keep_their_names(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        other = room_of_session(shop, Widget(widget.key, browser()).session().json(), "hello")
        before = named(shop, other)
        widget.session(identity=signed(widget, key))
        assert named(shop, other) == before


def room_of_session(tenant: TenantRef, session: Any, text: str) -> UUID:
    """A room that the visitor of a session opens."""
    who = session["visitor"]
    principal = Principal(tenant.id, "visitor", UUID(who["id"]), who["name"], None, site_of(tenant), SHOP, "sid", 1e12)
    return room_of(tenant, principal, text)


def refuse(*_args: object, **_values: object) -> None:
    raise OperationalError("deadlock detected")


def named(tenant: TenantRef, room_id: UUID) -> tuple[str, ...]:
    """How a room is called, who spoke last in it, its notes, and its visitor's place in it."""
    with in_tenant(tenant):
        room = Room.objects.get(id=room_id)
        place = Participant.objects.get(room=room, kind="visitor")
        return room.title, room.last_by, room.notes.title, place.name
