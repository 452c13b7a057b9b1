"""Signing in to a tenant, by page and by API: on the tenant's host."""

from django.urls import path
from django.views.generic import RedirectView

from tenants import api, views

urlpatterns = [
    path("", RedirectView.as_view(url="/inbox/"), name="front"),
    path("sign-in/", views.start, name="sign_in"),
    path("sign-in/code/", views.finish, name="sign_in_code"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("signed-out/", views.signed_out, name="signed_out"),
    path("api/v1/auth/token", api.TokenView.as_view(), name="api_token"),
    path("api/v1/auth/refresh", api.RefreshView.as_view(), name="api_refresh"),
    path("api/v1/auth/socket-ticket", api.SocketTicketView.as_view(), name="api_socket_ticket"),
    path("api/v1/auth/sign-out", api.SignOutView.as_view(), name="api_sign_out"),
    path("api/v1/me", api.MeView.as_view(), name="api_me"),
]
