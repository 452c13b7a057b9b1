"""Every address of every host, and who may have an answer from it. A route without a row here fails the tests."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.urls import get_resolver


@dataclass(frozen=True)
class Row:
    """What strangers get from a route."""

    gated: bool  # they are sent to sign in or refused; else they get the public part
    shows: bool = False  # a GET by a member shows what is in the tenant, which proves that the test would see it


OPEN: Final = Row(gated=False)
GATED: Final = Row(gated=True)
SHOWS: Final = Row(gated=True, shows=True)

ROUTES: Final[dict[str, dict[str, Row]]] = {
    "saas.urls_tenant": {
        "": GATED,
        "sign-in/": OPEN,
        "sign-in/code/": OPEN,
        "sign-out/": OPEN,
        "signed-out/": OPEN,
        "api/v1/auth/token": OPEN,
        "api/v1/auth/refresh": OPEN,
        "api/v1/auth/sign-out": OPEN,
        "api/v1/auth/socket-ticket": GATED,
        "api/v1/me": GATED,
        "people/": GATED,
        "people/roles/": GATED,
        "people/invite/": GATED,
        "people/invitations/<uuid:invitation_id>/again/": GATED,
        "people/invitations/<uuid:invitation_id>/withdraw/": GATED,
        "people/<uuid:member_id>/": GATED,
        "people/<uuid:member_id>/disable/": GATED,
        "people/<uuid:member_id>/enable/": GATED,
        "people/<uuid:member_id>/remove/": GATED,
        "people/<uuid:member_id>/sign-out/": GATED,
        "audit/": GATED,
        "audit/audit.csv": GATED,
        "settings/": GATED,
        "settings/name/": GATED,
        "settings/security/": GATED,
        "settings/owner/": GATED,
        "install/": GATED,
        "sites/": GATED,
        "sites/new/": GATED,
        "sites/<uuid:site_id>/": GATED,
        "sites/<uuid:site_id>/keys/rotate/": GATED,
        "sites/<uuid:site_id>/keys/<str:key>/revoke/": GATED,
        "sites/<uuid:site_id>/copy/": GATED,
        "sites/<uuid:site_id>/delete/": GATED,
        "sites/<uuid:site_id>/look/": GATED,
        "sites/<uuid:site_id>/look/logo/": GATED,
        "sites/<uuid:site_id>/look/logo/remove/": GATED,
        "sites/<uuid:site_id>/texts/": GATED,
        "sites/<uuid:site_id>/hours/": GATED,
        "sites/<uuid:site_id>/preview/<str:part>/": GATED,
        "sites/<uuid:site_id>/access/": GATED,
        "sites/<uuid:site_id>/access/try/": GATED,
        "sites/<uuid:site_id>/access/allow/": GATED,
        "sites/<uuid:site_id>/access/strict/": GATED,
        "sites/<uuid:site_id>/access/identity-keys/": GATED,
        "sites/<uuid:site_id>/access/identity-keys/<str:kid>/remove/": GATED,
        "sites/<uuid:site_id>/install/": GATED,
        "sites/<uuid:site_id>/install/seen/": GATED,
        "start/": GATED,
        "start/steps/": GATED,
        "start/address/": GATED,
        "start/snippet/": GATED,
        "start/put-away/": GATED,
        "start/sample/": GATED,
        "start/sample/remove/": GATED,
        "notifications/": GATED,
        "notifications/bell/": GATED,
        "notifications/seen/": GATED,
        "notifications/settings/": GATED,
        "notifications/<uuid:notification_id>/": GATED,
        "billing/": GATED,
        "billing/plans/": GATED,
        "billing/plans/<str:key>/": GATED,
        "billing/plan/coupon/": GATED,
        "billing/plan/<str:key>/": GATED,
        "billing/confirming/": GATED,
        "billing/confirming/state/": GATED,
        "billing/portal/": GATED,
        "billing/seats/": GATED,
        "billing/seats/buy/": GATED,
        "billing/seats/lower/": GATED,
        "billing/usage/": GATED,
        "billing/usage/days.csv": GATED,
        "billing/usage/<str:meter>/": GATED,
        "billing/usage/<str:meter>/rows.csv": GATED,
        "billing/usage/<str:meter>/open/": GATED,
        "billing/usage/<str:meter>/batches/<uuid:batch_id>/": GATED,
        "billing/invoices/": GATED,
        "billing/invoices/<uuid:invoice_id>/": GATED,
        "billing/invoices/<uuid:invoice_id>/pdf/": GATED,
        "billing/invoices/<uuid:invoice_id>/pay/": GATED,
        "billing/settings/": GATED,
        "billing/settings/contacts/<uuid:contact_id>/remove/": GATED,
        "billing/settings/support/end/": GATED,
        "billing/settings/<str:part>/": GATED,
        "billing/export/": GATED,
        "billing/close/": GATED,
        "inbox/": GATED,
        "rooms/": GATED,
        "rooms/new/": GATED,
        "rooms/<uuid:room_id>/": GATED,
        "rooms/<uuid:room_id>/archive/": GATED,
        "rooms/<uuid:room_id>/move/": GATED,
        "rooms/<uuid:room_id>/people/": GATED,
        "rooms/<uuid:room_id>/people/<uuid:person_id>/": GATED,
        "rooms/<uuid:room_id>/people/<uuid:person_id>/lift/": GATED,
        "rooms/<uuid:room_id>/people/<uuid:person_id>/role/": GATED,
        "rooms/<uuid:room_id>/people/<uuid:person_id>/in/": GATED,
        "rooms/<uuid:room_id>/people/<uuid:person_id>/remove/": GATED,
        "rooms/<uuid:room_id>/invitations/": GATED,
        "rooms/<uuid:room_id>/invitations/<uuid:invitation_id>/withdraw/": GATED,
        "rooms/<uuid:room_id>/moderation/": GATED,
        "rooms/<uuid:room_id>/moderation/pins/<uuid:message_id>/": GATED,
        "rooms/<uuid:room_id>/embed/": GATED,
        "rooms/<uuid:room_id>/delete/": GATED,
        "moderation/": GATED,
        "moderation/people/": GATED,
        "moderation/words/": GATED,
        "moderation/words/<uuid:site_id>/": GATED,
        "moderation/<uuid:message_id>/": GATED,
        "inbox/<uuid:room_id>/": GATED,
        "api/v1/notifications": GATED,
        "api/v1/notifications/seen": GATED,
        "api/v1/notifications/settings": GATED,
        "api/v1/visitors/live": GATED,
        "api/v1/team": GATED,
        "api/v1/rooms": SHOWS,
        "api/v1/rooms/<str:room_id>": SHOWS,
        "api/v1/rooms/<str:room_id>/messages": SHOWS,
        "api/v1/rooms/<str:room_id>/resolve": GATED,
        "api/v1/rooms/<str:room_id>/reopen": GATED,
        "api/v1/rooms/<str:room_id>/assign": GATED,
        "api/v1/rooms/<str:room_id>/archive": GATED,
        "api/v1/rooms/<str:room_id>/unarchive": GATED,
        "api/v1/rooms/<str:room_id>/move": GATED,
        "api/v1/rooms/<str:room_id>/members": SHOWS,
        "api/v1/rooms/<str:room_id>/members/<str:person_id>": GATED,
        "api/v1/rooms/<str:room_id>/pins": GATED,
        "api/v1/rooms/<str:room_id>/pins/<str:message_id>": GATED,
        "api/v1/rooms/<str:room_id>/reports": GATED,
        "api/v1/rooms/<str:room_id>/invitations": GATED,
        "api/v1/rooms/<str:room_id>/invitations/<str:invitation_id>": GATED,
        "api/v1/reports": GATED,
        "api/v1/reports/<str:report_id>/settle": GATED,
        "api/v1/sites/<str:site_id>/words": GATED,
        "api/v1/sites/<str:site_id>/identity-keys": GATED,
        "api/v1/sites/<str:site_id>/identity-keys/<str:kid>": GATED,
        "api/v1/sites/<str:site_id>/strict": GATED,
    },
    "saas.urls_widget": {
        "porchlight.js": OPEN,
        "w/<str:key>/config": OPEN,
        "w/<str:key>/frame": OPEN,
        "w/<str:key>/preview": OPEN,
        "w/<str:key>/logo/<str:name>": OPEN,
        "w/<str:key>/session": OPEN,
        "w/<str:key>/rooms": GATED,
        "w/<str:key>/rooms/<str:room_id>": GATED,
        "w/<str:key>/rooms/<str:room_id>/leave": GATED,
        "w/<str:key>/rooms/<str:room_id>/reports": GATED,
        "w/<str:key>/rooms/<str:room_id>/pins": GATED,
        "w/<str:key>/rooms/<str:room_id>/pins/<str:message_id>": GATED,
        "w/<str:key>/rooms/<str:room_id>/members": GATED,
        "w/<str:key>/rooms/<str:room_id>/members/<str:person_id>": GATED,
        "w/<str:key>/invitations/<str:code>": GATED,
    },
    "saas.urls_demo": {
        "": OPEN,
        "globex/": OPEN,
        "strict/": OPEN,
        "members/": OPEN,
        "members/sign-in/": OPEN,
        "members/sign-out/": OPEN,
        "chat-identity": OPEN,
    },
    "saas.urls_platform": {
        "": OPEN,
        "stripe/webhook/": OPEN,  # whoever signs as Stripe does; nobody is told anything
        "stripe/webhook/thin/": OPEN,
        "home/": GATED,
        "hand-over/": GATED,
        "sign-up/": OPEN,
        "sign-in/": OPEN,
        "sign-out/": OPEN,
        "sign-in/switched-off/": OPEN,
        "sign-in/again/": GATED,
        "you/": OPEN,
        "you/email/": GATED,
        "you/email/sent/": OPEN,
        "you/email/confirm/<str:key>/": OPEN,
        "you/password/": GATED,
        "you/password/first/": GATED,
        "you/password/reset/": OPEN,
        "you/password/reset/sent/": OPEN,
        r"^you/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$": OPEN,
        "you/password/reset/done/": OPEN,
        "you/sessions/": GATED,
        "you/sessions/others/end/": GATED,
        "you/sessions/<uuid:sid>/end/": GATED,
        "you/two-factor/needed/": GATED,
        "invitations/<str:code>/": OPEN,  # whoever holds the code of a mail
        "you/two-factor/": GATED,
        "you/two-factor/authenticate/": OPEN,
        "you/two-factor/reauthenticate/": GATED,
        "you/two-factor/totp/activate/": GATED,
        "you/two-factor/totp/deactivate/": GATED,
        "you/two-factor/recovery-codes/": GATED,
        "you/two-factor/recovery-codes/generate/": GATED,
        "you/two-factor/recovery-codes/download/": GATED,
        "you/two-factor/webauthn/": GATED,
        "you/two-factor/webauthn/add/": GATED,
        "you/two-factor/webauthn/reauthenticate/": GATED,
        "you/two-factor/webauthn/keys/<int:pk>/remove/": GATED,
        "you/two-factor/webauthn/keys/<int:pk>/edit/": GATED,
        "you/two-factor/webauthn/login/": OPEN,
        "dev/mail/": OPEN,
        "dev/mail/<str:name>/": OPEN,
    },
}
STAFF: Final = "staff/"  # the staff console's own routes: every one of them is for staff
STAFF_OPEN: Final = {"staff/login/", "staff/logout/", "staff/jsi18n/"}  # Django's own pages, without anybody's data


def patterns(urlconf: str) -> list[str]:
    """Every route of a urlconf, as it is written there."""
    return list(_walk(get_resolver(urlconf)))


def row_of(urlconf: str, pattern: str) -> Row:
    """The route's row. KeyError: a new route; give it a row, and think about who may have an answer from it."""
    if urlconf == "saas.urls_platform" and pattern.startswith(STAFF):
        return OPEN if pattern in STAFF_OPEN else GATED
    return ROUTES[urlconf][pattern]


def filled(pattern: str, **values: object) -> str:
    """The route as an address; a parameter that is not named is 1."""
    plain = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", pattern)  # the admin's regular expressions
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values.get(found[1], 1)), plain)
    return "/" + path.replace("^", "").replace("$", "").replace("\\Z", "")


def _walk(resolver: Any, start: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        pattern = start + str(entry.pattern)
        if hasattr(entry, "url_patterns"):
            yield from _walk(entry, pattern)
        else:
            yield pattern
