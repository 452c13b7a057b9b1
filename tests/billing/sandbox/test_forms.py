"""Stripe's bracket form, decoded."""

from typing import Any

import pytest
from stripe._encode import _api_encode

from billing.sandbox.errors import Refusal
from billing.sandbox.forms import decode


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", {}),
        ("name=acme", {"name": "acme"}),
        ("name=", {"name": ""}),
        ("name=a%20b%26c", {"name": "a b&c"}),
        ("metadata[tenant]=acme", {"metadata": {"tenant": "acme"}}),
        ("items[0][price]=p&items[1][price]=q", {"items": {"0": {"price": "p"}, "1": {"price": "q"}}}),
        ("expand[]=a&expand[]=b", {"expand": {"0": "a", "1": "b"}}),
        ("a[b][c][0]=x", {"a": {"b": {"c": {"0": "x"}}}}),
    ],
)
def test_a_form_is_nested_data(text: str, meaning: dict[str, Any]) -> None:
    assert decode(text) == meaning


@pytest.mark.parametrize("text", ["a=1&a=2", "a=1&a[b]=2", "a[b]=2&a=1", "a[b=1", "[a]=1", "a[b]c=1"])
def test_a_name_that_means_two_things_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="Invalid parameter"):
        decode(text)


def test_what_the_sdk_writes_is_read_back() -> None:
    params = {"customer": "cus_1", "items": [{"price": "p", "quantity": 5}, {"price": "q"}], "expand": ["a"], "paused": False}
    text = "&".join(f"{name}={value}" for name, value in _api_encode(params))

    assert decode(text) == {
        "customer": "cus_1",
        "items": {"0": {"price": "p", "quantity": "5"}, "1": {"price": "q"}},
        "expand": {"0": "a"},
        "paused": "false",
    }
