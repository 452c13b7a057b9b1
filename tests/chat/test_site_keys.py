"""Embed keys: a new one, an old one that works on for a while and then no more, and when each was last used."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from chat.selectors.embed_keys import key_shown, keys_of
from chat.services import embed_keys
from chat.services.embed_keys import revoke_key, rotate_key
from chat.services.sites import change_site, create_site
from chat.services.tags import saw_tag
from saas.core.errors import BadFrame, ChangedSince, Conflict, NotFound
from saas.core.seen import mark_of
from tenants import resolve
from tenants.context import TenantRef
from tenants.models import AuditEntry, EmbedKey, User
from tests.support.cast import MakeTenant
from tests.support.order import at_once_behind
from tests.support.talk import embed_key
from tests.support.widgets import SHOP, Widget, browser


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def old(tenant: TenantRef) -> EmbedKey:
    """The tenant's first key, whose site one shop may show."""
    key = embed_key(tenant)
    change_site(tenant, key.site_id, allowed_origins=[SHOP])
    return key


def status(key: str) -> int:
    """Of the config that a page with this key asks for."""
    return Widget(key, browser()).get("config").status_code


@pytest.mark.parametrize(("grace", "works"), [("now", False), ("day", True), ("week", True)])
def test_the_new_key_works_at_once_and_the_old_one_as_long_as_was_said(
    tenant: TenantRef, old: EmbedKey, grace: str, works: bool
) -> None:
    assert status(old.key) == 200
    new = rotate_key(tenant, old.site_id, grace=grace)
    assert status(new) == 200
    assert status(old.key) == (200 if works else 404)


