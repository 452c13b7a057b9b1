"""`GET /w/<key>/config` and the loader: what any page may read."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chat.services.sites import change_site, create_site
from tenants.context import TenantRef
from tenants.models import Tenant
from tenants.resolve import forget
from tests.support.cast import MakeTenant
from tests.support.talk import embed_key
from tests.support.widgets import SHOP, Widget, browser


def test_what_the_launcher_is_told(widget: Widget) -> None:
    answer = widget.get("config")
    said = answer.json()
    assert set(said) == {"site", "look", "texts", "limits", "online"}
    assert said["limits"] == {"text": 4000}
    assert said["look"] == {"color": "#B45309"}  # no position: the launcher stands where the page's lines end
    assert {"title", "greeting"} <= set(said["texts"])
    assert said["online"] is False
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_any_page_may_read_it(widget: Widget) -> None:
    assert widget.get("config", Origin="https://elsewhere.example").headers["Access-Control-Allow-Origin"] == "*"


def test_a_change_of_the_site_shows(shop: TenantRef, widget: Widget) -> None:
    site = create_site(shop, name="Old", look={"position": "left"}, texts={"title": "Hi"})
    other = Widget(site.embed_key, browser())
    assert other.get("config").json()["site"]["name"] == "Old"
    change_site(shop, site.site_id, name="New")
    said = other.get("config").json()
    assert (said["site"]["name"], said["look"]["position"], said["texts"]["title"]) == ("New", "left", "Hi")


@pytest.mark.parametrize("key", ["x", "a" * 26, "a" * 33, "%00", "é"])
def test_an_unknown_key(shop: TenantRef, key: str) -> None:
    answer = Widget(key, browser()).get("config")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"  # so that the loader can read why
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_suspended_tenant(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    key = embed_key(tenant).key
    Tenant.objects.filter(id=tenant.id).update(status="suspended")
    forget(tenant.id)
    answer = Widget(key, browser()).get("config")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_each_tenant_starts_with_a_site_that_no_page_may_embed(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    widget = Widget(embed_key(tenant).key, browser())
    assert widget.get("config").json()["site"]["name"] == tenant.name
    assert widget.session(parent=SHOP).status_code == 403


class TestLoader:
    SCRIPT = b"(() => { 'a loader'; })();\n" * 20

    @pytest.fixture(autouse=True)
    def _build(self, tmp_path: Path, settings: Any) -> None:
        (tmp_path / "built").mkdir()
        (tmp_path / "built/porchlight.js").write_bytes(self.SCRIPT)
        settings.STATICFILES_DIRS = [tmp_path]

    def test_any_page_may_run_it_and_keep_it_for_minutes(self) -> None:
        answer = browser().get("/porchlight.js")
        assert answer.content == self.SCRIPT
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in answer.headers

    def test_asking_again_is_cheap(self) -> None:
        etag = browser().get("/porchlight.js").headers["ETag"]
        again = browser().get("/porchlight.js", headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag

    def test_it_travels_packed(self) -> None:
        answer = browser().get("/porchlight.js", headers={"Accept-Encoding": "gzip, br"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.content) == self.SCRIPT
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.headers["ETag"] != browser().get("/porchlight.js").headers["ETag"]

    def test_a_new_build_is_served_without_a_restart(self, tmp_path: Path) -> None:
        before = browser().get("/porchlight.js").headers["ETag"]
        (tmp_path / "built/porchlight.js").write_bytes(b"new")
        answer = browser().get("/porchlight.js", headers={"If-None-Match": before})
        assert answer.content == b"new"

    def test_other_hosts_do_not_have_it(self, shop: TenantRef) -> None:
        assert Client(headers={"Host": "acme.localhost:8000"}).get("/porchlight.js").status_code == 404


def test_the_widget_host_has_no_other_pages(shop: TenantRef) -> None:
    for path in ("/", "/w/", "/inbox/", "/api/v1/me", "/staff/", "/sign-in/", "/w/x/other"):
        assert browser().get(path).status_code == 404
