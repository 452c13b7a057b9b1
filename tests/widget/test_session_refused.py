"""`POST /w/<key>/session`: who gets none, and why."""

import pytest
from django.db import connection
from django.utils import timezone

from saas.core.ratelimit import Limit
from tenants.context import TenantRef
from tenants.models import EmbedKey, Tenant
from tenants.resolve import forget
from tests.support.cast import MakeTenant
from tests.support.visits import keep_cookie, refused, site_of, visitors
from tests.support.widgets import SHOP, WIDGET, Widget, browser
from widget import limits, services


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
