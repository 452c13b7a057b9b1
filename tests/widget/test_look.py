"""A site's look as launcher and panel get it, its picture, and a preview of what nobody has kept yet."""

import json
import re
from typing import Any

import pytest
from django.core import signing

from chat.colors import contrast, sight_of
from chat.looks import ICONS
from chat.selectors import previews
from chat.selectors.previews import preview_key, preview_of
from chat.services.logos import LARGEST, read_logo, remove_logo, set_logo
from chat.services.sites import change_site, create_site
from saas.core.errors import BadFrame, NotFound, TooLarge
from tenants.context import TenantRef
from tests.support.cast import MakeTenant
from tests.support.talk import embed_key
from tests.support.widgets import WIDGET, Answer, Widget, browser

CONSOLE = "http://shop.localhost:8000"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
def site_id(shop: TenantRef, widget: Widget) -> Any:
    return embed_key(shop).site_id


def boot(answer: Answer) -> Any:
    found = re.search(r'<script id="boot" type="application/json">(.*?)</script>', answer.content.decode(), re.S)
    assert found, answer.content.decode()
    return json.loads(found[1])


def test_the_icon_is_told_as_its_path(shop: TenantRef, widget: Widget, site_id: Any) -> None:
    change_site(shop, site_id, look={"icon": "letter", "label": "Ask us", "theme": "dark", "launcher": "hidden"})
    said = widget.get("config").json()["look"]
    assert said == {"color": "#B45309", "icon": ICONS["letter"], "label": "Ask us", "theme": "dark", "launcher": "hidden"}


def test_one_setting_is_changed_and_taken_back_by_itself(shop: TenantRef, widget: Widget, site_id: Any) -> None:
    change_site(shop, site_id, look={"position": "left", "color": "#112233"})
    change_site(shop, site_id, look={"position": ""})
    assert widget.get("config").json()["look"] == {"color": "#112233"}
    change_site(shop, site_id, texts={"title": "Hi"})
    change_site(shop, site_id, texts={"title": "", "away": "Later."})
    said = widget.get("config").json()["texts"]
    assert (said["title"], said["away"]) == ("Write to us", "Later.")


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"color": "red"}, "'red' is not possible here: a colour is written like #B45309"),
        ({"icon": "skull"}, "it is lantern or bubble or question or letter"),
        ({"theme": "sepia"}, "it is light or dark"),
        ({"label": "x" * 25}, "it has 24 characters at most"),
        ({"label": "two\nlines"}, "on one line"),
        ({"logo": "../../etc/passwd"}, "a logo is uploaded"),
        ({"font": "x"}, "not 'font'"),
    ],
)
def test_what_is_no_look(shop: TenantRef, site_id: Any, look: dict[str, str], words: str) -> None:
    with pytest.raises(BadFrame, match=words) as refused:
        change_site(shop, site_id, look=look)
    assert refused.value.field in {"look", f"look.{next(iter(look))}"}


class TestColours:
    @pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#FFFFFF", 21.0), ("#767676", "#FFFFFF", 4.54)])
    def test_contrast(self, one: str, other: str, ratio: float) -> None:
        assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)

    @pytest.mark.parametrize("number", range(0, 0x1000000, 0x10FFF))
    def test_what_stands_on_a_colour_can_be_read(self, number: int) -> None:
        assert sight_of(f"#{number:06X}").text >= 4.5

    def test_a_colour_that_a_page_swallows(self) -> None:
        assert sight_of("#FFFF00").is_faint  # on white
        assert sight_of("#101010").is_faint  # on a dark page
        assert not sight_of("#B45309").is_faint


