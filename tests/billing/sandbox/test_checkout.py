"""Checkout at the stand-in: a session, its page, and what comes of it."""

from typing import Any

import pytest
import stripe

from tests.billing.sandbox.desk import DAY, HOUR, Desk, end

AWAY = "http://127.0.0.2:9/billing/?session={CHECKOUT_SESSION_ID}"
AUTO = {"name": "auto", "address": "auto"}
WORKS = "4242 4242 4242 4242"
LATER = "4000 0000 0000 0341"
ASKS = "4000 0025 0000 3155"
DECLINED = "4000 0000 0000 0002"


def session(desk: Desk, **more: Any) -> stripe.checkout.Session:
    asked: Any = {
        "mode": "subscription",
        "customer": desk.customer,
        "line_items": [{"price": desk.team, "quantity": 5}, {"price": desk.messages}],
        "success_url": AWAY,
        "subscription_data": {"metadata": {"tenant": "acme"}},
    }
    return desk.stripe.v1.checkout.sessions.create(asked | more)


def pay(desk: Desk, made: stripe.checkout.Session, card: str = WORKS, **more: str) -> bytes:
    return desk.page(str(made.url), do="pay", card=card, email="ada@acme.test", **more)


def again(desk: Desk, made: stripe.checkout.Session) -> stripe.checkout.Session:
    return desk.stripe.v1.checkout.sessions.retrieve(made.id)


def test_a_card_that_works_begins_a_paid_subscription(desk: Desk) -> None:
    made = session(desk, client_reference_id="acme", metadata={"plan": "team"})
    assert (made.status, made.payment_status, made.amount_total) == ("open", "unpaid", 7_500)
    page = desk.page(str(made.url)).decode()
    assert "no money moves" in page
    assert "5 × Team (at $15.00 / month)" in page

    pay(desk, made)

    done = again(desk, made)
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    sub = desk.stripe.v1.subscriptions.retrieve(str(done.subscription))
    assert (sub.status, sub.metadata["tenant"], sub.customer) == ("active", "acme", desk.customer)
    assert [item.price.id for item in sub["items"].data] == [desk.team, desk.messages]
    assert desk.invoices()[-1].amount_paid == 7_500
    assert desk.events("checkout.session", "customer.subscription.created") == [
        "customer.subscription.created",
        "checkout.session.completed",
    ]


def test_the_success_address_gets_the_sessions_id(desk: Desk) -> None:
    made = session(desk)
    asked = desk.go(str(made.url), do="pay", card=WORKS, email="ada@acme.test")
    assert asked == AWAY.replace("{CHECKOUT_SESSION_ID}", made.id)


def test_a_declined_card_is_said_on_the_page_and_another_one_works(desk: Desk) -> None:
    made = session(desk)
    assert b"Your card was declined." in pay(desk, made, DECLINED)
    assert (again(desk, made).status, desk.sandbox.state("subscription")) == ("open", [])
    pay(desk, made, WORKS)
    assert again(desk, made).status == "complete"


def test_a_number_that_no_card_has_is_refused(desk: Desk) -> None:
    made = session(desk)
    assert b"Your card number is incorrect." in pay(desk, made, "other", number="4242 4242 4242 4241")
    assert again(desk, made).status == "open"


def test_a_card_that_fails_at_renewal_pays_the_first_time(desk: Desk) -> None:
    made = session(desk)
    pay(desk, made, LATER)
    sub = desk.stripe.v1.subscriptions.retrieve(str(again(desk, made).subscription))
    assert sub.status == "active"
    desk.sandbox.advance_to(end(sub) + HOUR)
    assert desk.fetch(sub).status == "past_due"


def test_a_card_that_asks_its_owner_pays_once_it_is_confirmed(desk: Desk) -> None:
    made = session(desk)
    assert b"Is it you?" in pay(desk, made, ASKS)
    method = desk.sandbox.state("payment_method")[-1]["id"]
    assert b"did not agree" in desk.page(str(made.url), do="refuse", method=method)
    desk.page(str(made.url), do="authenticate", method=method, email="ada@acme.test")
    sub = desk.stripe.v1.subscriptions.retrieve(str(again(desk, made).subscription))
    desk.sandbox.advance_to(end(sub) + HOUR)
    assert desk.fetch(sub).status == "active"


def test_a_trial_needs_no_card_where_none_is_required(desk: Desk) -> None:
    trial = {"trial_period_days": 14, "metadata": {"tenant": "acme"}}
    made = session(desk, subscription_data=trial, payment_method_collection="if_required")
    assert made.amount_total == 0
    assert b"No card is needed today" in desk.page(str(made.url))
    desk.page(str(made.url), do="pay", email="ada@acme.test")
    done = again(desk, made)
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    sub = desk.stripe.v1.subscriptions.retrieve(str(done.subscription))
    assert (sub.status, sub.default_payment_method) == ("trialing", None)


def test_a_trial_with_a_card_is_charged_at_its_end(desk: Desk) -> None:
    made = session(desk, subscription_data={"trial_period_days": 14})
    pay(desk, made)
    desk.sandbox.advance(14 * DAY + HOUR)
    assert desk.invoices()[-1].amount_paid == 7_500


