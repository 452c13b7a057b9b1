"""Sign-up, sign-in and what belongs to a person: on the platform host. The names are those by which allauth finds its views."""

from allauth.account import views as account
from django.conf import settings
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from tenants import mailbox, views
from tenants.pages import invitations, security

urlpatterns = [
    path("", views.landing, name="landing"),
    path("home/", views.home, name="home"),
    path("hand-over/", views.hand_over, name="hand_over"),
    path("sign-up/", views.sign_up, name="account_signup"),
    path("sign-in/", account.login, name="account_login"),
    path("sign-out/", account.logout, name="account_logout"),
    path("sign-in/switched-off/", account.account_inactive, name="account_inactive"),
    path("sign-in/again/", account.reauthenticate, name="account_reauthenticate"),
    path("you/", RedirectView.as_view(pattern_name="account_email"), name="you"),
    path("you/email/", views.email, name="account_email"),
    path("you/email/sent/", account.email_verification_sent, name="account_email_verification_sent"),
    path("you/email/confirm/<str:key>/", views.email, name="account_confirm_email"),
    path("you/password/", views.password, name="account_change_password"),
    path("you/password/first/", account.password_set, name="account_set_password"),
    path("you/password/reset/", account.password_reset, name="account_reset_password"),
    path("you/password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    re_path(  # the key holds hyphens too
        r"^you/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("you/password/reset/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("you/sessions/", security.sessions, name="sessions"),
    path("you/sessions/others/end/", security.end_other_sessions, name="end_other_sessions"),
    path("you/sessions/<uuid:sid>/end/", security.end_session, name="end_session"),
    path("you/two-factor/needed/", security.needed, name="two_factor_needed"),
    path("invitations/<str:code>/", invitations.invitation, name="invitation"),
    path("you/two-factor/totp/activate/", security.set_up_app, name="mfa_activate_totp"),
    path("you/two-factor/recovery-codes/", security.recovery_codes, name="mfa_view_recovery_codes"),
    path("you/two-factor/recovery-codes/generate/", security.make_recovery_codes, name="mfa_generate_recovery_codes"),
    path("you/two-factor/recovery-codes/download/", security.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("you/two-factor/", include("allauth.mfa.urls")),
]
if settings.DEMO:
    urlpatterns += [
        path("dev/mail/", mailbox.index, name="mailbox"),
        path("dev/mail/<str:name>/", mailbox.show, name="mail"),
    ]
