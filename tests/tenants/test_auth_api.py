"""Signing in by API on a tenant's host: access tokens, refresh tokens that work once, socket tickets, one shape of errors."""

import time
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client

from saas.core import registry
from tenants import services
from tenants.context import TenantRef
from tenants.models import Membership, Role, SignIn, User
from tenants.resolve import forget
from tenants.tokens import read_socket_token
from tests.support.cast import PASSWORD, MakeTenant, make_user
from tests.support.web import ACME, Browser

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class Api:
    """A program that speaks to one tenant's host."""

    def __init__(self, slug: str) -> None:
        self._client = Client(headers={"host": f"{slug}.localhost:8000"})

    def post(self, path: str, body: Any = None, *, access: str = "") -> Any:
        headers = {"authorization": f"Bearer {access}"} if access else {}
        return self._client.post(
            f"/api/v1/{path}", body if body is not None else {}, content_type="application/json", headers=headers
        )

    def get(self, path: str, *, access: str = "") -> Any:
        return self._client.get(f"/api/v1/{path}", headers={"authorization": f"Bearer {access}"} if access else {})

    def token(self, email: str, password: str = PASSWORD, **more: str) -> Any:
        return self.post("auth/token", {"email": email, "password": password, **more})


@pytest.fixture
def api(acme: TenantRef) -> Api:
    return Api("acme")


@pytest.fixture
def agent(acme: TenantRef) -> User:
    """An agent of acme that only this test knows."""
    user = make_user(f"{uuid4().hex}@acme.example", "Agnes")
    Membership.objects.create(tenant_id=acme.id, user=user, role=Role.AGENT)
    forget(acme.id)
    return user


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What the hook `sessions_ended` was told."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(registry.sessions_ended, "_answers", [lambda **facts: told.append(facts)])
    return told


def error(answer: Any, status: int) -> dict[str, Any]:
    """The error of an answer, in the one shape."""
    assert answer.status_code == status, answer.content
    assert list(answer.json()) == ["error"]
    assert {"code", "message"} <= set(answer.json()["error"]) <= {"code", "message", "field", "retry_after"}
    return dict(answer.json()["error"])


def test_a_password_gets_a_token_that_says_who(api: Api, agent: User, acme: TenantRef) -> None:
    pair = api.token(agent.email.upper()).json()
    assert list(pair) == ["access", "refresh"]
    assert api.get("me", access=pair["access"]).json() == {
        "user": {"id": str(agent.id), "name": "Agnes", "email": agent.email},
        "role": "agent",
        "tenant": {"id": str(acme.id), "slug": "acme", "name": "Acme"},
    }


def test_nobody_learns_which_addresses_are_known(api: Api, agent: User, gus: User) -> None:
    wrong = [
        api.token(agent.email, "wrong-password"),
        api.token(f"{uuid4().hex}@nobody.example"),
        api.token(gus.email),  # the right password of somebody in another tenant
    ]
    said = [error(answer, 401) for answer in wrong]
    assert said[0] == said[1] == said[2]
    assert said[0]["code"] == "unauthenticated"


def test_a_disabled_user_and_a_disabled_member_get_nothing(api: Api, agent: User, acme: TenantRef) -> None:
    User.objects.filter(id=agent.id).update(is_active=False)
    error(api.token(agent.email), 401)
    User.objects.filter(id=agent.id).update(is_active=True)
    services.disable(Membership.objects.get(user=agent))
    forget(acme.id)
    error(api.token(agent.email), 401)


def test_the_second_factor_is_asked_for_after_the_right_password(api: Api, agent: User) -> None:
    TOTP.activate(agent, SECRET)
    assert error(api.token(agent.email, "wrong-password"), 401)["code"] == "unauthenticated"
    assert error(api.token(agent.email), 401)["code"] == "otp_required"
    assert error(api.token(agent.email, otp="000000"), 401)["code"] == "otp_required"
    code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))
    assert api.token(agent.email, otp=code).status_code == 200
    assert error(api.token(agent.email, otp=code), 401)["code"] == "otp_required", "a code works once"
    used = Authenticator.objects.get(user=agent).last_used_at
    assert used is not None, "so that staff see that they have it"


def test_a_recovery_code_works_once(api: Api, agent: User) -> None:
    TOTP.activate(agent, SECRET)
    code = RecoveryCodes.activate(agent).get_unused_codes()[0]
    assert api.token(agent.email, otp=code).status_code == 200
    assert error(api.token(agent.email, otp=code), 401)["code"] == "otp_required"
    assert Authenticator.objects.filter(user=agent).count() == 2


def test_a_refresh_token_works_once(api: Api, agent: User) -> None:
    first = api.token(agent.email).json()
    second = api.post("auth/refresh", {"refresh": first["refresh"]}).json()
    assert second["refresh"] != first["refresh"]
    assert api.get("me", access=second["access"]).status_code == 200


def test_reuse_of_a_refresh_token_ends_the_whole_family(api: Api, agent: User, ended: list[dict[str, object]]) -> None:
    first = api.token(agent.email).json()
    second = api.post("auth/refresh", {"refresh": first["refresh"]}).json()
    error(api.post("auth/refresh", {"refresh": first["refresh"]}), 401)
    error(api.post("auth/refresh", {"refresh": second["refresh"]}), 401)
    error(api.get("me", access=second["access"]), 401)
    assert [fact["user_id"] for fact in ended] == [agent.id]


def test_another_family_of_the_same_person_lives_on(api: Api, agent: User) -> None:
    stolen, mine = api.token(agent.email).json(), api.token(agent.email).json()
    for _ in range(2):
        api.post("auth/refresh", {"refresh": stolen["refresh"]})
    assert api.get("me", access=stolen["access"]).status_code == 401
    assert api.post("auth/refresh", {"refresh": mine["refresh"]}).status_code == 200


