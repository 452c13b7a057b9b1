"""Pages and API of a tenant's host."""

from django.urls import include, path

from tenants.views import not_found

handler404 = not_found
urlpatterns = [
    path("", include("tenants.urls_tenant")),
    path("", include("chat.urls")),
    path("billing/", include("billing.urls_tenant")),
]
