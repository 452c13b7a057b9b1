"""Notifications: stored once for each who wants them, and what they may say."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.jobs import prune_notifications
from chat.models import Notification
from chat.notifications import CATEGORIES, a_send_notification, change_settings, send_notification, send_to_members, sending
from chat.notifications.reading import KEPT
from saas.core import registry
from saas.core.errors import AppError, BadFrame, Empty, NotFound, RateLimited, TooLong
from saas.core.ratelimit import Limit
from tenants.access import Do
from tenants.context import TenantRef, in_tenant, run_in_tenant, run_on_platform
from tenants.models import Membership
from tenants.plans import plan_of
from tenants.selectors import members_who_may
from tenants.tokens import Principal
from tests.support.cast import MakeTenant
from tests.support.notices import WORDS, crowd, first_site, stored
from tests.support.shop import Shop


class TestStoring:
    def test_one_copy_for_each_recipient_however_often_named(self, shop: Shop) -> None:
        me = shop.owner.id
        assert send_notification(shop.tenant, [me, me], **WORDS) == 1
        assert stored(shop.tenant) == [(me, "Something new")]
        with in_tenant(shop.tenant):
            row = Notification.objects.get()
        assert (row.category, row.kind, row.body, row.url, row.room_id, row.actions, row.seen_at) == (
            "system", "news", "Look.", "/inbox/", None, [], None,
        )  # fmt: skip

    def test_nobody_is_told_of_nothing(self, shop: Shop) -> None:
        assert send_notification(shop.tenant, [], **WORDS) == 0
        assert stored(shop.tenant) == []

    async def test_from_a_coroutine(self, shop: Shop) -> None:
        assert await a_send_notification(shop.tenant, [shop.owner.id], **WORDS) == 1
        assert await run_on_platform(stored, shop.tenant) == [(shop.owner.id, "Something new")]

    async def test_the_same_cause_tells_a_recipient_once(self, shop: Shop) -> None:
        second = await shop.member("agent")
        told = [
            await a_send_notification(shop.tenant, whom, **WORDS, key=key)
            for whom, key in (
                ([shop.owner.id], "one"),
                ([shop.owner.id, second.id], "one"),
                ([shop.owner.id], "two"),
                ([shop.owner.id], None),
                ([shop.owner.id], None),
            )
        ]
        assert told == [1, 1, 1, 1, 1]
        assert [who for who, _ in await run_on_platform(stored, shop.tenant)].count(shop.owner.id) == 4

    async def test_who_does_not_want_a_category_is_passed_over(self, shop: Shop) -> None:
        second, viewer, visitor = await shop.member("agent"), await shop.member("viewer"), await shop.visitor()
        everyone = [shop.owner.id, second.id, viewer.id, visitor.id]
        await run_in_tenant(shop.tenant, change_settings, second.id, {"rooms": False})
        await run_in_tenant(shop.tenant, change_settings, viewer.id, {"rooms": True, "billing": True})
        assert await a_send_notification(shop.tenant, everyone, **WORDS | {"category": "rooms", "title": "rooms"}) == 2
        assert await a_send_notification(shop.tenant, everyone, **WORDS | {"category": "billing", "title": "billing"}) == 2
        assert await a_send_notification(shop.tenant, everyone, **WORDS | {"category": "messages", "title": "messages"}) == 3
        told = await run_on_platform(stored, shop.tenant)
        assert {who for who, title in told if title == "rooms"} == {shop.owner.id, viewer.id}
        assert {who for who, title in told if title == "billing"} == {shop.owner.id, viewer.id}
        assert {who for who, title in told if title == "messages"} == {shop.owner.id, second.id, visitor.id}

    async def test_all_who_may_do_something(self, shop: Shop) -> None:
        second, _viewer = await shop.member("agent"), await shop.member("viewer")
        assert await run_on_platform(lambda: send_to_members(shop.tenant, Do.MODERATE, **WORDS)) == 2
        assert {who for who, _ in await run_on_platform(stored, shop.tenant)} == {shop.owner.id, second.id}

    def test_a_thousand_cost_as_many_round_trips_as_one(self, shop: Shop) -> None:
        site_id = first_site(shop)
        many, counts = crowd(shop.tenant, site_id, 1_000), []
        for whom in (many[:1], many):
            with CaptureQueriesContext(connection) as queries:
                assert send_notification(shop.tenant, whom, **WORDS | {"category": "messages"}) == len(whom)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 3, counts

    def test_nothing_is_told_if_the_transaction_fails(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        pushed: list[Any] = []
        monkeypatch.setattr("chat.notifications.sending.from_thread", pushed.append)
        with in_tenant(shop.tenant), transaction.atomic():
            send_notification(shop.tenant, [shop.owner.id], **WORDS)
            transaction.set_rollback(True)
        assert (stored(shop.tenant), pushed) == ([], [])
        with in_tenant(shop.tenant), transaction.atomic():
            send_notification(shop.tenant, [shop.owner.id], **WORDS)
            assert pushed == [], "not before the commit"
        assert (len(stored(shop.tenant)), len(pushed)) == (1, 1)

    def test_a_tenant_sends_only_so_many_by_its_plan(
        self, shop: Shop, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "NOTIFY_PER_TENANT", Limit("test.notify", times=2, per=600))
        monkeypatch.setattr(registry, "limits_of_plan", registry.Hook("limits_of_plan"))
        larger = make_tenant()
        registry.limits_of_plan.fill(lambda tenant: {"test.notify": 2.0} if tenant == larger else None)
        plan_of(larger)  # known by now, as to every process that serves the tenant
        owner = members_who_may(larger.id, Do.MANAGE_BILLING)
        for tenant, whom, most in ((shop.tenant, [shop.owner.id], 2), (larger, owner, 4)):
            for _ in range(most):
                assert send_notification(tenant, whom, **WORDS) == 1
            with pytest.raises(RateLimited) as refused:
                send_notification(tenant, whom, **WORDS)
            assert 0 < (refused.value.retry_after or 0) <= 301
            assert len(stored(tenant)) == most

    def test_a_lower_app_tells_people_by_the_hook(self, shop: Shop) -> None:
        with transaction.atomic():
            assert registry.notify(tenant=shop.tenant, recipients=[shop.owner.id], **WORDS) == [1]
            assert registry.notify(tenant=shop.tenant, recipients=Do.MANAGE_BILLING, **WORDS | {"title": "Bill"}) == [1]
        assert stored(shop.tenant) == [(shop.owner.id, "Something new"), (shop.owner.id, "Bill")]

    async def test_what_was_seen_long_ago_is_pruned(self, shop: Shop) -> None:
        def age() -> None:
            old, now = timezone.now() - KEPT, timezone.now()
            for title, seen in (("old", old), ("fresh", now), ("unseen", None)):
                send_notification(shop.tenant, [shop.owner.id], **WORDS | {"title": title})
                with in_tenant(shop.tenant):
                    Notification.objects.filter(title=title).update(seen_at=seen, created_at=old)

        await run_on_platform(age)
        await prune_notifications(timestamp=0)
        assert [title for _, title in await run_on_platform(stored, shop.tenant)] == ["fresh", "unseen"]


ACTION = {"label": "Open", "url": "/inbox/"}


@pytest.mark.parametrize(
    ("words", "error", "named"),
    [
        ({"category": "gossip"}, BadFrame, "'gossip'"),
        ({"kind": ""}, BadFrame, "''"),
        ({"kind": "Not Small"}, BadFrame, "'Not Small'"),
        ({"title": "  "}, Empty, "title"),
        ({"title": "x" * 121}, TooLong, "121"),
        ({"title": "bell\x07"}, BadFrame, "U+0007"),
        ({"body": "x" * 301}, TooLong, "301"),
        ({"url": ""}, BadFrame, "''"),
        ({"url": "javascript:alert(1)"}, BadFrame, "javascript:alert(1)"),
        ({"url": "java\tscript:alert(1)"}, BadFrame, "script"),
        ({"url": "//evil.example/"}, BadFrame, "//evil.example/"),
        ({"url": "/\\evil.example/"}, BadFrame, "evil"),
        ({"url": "https://"}, BadFrame, "https://"),
        ({"url": "inbox/"}, BadFrame, "inbox/"),
        ({"url": "/" + "x" * 300}, TooLong, "301"),
        ({"actions": [ACTION] * 4}, BadFrame, "4"),
        ({"actions": [{"label": "Open"}]}, BadFrame, "Open"),
        ({"actions": [{"label": "", "url": "/"}]}, Empty, "label"),
        ({"actions": [{"label": "Run", "url": "data:text/html,x"}]}, BadFrame, "data:text/html,x"),
        ({"key": "x" * 101}, TooLong, "101"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_words_are_refused_by_name(shop: Shop, words: dict[str, Any], error: type[AppError], named: str) -> None:
    with pytest.raises(error, match=re.escape(named)):
        send_notification(shop.tenant, [shop.owner.id], **WORDS | words)
    assert stored(shop.tenant) == []


@pytest.mark.parametrize("url", ["/", "/inbox/?a=b#c", "https://shop.example/x?y=1", "http://localhost:8000/"])
def test_a_path_or_a_web_address_is_fine(shop: Shop, url: str) -> None:
    assert (
        send_notification(shop.tenant, [shop.owner.id], **WORDS | {"url": url, "actions": [{"label": "Go", "url": url}] * 3}) == 1
    )


def test_one_stranger_among_the_recipients_stops_it_all(
    shop: Shop, globex: TenantRef, val: Principal, agent_gus: Principal
) -> None:
    for stranger in (uuid4(), val.id, agent_gus.id):
        with pytest.raises(NotFound, match=str(stranger)):
            send_notification(shop.tenant, [shop.owner.id, stranger], **WORDS)
    assert stored(shop.tenant) == []


async def test_who_is_a_member_no_more_is_a_stranger(shop: Shop) -> None:
    gone = await shop.member("agent")

    def disable() -> None:
        Membership.objects.filter(tenant_id=shop.tenant.id, user_id=gone.id).update(disabled_at=timezone.now())

    await run_on_platform(disable)
    with pytest.raises(NotFound, match=str(gone.id)):
        await a_send_notification(shop.tenant, [gone.id], **WORDS)


def test_every_category_says_who_wants_it() -> None:
    assert all(category.wanted_by and category.label and len(name) <= 20 for name, category in CATEGORIES.items())
