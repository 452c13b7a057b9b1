"""Somebody of the team at the console of their tenant."""

from typing import Any
from uuid import uuid4

from tenants.context import TenantRef
from tenants.models import Membership, Role
from tenants.resolve import forget
from tests.support.cast import make_user
from tests.support.web import Browser, Page


class Desk:
    """A member at the console of their tenant."""

    def __init__(self, tenant: TenantRef, browser: Browser, email: str) -> None:
        self.at, self.browser = f"http://{tenant.slug}.localhost:8000", browser
        assert browser.sign_in(f"{self.at}/rooms/", email).status_code == 200

    def get(self, path: str) -> Page:
        return self.browser.get(f"{self.at}{path}")

    def post(self, path: str, **said: Any) -> Page:
        return self.browser.post(f"{self.at}{path}", said)

    def words(self, path: str) -> str:
        """The page's words; it must be there."""
        page = self.get(path)
        assert page.status_code == 200, page.status_code
        return str(page.content.decode())

    def keeps(self, path: str, **said: Any) -> Page:
        """Send the form of a page as it is shown, with these values in it."""
        form = self.get(path).context["form"]
        shown = {name: form[name].value() for name in form.fields}
        return self.post(path, **{name: value for name, value in (shown | said).items() if value not in (None, False)})


def desk_of(tenant: TenantRef, browser: Browser, role: Role) -> Desk:
    """A new member with this role."""
    user = make_user(f"{uuid4().hex}@role.example", "Rolf")
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    forget(tenant.id)
    return Desk(tenant, browser, user.email)
