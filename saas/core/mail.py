"""Outgoing mail. A message is written now and sent by a job that is deferred in the transaction of its cause."""

from collections.abc import Mapping
from email.utils import make_msgid
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from saas.core.jobs import defer, task
from saas.core.metrics import MAIL


def send(template: str, *, to: str, context: Mapping[str, Any], using: str = "default") -> None:
    """Write the mail of `templates/mail/<template>.txt` and `.html`, and send it after commit. The first line is the subject.

    `using` is the database alias whose transaction it belongs to.
    """
    written = render_to_string(f"mail/{template}.txt", dict(context))
    subject, _, text = written.strip().partition("\n")
    html = render_to_string(f"mail/{template}.html", {**context, "subject": subject})
    send_written(to=to, subject=subject, text=text.strip() + "\n", html=html, using=using)


def send_written(*, to: str, subject: str, text: str, html: str = "", using: str = "default") -> None:
    """Send a mail that is written already, after commit."""
    message_id = make_msgid(domain=settings.BASE_HOST.partition(":")[0])
    defer(deliver, using=using, to=to, subject=subject, text=text, html=html, message_id=message_id)


@task(retries=8)
def deliver(*, to: str, subject: str, text: str, html: str, message_id: str, tenant: str = "") -> None:
    """Hand one mail to the mail server. Run twice it is sent twice, under one Message-ID: mail programs show it once.

    `tenant` is the id of the tenant in which it was written, if it was in one.
    """
    mail = EmailMultiAlternatives(subject, text, to=[to], headers={"Message-ID": message_id})
    if html:
        mail.attach_alternative(html, "text/html")
    try:
        mail.send()
    except OSError:
        MAIL.labels("failed").inc()
        raise
    MAIL.labels("sent").inc()
