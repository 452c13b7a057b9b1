"""Two admins at one site: a picture, an address allowed with one click, keys, and settings taken over lose nothing in silence."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.models import Site
from chat.selectors.embed_keys import keys_of
from chat.services.embed_keys import rotate_key
from chat.services.first_run import name_page
from chat.services.identity import delete_identity_key, make_identity_key
from chat.services.logos import read_logo, remove_logo, set_logo
from chat.services.sites import allow_origin, change_site
from chat.services.tags import saw_tag
from saas.core.errors import BadFrame, ChangedSince, NotFound
from saas.core.seen import mark_of
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal
from tests.support.order import at_once
from tests.support.site_pages import SHOP, Owner, said
from tests.support.talk import embed_key
from tests.support.web import Page

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
JPEG = b"\xff\xd8\xff" + b"\0" * 40
BLOG = "https://blog.example"


def picture() -> SimpleUploadedFile:
    return SimpleUploadedFile("lamp.png", PNG, "image/png")


class TestPicture:
    def seen(self, owner: Owner) -> str:
        """The mark that the page carries, which both of its forms send."""
        page = owner.get("look/")
        mark = page.context["picture"]["seen"].value()
        assert page.content.decode().count(f'name="seen" value="{mark}"') == (2 if owner.stored().look.get("logo") else 1)
        return str(mark)

    def test_one_alone_is_asked_nothing(self, owner: Owner) -> None:
        assert owner.post("look/logo/", logo=picture(), seen=self.seen(owner)).status_code == 302
        assert owner.post("look/logo/remove/", seen=self.seen(owner)).status_code == 302
        assert "logo" not in owner.stored().look

    @pytest.mark.parametrize("act", ["send", "remove"])
    def test_the_one_of_somebody_faster_stays(self, owner: Owner, tenant: TenantRef, admin: Principal, act: str) -> None:
        set_logo(tenant, owner.site.id, PNG, by=admin)
        seen = self.seen(owner)
        set_logo(tenant, owner.site.id, JPEG, by=admin)
        theirs = owner.stored().look["logo"]
        answer = self.act(owner, act, seen)
        assert answer.status_code == 409
        assert f"{admin.name} changed this meanwhile." in said(answer)
        assert owner.stored().look["logo"] == theirs
        assert read_logo(tenant, theirs)[0] == JPEG
        again = str(answer.context["picture"]["seen"].value())
        assert self.act(owner, act, again).status_code == 302
        assert owner.stored().look.get("logo") != theirs

    def test_one_that_was_taken_away_meanwhile_is_told_too(self, owner: Owner, tenant: TenantRef, admin: Principal) -> None:
        set_logo(tenant, owner.site.id, PNG)
        seen = self.seen(owner)
        remove_logo(tenant, owner.site.id, by=admin)
        assert self.act(owner, "send", seen).status_code == 409
        assert "logo" not in owner.stored().look

    def test_another_setting_of_the_look_is_no_matter(self, owner: Owner, tenant: TenantRef) -> None:
        seen = self.seen(owner)
        change_site(tenant, owner.site.id, look={"color": "#112233"})
        assert self.act(owner, "send", seen).status_code == 302
        assert owner.stored().look["color"] == "#112233"

    def test_what_is_no_picture_keeps_the_mark(self, owner: Owner, tenant: TenantRef) -> None:
        seen = self.seen(owner)
        set_logo(tenant, owner.site.id, PNG)
        answer = owner.post("look/logo/", logo=SimpleUploadedFile("lamp.png", b"<svg/>"), seen=seen)
        assert answer.status_code == 422
        assert answer.context["picture"]["seen"].value() == seen
        assert self.act(owner, "send", seen).status_code == 409

    def test_programs_need_not_ask(self, tenant: TenantRef, site: Site) -> None:
        set_logo(tenant, site.id, PNG)
        set_logo(tenant, site.id, JPEG)
        with pytest.raises(ChangedSince):
            set_logo(tenant, site.id, PNG, seen=mark_of({"logo": ""}))
        with pytest.raises(NotFound):
            set_logo(tenant, UUID(int=0), PNG)

    def test_of_many_at_once_one_is_kept_and_the_files_of_the_others_go(self, tenant: TenantRef, site: Site) -> None:
        kept: list[str] = []

        def put() -> None:
            set_logo(tenant, site.id, PNG)
            with in_tenant(tenant):
                kept.append(Site.objects.get(id=site.id).look["logo"])

        assert at_once([put] * 6) == [None] * 6
        with in_tenant(tenant):
            last = Site.objects.get(id=site.id).look["logo"]
        for name in {*kept} - {last}:
            with pytest.raises(NotFound):
                read_logo(tenant, name)
        assert read_logo(tenant, last)[0] == PNG

    def act(self, owner: Owner, act: str, seen: str) -> Page:
        return (
            owner.post("look/logo/", logo=picture(), seen=seen) if act == "send" else owner.post("look/logo/remove/", seen=seen)
        )


class TestAllow:
    """It adds to what is stored in that moment: there is nothing that it could overwrite."""

    def test_what_was_kept_since_the_page_was_opened_stays(self, owner: Owner, tenant: TenantRef) -> None:
        saw_tag(tenant, owner.site.id, key=embed_key(tenant).key, origin=SHOP, page=SHOP)
        assert f"Allow {SHOP}" in said(owner.get("access/"))
        change_site(tenant, owner.site.id, allowed_origins=[BLOG])
        assert owner.post("access/allow/", origin=SHOP).status_code == 302
        assert owner.stored().allowed_origins == [BLOG, SHOP]

    def test_what_was_taken_away_does_not_come_back(self, owner: Owner, tenant: TenantRef) -> None:
        change_site(tenant, owner.site.id, allowed_origins=[BLOG])
        change_site(tenant, owner.site.id, allowed_origins=[])
        owner.post("access/allow/", origin=SHOP)
        assert owner.stored().allowed_origins == [SHOP]

    @pytest.mark.parametrize("way", ["button", "first steps"])
    def test_of_many_at_once_none_is_lost(self, owner: Owner, tenant: TenantRef, admin: Principal, way: str) -> None:
        addresses = [f"https://shop{number}.example" for number in range(8)]
        acts: dict[str, Callable[[str], Callable[[], None]]] = {
            "button": lambda origin: partial(allow_origin, tenant, owner.site.id, origin),
            "first steps": lambda origin: partial(name_page, tenant, admin, origin),
        }
        assert at_once([acts[way](origin) for origin in addresses]) == [None] * 8
        assert set(owner.stored().allowed_origins) == set(addresses)

    def test_who_has_the_addresses_open_is_told(self, owner: Owner, tenant: TenantRef, admin: Principal) -> None:
        seen = owner.get("access/").context["form"]["seen"].value()
        allow_origin(tenant, owner.site.id, SHOP, by=admin)
        answer = owner.post("access/", allowed_origins=BLOG, seen=seen)
        assert answer.status_code == 409
        assert f"{admin.name} changed this meanwhile." in said(answer)
        assert owner.stored().allowed_origins == [SHOP]

    def test_allowed_twice_is_once(self, owner: Owner, tenant: TenantRef) -> None:
        for _ in range(2):
            owner.post("access/allow/", origin=SHOP)
        assert owner.stored().allowed_origins == [SHOP]

    def test_what_is_no_address_is_said(self, owner: Owner, tenant: TenantRef) -> None:
        answer = owner.browser.follow(owner.post("access/allow/", origin="null"))
        assert "'null' is not an address like https://shop.example." in said(answer)
        with pytest.raises(BadFrame):
            allow_origin(tenant, owner.site.id, "null")
        with pytest.raises(NotFound):
            allow_origin(tenant, UUID(int=0), SHOP)


class TestEmbedKey:
    """One has pasted the new key already; the other still sees the old one and would end "the key of now" at once."""

    def seen(self, owner: Owner) -> str:
        page = owner.get()
        mark = page.context["rotating"]["seen"].value()
        assert f'name="seen" value="{mark}" id="rotate_seen"' in page.content.decode()
        return str(mark)

    def test_one_alone_is_asked_nothing(self, owner: Owner, tenant: TenantRef) -> None:
        assert owner.post("keys/rotate/", grace="now", seen=self.seen(owner)).status_code == 302
        assert [key.is_live for key in keys_of(tenant, owner.site.id)] == [True, False]

    def test_the_new_key_of_somebody_faster_works_on(self, owner: Owner, tenant: TenantRef, admin: Principal) -> None:
        seen, old = self.seen(owner), embed_key(tenant).key
        theirs = rotate_key(tenant, owner.site.id, grace="week", by=admin)
        answer = owner.post("keys/rotate/", grace="now", seen=seen)
        assert answer.status_code == 409
        assert f"{admin.name} changed this meanwhile. The tag has their new key, which stands above." in said(answer)
        assert [(key.key, key.is_live) for key in keys_of(tenant, owner.site.id)] == [(theirs, True), (old, True)]
        shown = answer.context["rotating"]
        assert shown["grace"].value() == "now", "what was chosen is kept"
        assert owner.post("keys/rotate/", grace="now", seen=shown["seen"].value()).status_code == 302
        assert [key.is_live for key in keys_of(tenant, owner.site.id)] == [True, False, False]

    def test_a_form_that_is_sent_twice_makes_one_key(self, owner: Owner, tenant: TenantRef) -> None:
        seen = self.seen(owner)
        answers = [owner.post("keys/rotate/", grace="now", seen=seen).status_code for _ in range(2)]
        assert answers == [302, 409]
        assert len(keys_of(tenant, owner.site.id)) == 2


class TestIdentityKeys:
    """One has changed over to the new key and removes the old one; the other has chosen the other way round."""

    @pytest.fixture
    def keys(self, owner: Owner, tenant: TenantRef, admin: Principal) -> tuple[str, str]:
        old, new = (make_identity_key(tenant, admin, owner.site.id).kid for _ in range(2))
        return old, new

    def seen(self, owner: Owner) -> str:
        page = owner.get("access/")
        mark = page.context["keys_seen"]
        assert page.content.decode().count(f'name="seen" value="{mark}"') == len(owner.stored().identity_keys)
        return str(mark)

    def test_one_alone_is_asked_nothing(self, owner: Owner, keys: tuple[str, str]) -> None:
        old, new = keys
        assert owner.post(f"access/identity-keys/{new}/remove/", seen=self.seen(owner)).status_code == 302
        assert owner.stored().identity_keys == [old]

    def test_the_last_one_does_not_go_in_silence(
        self, owner: Owner, tenant: TenantRef, admin: Principal, keys: tuple[str, str]
    ) -> None:
        (old, new), seen = keys, self.seen(owner)
        delete_identity_key(tenant, admin, owner.site.id, old)
        answer = owner.post(f"access/identity-keys/{new}/remove/", seen=seen)
        assert answer.status_code == 409
        assert f"{admin.name} changed this meanwhile. Nothing was removed." in said(answer)
        assert owner.stored().identity_keys == [new]
        again = answer.context["keys_seen"]
        assert owner.post(f"access/identity-keys/{new}/remove/", seen=again).status_code == 302
        assert owner.stored().identity_keys == []

    def test_one_that_is_gone_is_told_in_the_same_way(
        self, owner: Owner, tenant: TenantRef, admin: Principal, keys: tuple[str, str]
    ) -> None:
        (old, new), seen = keys, self.seen(owner)
        delete_identity_key(tenant, admin, owner.site.id, old)
        assert owner.post(f"access/identity-keys/{old}/remove/", seen=seen).status_code == 409
        assert owner.stored().identity_keys == [new]