def test_a_disabled_member_cannot_refresh(api: Api, agent: User, acme: TenantRef) -> None:
    pair = api.token(agent.email).json()
    Membership.objects.filter(user=agent).update(disabled_at="2026-11-22T00:00:00Z")
    forget(acme.id)
    error(api.post("auth/refresh", {"refresh": pair["refresh"]}), 401)
    assert SignIn.objects.get(user=agent).ended_at is not None


def test_the_role_is_that_of_the_moment(api: Api, agent: User, acme: TenantRef) -> None:
    pair = api.token(agent.email).json()
    Membership.objects.filter(user=agent).update(role=Role.VIEWER)
    forget(acme.id)
    assert api.get("me", access=pair["access"]).json()["role"] == "viewer"
    new = api.post("auth/refresh", {"refresh": pair["refresh"]}).json()["access"]
    assert read_socket_token(new, acme).role == "viewer"


def test_no_token_of_one_tenant_works_at_another(api: Api, make_tenant: MakeTenant) -> None:
    """Not even for somebody who is a member of both."""
    owner = make_user(f"{uuid4().hex}@two.example", "Twofold")
    first, second = make_tenant(owner=owner), make_tenant(owner=owner)
    pair = Api(first.slug).token(owner.email).json()
    other = Api(second.slug)
    error(other.get("me", access=pair["access"]), 401)
    error(other.post("auth/socket-ticket", access=pair["access"]), 401)
    error(other.post("auth/refresh", {"refresh": pair["refresh"]}), 401)
    error(other.post("auth/sign-out", {"refresh": pair["refresh"]}), 401)
    assert Api(first.slug).post("auth/refresh", {"refresh": pair["refresh"]}).status_code == 200


def test_signing_out_ends_the_family(api: Api, agent: User, ended: list[dict[str, object]]) -> None:
    by_access, by_refresh = api.token(agent.email).json(), api.token(agent.email).json()
    assert api.post("auth/sign-out", access=by_access["access"]).status_code == 204
    assert api.post("auth/sign-out", {"refresh": by_refresh["refresh"]}).status_code == 204
    for pair in (by_access, by_refresh):
        error(api.get("me", access=pair["access"]), 401)
        error(api.post("auth/refresh", {"refresh": pair["refresh"]}), 401)
    assert len(ended) == 2


def test_a_socket_ticket_opens_the_socket_of_this_tenant_only(api: Api, agent: User, acme: TenantRef, globex: TenantRef) -> None:
    access = api.token(agent.email).json()["access"]
    issued = api.post("auth/socket-ticket", access=access).json()
    assert (issued["socket"], issued["expires_in"]) == ("ws://acme.localhost:8000/ws/agent/", 900)
    assert read_socket_token(issued["token"], acme).id == agent.id
    error(api.get("me", access=issued["token"]), 401)


def test_a_session_gets_a_ticket_only_with_the_csrf_token(browser: Browser, agent: User, acme: TenantRef) -> None:
    browser.sign_in(f"{ACME}/sign-in/?next=/api/v1/me", agent.email)
    jar = browser.jar("acme.localhost:8000")
    strict = Client(headers={"host": "acme.localhost:8000"}, enforce_csrf_checks=True)
    strict.cookies = jar.cookies
    assert error(strict.post("/api/v1/auth/socket-ticket", content_type="application/json"), 403)["code"] == "forbidden"
    strict.cookies["porchlight_csrf"] = token = "c" * 32
    answer = strict.post("/api/v1/auth/socket-ticket", content_type="application/json", headers={"x-csrftoken": token})
    assert read_socket_token(answer.json()["token"], acme).id == agent.id


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "bad_frame", "email"),
        ({"email": "ada", "password": "x"}, "bad_frame", "email"),
        ({"email": "ada@acme.example"}, "bad_frame", "password"),
        ({"email": ["ada@acme.example"], "password": "x"}, "bad_frame", "email"),
        ({"email": "ada@acme.example", "password": "x" * 300}, "bad_frame", "password"),
        ([], "bad_frame", None),
        ("null", "bad_frame", None),
        ("{", "bad_frame", None),
    ],
)
def test_bad_input_is_refused_in_one_shape(api: Api, body: Any, code: str, field: str | None) -> None:
    said = error(api.post("auth/token", body), 400)
    assert (said["code"], said.get("field")) == (code, field)


def test_other_methods_and_media_are_refused_in_one_shape(api: Api) -> None:
    error(api.get("auth/token"), 405)
    form = Client(headers={"host": "acme.localhost:8000"}).post("/api/v1/auth/token", {"email": "a@b.example"})
    error(form, 415)
    error(api.get("nothing-here"), 404)


def test_one_address_may_not_be_tried_without_end(api: Api, agent: User) -> None:
    answers = [api.token(agent.email, "wrong-password") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    said = error(answers[-1], 429)
    assert said["code"] == "rate_limited"
    assert 0 < said["retry_after"] <= 30
    assert int(answers[-1]["Retry-After"]) >= said["retry_after"]


@pytest.mark.parametrize("path", ["me", "auth/token", "auth/refresh", "auth/socket-ticket", "auth/sign-out"])
def test_the_api_is_on_tenants_hosts_only(path: str) -> None:
    for host in ("localhost:8000", "demo.localhost:8000", "widget.localhost:8000", "nobody.localhost:8000"):
        client = Client(headers={"host": host})
        assert client.post(f"/api/v1/{path}", {}, content_type="application/json").status_code == 404
