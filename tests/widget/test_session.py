"""`POST /w/<key>/session`: who gets a token, and that a visitor stays the same visitor."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.utils import timezone

from chat.models import Visitor
from chat.services.sites import create_site
from saas.core.ratelimit import Limit
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey, Tenant
from tenants.resolve import forget
from tenants.tokens import read_socket_token
from tests.support.cast import MakeTenant
from tests.support.talk import embed_key
from tests.widget.conftest import SHOP, WIDGET, Answer, Widget, browser
from widget import limits, services


def refused(answer: Answer) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal; it must be in the one shape and set no cookie."""
    error = answer.json()["error"]
    assert set(error) <= {"code", "message", "field", "retry_after"}
    assert "Set-Cookie" not in answer.headers
    assert not answer.cookies
    return answer.status_code, error["code"], error.get("field")


def visitors(tenant: TenantRef) -> int:
    with in_tenant(tenant):
        return Visitor.objects.count()


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


class TestRefusals:
    @pytest.mark.parametrize(
        "parent", ["https://evil.example", "null", "", "*", "https://shop.example.evil.example", "http://shop.example"]
    )
    def test_a_page_that_may_not_embed(self, shop: TenantRef, widget: Widget, parent: str) -> None:
        before = visitors(shop)
        assert refused(widget.session(parent=parent)) == (403, "forbidden", "parent")
        assert visitors(shop) == before

    def test_a_subdomain_that_may(self, widget: Widget) -> None:
        assert widget.session(parent="https://www.shop.example").status_code == 200

    @pytest.mark.parametrize(
        "origin", [SHOP, "null", "https://widget.localhost:8000", "http://widget.localhost", "http://acme.localhost:8000"]
    )
    def test_a_request_of_another_page(self, widget: Widget, origin: str) -> None:
        assert refused(widget.session(origin=origin)) == (403, "forbidden", "Origin")

    def test_a_program_that_is_no_browser_names_no_origin(self, widget: Widget) -> None:
        assert widget.session(origin=None).status_code == 200

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
    def test_what_a_form_can_send(self, widget: Widget, kind: str) -> None:
        answer = widget.client.post(f"/w/{widget.key}/session", b'{"parent": "https://shop.example"}', content_type=kind)
        assert refused(answer) == (400, "bad_frame", "Content-Type")

    @pytest.mark.parametrize(
        "body",
        [
            *(
                "",
                "x",
                "[]",
                "null",
                "1",
                '"x"',
                "{}",
                '{"parent": 1}',
                '{"parent": null}',
                "[" * 9000,
                '{"parent": "a", "extra": 1}',
            ),
            *('{"parent": "https://shop.example", "handle": 1}', '{"parent": "https://shop.example", "page": "x"}'),
            *(
                f'{{"parent": "https://shop.example", "handle": "{"x" * 101}"}}',
                '{"parent": "https://shop.example", "locale": []}',
            ),
            b"\xff\xfe",
        ],
    )
    def test_a_body_of_another_shape(self, shop: TenantRef, widget: Widget, body: str | bytes) -> None:
        before = visitors(shop)
        assert refused(widget.session(body))[:2] == (400, "bad_frame")
        assert visitors(shop) == before

    def test_a_body_that_is_too_large(self, widget: Widget) -> None:
        assert refused(widget.session("x" * (16 * 1024 + 1)))[:2] == (413, "too_large")

    def test_an_identity_that_nobody_can_check(self, widget: Widget) -> None:
        assert refused(widget.session(identity="e30.e30.x")) == (403, "forbidden", "identity")

    @pytest.mark.parametrize("key", ["x", "a" * 26, "a" * 33, "%00", "é", "..", "' OR 1=1"])
    def test_an_unknown_key(self, key: str, shop: TenantRef) -> None:
        assert refused(Widget(key, browser()).session())[:2] == (404, "not_found")

    def test_a_revoked_key(self, make_tenant: MakeTenant) -> None:
        tenant = make_tenant()
        widget = site_of(tenant)
        assert widget.session().status_code == 200
        EmbedKey.objects.filter(key=widget.key).update(revoked_at=timezone.now())
        forget(tenant.id)
        assert refused(widget.session())[:2] == (404, "not_found")

    def test_a_suspended_tenant(self, make_tenant: MakeTenant) -> None:
        tenant = make_tenant()
        widget = site_of(tenant)
        Tenant.objects.filter(id=tenant.id).update(status="suspended")
        forget(tenant.id)
        assert refused(widget.session())[:2] == (403, "forbidden")

    def test_too_many(self, widget: Widget, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "SESSION_IP", Limit("widget_session_ip", times=2, per=60))
        assert [widget.session().status_code for _ in range(2)] == [200, 200]
        answer = widget.session()
        assert refused(answer)[:2] == (429, "rate_limited")
        assert float(answer.headers["Retry-After"]) >= answer.json()["error"]["retry_after"] > 0
        assert site_of(make_tenant()).session().status_code == 200  # another tenant's count is its own

    @pytest.mark.parametrize("name", ["NEW_PER_NETWORK", "NEW_PER_SITE"])
    def test_too_many_new_visitors(self, name: str, widget: Widget, shop: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, name, Limit(f"test_{name}", times=2, per=600))
        known = widget.session()
        keep_cookie(widget, known)
        other = Widget(widget.key, browser())
        keep_cookie(other, other.session())
        answer = Widget(widget.key, browser()).session()
        assert refused(answer)[:2] == (429, "rate_limited")
        assert 0 < answer.json()["error"]["retry_after"] <= 300
        again = widget.session()  # who is known comes back freely
        assert again.json()["visitor"] == known.json()["visitor"]
        assert site_of(shop).session().status_code == 200  # another site's count is its own

    @pytest.mark.parametrize("handle", [None, "a handle of nobody"])
    def test_nothing_is_held_while_a_new_visitor_is_counted(
        self, handle: str | None, widget: Widget, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counted: list[tuple[str, bool, str]] = []

        def count(limit: Limit, *_key: object) -> None:
            counted.append((limit.name, connection.in_atomic_block, connection.schema_name))  # type: ignore[attr-defined]

        monkeypatch.setattr(services, "check", count)
        first = widget.session(handle=handle, cookies=False)
        assert counted == [(name, False, "public") for name in (limits.NEW_PER_NETWORK.name, limits.NEW_PER_SITE.name)]
        again = widget.session(handle=first.json()["handle"], cookies=False)
        assert again.json()["visitor"] == first.json()["visitor"]
        assert len(counted) == 2, "who is known is not counted"

    def test_new_visitors_of_one_network_and_of_another(self, widget: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "NEW_PER_NETWORK", Limit("test_network", times=2, per=600))
        codes = []
        for address in ("192.0.2.1", "192.0.2.200", "192.0.2.9", "198.51.100.1", "2001:db8::1", "2001:db8::2", "2001:db8::3"):
            stranger = Widget(widget.key, browser())
            stranger.client.defaults["REMOTE_ADDR"] = address
            codes.append(stranger.session().status_code)
        assert codes == [200, 200, 429, 200, 200, 200, 429]

    @pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
    def test_other_methods(self, widget: Widget, method: str) -> None:
        answer = getattr(widget.client, method)(f"/w/{widget.key}/session", headers={"Origin": WIDGET})
        assert answer.status_code == 405
        assert "Access-Control-Allow-Origin" not in answer.headers


def site_of(tenant: TenantRef) -> Widget:
    """A new site of the tenant on the same shop, in a browser of its own."""
    return Widget(create_site(tenant, name="Shop", allowed_origins=[SHOP]).embed_key, browser())


def keep_cookie(widget: Widget, answer: Answer) -> Answer:
    """What a browser does. (The test client reads only cookies that were set through Django.)"""
    name, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
    widget.client.cookies[name] = value
    return answer


def test_visitor_ids_are_uuids(widget: Widget) -> None:
    assert UUID(widget.session().json()["visitor"]["id"]).version == 7
