"""Which pages may embed a site: what is taken, and look-alikes that are not."""

import pytest

from chat.origins import clean_patterns, is_pattern, origin_allowed
from saas.core.errors import BadFrame

SHOP = [
    "https://shop.example",
    "https://*.shop.example",
    "http://localhost:3000",
    "https://*.pages.example:8443",
    "http://[::1]:8000",
]

TAKEN = [
    "https://shop.example",
    "https://www.shop.example",
    "https://a.b.shop.example",
    "https://xn--bcher-kva.shop.example",
    "https://under_score.shop.example",
    "http://localhost:3000",
    "https://me.pages.example:8443",
    "http://[::1]:8000",
]

LOOK_ALIKES = [
    None,
    "",
    "null",
    "*",
    "https",
    "https:",
    "https://",
    "shop.example",
    "//shop.example",
    "http://shop.example",
    "http://www.shop.example",
    "HTTPS://shop.example",
    "https://SHOP.example",
    "https://Shop.Example",
    "https://shop.example/",
    "https://shop.example/path",
    "https://shop.example?x",
    "https://shop.example#x",
    "https://shop.example:443",
    "https://shop.example:0443",
    "https://shop.example:8443",
    "https://shop.example:",
    "https://shop.example.",
    "https://shop.example.evil.example",
    "https://shop.example@evil.example",
    "https://user@shop.example",
    "https://user:word@shop.example",
    "https://evil.example/https://shop.example",
    "https://evilshop.example",
    "https://evil-shop.example",
    "https://shop-example",
    "https://shop.example-evil.example",
    "https://shopxexample",
    "https://shop.examples",
    "https://shop.exampl",
    "https://xshop.example",
    "https://.shop.example",
    "https://..shop.example",
    "https://a..shop.example",
    "https://*.shop.example",
    "https://-a.shop.example",
    "https://a-.shop.example",
    "https://a b.shop.example",
    "https://a\n.shop.example",
    "https://shop.example\n",
    " https://shop.example",
    "https://shop.example ",
    "https://shop.example\0",
    "https://shop.example, https://evil.example",
    "https://evil.example, https://shop.example",
    "https://evil.example;https://www.shop.example",
    "https://evil.example\\.shop.example",
    "https://evil.example/.shop.example",
    "https://evil.example?.shop.example",
    "https://evil.example#.shop.example",
    "https://evil.example:80.shop.example",
    "https://evil.example%2f.shop.example",
    "https://evil.example@www.shop.example",
    "https://ѕhop.example",
    "https://shop。example",
    "https://www.ｓhop.example",
    "https://bücher.shop.example",
    "wss://shop.example",
    "ftp://shop.example",
    "file://shop.example",
    "javascript://shop.example",
    "data:text/html,https://shop.example",
    "chrome-extension://shop.example",
    "http://localhost",
    "http://localhost:3001",
    "https://localhost:3000",
    "http://127.0.0.1:3000",
    "http://a.localhost:3000",
    "https://pages.example:8443",
    "https://me.pages.example",
    "https://me.pages.example:18443",
    "http://[::1]",
    "http://[::2]:8000",
    "http://::1:8000",
    f"https://{'a.' * 200}shop.example",
]


@pytest.mark.parametrize("origin", TAKEN)
def test_takes_the_pages_of_the_list(origin: str) -> None:
    assert origin_allowed(origin, SHOP)


@pytest.mark.parametrize("origin", LOOK_ALIKES)
def test_refuses_look_alikes(origin: str | None) -> None:
    assert not origin_allowed(origin, SHOP)


@pytest.mark.parametrize("origin", [*TAKEN, "null", "*", ""])
def test_an_empty_list_takes_nobody(origin: str) -> None:
    assert not origin_allowed(origin, [])


@pytest.mark.parametrize("pattern", ["*", "null", "https://*", "https://*.", "https://*.example", "", "https://shop.example; x"])
def test_a_pattern_that_should_not_be_there_takes_nobody(pattern: str) -> None:
    assert not is_pattern(pattern)
    assert not any(origin_allowed(origin, [pattern]) for origin in TAKEN)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example:443/path?query#part ", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://*.bücher.example/", "https://*.xn--bcher-kva.example"),
        ("https://*.Shop.example:443", "https://*.shop.example"),
        ("http://*.localhost:8000", "http://*.localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_stores_what_was_meant(typed: str, stored: str) -> None:
    assert clean_patterns([typed, typed]) == [stored]


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            " ",
            "shop.example",
            "*",
            "null",
            "https://",
            "https://*",
            "https://*.",
            "https://*.example",
            "https://*.127.0.0.1",
        ),
        *("https://a.*.example", "https://u:p@shop.example", "https://a b.example", "ftp://shop.example", "javascript:alert(1)"),
        *("https://shop.example:99999", "https://shop.example:x", "https://[::1", "https://a;b.example", "https://a,b.example"),
    ],
)
def test_refuses_to_store_what_is_no_address(typed: str) -> None:
    with pytest.raises(BadFrame) as refused:
        clean_patterns(["https://shop.example", typed])
    assert refused.value.field == "allowed_origins"


def test_a_list_has_an_end() -> None:
    with pytest.raises(BadFrame):
        clean_patterns([f"https://shop{n}.example" for n in range(51)])
