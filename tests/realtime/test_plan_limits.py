"""What a plan's hard limit means on a socket: the team's messages are refused, a visitor's never are."""

from uuid import uuid4

import pytest
from django.utils import timezone

from billing.models import Meter, UsageEvent
from saas.core.ids import uuid7
from tenants.context import TenantRef, run_on_platform
from tests.support.cast import MakeTenant
from tests.support.owing import subscribe
from tests.support.shop import Shop, shop_of
from tests.support.sockets import Doors
from tests.support.stored import texts

USED_UP = 1_050  # 5 % beyond the 1,000 of the free plan


@pytest.fixture
def usual_plan() -> str:
    return "free"


@pytest.fixture
def full(make_tenant: MakeTenant) -> Shop:
    """A tenant that has used up the messages of the free plan."""
    shop = shop_of(make_tenant)
    use_up(shop.tenant)
    return shop


@pytest.fixture
def paying(make_tenant: MakeTenant) -> Shop:
    """One that has used as much, and pays for more."""
    shop = shop_of(make_tenant)
    subscribe(shop.tenant)
    use_up(shop.tenant)
    return shop


def use_up(tenant: TenantRef) -> None:
    moment = timezone.now()
    counted = {"quantity": USED_UP, "occurred_at": moment, "recorded_at": moment}
    UsageEvent.objects.create(tenant_id=tenant.id, meter=Meter.MESSAGE, source_id=uuid7(), **counted)


async def test_an_agents_message_is_refused_and_says_which_limit_how_much_and_the_way_out(doors: Doors, full: Shop) -> None:
    visitor = await full.visitor()
    room = await full.room(visitor, "Hello?")
    async with doors.agent(full.tenant, full.owner) as inbox:
        await inbox.join(room)
        cid = uuid4()
        await inbox.say("send", cid=cid, room=room, text="One too many")
        refused = await inbox.expect_error("plan_limit", cid=str(cid))
    assert refused["message"] == (
        "Your message was not sent. The plan Free includes 1,000 messages a month, and 1,051 are used."
        " An owner or admin can choose a larger plan under Billing, Plans."
    )
    assert "retry_after" not in refused
    assert await texts(full.tenant, room) == ["Hello?"]


async def test_the_same_use_on_a_paid_plan_stops_nobody(doors: Doors, paying: Shop) -> None:
    visitor = await paying.visitor()
    room = await paying.room(visitor, "Hello?")
    async with doors.agent(paying.tenant, paying.owner) as inbox:
        await inbox.join(room)
        await inbox.send(room, "Here we are")
    assert await texts(paying.tenant, room) == ["Hello?", "Here we are"]


async def test_what_a_visitor_says_is_taken_and_reaches_the_team(doors: Doors, full: Shop) -> None:
    visitor = await full.visitor()
    async with doors.agent(full.tenant, full.owner) as inbox, doors.visitor(full.tenant, visitor) as widget:
        room = await widget.open("Is anybody there?")
        await inbox.join(room)
        await widget.send(room, "Please")
        await inbox.expect("msg", room=str(room))
    assert await texts(full.tenant, room) == ["Is anybody there?", "Please"]


async def test_what_was_stored_before_gets_the_answer_of_that_time(doors: Doors, make_tenant: MakeTenant) -> None:
    shop = await run_on_platform(shop_of, make_tenant)
    visitor = await shop.visitor()
    room = await shop.room(visitor, "Hello?")
    await run_on_platform(use_to_the_last, shop.tenant)
    cid = uuid4()
    async with doors.agent(shop.tenant, shop.owner) as inbox:
        await inbox.join(room)
        first = await inbox.send(room, "The last one", cid=cid)
        await inbox.say("send", cid=uuid4(), room=room, text="One too many")
        await inbox.expect_error("plan_limit")
        again = await inbox.send(room, "The last one", cid=cid)
        assert again["seq"] == first["seq"]
    assert await texts(shop.tenant, room) == ["Hello?", "The last one"]


async def test_reading_and_changing_go_on(doors: Doors, full: Shop) -> None:
    visitor = await full.visitor()
    room = await full.room(visitor, "Hello?")
    async with doors.agent(full.tenant, full.owner) as inbox:
        joined = await inbox.join(room)
        message = joined["messages"][0]["id"]
        await inbox.say("react", cid=uuid4(), room=room, message=message, emoji="👍", on=True)
        await inbox.expect("ack")
        await inbox.say("history", ref=1, room=room, before=10)
        await inbox.expect("page", ref=1)


def use_to_the_last(tenant: TenantRef) -> None:
    """One message is left: "Hello?" was counted, too."""
    moment = timezone.now()
    counted = {"quantity": USED_UP - 2, "occurred_at": moment, "recorded_at": moment}
    UsageEvent.objects.create(tenant_id=tenant.id, meter=Meter.MESSAGE, source_id=uuid7(), **counted)
