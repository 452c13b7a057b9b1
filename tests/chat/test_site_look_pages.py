"""A site's look, texts and hours: what their pages keep, what they say beside a field that is wrong, and the preview."""

import re
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from chat.models import Site
from chat.services.sites import change_site
from tenants.context import TenantRef
from tenants.models import AuditEntry
from tests.support.site_pages import Owner, fields, said
from tests.support.web import Browser, Page

LOOK = {"color": "#0B5FFF", "position": "left", "icon": "letter", "label": "Ask us", "theme": "dark", "launcher": ""}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def describes(page: Page, name: str) -> list[str]:
    """The ids of what describes the group of these choices; each is in the page."""
    content = page.content.decode()
    group = re.search(rf'<fieldset class="field"([^>]*)>(?:(?!</fieldset>).)*name="{name}"', content, re.DOTALL)
    assert group
    found = re.search(r'aria-describedby="([^"]*)"', group[1])
    ids = found[1].split() if found else []
    assert all(f'id="{one}"' in content for one in ids)
    return ids


class TestLook:
    def test_it_is_kept(self, owner: Owner) -> None:
        assert owner.keep("look/", **LOOK).status_code == 302
        assert owner.stored().look == {name: value for name, value in LOOK.items() if value}

    def test_back_to_what_is_usual(self, owner: Owner) -> None:
        owner.keep("look/", **LOOK)
        assert owner.keep("look/", position="", icon="lantern", label="", theme="").status_code == 302
        assert owner.stored().look == {"color": "#0B5FFF"}

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("color", "blue", "'blue' is not possible here: a colour is written like #B45309."),
            ("label", "x" * 25, "it has 24 characters at most, on one line."),
            ("theme", "sepia", "Select a valid choice."),
        ],
    )
    def test_what_is_wrong(self, owner: Owner, name: str, value: str, words: str) -> None:
        answer = owner.keep("look/", **{**LOOK, name: value})
        assert answer.status_code == 422
        assert words in said(answer)
        assert answer.context["form"][name].value() == value
        assert answer.context["form"].errors.keys() == {name}
        assert owner.stored().look == {}

    def test_two_at_once_see_each_others(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        opened = fields(owner.get("look/"))
        change_site(tenant, site.id, look={"label": "Theirs"})
        answer = owner.post("look/", **{**opened, "label": "Mine"})
        assert answer.status_code == 409
        assert answer.context["form"]["label"].stored == "Theirs"
        assert owner.stored().look == {"label": "Theirs"}

    def test_who_hears_a_group_hears_what_is_wrong_with_it_and_what_is_stored(
        self, owner: Owner, tenant: TenantRef, site: Site
    ) -> None:
        opened = fields(owner.get("look/"))
        assert describes(owner.get("look/"), "theme") == []
        assert describes(owner.keep("look/", theme="sepia"), "theme") == ["id_theme_error"]
        change_site(tenant, site.id, look={"theme": "dark"})
        assert describes(owner.post("look/", **{**opened, "theme": "light"}), "theme") == ["id_theme_stored"]
        assert describes(owner.get(), "grace") == ["rotate_grace_helptext"]
        assert describes(owner.post("keys/rotate/", grace="never"), "grace") == ["rotate_grace_error"]

    def test_a_picture_is_kept_and_taken_away(self, owner: Owner) -> None:
        picture = SimpleUploadedFile("lamp.png", PNG, "image/png")
        assert owner.post("look/logo/", logo=picture).status_code == 302
        assert owner.stored().look["logo"].endswith(".png")
        assert owner.keep("look/", color="#112233").status_code == 302
        assert "logo" in owner.stored().look  # the other form leaves it alone
        assert owner.post("look/logo/remove/").status_code == 302
        assert "logo" not in owner.stored().look

    def test_what_is_no_picture(self, owner: Owner) -> None:
        answer = owner.post("look/logo/", logo=SimpleUploadedFile("lamp.png", b"<svg/>", "image/png"))
        assert answer.status_code == 422
        assert "This is no picture that browsers show" in said(answer)


class TestPreview:
    def test_it_follows_what_stands_in_the_form(self, owner: Owner) -> None:
        answer = owner.post("preview/look/", **LOOK)
        address = re.search(r'src="(http://widget\.localhost:8000/w/~[^"]+/preview)"', answer.content.decode())
        assert address
        page = Browser().get(address[1].replace("/preview", "/config"))
        assert page.json()["look"]["color"] == "#0B5FFF"
        assert owner.stored().look == {}

    def test_a_colour_that_is_hard_to_see_is_said(self, owner: Owner) -> None:
        assert "hard to see" in said(owner.post("preview/look/", **{**LOOK, "color": "#FFFF66"}))
        assert "hard to see" not in said(owner.post("preview/look/", **LOOK))

    @pytest.mark.parametrize(
        ("part", "data"),
        [
            ("look", {**LOOK, "color": "#0B5F"}),
            ("texts", {"title": "x" * 301}),
            ("hours", {"time_zone": "Mars"}),
            ("hours", {"time_zone": "Etc/UTC", "holidays": "soon"}),
        ],
    )
    def test_what_cannot_be_kept_leaves_it_as_it_is(self, owner: Owner, part: str, data: dict[str, str]) -> None:
        assert owner.post(f"preview/{part}/", **data).status_code == 204

    def test_there_is_no_other(self, owner: Owner) -> None:
        assert owner.post("preview/names/").status_code == 404


class TestTexts:
    def test_what_is_above_is_called_by_its_own_word(self, owner: Owner) -> None:
        assert "Above the messages." in said(owner.get("texts/"))

    def test_they_are_kept_and_taken_back(self, owner: Owner) -> None:
        assert owner.keep("texts/", title="Ask", greeting="Hello.\nYou", away="").status_code == 302
        assert owner.stored().texts == {"title": "Ask", "greeting": "Hello. You"}
        assert owner.keep("texts/", title="").status_code == 302
        assert owner.stored().texts == {"greeting": "Hello. You"}

    def test_one_that_is_too_long(self, owner: Owner) -> None:
        answer = owner.keep("texts/", greeting="x" * 301)
        assert answer.status_code == 422
        assert "This has 301 characters; 300 is the most." in answer.context["form"].errors["greeting"]


class TestHours:
    def test_they_are_kept(self, owner: Owner) -> None:
        times = {"day0_0": "09:00", "day0_1": "12:00", "day0_2": "13:00", "day0_3": "17:00", "day6_0": "18:00", "day6_1": "00:00"}
        days = "2026-12-25 Christmas\n2026-12-24 09:00-13:00"
        assert owner.keep("hours/", time_zone="Europe/Warsaw", holidays=days, **times).status_code == 302
        stored = owner.stored()
        assert stored.hours[0] == [["09:00", "12:00"], ["13:00", "17:00"]]
        assert stored.hours[6] == [["18:00", "24:00"]]
        assert [one["date"] for one in stored.holidays] == ["2026-12-24", "2026-12-25"]
        shown = fields(owner.get("hours/"))
        assert {name: shown[name] for name in times} == times

    @pytest.mark.parametrize(
        ("data", "field", "words"),
        [
            ({"time_zone": "Warsaw"}, "time_zone", "'Warsaw' is no time zone."),
            ({"time_zone": "Etc/UTC", "day2_0": "17:00", "day2_1": "09:00"}, "day2_0", "It closes at 09:00"),
            ({"time_zone": "Etc/UTC", "day2_2": "09:00"}, "day2_0", "is no time of day"),
            ({"time_zone": "Etc/UTC", "holidays": "Christmas"}, "holidays", "'Christmas' is no date."),
        ],
    )
    def test_what_is_wrong(self, owner: Owner, data: dict[str, str], field: str, words: str) -> None:
        answer = owner.keep("hours/", **data)
        assert answer.status_code == 422
        assert words in answer.context["form"].errors[field][0]
        assert all(answer.context["form"][name].value() == value for name, value in data.items())
        assert owner.stored().time_zone == ""

    def test_all_that_is_wrong_is_said_at_once(self, owner: Owner) -> None:
        wrong = {"time_zone": "Warsaw", "day1_0": "17:00", "day1_1": "09:00", "day4_1": "12:00", "holidays": "soon"}
        answer = owner.keep("hours/", **wrong)
        assert answer.context["form"].errors.keys() == {"time_zone", "day1_0", "day4_0", "holidays"}

    def test_how_it_stands_there_now(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        change_site(tenant, site.id, time_zone="Etc/UTC", hours=[[]] * 7)
        assert "the site is closed" in said(owner.get("hours/"))

    def test_it_is_told_by_the_clock_of_the_zone(self, owner: Owner, tenant: TenantRef, site: Site) -> None:
        daily = [[["00:00", "12:00"], ["12:30", "24:00"]]] * 7
        for zone in ("Etc/GMT-5", "Etc/GMT+5"):
            change_site(tenant, site.id, time_zone=zone, hours=daily)
            before, words, after = timezone.now(), said(owner.get("hours/")), timezone.now()
            there = [f"It is {moment.astimezone(ZoneInfo(zone)):%A, %H}:" for moment in (before, after)]
            assert any(beginning in words for beginning in there)
            assert re.search(r"until \w+ \d+ \w+, 12:[03]0", words)


def test_each_change_is_written_down_setting_by_setting(owner: Owner, tenant: TenantRef) -> None:
    owner.keep("look/", **LOOK)
    entry = AuditEntry.objects.filter(tenant_id=tenant.id, act="site.changed").latest("id")
    assert entry.by_name == "Olga"
    assert entry.after["look.color"] == "#0B5FFF"
    assert "look.launcher" not in entry.after
