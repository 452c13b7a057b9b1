"""The demo customers' web pages: shops on a host of their own, so that the widget on them is truly cross-site."""

from django.urls import path

from tenants.views import not_found
from widget import demo

handler404 = not_found
urlpatterns = [
    path("", demo.acme, name="demo_acme"),
    path("globex/", demo.globex, name="demo_globex"),
    path("strict/", demo.strict, name="demo_strict"),
]
