"""What allauth asks of us: mail goes out by a job, signing out reaches the tenants, the client's address is ours to find."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.urls import reverse

from saas.core import mail
from saas.core.http import client_ip
from tenants.models import User
from tenants.services import end_sign_ins_of, end_sign_ins_through


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
        super().set_password(user, password)
        end_sign_ins_of(user)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)
