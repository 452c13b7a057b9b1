"""The demo customers' pages: of Porchlight they hold the script tag and nothing else."""

import pytest

from tenants.context import TenantRef
from tests.support.talk import embed_key
from tests.support.web import Browser

DEMO = "http://demo.localhost:8000"
WIDGET = "http://widget.localhost:8000"


# Globex names its colour in the tag, so that the launcher has it before the first open.
@pytest.mark.parametrize(
    ("path", "slug", "look"), [("/", "acme", ""), ("/globex/", "globex", ' data-color="#13795B"'), ("/strict/", "acme", "")]
)
def test_each_page_carries_its_tenant_s_tag_and_runs_nothing_inline(
    browser: Browser, cast: dict[str, TenantRef], path: str, slug: str, look: str
) -> None:
    page = browser.get(DEMO + path).content.decode()
    key = embed_key(cast[slug]).key
    assert page.count("<script") == 1
    assert f'<script async src="{WIDGET}/porchlight.js" data-key="{key}"{look}></script>' in page
    assert " style=" not in page
    assert "<style" not in page


def test_the_strict_page_admits_the_widget_s_host_and_trusted_types_only(browser: Browser, acme: TenantRef) -> None:
    policy = dict(part.strip().split(" ", 1) for part in browser.get(f"{DEMO}/strict/")["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["frame-src"] == policy["connect-src"] == WIDGET
    assert policy["require-trusted-types-for"] == "'script'"
