"""Tokens say who is asking, to one tenant, for a while; everything else is refused."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from pytest_django import Settings

from saas.core.errors import TokenExpired, Unauthenticated
from tenants import token_keys, tokens
from tenants.context import TenantRef
from tenants.tokens import (
    AgentAccess,
    AgentRefresh,
    agent_claims,
    is_of_another_tenant,
    issue_socket_ticket,
    issue_visitor,
    read_access,
    read_socket_token,
)

SITE, PERSON = uuid4(), uuid4()
PARENT = "https://shop.example"


def visitor_token(tenant: TenantRef) -> str:
    return issue_visitor(tenant, visitor_id=PERSON, name="Vic", site_id=SITE, parent=PARENT, sid="s1").token


def ticket(tenant: TenantRef) -> str:
    return issue_socket_ticket(tenant, user_id=PERSON, name="Ada", role="owner", sid="s2").token


def access_token(tenant: TenantRef) -> str:
    token = AgentAccess()
    token.payload.update(agent_claims(tenant, name="Ada", role="owner", sid="s3"), sub=str(PERSON))
    return str(token)


EVERY = [visitor_token, ticket, access_token]
Make = Callable[[TenantRef], str]


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_visitor_token_says_who_and_where(acme: TenantRef) -> None:
    who = read_socket_token(visitor_token(acme), acme)
    assert (who.kind, who.id, who.name, who.role, who.site_id, who.parent, who.sid) == (
        "visitor", PERSON, "Vic", None, SITE, PARENT, "s1",
    )  # fmt: skip
    assert who.tenant_id == acme.id
    assert 0 < who.expires - time.time() <= 15 * 60


def test_a_ticket_and_an_access_token_say_which_agent(acme: TenantRef) -> None:
    for token, sid in ((ticket(acme), "s2"), (access_token(acme), "s3")):
        who = read_socket_token(token, acme)
        assert (who.kind, who.id, who.name, who.role, who.site_id, who.sid) == ("agent", PERSON, "Ada", "owner", None, sid)


@pytest.mark.parametrize("make", [visitor_token, ticket])
def test_our_own_proof_and_the_librarys_agree(make: Make, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    token, whole = make(acme), jwt.decode
    asked: list[str] = []

    def decode(text: str, *args: Any, **more: Any) -> Any:
        asked.append(text)
        return whole(text, *args, **more)

    monkeypatch.setattr(jwt, "decode", decode)
    plainly = read_socket_token(token, acme)
    assert not asked
    monkeypatch.setattr(tokens, "OUR_HEAD", "another")
    assert read_socket_token(token, acme) == plainly
    assert asked == [token]


@pytest.mark.parametrize("make", [visitor_token, ticket])
def test_a_token_with_one_other_letter_is_refused(make: Make, acme: TenantRef) -> None:
    token = make(acme)
    for at in range(0, len(token) - 1, 7):  # the last letter of a signature holds two bits that say nothing
        with pytest.raises(Unauthenticated):
            read_socket_token(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :], acme)


@pytest.mark.parametrize("make", EVERY)
def test_no_token_is_good_for_another_tenant(make: Make, acme: TenantRef, globex: TenantRef) -> None:
    with pytest.raises(Unauthenticated):
        read_socket_token(make(globex), acme)


@pytest.mark.parametrize("make", [visitor_token, ticket])
def test_the_key_of_one_tenant_signs_nothing_for_another(make: Make, acme: TenantRef, globex: TenantRef) -> None:
    """Even if whoever holds globex's key writes acme's id into the token."""
    claims = claims_of(make(globex)) | {"tid": str(acme.id)}
    key = token_keys.derive(token_keys.current_secret()[1], f"{claims['typ']}:{globex.id}")
    with pytest.raises(Unauthenticated):
        read_socket_token(jwt.encode(claims, key, algorithm="HS256"), acme)


@pytest.mark.parametrize("make", EVERY)
def test_an_expired_token_is_told_from_a_bad_one(make: Make, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _signed_again(make(acme), acme, exp=int(time.time()) - 1)
    with pytest.raises(TokenExpired):
        read_socket_token(old, acme)


@pytest.mark.parametrize("make", EVERY)
def test_a_clock_that_is_a_little_ahead_where_a_token_was_made_is_no_matter(make: Make, acme: TenantRef) -> None:
    now = int(time.time())
    for ahead in (1, 30):
        assert read_socket_token(_signed_again(make(acme), acme, iat=now + ahead, exp=now + ahead + 900), acme).id == PERSON


@pytest.mark.parametrize("make", EVERY)
def test_a_token_from_a_future_is_to_be_renewed_and_nobody_is_shut_out(make: Make, acme: TenantRef) -> None:
    now = int(time.time())
    with pytest.raises(TokenExpired):
        read_socket_token(_signed_again(make(acme), acme, iat=now + 3_600, exp=now + 4_500), acme)


@pytest.mark.parametrize("make", EVERY)
def test_a_token_without_a_signature_is_refused(make: Make, acme: TenantRef) -> None:
    claims = claims_of(make(acme))
    for algorithm in ("none", "None", "HS256"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).rstrip(b"=")
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
        with pytest.raises(Unauthenticated):
            read_socket_token(f"{head.decode()}.{body.decode()}.", acme)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("claim", ["typ", "aud", "kid", "sub", "sid", "exp", "jti", "tid"])
def test_a_token_that_lacks_a_claim_is_refused(make: Make, claim: str, acme: TenantRef) -> None:
    with pytest.raises(Unauthenticated) as refused:
        read_socket_token(_signed_again(make(acme), acme, **{claim: None}), acme)
    assert not isinstance(refused.value, TokenExpired)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    "change",
    [{"typ": "owner"}, {"aud": "porch"}, {"kid": "00000000"}, {"sub": "ada"}, {"exp": "soon"}, {"tid": "acme"}, {"tid": 7}],
)
def test_a_token_with_a_wrong_claim_is_refused(make: Make, change: dict[str, Any], acme: TenantRef) -> None:
    with pytest.raises(Unauthenticated) as refused:
        read_socket_token(_signed_again(make(acme), acme, **change), acme)
    assert not isinstance(refused.value, TokenExpired)


def test_kinds_do_not_stand_in_for_each_other(acme: TenantRef) -> None:
    """A visitor's token with `typ` agent, a ticket as an access token, a refresh token anywhere."""
    refresh = AgentRefresh()
    refresh.payload.update(agent_claims(acme, name="Ada", role="owner", sid="s3"), sub=str(PERSON))
    for bad in (visitor_token(acme), ticket(acme), str(refresh), _signed_again(visitor_token(acme), acme, typ="ticket")):
        with pytest.raises(Unauthenticated):
            read_access(bad, acme)
    for bad in (
        str(refresh),
        _signed_again(visitor_token(acme), acme, typ="ticket"),
        _signed_again(ticket(acme), acme, typ="agent"),
    ):
        with pytest.raises(Unauthenticated):
            read_socket_token(bad, acme)


