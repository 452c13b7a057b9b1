"""Pages of the platform host."""

from django.contrib import admin
from django.urls import include, path

from tenants.views import not_found

handler404 = not_found
urlpatterns = [
    path("staff/", admin.site.urls),
    path("", include("tenants.urls_platform")),
]
