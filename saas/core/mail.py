"""Outgoing mail. A message is written now and sent by a job that is deferred in the transaction of its cause."""

import logging
import re
from collections.abc import Mapping
from email.utils import make_msgid
from smtplib import SMTPRecipientsRefused
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from saas.core.jobs import defer, task
from saas.core.metrics import MAIL

log = logging.getLogger(__name__)

REASON: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")  # of RFC 3463, before the server's words, which repeat the address
OF_ADDRESS: Final = ("5.1.", "5.2.")  # of those: no such address, or a mailbox that takes nothing
OF_SENDER: Final = ("5.1.7", "5.1.8")  # but these: an address of ours that it does not like
CODES_OF_ADDRESS: Final = (550, 551, 553)  # the same of RFC 5321, from a server that says no reason


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

    An address that the mail server refuses for good is not tried again: somebody mistyped it, and all other mail goes its way.
    What else it refuses may be a fault of ours, and is tried again.

    `tenant` is the id of the tenant in which it was written, if it was in one.
    """
    mail = EmailMultiAlternatives(subject, text, to=[to], headers={"Message-ID": message_id})
    if html:
        mail.attach_alternative(html, "text/html")
    try:
        mail.send()
    except OSError as error:
        answers = _final_answers(error)
        MAIL.labels("refused" if answers else "failed").inc()
        if not answers:
            raise
        log.warning("The mail server refuses the address of a mail (%s), which is not sent", answers)
        return
    MAIL.labels("sent").inc()


def _final_answers(error: OSError) -> str:
    """The codes of the mail server, if it refuses each address for good and for the address' own sake; else nothing."""
    refused = error.recipients.values() if isinstance(error, SMTPRecipientsRefused) else ()
    answers = [(code, reason[0].decode() if (reason := REASON.match(said)) else "") for code, said in refused]
    are_final = all(_is_of_address(code, reason) for code, reason in answers)
    return ", ".join(f"{code} {reason}".strip() for code, reason in answers) if are_final else ""


def _is_of_address(code: int, reason: str) -> bool:
    if not reason:
        return code in CODES_OF_ADDRESS
    return code >= 500 and reason.startswith(OF_ADDRESS) and reason not in OF_SENDER