class TestPicture:
    def test_the_panel_shows_it_and_anybody_may_fetch_it(self, shop: TenantRef, widget: Widget, site_id: Any) -> None:
        set_logo(shop, site_id, PNG)
        address = boot(widget.get("frame"))["look"]["logo"]
        answer = browser().get(address)
        assert answer.content == PNG
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in answer.headers["Cache-Control"]

    def test_another_one_replaces_it(self, shop: TenantRef, widget: Widget, site_id: Any) -> None:
        set_logo(shop, site_id, PNG)
        first = widget.get("config").json()["look"]["logo"]
        set_logo(shop, site_id, b"\xff\xd8\xff" + b"\0" * 40)
        second = widget.get("config").json()["look"]["logo"]
        assert browser().get(first).status_code == 404
        assert browser().get(second).headers["Content-Type"] == "image/jpeg"
        with pytest.raises(NotFound):
            read_logo(shop, first.rpartition("/")[2])
        remove_logo(shop, site_id)
        assert "logo" not in widget.get("config").json()["look"]
        assert browser().get(second).status_code == 404

    @pytest.mark.parametrize("content", [b"", b"<svg onload='alert(1)'/>", b"GIF89a", b"RIFF0000WAVE"])
    def test_what_is_no_picture(self, shop: TenantRef, site_id: Any, content: bytes) -> None:
        with pytest.raises(BadFrame, match="no picture") as refused:
            set_logo(shop, site_id, content)
        assert refused.value.field == "logo"

    def test_one_that_is_too_large(self, shop: TenantRef, site_id: Any) -> None:
        with pytest.raises(TooLarge, match="64 KB is the most"):
            set_logo(shop, site_id, PNG + b"\0" * LARGEST)

    def test_a_site_shows_no_picture_of_another_tenant(
        self, shop: TenantRef, widget: Widget, site_id: Any, make_tenant: MakeTenant
    ) -> None:
        other = make_tenant()
        set_logo(other, embed_key(other).site_id, PNG)
        name = Widget(embed_key(other).key, browser()).get("config").json()["look"]["logo"].rpartition("/")[2]
        assert widget.get(f"logo/{name}").status_code == 404


class TestPreview:
    @pytest.fixture
    def preview(self, shop: TenantRef, site_id: Any) -> Widget:
        changes: dict[str, Any] = {"look": {"color": "#0B5FFF"}, "texts": {"title": "Not kept"}}
        return Widget(preview_key(shop, site_id, console=CONSOLE, **changes), browser())

    def test_it_shows_what_nobody_has_kept(self, widget: Widget, preview: Widget) -> None:
        assert preview.get("config").json()["look"] == {"color": "#0B5FFF"}
        said = boot(preview.get("frame"))
        assert (said["texts"]["title"], said["preview"]) == ("Not kept", "here")
        assert widget.get("config").json()["texts"]["title"] == "Write to us"

    def test_only_the_console_that_made_it_may_show_it(self, preview: Widget) -> None:
        for what in ("preview", "frame"):
            assert f"frame-ancestors {CONSOLE} {WIDGET}" in preview.get(what).headers["Content-Security-Policy"]
        assert boot(preview.get("frame"))["origins"] == [WIDGET]

    def test_its_page_has_the_real_tag_and_nothing_inline(self, preview: Widget) -> None:
        page = preview.get("preview").content.decode()
        assert f'src="/porchlight.js" data-key="{preview.key}"' in page
        assert set(re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)) == {""}

    def test_nobody_is_let_in(self, preview: Widget) -> None:
        assert preview.session(parent=WIDGET).status_code == 404
        assert preview.get("rooms", Authorization="Bearer x").status_code == 404

    def test_a_site_of_visitors_has_no_such_page(self, widget: Widget) -> None:
        answer = widget.get("preview")
        assert answer.status_code == 404
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]

    def test_it_is_over_after_an_hour(self, preview: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
        assert preview.get("config").status_code == 200
        monkeypatch.setattr(previews, "LIFE", -1)
        for what in ("config", "frame", "preview"):
            assert preview.get(what).status_code == 404

    def test_nobody_else_can_make_one(self, shop: TenantRef, site_id: Any, preview: Widget) -> None:
        said = {"tenant": str(shop.id), "site": str(site_id), "console": "https://evil.example", "away": False}
        forged = previews.MARK + signing.dumps(said, key="another secret", salt=previews.SALT)
        for key in (forged, f"{preview.key}x", previews.MARK, "~~"):
            assert preview_of(key) is None
            assert Widget(key, browser()).get("frame").status_code == 404

    def test_it_shows_hours_and_can_pretend_that_nobody_is_here(self, shop: TenantRef, site_id: Any) -> None:
        closed = ["Etc/UTC", [[]] * 7, []]
        key = preview_key(shop, site_id, console=CONSOLE, is_away=True, hours=closed)
        said = boot(Widget(key, browser()).get("frame"))
        assert (said["preview"], said["hours"]) == ("away", {"open": False, "changes": []})

    def test_a_site_that_is_not_there_has_none(self, shop: TenantRef) -> None:
        other = create_site(shop, name="Other")
        assert preview_of(preview_key(shop, other.site_id, console=CONSOLE)) is not None
        assert preview_of(preview_key(shop, shop.id, console=CONSOLE)) is None
