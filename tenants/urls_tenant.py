"""Signing in to a tenant, by page and by API: on the tenant's host."""

from django.urls import path

from tenants import api, views
from tenants.pages import audit, settings
from tenants.pages.people import inviting, listing, member

urlpatterns = [
    path("", views.front, name="front"),
    path("sign-in/", views.start, name="sign_in"),
    path("sign-in/code/", views.finish, name="sign_in_code"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("signed-out/", views.signed_out, name="signed_out"),
    path("people/", listing.listing, name="people"),
    path("people/roles/", listing.roles, name="people_roles"),
    path("people/invite/", inviting.invite, name="people_invite"),
    path("people/invitations/<uuid:invitation_id>/again/", inviting.again, name="invite_again"),
    path("people/invitations/<uuid:invitation_id>/withdraw/", inviting.withdraw, name="invite_withdraw"),
    path("people/<uuid:member_id>/", member.person, name="person"),
    path("people/<uuid:member_id>/disable/", member.disable, name="person_disable"),
    path("people/<uuid:member_id>/enable/", member.enable, name="person_enable"),
    path("people/<uuid:member_id>/remove/", member.remove, name="person_remove"),
    path("people/<uuid:member_id>/sign-out/", member.end_sign_ins, name="person_sign_out"),
    path("audit/", audit.audit, name="audit"),
    path("audit/audit.csv", audit.audit_csv, name="audit_csv"),
    path("settings/", settings.settings, name="settings"),
    path("settings/name/", settings.rename, name="settings_name"),
    path("settings/security/", settings.security, name="settings_security"),
    path("settings/owner/", settings.transfer, name="settings_owner"),
    path("api/v1/auth/token", api.TokenView.as_view(), name="api_token"),
    path("api/v1/auth/refresh", api.RefreshView.as_view(), name="api_refresh"),
    path("api/v1/auth/socket-ticket", api.SocketTicketView.as_view(), name="api_socket_ticket"),
    path("api/v1/auth/sign-out", api.SignOutView.as_view(), name="api_sign_out"),
    path("api/v1/me", api.MeView.as_view(), name="api_me"),
]