def test_a_promotion_code_lowers_the_price(desk: Desk) -> None:
    coupon = desk.stripe.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    promotion: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"}
    desk.stripe.v1.promotion_codes.create(promotion)
    made = session(desk, allow_promotion_codes=True)
    assert b"The code AUTUMN is invalid." in desk.page(str(made.url), do="promotion", code="AUTUMN")
    assert b"$60.00" in desk.page(str(made.url), do="promotion", code="spring")
    lowered = again(desk, made)
    assert (lowered.amount_subtotal, lowered.amount_total) == (7_500, 6_000)
    pay(desk, made)
    assert desk.invoices()[-1].amount_paid == 6_000


def test_a_coupon_of_the_session_holds_too(desk: Desk) -> None:
    coupon = desk.stripe.v1.coupons.create({"percent_off": 50, "duration": "once"})
    made = session(desk, discounts=[{"coupon": coupon.id}])
    pay(desk, made)
    assert desk.invoices()[-1].amount_paid == 3_750


def test_country_and_vat_number_go_to_the_customer(desk: Desk) -> None:
    made = session(desk, billing_address_collection="required", tax_id_collection={"enabled": True}, customer_update=AUTO)
    pay(desk, made, country="DE", postal_code="20095", tax_id="DE123456789")
    customer = desk.stripe.v1.customers.retrieve(desk.customer, {"expand": ["tax_ids"]})
    assert customer.address is not None
    assert (customer.address.country, customer.address.postal_code) == ("DE", "20095")
    assert customer.tax_ids is not None
    assert [row.value for row in customer.tax_ids.data] == ["DE123456789"]


def test_a_session_expires_after_a_day(desk: Desk) -> None:
    made = session(desk)
    desk.sandbox.advance(DAY)
    assert (again(desk, made).status, again(desk, made).url) == ("expired", None)
    assert desk.events("checkout.session.expired") == ["checkout.session.expired"]
    assert b"This page has expired" in pay(desk, made)


def test_a_session_can_be_expired_and_only_once(desk: Desk) -> None:
    made = session(desk)
    assert desk.stripe.v1.checkout.sessions.expire(made.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="This one has a status of expired"):
        desk.stripe.v1.checkout.sessions.expire(made.id)


def test_paying_twice_makes_one_subscription(desk: Desk) -> None:
    made = session(desk)
    address = str(made.url)
    pay(desk, made)
    assert b"This is paid for" in desk.page(address, do="pay", card=WORKS, email="ada@acme.test")
    assert len(desk.sandbox.state("subscription")) == 1


def test_a_new_customer_is_known_once_it_has_paid(desk: Desk) -> None:
    asked: Any = {"mode": "subscription", "line_items": [{"price": desk.team, "quantity": 1}], "success_url": AWAY}
    made = desk.stripe.v1.checkout.sessions.create(asked)
    assert made.customer is None
    desk.page(str(made.url), do="pay", card=WORKS, email="gus@globex.test")
    assert desk.stripe.v1.customers.retrieve(str(again(desk, made).customer)).email == "gus@globex.test"


def test_a_setup_session_keeps_a_card(desk: Desk) -> None:
    asked: Any = {"mode": "setup", "customer": desk.customer, "currency": "usd", "success_url": AWAY}
    made = desk.stripe.v1.checkout.sessions.create(asked)
    desk.page(str(made.url), do="pay", card=WORKS, email="ada@acme.test")
    intent = desk.stripe.v1.setup_intents.retrieve(str(again(desk, made).setup_intent))
    cards = desk.stripe.v1.customers.payment_methods.list(desk.customer).data
    assert (intent.status, [intent.payment_method]) == ("succeeded", [card.id for card in cards])


def test_the_line_items_are_shown_when_asked_for(desk: Desk) -> None:
    made = session(desk)
    shown = desk.stripe.v1.checkout.sessions.retrieve(made.id, {"expand": ["line_items"]}).line_items
    assert shown is not None
    assert [(line.description, line.amount_total) for line in shown.data] == [("Team", 7_500), ("Messages", 0)]


def test_what_could_never_be_paid_is_refused_at_once(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Quantity should not be specified"):
        session(desk, line_items=[{"price": desk.messages, "quantity": 1}])
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon: 'none'"):
        session(desk, discounts=[{"coupon": "none"}])
    with pytest.raises(stripe.InvalidRequestError, match="success_url"):
        session(desk, success_url="")


def test_tax_needs_leave_to_change_the_customer(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"set `customer_update\[name\]` to `auto`"):
        session(desk, tax_id_collection={"enabled": True})
    with pytest.raises(stripe.InvalidRequestError, match="requires a valid address on the Customer"):
        session(desk, automatic_tax={"enabled": True})
    desk.sandbox.control("POST", "tax", {"percent": "20"})
    made = session(desk, automatic_tax={"enabled": True}, tax_id_collection={"enabled": True}, customer_update=AUTO)
    assert made.amount_total == 9_000


def test_what_the_stand_in_does_not_model_is_not_ignored(desk: Desk) -> None:
    item = {"price": desk.team, "quantity": 1, "adjustable_quantity": {"enabled": True}}
    with pytest.raises(stripe.InvalidRequestError, match=r"does not model line_items\[0\]\[adjustable_quantity\]"):
        session(desk, line_items=[item])


def test_what_people_type_in_is_shown_and_not_run(desk: Desk) -> None:
    made = session(desk)
    page = pay(desk, made, DECLINED, name="<script>alert(1)</script>").decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