def test_an_old_key_ends_by_itself_also_where_it_is_known(
    tenant: TenantRef, old: EmbedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate_key(tenant, old.site_id, grace="day")
    assert status(old.key) == 200  # from now on this process knows it
    later = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert resolve.site_key(old.key) is None


def test_the_tag_has_the_newest_key(tenant: TenantRef, old: EmbedKey) -> None:
    new = rotate_key(tenant, old.site_id, grace="week")
    assert [(key.key, key.is_current, key.is_live) for key in keys_of(tenant, old.site_id)] == [
        (new, True, True),
        (old.key, False, True),
    ]


def test_a_second_rotation_does_not_lengthen_the_life_of_the_first_key(tenant: TenantRef, old: EmbedKey) -> None:
    second = rotate_key(tenant, old.site_id, grace="day")
    ends = EmbedKey.objects.get(key=old.key).revoked_at
    rotate_key(tenant, old.site_id, grace="week")
    assert EmbedKey.objects.get(key=old.key).revoked_at == ends
    rotate_key(tenant, old.site_id, grace="now")
    assert [status(key) for key in (old.key, second)] == [404, 404]


def test_of_two_who_change_it_at_once_the_second_changes_the_key_of_the_first(tenant: TenantRef, old: EmbedKey) -> None:
    the_key = EmbedKey.objects.select_for_update().filter(key=old.key)
    made = at_once_behind(the_key.get, [partial(rotate_key, tenant, old.site_id, grace="week")] * 2)
    current, *others = keys_of(tenant, old.site_id)
    assert {current.key, *(key.key for key in others)} == {old.key, *made}
    assert [key.key for key in (current, *others) if key.is_current] == [current.key]


def test_who_has_seen_the_key_of_now_changes_it_and_who_has_seen_another_one_does_not(tenant: TenantRef, old: EmbedKey) -> None:
    seen = mark_of(key_shown(keys_of(tenant, old.site_id)))
    new = rotate_key(tenant, old.site_id, grace="week", seen=seen)
    with pytest.raises(ChangedSince):
        rotate_key(tenant, old.site_id, grace="now", seen=seen)
    assert [status(key) for key in (old.key, new)] == [200, 200]
    assert len(keys_of(tenant, old.site_id)) == 2


def test_of_two_at_once_who_have_seen_the_same_key_one_is_told(tenant: TenantRef, old: EmbedKey) -> None:
    seen = mark_of(key_shown(keys_of(tenant, old.site_id)))
    the_key = EmbedKey.objects.select_for_update().filter(key=old.key)
    made = at_once_behind(the_key.get, [partial(rotate_key, tenant, old.site_id, grace="now", seen=seen)] * 2)
    assert [type(one) for one in made if isinstance(one, Exception)] == [ChangedSince]
    assert len(keys_of(tenant, old.site_id)) == 2


def test_an_old_key_is_ended_before_its_time(tenant: TenantRef, old: EmbedKey) -> None:
    rotate_key(tenant, old.site_id, grace="week")
    revoke_key(tenant, old.site_id, old.key)
    assert status(old.key) == 404
    with pytest.raises(NotFound):
        revoke_key(tenant, old.site_id, old.key)


def test_the_key_of_the_tag_is_not_ended(tenant: TenantRef, old: EmbedKey) -> None:
    with pytest.raises(Conflict):
        revoke_key(tenant, old.site_id, old.key)
    assert status(old.key) == 200


def test_a_key_of_another_site_or_tenant_is_not_there(tenant: TenantRef, old: EmbedKey, make_tenant: MakeTenant) -> None:
    other = create_site(tenant, name="Other")
    stranger = embed_key(make_tenant())
    for site_id, key in ((other.site_id, old.key), (old.site_id, other.embed_key), (old.site_id, stranger.key)):
        with pytest.raises(NotFound):
            revoke_key(tenant, site_id, key)
    with pytest.raises(NotFound):
        rotate_key(tenant, stranger.site_id, grace="now")
    assert [status(key) for key in (old.key, other.embed_key, stranger.key)] == [200, 200, 200]


def test_a_grace_that_is_none(tenant: TenantRef, old: EmbedKey) -> None:
    with pytest.raises(BadFrame, match="'month' is not possible here") as refused:
        rotate_key(tenant, old.site_id, grace="month")
    assert refused.value.field == "grace"
    assert len(keys_of(tenant, old.site_id)) == 1


def test_each_key_says_when_and_where_it_was_last_used(tenant: TenantRef, old: EmbedKey) -> None:
    saw_tag(tenant, old.site_id, key=old.key, origin=SHOP, page=f"{SHOP}/cart")
    new = rotate_key(tenant, old.site_id, grace="week")
    newest, first = keys_of(tenant, old.site_id)
    assert (newest.key, newest.used_at, newest.used_on) == (new, None, "")
    assert first.used_on == f"{SHOP}/cart"
    assert first.used_at is not None


def test_who_did_it_is_written_down(tenant: TenantRef, old: EmbedKey) -> None:
    olga = User.objects.get(email=f"owner@{tenant.slug}.example")
    new = rotate_key(tenant, old.site_id, grace="week", by=olga)
    revoke_key(tenant, old.site_id, old.key, by=olga)
    acts = list(AuditEntry.objects.filter(tenant_id=tenant.id, thing_id=str(old.site_id)).order_by("id"))[-2:]
    assert [(act.act, act.by_name) for act in acts] == [("key.rotated", "Olga"), ("key.revoked", "Olga")]
    assert (acts[0].before["key"], acts[0].after["key"]) == (old.key, new)


def test_sockets_that_came_with_it_are_let_go(tenant: TenantRef, old: EmbedKey, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[tuple[UUID, str]] = []
    monkeypatch.setattr(embed_keys, "end_key", lambda *, tenant_id, key: ended.append((tenant_id, key)))
    second = rotate_key(tenant, old.site_id, grace="week")
    assert ended == []
    rotate_key(tenant, old.site_id, grace="now")
    assert sorted(key for _, key in ended) == sorted([old.key, second])


def test_a_token_of_before_does_not_outlive_the_key(tenant: TenantRef, old: EmbedKey) -> None:
    widget = Widget(old.key, browser())
    token = widget.session().json()["token"]

    def rooms(key: str) -> Any:
        return Widget(key, browser()).get("rooms", Authorization=f"Bearer {token}").status_code

    assert rooms(old.key) == 200
    new = rotate_key(tenant, old.site_id, grace="now")
    assert rooms(old.key) == 404
    assert rooms(new) == 200
