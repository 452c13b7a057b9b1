"""The development mailbox: what would have been sent, read from the folder that the file backend writes to. Only with DEMO."""

import email
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

NEWEST = 100  # mails listed
NAME = re.compile(r"[\w.-]+\.log-\d{1,3}")  # a file of the backend and the mail's place in it
RULE = re.compile(rb"^-{79}\n", re.MULTILINE)  # what the backend writes after each mail
LINK = re.compile(r"(https?://[^\s<>\"]+)")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the mailbox shows it. `parts` alternates between text and links."""

    name: str
    subject: str
    sender: str
    to: str
    at: datetime
    parts: list[str]


def index(request: HttpRequest) -> HttpResponse:
    """All mails, newest first."""
    return render(request, "tenants/mailbox.html", {"mails": _newest()})


def show(request: HttpRequest, name: str) -> HttpResponse:
    """One mail; its links can be clicked."""
    if not NAME.fullmatch(name):
        raise Http404
    file, _, place = name.rpartition("-")
    mails = _read(Path(settings.EMAIL_FILE_PATH) / file)
    if int(place) >= len(mails):
        raise Http404
    return render(request, "tenants/mail.html", {"mail": mails[int(place)]})


def _newest() -> list[Mail]:
    folder = Path(settings.EMAIL_FILE_PATH)
    files = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)[:NEWEST]
    mails = [mail for file in files for mail in _read(file)]
    return sorted(mails, key=lambda mail: mail.at, reverse=True)[:NEWEST]


def _read(file: Path) -> list[Mail]:
    if not file.is_file():
        return []
    raw = [part for part in RULE.split(file.read_bytes()) if part.strip()]
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return [_mail(f"{file.name}-{place}", part, written) for place, part in enumerate(raw)]


def _mail(name: str, raw: bytes, written: datetime) -> Mail:
    message = email.message_from_bytes(raw, policy=default)
    body = message.get_body(("plain",))
    date = message["date"].datetime if message["date"] else None
    return Mail(
        name=name,
        subject=str(message["subject"]),
        sender=str(message["from"]),
        to=str(message["to"]),
        at=date or written,
        parts=LINK.split(body.get_content() if body else ""),
    )
