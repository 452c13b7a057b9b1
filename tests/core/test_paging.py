"""Long lists, fifty at a time, with the queries of their neighbours."""

import pytest
from django.http import QueryDict

from saas.core.paging import Page, keyed, numbered, with_query


def asked(query: str) -> QueryDict:
    return QueryDict(query)


def test_the_first_page_of_many_leads_on_only() -> None:
    page = numbered(range(120), asked(""))
    assert page.rows == list(range(50))
    assert (page.earlier, page.later) == ("", "?page=2")
    assert (page.first, page.last, page.total) == (1, 50, 120)


def test_a_page_in_the_middle_leads_both_ways_and_keeps_the_filter() -> None:
    page = numbered(range(120), asked("q=a+b&page=2"))
    assert page.rows == list(range(50, 100))
    assert (page.earlier, page.later) == ("?q=a+b&page=1", "?q=a+b&page=3")


def test_the_last_page_leads_back_only() -> None:
    page = numbered(range(120), asked("page=3"))
    assert page.rows == list(range(100, 120))
    assert (page.earlier, page.later, page.last) == ("?page=2", "", 120)


def test_two_lists_on_one_page_turn_by_themselves() -> None:
    query = asked("page=2&invited=2")
    assert numbered(range(120), query, name="invited").rows == list(range(50, 100))
    assert numbered(range(120), query, name="invited").later == "?page=2&invited=3"
    assert numbered(range(120), query).later == "?invited=2&page=3"


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "²", "00", "1e3", "9" * 30])
def test_another_number_is_made_to_fit(number: str) -> None:
    assert numbered(range(120), asked(f"page={number}")).first == 1


def test_a_number_beyond_the_end_is_the_last_page() -> None:
    assert numbered(range(120), asked("page=77")).first == 101


def test_nothing_is_one_empty_page() -> None:
    page: Page[str] = numbered([], asked("page=2"))
    assert (page.rows, page.earlier, page.later, page.first, page.total) == ([], "", "", 0, 0)


def test_a_keyed_page_leads_on_where_one_more_was_fetched() -> None:
    page = keyed(list("abc"), asked("act=room"), key=str, size=2)
    assert (page.rows, page.earlier, page.later) == (["a", "b"], "", "?act=room&after=b")


def test_the_last_keyed_page_leads_to_the_beginning() -> None:
    page = keyed(list("cd"), asked("act=room&after=b"), key=str, size=2)
    assert (page.rows, page.earlier, page.later) == (["c", "d"], "?act=room", "")


def test_what_is_empty_is_left_out_of_a_query() -> None:
    assert with_query(asked("a=&b=1&after=2"), after=None) == "?b=1"