@pytest.mark.parametrize(
    "bad", ["", "x", "a.b.c", "a" * 10_000, "\0", "é.é.é", "eyJhbGciOiJIUzI1NiJ9.W10.x", "eyJhbGciOiJIUzI1NiJ9.bnVsbA.x"]
)
def test_what_is_no_token_at_all_is_refused(bad: str, acme: TenantRef) -> None:
    for read in (read_socket_token, read_access):
        with pytest.raises(Unauthenticated):
            read(bad, acme)


def test_a_secret_can_be_rotated(acme: TenantRef, settings: Settings) -> None:
    old = {make: make(acme) for make in EVERY}
    first = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-secret-of-enough-length-for-hs256", [first]
    for make, token in old.items():
        assert read_socket_token(token, acme).id == PERSON
        assert read_socket_token(make(acme), acme).id == PERSON
        assert claims_of(make(acme))["kid"] != claims_of(token)["kid"]
    settings.SECRET_KEY_FALLBACKS = []
    for token in old.values():
        with pytest.raises(Unauthenticated):
            read_socket_token(token, acme)


def test_reading_asks_no_database(acme: TenantRef, django_assert_num_queries: Any) -> None:
    made = [make(acme) for make in EVERY]
    with django_assert_num_queries(0):
        for token in made:
            read_socket_token(token, acme)


def _signed_again(token: str, tenant: TenantRef, **changes: Any) -> str:
    """The same token with other claims, signed with the key it was signed with; None leaves a claim out."""
    claims = claims_of(token)
    secret = token_keys.current_secret()[1]
    purpose = "agent-jwt" if claims["typ"] == "agent" else f"{claims['typ']}:{tenant.id}"
    key: Any = token_keys.derive(secret, purpose)
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key.hex() if purpose == "agent-jwt" else key, algorithm="HS256")


@pytest.mark.parametrize("typ", [[], {}, ["visitor"], 1, None, "nobody", "agent", "visitor", "ticket"])
@pytest.mark.parametrize("kid", [{}, [], 1, None, "nobody"])
def test_claims_of_any_shape_are_refused(acme: TenantRef, globex: TenantRef, typ: object, kid: object) -> None:
    token = jwt.encode({"tid": str(acme.id), "typ": typ, "kid": kid}, "x" * 32, algorithm="HS256")
    for read in (read_socket_token, read_access):
        with pytest.raises(Unauthenticated):
            read(token, acme)
    assert is_of_another_tenant(token, globex)
