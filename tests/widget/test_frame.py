"""`GET /w/<key>/frame`: whose pages may show it, and under which policy it runs."""

import json
import re
from typing import Any

import pytest

from chat.models import Site
from chat.services.sites import create_site
from saas.core.errors import AppError
from tenants.context import TenantRef, in_tenant
from tenants.models import Tenant
from tenants.resolve import forget
from tests.support.cast import MakeTenant
from tests.support.widgets import SHOP, Answer, Widget, browser


def policy(answer: Answer) -> dict[str, str]:
    """The Content-Security-Policy by directive."""
    parts = [part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")]
    assert len({name for name, _, _ in parts}) == len(parts)
    return {name: value for name, _, value in parts}


def boot(answer: Answer) -> Any:
    found = re.search(r'<script id="boot" type="application/json">(.*?)</script>', answer.content.decode(), re.S)
    assert found
    return json.loads(found[1])


def test_only_the_sites_pages_may_show_it(widget: Widget) -> None:
    assert policy(widget.get("frame"))["frame-ancestors"] == "https://shop.example https://*.shop.example"


def test_it_runs_nothing_but_our_own_files(widget: Widget) -> None:
    answer = widget.get("frame")
    said = policy(answer)
    assert said["default-src"] == said["base-uri"] == said["form-action"] == "'none'"
    assert said["script-src"] == said["style-src"] == "'self'"
    assert said["connect-src"] == "'self' ws://widget.localhost:8000"
    assert said["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    page = answer.content.decode()
    scripts = re.findall(r"<script(?![^>]*application/json)[^>]*>(.*?)</script>", page, re.S)
    assert scripts == [""]  # one, from a file
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)


def test_what_the_panel_starts_from(widget: Widget, shop: TenantRef) -> None:
    said = boot(widget.get("frame"))
    assert set(said) == {"key", "site", "look", "texts", "origins", "session", "socket"}
    assert said["key"] == widget.key
    assert said["origins"] == [SHOP, "https://*.shop.example"]
    assert said["session"] == f"/w/{widget.key}/session"
    assert said["socket"] == f"ws://widget.localhost:8000/ws/w/{widget.key}/"
    assert said["site"]["name"] == shop.name


def test_other_headers(widget: Widget) -> None:
    answer = widget.get("frame")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Frame-Options" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_what_an_owner_wrote_cannot_leave_its_place(make_tenant: MakeTenant) -> None:
    nasty = "</script><script>alert(1)</script>"
    site = create_site(make_tenant(), name=nasty, allowed_origins=[SHOP], texts={"title": nasty, "greeting": nasty})
    answer = Widget(site.embed_key, browser()).get("frame")
    assert answer.content.decode().count("<script") == 2
    assert boot(answer)["site"]["name"] == nasty


def test_an_origin_that_should_not_be_stored_cannot_open_the_policy(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    site = create_site(tenant, name="Shop")
    with in_tenant(tenant):
        Site.objects.filter(id=site.site_id).update(allowed_origins=["*", "https:", f"{SHOP}; script-src *", SHOP])
    assert policy(Widget(site.embed_key, browser()).get("frame"))["frame-ancestors"] == SHOP


def test_a_site_without_origins_is_shown_by_nobody(make_tenant: MakeTenant) -> None:
    site = create_site(make_tenant(), name="Shop")
    assert policy(Widget(site.embed_key, browser()).get("frame"))["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("key", ["x", "a" * 26, "a" * 33, "%00", "é"])
def test_an_unknown_key_is_shown_by_nobody(shop: TenantRef, key: str) -> None:
    answer = Widget(key, browser()).get("frame")
    assert answer.status_code == 404
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert "Set-Cookie" not in answer.headers


def test_the_panel_of_a_suspended_tenant_opens_and_hears_it_with_its_session(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    site = create_site(tenant, name="Shop", allowed_origins=[SHOP])
    Tenant.objects.filter(id=tenant.id).update(status="suspended")
    forget(tenant.id)
    widget = Widget(site.embed_key, browser())
    answer = widget.get("frame")
    assert answer.status_code == 200
    assert boot(answer)["key"] == site.embed_key
    assert policy(answer)["frame-ancestors"] == SHOP
    refused = widget.session()
    assert refused.status_code == 403
    assert "field" not in refused.json()["error"]  # by which the panel tells it from a page that may not show the chat


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 81},
        {"name": "Shop", "look": {"color": "red"}},
        {"name": "Shop", "look": {"color": "#B45309; x"}},
        {"name": "Shop", "look": {"position": "top"}},
        {"name": "Shop", "look": {"font": "x"}},
        {"name": "Shop", "texts": {"title": "x" * 301}},
        {"name": "Shop", "texts": {"other": "x"}},
        {"name": "Shop", "allowed_origins": ["shop.example"]},
    ],
)
def test_a_site_that_makes_no_sense_is_not_made(shop: TenantRef, wrong: dict[str, Any]) -> None:
    with in_tenant(shop):
        before = Site.objects.count()
    with pytest.raises(AppError) as refused:
        create_site(shop, **wrong)
    assert refused.value.field
    with in_tenant(shop):
        assert Site.objects.count() == before
