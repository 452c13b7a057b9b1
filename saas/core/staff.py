"""The staff console: a site of Django's admin that shows what our apps put on it and nothing else, at /staff/."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Signing in is that of the platform, with its second factor; there is no second sign-in page."""

    site_title = site_header = "Porchlight staff"
    index_title = "Today"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.login = secure_admin_login(super().login)


class LookOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Staff may look, not touch."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


staff = StaffSite(name="admin")  # the name by which the admin's templates find its pages
