"""What allauth asks of us: mail goes out by a job, signing out reaches the tenants, the client's address is ours to find, and the
secrets of second factors are kept encrypted."""

import logging
from base64 import urlsafe_b64encode
from typing import Any, ClassVar, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.urls import reverse

from saas.core import mail
from saas.core.errors import Unauthenticated
from saas.core.http import client_ip
from tenants.models import User
from tenants.selectors import has_second_factor
from tenants.services import end_sign_ins_of, end_sign_ins_through
from tenants.token_keys import Unreadable, current_secret, derive, secret_of

log = logging.getLogger(__name__)

METHODS: Final = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}  # by which somebody proves once more who they are, in our words


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Named in settings; allauth makes one per request."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "Email and password do not fit together. Look at both and try again.",
        "incorrect_password": "That is not your password.",
        "incorrect_code": "That code does not fit. Wait for the next one and type it again.",
        "rate_limited": "That was tried too often. Wait a few minutes and try again.",
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        written: EmailMultiAlternatives = self.render_mail(template_prefix, email, context)
        html = [part.content for part in getattr(written, "alternatives", []) if part.mimetype == "text/html"]
        mail.send_written(to=email, subject=str(written.subject), text=str(written.body), html=str(html[0]) if html else "")

    def format_email_subject(self, subject: str) -> str:
        return subject

    def add_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Not while signing up: the next page is on another host, and the message would wait here until it is stale."""
        if request.path != reverse("account_signup"):
            super().add_message(request, *args, **kwargs)

    def logout(self, request: HttpRequest) -> None:
        sid = request.session.get("sid")
        super().logout(request)
        if sid:
            end_sign_ins_through(sid)

    def set_password(self, user: User, password: str) -> None:
        """Everything that was signed in with the old one ends, but for the browser in which it is changed."""
        super().set_password(user, password)
        end_sign_ins_of(user, but=self.request.session.get("sid") if self.request.user == user else None)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Whoever has a second factor is asked for it: with the password alone nobody looks at their recovery codes, and nobody
        whom a tenant signed out (`must_prove`) comes back. For a passkey first, unless they have an app."""
        methods = [way | {"description": METHODS[way["id"]]} for way in super().get_reauthentication_methods(user)]
        if not has_second_factor(user.id):
            return methods
        has_app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
        strong = [method for method in methods if method["id"] != "reauthenticate"]
        return strong if has_app else strong[::-1]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has a second factor is asked for it before they change their password or addresses, too."""
        asked: bool = super().is_reauthentication_required(app=app, **kwargs)
        return asked or has_second_factor(self.request.user.id)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Named in settings. What a second factor is made from is encrypted under a key of the installation's secret."""

    error_messages: ClassVar[dict[str, Any]] = DefaultMFAAdapter.error_messages | {
        "add_email_blocked": "No address can be added while two-factor is on. Switch it off, add the address, switch it on.",
        "cannot_generate_recovery_codes": "Recovery codes come with an authenticator app or a passkey. Set up one of them first.",
        "incorrect_code": "That code does not fit. Look at the app for the one that it shows now.",
        "unverified_email": "An address of yours waits to be verified. Send the link again under Email, or remove it there.",
    }

    def encrypt(self, text: str) -> str:
        kid, secret = current_secret()
        return f"{kid}:{_box(secret).encrypt(text.encode()).decode()}"

    def decrypt(self, encrypted_text: str) -> str:
        """Raises Unreadable for what was encrypted under a secret that is neither the current one nor one of its fallbacks."""
        kid, colon, kept = encrypted_text.partition(":")
        if not colon:
            return encrypted_text  # before, it was kept as it is
        try:
            return _box(secret_of(kid)).decrypt(kept.encode()).decode()
        except (Unauthenticated, InvalidToken):
            log.error("A second factor cannot be read: no SECRET_KEY or fallback of the id %s, or its row was changed", kid)
            raise Unreadable from None

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:
        """What a new passkey is called until somebody names it."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"


def _box(secret: str) -> Fernet:
    return Fernet(urlsafe_b64encode(derive(secret, "second-factor")))
