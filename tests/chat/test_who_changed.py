"""Who is told that somebody was faster is told who: not whoever did something else to the same thing since."""

from typing import Any

import pytest

from chat.models import Site
from chat.services.identity import make_identity_key, set_strict
from chat.services.logos import set_logo
from chat.services.rooms import RoomChange, change_room
from chat.services.sites import change_site, create_site
from chat.services.words import set_words
from tenants.context import TenantRef
from tenants.models import Role
from tests.support.community import community, team_member
from tests.support.site_pages import Owner, fields, said

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def test_the_settings_of_a_site(tenant: TenantRef, site: Site, owner: Owner) -> None:
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    shown = fields(owner.get())
    change_site(tenant, site.id, by=first, name="Ada's shop")
    make_identity_key(tenant, last, site.id)
    page = owner.post("", **{**shown, "name": "Our shop"})
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)


def test_the_words_of_a_site(tenant: TenantRef, site: Site, owner: Owner) -> None:
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    url = f"{owner.host}/moderation/words/{site.id}/"
    shown = fields(owner.browser.get(url))
    set_words(tenant, first, site.id, ["snail"])
    change_site(tenant, site.id, by=last, name="Ada's shop")
    page = owner.browser.post(url, {**shown, "words": "slug"})
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)


@pytest.mark.parametrize(
    ("path", "typed", "theirs"),
    [
        ("texts/", {"title": "Ours"}, {"texts": {"title": "Theirs"}}),
        ("texts/", {"greeting": "Ours"}, {"texts": {"title": ""}}),
        ("look/", {"color": "#112233"}, {"look": {"color": "#445566"}}),
        ("hours/", {"time_zone": "Europe/Warsaw"}, {"time_zone": "Asia/Tokyo"}),
        ("access/", {"allowed_origins": "https://ours.example"}, {"allowed_origins": ["https://theirs.example"]}),
    ],
)
def test_who_changed_this_tab_of_a_site_is_not_who_changed_another_one_since(
    tenant: TenantRef, site: Site, owner: Owner, path: str, typed: dict[str, str], theirs: dict[str, Any]
) -> None:
    change_site(tenant, site.id, texts={"title": "Once"})
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    shown = fields(owner.get(path))
    change_site(tenant, site.id, by=first, **theirs)
    change_site(tenant, site.id, by=last, name="Ada's shop")
    set_logo(tenant, site.id, PNG, by=last)
    page = owner.post(path, **{**shown, **typed})
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)


def test_strict_mode(tenant: TenantRef, site: Site, owner: Owner) -> None:
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    make_identity_key(tenant, last, site.id)
    seen = owner.get("access/").context["strictness"]["seen"].value()
    set_strict(tenant, first, site.id, strict=True)
    change_site(tenant, site.id, by=last, name="Ada's shop")
    page = owner.post("access/strict/", strict="on", seen=seen)
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)


def test_the_picture(tenant: TenantRef, site: Site, owner: Owner) -> None:
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    seen = owner.get("look/").context["picture"]["seen"].value()
    set_logo(tenant, site.id, PNG, by=first)
    change_site(tenant, site.id, by=last, look={"color": "#112233"})
    page = owner.post("look/logo/remove/", seen=seen)
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)


@pytest.mark.parametrize(
    ("part", "theirs"),
    [("look", {"look": {"icon": "letter"}}), ("texts", {"texts": {"away": "Gone"}}), ("hours", {"hours": [[]] * 7})],
)
def test_settings_that_would_be_taken_over(
    tenant: TenantRef, site: Site, owner: Owner, part: str, theirs: dict[str, Any]
) -> None:
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    source = create_site(tenant, name="Source", allowed_origins=["https://shop.example"]).site_id
    seen = owner.get().context["copying"]["seen"].value()
    change_site(tenant, site.id, by=first, **theirs)
    change_site(tenant, site.id, by=last, name="Ada's shop")
    page = owner.post("copy/", source=str(source), parts=[part], seen=seen)
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile" in said(page)


@pytest.mark.parametrize(
    ("path", "typed", "theirs", "others"),
    [
        ("", {"title": "Ours", "join_rule": "open"}, RoomChange(title="Theirs"), RoomChange(slow_seconds=30)),
        ("moderation/", {"slow_seconds": "10"}, RoomChange(slow_seconds=30), RoomChange(title="Theirs")),
    ],
)
def test_a_room(
    tenant: TenantRef, owner: Owner, path: str, typed: dict[str, str], theirs: RoomChange, others: RoomChange
) -> None:
    room = community(tenant)
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    url = f"{owner.host}/rooms/{room}/{path}"
    seen = owner.browser.get(url).context["form"]["seen"].value()
    change_room(tenant, first, room_id=room, change=theirs)
    change_room(tenant, last, room_id=room, change=others)
    page = owner.browser.post(url, {**typed, "seen": seen})
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)
