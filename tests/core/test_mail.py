"""Mail goes out by a job of the transaction that caused it, and the development mailbox shows it."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail as sent
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from saas.core import jobs, mail
from saas.core.metrics import MAIL
from tenants.context import TenantRef, in_tenant
from tests.support.web import PLATFORM, Browser

MINE = f"tests-{os.getpid()}"  # nobody else's worker takes these jobs
MEMORY = "django.core.mail.backends.locmem.EmailBackend"
FOLDER = "django.core.mail.backends.filebased.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
RESULTS = ("sent", "refused", "failed")


@pytest.fixture
def somebody() -> str:
    """An address that no other test writes to."""
    return f"{uuid4().hex}@mail.example"


def deferred(to: str) -> int:
    """How many mails to this address wait."""
    return ProcrastinateJob.objects.filter(task_name=mail.deliver.name, args__to=to, status="todo").count()


def test_a_mail_of_a_transaction_that_fails_is_never_sent(somebody: str) -> None:
    with transaction.atomic():
        mail.send_written(to=somebody, subject="Late", text="Never.")
        transaction.set_rollback(True)
    assert deferred(somebody) == 0
    with transaction.atomic():
        mail.send_written(to=somebody, subject="Now", text="Yes.")
    assert deferred(somebody) == 1


def test_the_worker_hands_over_what_was_written_on_the_platform_and_in_a_tenant(
    somebody: str, acme: TenantRef, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = MEMORY
    monkeypatch.setattr(mail.deliver, "queue", MINE)
    mail.send_written(to=somebody, subject="Grüße", text="Grüße", html="<p>Grüße</p>")
    with in_tenant(acme), transaction.atomic():
        mail.send_written(to=somebody, subject="From acme", text="Hello.")
    asyncio.run(jobs.run_worker(MINE, wait=False))
    arrived = {message.subject: message for message in sent.outbox if somebody in message.to}
    assert set(arrived) == {"Grüße", "From acme"}
    assert arrived["Grüße"].alternatives[0].content == "<p>Grüße</p>"  # type: ignore[attr-defined]
    assert len({message.extra_headers["Message-ID"] for message in arrived.values()}) == 2
    assert deferred(somebody) == 0


def test_the_mailbox_lists_and_shows_what_was_sent(browser: Browser, somebody: str, settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = FOLDER, tmp_path
    link = "https://acme.localhost/x?a=1&b=2"
    for subject, text in (("First", "one"), ("Second <b>", f"Open {link} now.\n-------\nGrüße <script>alert(1)</script>")):
        mail.deliver(to=somebody, subject=subject, text=text, html="<p>no</p>", message_id=f"<{uuid4()}@x>")
    page = browser.get(f"{PLATFORM}/dev/mail/")
    assert {entry.subject for entry in page.context["mails"]} == {"First", "Second <b>"}
    entry = next(entry for entry in page.context["mails"] if entry.subject != "First")
    shown = browser.get(f"{PLATFORM}/dev/mail/{entry.name}/").content.decode()
    assert '<a href="https://acme.localhost/x?a=1&amp;b=2">' in shown
    assert "Grüße &lt;script&gt;" in shown
    assert "<script>alert" not in shown


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "x.log-0", "....log-0", "secrets.json", "x.log", "a.log-9999"])
def test_the_mailbox_reads_nothing_but_mail(browser: Browser, name: str, settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    (tmp_path / "secrets.json").write_text("{}")
    assert browser.get(f"{PLATFORM}/dev/mail/{name}/").status_code == 404


def test_an_empty_mailbox_says_so(browser: Browser, settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_FILE_PATH = tmp_path / "none"
    assert b"No mail yet" in browser.get(f"{PLATFORM}/dev/mail/").content


class MailServer:
    """Takes all mail but that to `nobody@...`, about which it says `answer`. Without an answer it says nothing at all."""

    def __init__(self, answer: str) -> None:
        self.answer, self.listening = answer, socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]

    def serve(self) -> None:
        while True:
            try:
                taken, _ = self.listening.accept()
            except OSError:  # it is over
                return
            with taken, taken.makefile("rwb") as lines:
                if self.answer:
                    self._speak(lines)
                else:
                    lines.readline()

    def _speak(self, lines: Any) -> None:
        def say(words: str) -> None:
            lines.write(f"{words}\r\n".encode())
            lines.flush()

        say("220 mail.example")
        while line := lines.readline().decode():
            word = line.split()[0].upper()
            if word == "DATA":
                say("354 go on")
                while lines.readline() not in (b".\r\n", b""):
                    pass
            say({"QUIT": "221 bye"}.get(word, self.answer if word == "RCPT" and "nobody@" in line else "250 ok"))


@contextmanager
def mail_server(settings: Settings, answer: str) -> Iterator[None]:
    """It is the one of the settings."""
    server = MailServer(answer)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", server.port
    serving = threading.Thread(target=server.serve)
    serving.start()
    try:
        yield
    finally:
        server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()
        serving.join()


def deliver(to: str) -> None:
    mail.deliver(to=to, subject="Hello", text="Hello.", html="", message_id=f"<{uuid4()}@x>")


def counted() -> dict[str, float]:
    return {result: MAIL.labels(result)._value.get() for result in RESULTS}


def grown(before: dict[str, float]) -> dict[str, float]:
    """What was counted since."""
    return {result: count - before[result] for result, count in counted().items() if count != before[result]}


def test_a_mail_server_that_says_nothing_is_not_waited_for(somebody: str, settings: Settings) -> None:
    assert 0 < (settings.EMAIL_TIMEOUT or 0) <= 10  # seconds that a place of the worker is held
    settings.EMAIL_TIMEOUT, before = 0.2, counted()
    with mail_server(settings, ""), pytest.raises(OSError, match="timed out"):
        deliver(somebody)
    assert grown(before) == {"failed": 1}


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.1.1 <nobody@mail.example>: no such user",
        "554 5.1.1 <nobody@mail.example>: no such user",
        "552 5.2.2 <nobody@mail.example>: the mailbox is full",
        "550 nobody@mail.example is unknown",
    ],
)
def test_a_mistyped_address_is_told_apart_and_not_tried_again(
    answer: str, somebody: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mail.deliver, "queue", MINE)
    before, nobody = counted(), f"nobody@{somebody}".replace("@mail.", ".")
    for to in (somebody, nobody):
        mail.send_written(to=to, subject="Hello", text="Hello.")
    with mail_server(settings, answer):
        asyncio.run(jobs.run_worker(MINE, wait=False))
    assert not ProcrastinateJob.objects.filter(args__to__in=[somebody, nobody]).exists()
    assert grown(before) == {"sent": 1, "refused": 1}
    (line,) = [said for said in caplog.messages if "refuses the address" in said]
    assert answer.split(" n")[0].split(" <")[0] in line
    assert "nobody" not in line


@pytest.mark.parametrize(
    "answer",
    [
        "450 4.2.1 later",
        "554 5.7.1 relay access denied",
        "450 5.1.1 later",
        "550 5.7.1 our address is on a list",
        "550 5.1.8 sender address rejected",
        "530 5.5.1 authentication required",
        "554 blocked",
        "503 bad sequence",
    ],
)
def test_what_may_pass_or_is_about_us_is_tried_again(answer: str, settings: Settings) -> None:
    before = counted()
    with mail_server(settings, answer), pytest.raises(SMTPRecipientsRefused):
        deliver("nobody@mail.example")
    assert grown(before) == {"failed": 1}
