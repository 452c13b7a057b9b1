"""Sessions at the widget host: refusals, cookies, and who was made."""

from chat.models import Visitor
from chat.services.sites import create_site
from tenants.context import TenantRef, in_tenant
from tests.support.widgets import SHOP, Answer, Widget, browser


def refused(answer: Answer) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal; it must be in the one shape and set no cookie."""
    error = answer.json()["error"]
    assert set(error) <= {"code", "message", "field", "retry_after"}
    assert "Set-Cookie" not in answer.headers
    assert not answer.cookies
    return answer.status_code, error["code"], error.get("field")


def visitors(tenant: TenantRef) -> int:
    with in_tenant(tenant):
        return Visitor.objects.count()


def site_of(tenant: TenantRef) -> Widget:
    """A new site of the tenant on the same shop, in a browser of its own."""
    return Widget(create_site(tenant, name="Shop", allowed_origins=[SHOP]).embed_key, browser())


def keep_cookie(widget: Widget, answer: Answer) -> Answer:
    """What a browser does. (The test client reads only cookies that were set through Django.)"""
    name, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
    widget.client.cookies[name] = value
    return answer
