"""Mail goes out by a job of the transaction that caused it, and the development mailbox shows it."""

import asyncio
import os
from pathlib import Path
from uuid import uuid4

import pytest
from django.core import mail as sent
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from saas.core import jobs, mail
from tenants.context import TenantRef, in_tenant
from tests.support.web import PLATFORM, Browser

MINE = f"tests-{os.getpid()}"  # nobody else's worker takes these jobs
MEMORY = "django.core.mail.backends.locmem.EmailBackend"
FOLDER = "django.core.mail.backends.filebased.EmailBackend"


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
