"""Every page that a person can reach by links from where they are, each kind of page once; and what axe has to say about it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.async_api import Page

ROOT: Final = Path(__file__).resolve().parents[2]
AXE: Final = ROOT / "widget/client/node_modules/axe-core/axe.min.js"
TENANT, PLATFORM = "saas.urls_tenant", "saas.urls_platform"
# What a link does beside opening a page, and pages that tests of their own look at.
LEFT_OUT: Final = {
    TENANT: {
        "audit_csv",
        "billing_export",
        "billing_days_csv",
        "billing_rows_csv",
        "billing_invoice_pdf",
        "notification",
        "front",
    },
    PLATFORM: {"hand_over", "mfa_download_recovery_codes"},
}
ELSEWHERE: Final = ("/staff/", "/dev/")  # what is for others than customers
LINKS: Final = "() => [...document.querySelectorAll('a[href]:not([download])')].map((link) => link.href)"
VIOLATIONS: Final = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`));
}"""


async def pages(page: Page, start: str, urlconf: str) -> AsyncIterator[tuple[str, str]]:
    """The name of each kind of page on the host of `start`, and its address; the page is open meanwhile."""
    queue, seen = [start], set[str]()
    while queue:
        address = queue.pop(0)
        name = name_of(address, start, urlconf)
        if name is None or name in seen:
            continue
        seen.add(name)
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address} answered {answer.status}"
        queue += [urldefrag(urljoin(address, link))[0] for link in await page.evaluate(LINKS)]
        yield name, urlsplit(address).path


def name_of(address: str, start: str, urlconf: str) -> str | None:
    """The route's name; None for what is elsewhere, or is no page to be looked at."""
    parts = urlsplit(address)
    if parts.netloc != urlsplit(start).netloc or parts.path.startswith(ELSEWHERE):
        return None
    try:
        name = resolve(parts.path, urlconf=urlconf).url_name
    except Resolver404:
        pytest.fail(f"a link leads to {parts.path}, which is no page")
    return None if name in LEFT_OUT[urlconf] else name


async def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now, without what is inside other frames."""
    await page.evaluate(AXE.read_text())
    found: list[str] = await page.evaluate(VIOLATIONS)
    return found


async def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: Any = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return int(wide)


def said(address: str, findings: list[str]) -> Iterator[str]:
    """The findings with where they are."""
    return (f"{address}: {finding}" for finding in findings)
