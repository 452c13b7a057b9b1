"""Seats: the price before the purchase, and fewer from the renewal on."""

import pytest

from billing.selectors.plans import seats
from tests.billing.buyer import Buyer
from tests.billing.pages.conftest import House, text_of
from tests.billing.pages.test_plans import hidden
from tests.support.stripe import Sandbox


@pytest.fixture
def buyer(sandbox: Sandbox, house: House) -> Buyer:
    buyer = Buyer(sandbox, house.tenant)
    buyer.buy()
    return buyer


def is_its_own_second(anew: dict[str, str], shown: dict[str, str], buyer: Buyer) -> bool:
    """Whether the one price is the other for as many seconds less of the period as have passed between them, to the cent."""
    began, later = int(shown["proration_date"]), int(anew["proration_date"])
    ends = int(buyer.live.seat_period_end.timestamp())
    return abs(int(anew["amount_now"]) - int(shown["amount_now"]) * (ends - later) / (ends - began)) <= 1


def test_more_are_bought_for_the_price_that_was_shown(buyer: Buyer, house: House) -> None:
    page = text_of(house.get("seats/?seats=7"))
    shown = hidden(page)
    assert "7 seats from now on" in page
    assert house.post("seats/buy/", shown).status_code == 302
    assert seats(house.tenant.id).bought == 7
    assert buyer.invoices()[-1]["amount_due"] == int(shown["amount_now"])
    assert "You have 7 seats now." in text_of(house.get("seats/"))


def test_a_price_that_was_not_shown_buys_nothing_and_the_new_one_stands_there(buyer: Buyer, house: House) -> None:
    shown = hidden(text_of(house.get("seats/?seats=7")))
    answer = house.post("seats/buy/", shown | {"amount_now": "1"})
    assert answer.status_code == 422
    assert "It costs something else by now" in text_of(answer)
    assert is_its_own_second(hidden(text_of(answer)), shown, buyer)
    assert seats(house.tenant.id).bought == 5


def test_a_price_of_the_last_second_of_the_period_is_not_taken(buyer: Buyer, house: House) -> None:
    shown = hidden(text_of(house.get("seats/?seats=500")))
    last = int(buyer.live.seat_period_end.timestamp()) - 1
    answer = house.post("seats/buy/", shown | {"proration_date": str(last), "amount_now": "0"})
    assert answer.status_code == 422
    assert "Look at it anew" in text_of(answer)
    assert is_its_own_second(hidden(text_of(answer)), shown, buyer)
    assert seats(house.tenant.id).bought == 5


def test_a_price_of_no_second_at_all_buys_nothing(buyer: Buyer, house: House) -> None:
    shown = hidden(text_of(house.get("seats/?seats=7")))
    for second in (f"1{400 * '0'}", "-1", "soon"):
        assert house.post("seats/buy/", shown | {"proration_date": second}).status_code == 302
    assert seats(house.tenant.id).bought == 5


def test_fewer_come_with_the_renewal_and_can_be_taken_back(buyer: Buyer, house: House) -> None:
    assert "Nothing is charged or paid back now" in text_of(house.get("seats/?seats=3"))
    assert house.post("seats/lower/", {"seats": "3"}).status_code == 302
    found = seats(house.tenant.id)
    assert (found.bought, found.next) == (5, 3)
    assert house.post("seats/lower/", {"seats": "5"}).status_code == 302
    assert seats(house.tenant.id).next == 5


def test_fewer_than_are_held_says_who_holds_them(buyer: Buyer, house: House) -> None:
    answer = house.post("seats/lower/", {"seats": "2"})
    assert answer.status_code == 422
    assert "held, by Admin, Agent, Olga" in text_of(answer)
    assert 'value="2"' in text_of(answer)
    assert seats(house.tenant.id).next == 5


@pytest.mark.parametrize("typed", ["0", "-1", "many", "10001", "1.5"])
def test_what_is_no_number_of_seats_is_said_beside_the_field(buyer: Buyer, house: House, typed: str) -> None:
    page = house.get(f"seats/?seats={typed}")
    assert page.status_code == 422
    assert 'id="id_seats_error"' in text_of(page)


def test_on_the_free_plan_it_shows_who_holds_one(house: House) -> None:
    page = text_of(house.get("seats/"))
    for name in ("Olga", "Admin", "Agent", "Viewer"):
        assert name in page
    assert "Show what it costs" not in page
