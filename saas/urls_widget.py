"""Pages of the widget host."""

from django.urls import include, path

from tenants.views import not_found

handler404 = not_found
urlpatterns = [path("", include("widget.urls"))]
