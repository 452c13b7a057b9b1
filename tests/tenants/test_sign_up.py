"""A new user with a new tenant, from one form."""

from functools import partial
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError
from procrastinate.contrib.django.models import ProcrastinateJob

from tenants import forms, services
from tenants.models import Membership, Role, Tenant, User
from tenants.slugs import RESERVED
from tests.support.order import at_once
from tests.support.web import PLATFORM, Browser

SIGN_UP = f"{PLATFORM}/sign-up/"


def form(**changes: str) -> dict[str, str]:
    """What somebody fills in: right, but for the changes."""
    slug = f"n{uuid4().hex[:12]}"
    said = {
        "name": "Nell",
        "email": f"nell@{slug}.example",
        "password": "a-lamp-in-the-rain",
        "tenant_name": "Nell & Co",
        "slug": slug,
    }
    return said | changes


def errors(browser: Browser, **changes: str) -> dict[str, list[str]]:
    """What is said beside the fields; nothing may have been stored."""
    said = form(**changes)
    answer = browser.post(SIGN_UP, said)
    assert answer.status_code == 422
    assert not Tenant.objects.filter(name=said["tenant_name"], slug=said["slug"].replace("\0", "")).exists()
    assert not User.objects.filter(name=said["name"], email=said["email"]).exists()
    return dict(answer.context["form"].errors)


def test_signing_up_ends_on_the_host_of_the_new_tenant(browser: Browser) -> None:
    said = form()
    page = browser.follow(browser.post(SIGN_UP, said))
    assert browser.url == f"http://{said['slug']}.localhost:8000/start/"
    assert b"1 of 5 done" in page.content
    me = browser.get(f"http://{said['slug']}.localhost:8000/api/v1/me").json()
    assert (me["user"]["email"], me["role"], me["tenant"]["name"]) == (said["email"], "owner", "Nell & Co")


def test_the_welcome_mail_is_deferred(browser: Browser) -> None:
    said = form()
    browser.post(SIGN_UP, said)
    jobs = ProcrastinateJob.objects.filter(task_name="saas.core.mail.deliver", args__to=said["email"])
    subjects = {job.args["subject"]: job.args for job in jobs}
    assert set(subjects) == {"Nell & Co has a light on", "Verify your email address"}
    assert f"http://{said['slug']}.localhost:8000/inbox/" in subjects["Nell & Co has a light on"]["text"]
    assert "Nell &amp; Co" in subjects["Nell & Co has a light on"]["html"]


def test_whoever_is_signed_in_makes_one_more_tenant(browser: Browser) -> None:
    first = form()
    browser.post(SIGN_UP, first)
    second = f"m{uuid4().hex[:12]}"
    browser.follow(browser.post(SIGN_UP, {"tenant_name": "Second", "slug": second}))
    assert browser.url == f"http://{second}.localhost:8000/start/"
    owned = Membership.objects.filter(user__email=first["email"], role=Role.OWNER).values_list("tenant__slug", flat=True)
    assert set(owned) == {first["slug"], second}


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("www", "reserved"),
        ("porchlight", "reserved"),
        ("ab", "3 to 40"),
        ("a" * 41, "3 to 40"),
        ("Acme-Shop", "lower-case"),
        ("under_score", "lower-case"),
        ("-edge", "begin and end"),
        ("edge-", "begin and end"),
        ("a.b.c", "lower-case"),
        ("schön", "lower-case"),
        ("xn--80ak6aa92e", "third place"),
        ("nul\0nul", "not allowed"),
        ("a'; drop schema public; --", "lower-case"),
        ("", "required"),
    ],
)
def test_a_slug_that_is_no_address_is_refused_beside_its_field(browser: Browser, slug: str, why: str) -> None:
    said = errors(browser, slug=slug)
    assert list(said) == ["slug"]
    assert why in " ".join(said["slug"]).lower()


def test_a_slug_that_is_taken_is_refused_beside_its_field(browser: Browser, acme: object) -> None:
    assert errors(browser, slug="acme") == {"slug": ["acme is taken; choose another address."]}


def test_a_known_email_and_a_weak_password_are_refused_beside_their_fields(browser: Browser, acme: object) -> None:
    said = errors(browser, email="ADA@acme.example", password="password12")
    assert list(said) == ["email", "password"]


def test_what_was_typed_is_kept(browser: Browser) -> None:
    said = form(slug="www", name='Nell "<b>" O\'Hara')
    page = browser.post(SIGN_UP, said).content.decode()
    assert 'value="Nell &quot;&lt;b&gt;&quot; O&#x27;Hara"' in page
    assert f'value="{said["email"]}"' in page
    assert 'aria-invalid="true"' in page


def test_every_name_of_the_platform_is_reserved() -> None:
    ours = {"www", "widget", "demo", "staff", "api", "admin", "app", "mail", "static", "cdn", "status", "help"}
    assert not ours - RESERVED
    assert not {"support", "billing", "platform", "localhost"} - RESERVED


def test_one_network_may_not_sign_up_without_end(browser: Browser) -> None:
    answers = [browser.post(SIGN_UP, form(slug="www")).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_a_sign_up_that_fails_half_way_leaves_nothing(superuser: psycopg.Connection[tuple[object, ...]], acme: object) -> None:
    """The slug is taken between the check and the insert: the user, made before the tenant, must go too."""
    with pytest.raises(IntegrityError):
        services.sign_up(name="Nell", email="late@nell.example", password="a-lamp-in-the-rain", tenant_name="N", slug="acme")
    assert not User.objects.filter(email="late@nell.example").exists()
    assert not ProcrastinateJob.objects.filter(args__to="late@nell.example").exists()


def free_at_first(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The form's own look at it finds nothing, once: it is taken right after."""
    looks, look = iter([False]), getattr(forms, name)
    monkeypatch.setattr(forms, name, lambda value: next(looks, None) is not False and look(value))


def test_a_slug_taken_in_the_last_moment_is_said_beside_its_field(
    browser: Browser, acme: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_at_first(monkeypatch, "slug_is_taken")
    assert errors(browser, slug="acme") == {"slug": ["acme is taken; choose another address."]}


def test_an_email_taken_in_the_last_moment_is_said_beside_its_field(
    browser: Browser, acme: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_at_first(monkeypatch, "email_is_known")
    said = errors(browser, email="ada@acme.example")
    assert said == {"email": ["Somebody signs in with ada@acme.example already. If it is you, sign in first."]}


def test_what_the_database_refuses_for_another_reason_is_in_the_log(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**said: str) -> None:
        raise IntegrityError("a rule of another table")

    monkeypatch.setattr(services, "sign_up", refuse)
    assert errors(browser) == {"__all__": ["Somebody else signed up at this moment. Send this form again."]}
    assert "a rule of another table" in caplog.text


def test_of_two_who_sign_up_with_one_email_at_once_one_does(database: None) -> None:
    email = f"{uuid4().hex}@nell.example"
    pages = at_once([partial(Browser().post, SIGN_UP, form(email=email)) for _ in range(2)])
    assert sorted(page.status_code for page in pages) == [302, 422]
    assert [list(page.context["form"].errors) for page in pages if page.status_code == 422] == [["email"]]
    assert User.objects.filter(email=email).count() == 1
