"""The staff console: a site of Django's admin that shows what our apps put on it and nothing else, at /staff/."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Signing in is that of the platform, with its second factor; there is no second sign-in page."""

    site_title = site_header = "Porchlight staff"
    index_title = "Today"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.login = secure_admin_login(super().login)
        self._pages: list[URLPattern] = []

    def add_page(self, route: str, view: Callable[..., HttpResponse], name: str) -> None:
        """Put a page of our own beside the admin's, for staff alone, as `admin:<name>`. Called while apps start."""
        self._pages.append(path(route, self.admin_view(view), name=name))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Our pages first: the admin's last pattern takes everything."""
        found: list[URLPattern | URLResolver] = [*self._pages, *super().get_urls()]
        return found


class LookOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Staff may look, not touch."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


staff = StaffSite(name="admin")  # the name by which the admin's templates find its pages
