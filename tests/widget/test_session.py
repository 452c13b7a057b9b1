"""`POST /w/<key>/session`: who gets a token, and that a visitor stays the same visitor."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from chat.models import Visitor
from chat.services.sites import create_site
from tenants.context import TenantRef, in_tenant
from tenants.tokens import read_socket_token
from tests.support.cast import MakeTenant
from tests.support.talk import embed_key
from tests.support.visits import keep_cookie, refused, site_of, visitors
from tests.support.widgets import SHOP, Widget, browser


class TestNewVisitor:
    def test_gets_a_token_for_their_tenant_site_and_page(self, shop: TenantRef, widget: Widget) -> None:
        answer = widget.session()
        said = answer.json()
        assert answer.status_code == 200
        who = read_socket_token(said["token"], shop)
        assert (str(who.id), who.name) == (said["visitor"]["id"], said["visitor"]["name"])
        assert (who.kind, who.tenant_id, who.site_id, who.parent) == ("visitor", shop.id, embed_key(shop).site_id, SHOP)
        assert said["expires_in"] == 900
        assert said["socket"] == f"ws://widget.localhost:8000/ws/w/{widget.key}/"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_the_cookie_is_for_this_host_and_this_page_only(self, widget: Widget) -> None:
        name, *rules = widget.session().headers["Set-Cookie"].split("; ")
        assert name.startswith("__Host-v")
        assert {"Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"} <= set(rules)
        assert not any(rule.startswith("Domain") for rule in rules)

    def test_only_a_hash_of_the_handle_is_kept(self, shop: TenantRef, widget: Widget) -> None:
        handle = widget.session().json()["handle"]
        assert len(handle) >= 43  # 256 bits
        with in_tenant(shop):
            kept = Visitor.objects.order_by("-created_at").values().first()
        assert kept is not None
        assert handle not in str(kept)
        assert handle.encode() not in [bytes(value) for value in kept.values() if isinstance(value, bytes | memoryview)]

    def test_what_the_browser_says_of_itself_is_kept(self, shop: TenantRef, widget: Widget) -> None:
        page = {"url": "https://u:p@shop.example/bikes?id=1", "title": "Bikes\u0000\n", "referrer": "javascript:alert(1)"}
        ident = widget.session(locale="de-AT", page=page).json()["visitor"]["id"]
        with in_tenant(shop):
            visitor = Visitor.objects.get(id=ident)
        assert visitor.locale == "de-AT"
        assert visitor.page == {"url": "https://shop.example/bikes?id=1", "title": "Bikes", "referrer": ""}

    @pytest.mark.parametrize(
        ("shown", "kept"),
        [
            ("https://shop.example/a#porchlight=SECRET", "https://shop.example/a"),
            ("https://shop.example/a?b=1#access_token=SECRET", "https://shop.example/a?b=1"),
            ("https://shop.example/#/cart", "https://shop.example/#/cart"),
            ("https://shop.example/#!/cart", "https://shop.example/#!/cart"),
            ("https://shop.example/#/cart#porchlight=SECRET", "https://shop.example/#/cart"),
        ],
    )
    def test_of_what_stands_behind_the_hash_only_a_route_is_kept(
        self, shop: TenantRef, widget: Widget, shown: str, kept: str
    ) -> None:
        widget.session(page={"url": shown, "title": "", "referrer": shown})
        with in_tenant(shop):
            assert Visitor.objects.get().page == {"url": kept, "title": "", "referrer": kept}


class TestReturningVisitor:
    def test_by_cookie(self, widget: Widget) -> None:
        keep_cookie(widget, widget.get("frame"))
        first = keep_cookie(widget, widget.session()).json()
        second = keep_cookie(widget, widget.session()).json()
        assert first["visitor"] == second["visitor"]
        assert "handle" not in first  # the frame's cookie came along, so cookies are kept here
        assert "handle" not in second

    def test_by_handle_where_no_cookie_is_kept(self, shop: TenantRef, widget: Widget) -> None:
        first = widget.session().json()
        before = visitors(shop)
        second = widget.session(handle=first["handle"]).json()
        third = widget.session(handle=second["handle"]).json()
        assert first["visitor"] == second["visitor"] == third["visitor"]
        assert len({first["handle"], second["handle"], third["handle"]}) == 3
        assert visitors(shop) == before

    def test_a_browser_that_says_it_keeps_no_cookies_is_told_the_handle(self, widget: Widget) -> None:
        keep_cookie(widget, widget.get("frame"))
        assert "handle" in widget.session(cookies=False).json()

    def test_two_tabs_with_one_handle_stay_one_visitor(self, widget: Widget) -> None:
        handle = widget.session().json()["handle"]
        tabs = [widget.session(handle=handle).json() for _ in range(2)]
        assert tabs[0]["visitor"] == tabs[1]["visitor"]
        assert tabs[0]["handle"] == tabs[1]["handle"]

    def test_two_tabs_at_the_same_moment_stay_one_visitor(self, shop: TenantRef, widget: Widget) -> None:
        handle = widget.session().json()["handle"]
        before = visitors(shop)

        def open_tab(_: int) -> dict[str, Any]:
            try:
                said: dict[str, Any] = Widget(widget.key, browser()).session(handle=handle).json()
                return said
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            tabs = list(pool.map(open_tab, range(12)))
        assert len({tab["visitor"]["id"] for tab in tabs}) == len({tab["handle"] for tab in tabs}) == 1
        assert visitors(shop) == before

    def test_a_lost_answer_loses_nobody(self, widget: Widget) -> None:
        first = widget.session().json()
        widget.session(handle=first["handle"])  # the answer is lost, and with it the new handle
        assert widget.session(handle=first["handle"]).json()["visitor"] == first["visitor"]

    def test_a_handle_is_dead_once_its_successor_was_used(self, widget: Widget) -> None:
        first = widget.session().json()
        second = widget.session(handle=first["handle"]).json()
        widget.session(handle=second["handle"])
        assert widget.session(handle=first["handle"]).json()["visitor"] != first["visitor"]

    def test_a_handle_is_dead_when_its_grace_is_over(self, shop: TenantRef, widget: Widget) -> None:
        first = widget.session().json()
        second = widget.session(handle=first["handle"]).json()
        with in_tenant(shop):
            Visitor.objects.filter(id=first["visitor"]["id"]).update(handle_grace=timezone.now() - timedelta(seconds=1))
        assert widget.session(handle=first["handle"]).json()["visitor"] != first["visitor"]
        assert widget.session(handle=second["handle"]).json()["visitor"] == first["visitor"]

    @pytest.mark.parametrize("handle", ["", "x", "A" * 43, "é", "\u0000", "\ud800"])
    def test_a_handle_of_nobody_is_a_new_visitor(self, widget: Widget, handle: str) -> None:
        known = widget.session().json()
        answer = widget.session(handle=handle)
        if handle == "\ud800":
            assert refused(answer)[1] == "bad_frame"
        else:
            assert answer.json()["visitor"] != known["visitor"]


class TestApart:
    def test_a_handle_counts_for_its_tenant_only(self, widget: Widget, make_tenant: MakeTenant) -> None:
        mine = widget.session().json()
        other = site_of(make_tenant())
        theirs = other.session(handle=mine["handle"]).json()
        assert theirs["visitor"]["id"] != mine["visitor"]["id"]
        assert theirs["handle"] != widget.session(handle=mine["handle"]).json()["handle"]

    def test_a_handle_counts_for_its_site_only(self, shop: TenantRef, widget: Widget) -> None:
        mine = widget.session().json()
        second_site = create_site(shop, name="Second", allowed_origins=[SHOP])
        theirs = Widget(second_site.embed_key, browser()).session(handle=mine["handle"]).json()
        assert theirs["visitor"]["id"] != mine["visitor"]["id"]

    def test_two_tenants_on_one_page_do_not_take_each_others_cookie(self, widget: Widget, make_tenant: MakeTenant) -> None:
        """The widget host is one host for all, so their cookies share a jar."""
        other = Widget(site_of(make_tenant()).key, widget.client)
        mine = keep_cookie(widget, widget.session()).json()["visitor"]
        theirs = keep_cookie(other, other.session()).json()["visitor"]
        assert keep_cookie(widget, widget.session()).json()["visitor"] == mine
        assert keep_cookie(other, other.session()).json()["visitor"] == theirs


def test_visitor_ids_are_uuids(widget: Widget) -> None:
    assert UUID(widget.session().json()["visitor"]["id"]).version == 7
