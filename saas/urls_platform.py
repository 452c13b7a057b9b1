"""Pages of the platform host."""

from django.urls import include, path

from saas.core.staff import staff
from tenants.views import not_found

handler404 = not_found
urlpatterns = [
    path("staff/", staff.urls),
    path("", include("billing.urls_platform")),
    path("", include("tenants.urls_platform")),
]
