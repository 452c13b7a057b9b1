"""The demo customers' web pages: shops on a host of their own, so that the widget on them is truly cross-site."""

from django.urls import path

from tenants.views import not_found
from widget import demo, demo_members

handler404 = not_found
urlpatterns = [
    path("", demo.acme, name="demo_acme"),
    path("globex/", demo.globex, name="demo_globex"),
    path("strict/", demo.strict, name="demo_strict"),
    path("members/", demo_members.members, name="demo_members"),
    path("members/sign-in/", demo_members.sign_in, name="demo_sign_in"),
    path("members/sign-out/", demo_members.sign_out, name="demo_sign_out"),
    path("chat-identity", demo_members.chat_identity, name="demo_chat_identity"),
]
