"""The stand-in's front page, as a browser gets it."""

import httpx
import pytest

from tests.billing.sandbox.desk import DAY, Desk, end
from tests.support.patience import PATIENCE
from tests.support.stripe import Sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Desk:
    return Desk(sandbox)


def front(sandbox: Sandbox) -> str:
    return httpx.get(f"{sandbox.api_base}/", timeout=PATIENCE).text


def move(sandbox: Sandbox, by: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{sandbox.api_base}/move", data={"by": by}, headers=headers, timeout=PATIENCE)


def test_it_shows_who_is_there_and_what_they_owe(desk: Desk) -> None:
    desk.card()
    desk.subscribe()

    page = front(desk.sandbox)
    assert "No money moves here" in page
    assert "ada@acme.test" in page
    assert "75.00 USD" in page
    assert "customer.subscription.created" in page


def test_an_empty_one_says_what_makes_it_less_so(sandbox: Sandbox) -> None:
    page = front(sandbox)
    assert "No customers yet" in page
    assert page.count(" disabled") == 2


def test_the_clock_moves_by_a_day_and_a_week(sandbox: Sandbox) -> None:
    before = sandbox.now()
    assert move(sandbox, "day").headers["location"] == "/"
    move(sandbox, "week")

    assert 0 <= sandbox.now() - before - 8 * DAY <= PATIENCE


def test_the_clock_moves_to_the_renewal_and_then_to_what_is_due(desk: Desk) -> None:
    desk.card()
    subscription = desk.subscribe()
    move(desk.sandbox, "renewal")
    assert 0 <= desk.sandbox.now() - end(subscription) <= PATIENCE
    assert desk.invoices()[-1].status == "draft"

    move(desk.sandbox, "due")
    assert desk.invoices()[-1].status == "paid"


def test_a_step_that_is_not_there_is_refused(sandbox: Sandbox) -> None:
    answer = move(sandbox, "year")

    assert (answer.status_code, "'year'" in answer.text) == (400, True)


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303)])
def test_the_form_of_another_page_moves_nothing(sandbox: Sandbox, site: str, status: int) -> None:
    before = sandbox.now()

    assert move(sandbox, "day", **{"sec-fetch-site": site}).status_code == status
    assert (sandbox.now() - before > DAY / 2) == (status == 303)


def test_a_name_is_text_whatever_is_in_it(sandbox: Sandbox) -> None:
    sandbox.client().v1.customers.create({"name": "<script>alert(1)</script>"})

    assert "<script>" not in front(sandbox)
    assert "&lt;script&gt;" in front(sandbox)


def test_the_control_wants_the_key(sandbox: Sandbox) -> None:
    assert httpx.post(f"{sandbox.api_base}/_sandbox/reset").status_code == 401
