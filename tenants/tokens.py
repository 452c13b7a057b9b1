"""Tokens: who is asking, signed. Nothing in here touches the database.

Three kinds. An agent's *access token* (simplejwt) proves a member to the HTTP API and may open a socket. A *socket ticket*
opens an agent's socket from a browser session. A *visitor token* opens a visitor's socket. The last two are signed with a key
derived per tenant and purpose, so that a token of one tenant cannot verify under another even where a check is forgotten.
"""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

import jwt
import msgspec
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenBackendError, TokenBackendExpiredToken, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from saas.core.errors import TokenExpired, Unauthenticated
from tenants.context import TenantRef
from tenants.token_keys import current_secret, derive, secret_of

__all__ = ["Issued", "Principal", "TokenExpired", "issue_socket_ticket", "issue_visitor", "read_access", "read_socket_token"]

LIFE = 15 * 60  # seconds, of visitor tokens and socket tickets
SKEW = 60  # seconds that the clocks of two servers may lie apart unnoticed
REQUIRED = ("tid", "typ", "sub", "sid", "aud", "iat", "exp", "jti", "kid")
AUDIENCE = {"visitor": "widget", "ticket": "inbox"}  # typ -> aud
OUR_HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"  # {"alg":"HS256","typ":"JWT"}, as the library writes it for `_issue`


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who proved who they are to one tenant."""

    tenant_id: UUID
    kind: Literal["agent", "visitor"]
    id: UUID  # the user's, or the visitor's
    name: str
    role: str | None  # of the membership; None for a visitor
    site_id: UUID | None  # None for an agent
    parent: str | None  # origin of the page around the widget
    sid: str  # of the sign-in or the visitor's session; `sessions_ended` names it
    expires: float  # seconds since 1970

    @property
    def is_authenticated(self) -> bool:
        """Always: nobody else gets one of these. DRF asks."""
        return True


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed token and its life in seconds."""

    token: str
    expires_in: int


def issue_visitor(tenant: TenantRef, *, visitor_id: UUID, name: str, site_id: UUID, parent: str | None, sid: str) -> Issued:
    """A visitor's token for sockets and the widget's HTTP. `parent` is the origin of the page around the widget."""
    return _issue(tenant, "visitor", sub=str(visitor_id), name=name, site=str(site_id), parent=parent, sid=sid)


def issue_socket_ticket(tenant: TenantRef, *, user_id: UUID, name: str, role: str, sid: str) -> Issued:
    """An agent's token for sockets only."""
    return _issue(tenant, "ticket", sub=str(user_id), name=name, role=role, sid=sid)


def read_socket_token(token: str, tenant: TenantRef) -> Principal:
    """Who holds this socket ticket, access token or visitor token of `tenant`.

    Raises TokenExpired for one that was valid, Unauthenticated for everything else.
    """
    said = _peek(token, tenant)
    typ = said.get("typ")  # anything at all, before the proof
    if typ == "agent":
        return read_access(token, tenant)
    if isinstance(typ, str) and typ in AUDIENCE:
        key = derive(secret_of(str(said.get("kid"))), f"{typ}:{tenant.id}")
        return _principal(said if _is_plainly_ours(token, said, key) else _decode(token, key, typ=typ))
    raise Unauthenticated("This token is not for a socket.")


def read_access(token: str, tenant: TenantRef) -> Principal:
    """The agent who holds this access token of `tenant`. Raises like `read_socket_token`."""
    _peek(token, tenant)
    try:
        claims = AgentAccess(token).payload  # type: ignore[arg-type]
    except ExpiredTokenError:
        raise TokenExpired("The token has run out.") from None
    except TokenError:
        raise Unauthenticated("The token is not valid.") from None
    if claims.get("typ") != "agent":
        raise Unauthenticated("The token is not valid.")
    return _principal(_of_our_time(claims))


class PerKeyBackend(TokenBackend):
    """simplejwt's signing, with the key of agents' tokens derived from the installation's secret."""

    def __init__(self, kid: str, secret: str) -> None:
        super().__init__("HS256", signing_key=derive(secret, "agent-jwt").hex(), audience="api")
        self.kid = kid

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - the library's words
        """The library's own, but for `iat`, which it would hold against a token from a server whose clock is a second ahead."""
        options: Any = {"verify_signature": verify, "verify_iat": False}
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self.get_verifying_key(token), algorithms=[self.algorithm], audience=self.audience, options=options
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenBackendExpiredToken("The token has run out.") from error
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("The token is not valid.") from error
        return claims


class _AgentToken:
    """Chooses the signing key by the token's `kid`, so that the secret can be rotated."""

    payload: dict[str, Any]

    def get_token_backend(self) -> PerKeyBackend:
        payload = getattr(self, "payload", None)
        kid = payload["kid"] if payload and "kid" in payload else _kid_of(getattr(self, "token", None))
        return _backend(kid)


class AgentAccess(_AgentToken, AccessToken):
    """15 minutes; claims `tid, typ=agent, sub, name, role, sid, aud, kid`."""


class AgentRefresh(_AgentToken, RefreshToken):  # type: ignore[misc]  # of simplejwt's own two bases
    """14 days, used once; the next one comes with the answer. Its family is the sign-in named by `sid`."""

    access_token_class = AgentAccess

    def check_blacklist(self) -> None:
        """Not here: whoever rotates must see reuse as reuse, under the lock of the family. See `tenants/jwt_services.py`."""


def agent_claims(tenant: TenantRef, *, name: str, role: str, sid: str) -> dict[str, str]:
    """What an agent's tokens say beside simplejwt's own claims."""
    return {"tid": str(tenant.id), "typ": "agent", "name": name, "role": role, "sid": sid, "kid": current_secret()[0]}


def names_tenant(token: str, tenant: TenantRef) -> None:
    """Raise Unauthenticated unless the token says it is for this tenant. Proves nothing else."""
    _peek(token, tenant)


def new_identity_kid() -> str:
    """The id of a new key with which a customer's backend signs its users in. It tells from which secret the key is derived."""
    return f"{current_secret()[0]}.{uuid4().hex[:16]}"


def identity_secret(tenant_id: UUID, site_id: UUID, kid: str) -> str:
    """The key of that id, as the customer's backend uses it. Nobody keeps it: it is derived whenever it is needed.

    Raises Unauthenticated for an id that no secret of ours has made.
    """
    return derive(secret_of(kid.partition(".")[0]), f"identity:{tenant_id}:{site_id}:{kid}").hex()


def _issue(tenant: TenantRef, typ: str, **claims: str | None) -> Issued:
    kid, secret = current_secret()
    now = int(time.time())
    head = {
        "tid": str(tenant.id),
        "typ": typ,
        "aud": AUDIENCE[typ],
        "iat": now,
        "exp": now + LIFE,
        "jti": uuid4().hex,
        "kid": kid,
    }
    key = derive(secret, f"{typ}:{tenant.id}")
    return Issued(jwt.encode({**head, **claims}, key, algorithm="HS256"), LIFE)


def _peek(token: str, tenant: TenantRef) -> Mapping[str, Any]:
    """The claims before any proof, once they name this tenant: `tid` is compared before anything else.

    Read here, not by the library, which does for it most of the work of a proof: each socket that opens pays for both.
    """
    try:
        _head, body, _signature = token.split(".")
        claims = msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, TypeError, AttributeError, RecursionError):
        raise Unauthenticated("The token is not valid.") from None
    if claims.get("tid") != str(tenant.id):
        raise Unauthenticated("The token is not valid.")
    return claims


def _is_plainly_ours(token: str, claims: Mapping[str, Any], key: bytes) -> bool:
    """Whether the token is, to the byte, as `_issue` makes it under this key, and holds now.

    No verdict on any other: the library decides on all that is refused here. Each socket that opens pays for its proof, and this
    is a tenth of the library's.
    """
    signed, _dot, signature = token.rpartition(".")
    if not token.isascii() or signed.partition(".")[0] != OUR_HEAD:
        return False
    proof = urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=")
    if not hmac.compare_digest(proof, signature.encode()):
        return False
    begin, end = claims.get("iat"), claims.get("exp")
    return (
        type(begin) is int
        and type(end) is int
        and begin - SKEW <= time.time() < end
        and claims.get("aud") == AUDIENCE[claims["typ"]]
        and all(isinstance(claims.get(name), str) for name in ("sub", "sid", "jti", "kid"))
        and "nbf" not in claims
    )


def _decode(token: str, key: bytes, *, typ: str) -> dict[str, Any]:
    options: Any = {"require": list(REQUIRED), "verify_iat": False}
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=["HS256"], audience=AUDIENCE[typ], options=options)
    except jwt.ExpiredSignatureError:
        raise TokenExpired("The token has run out.") from None
    except jwt.PyJWTError:
        raise Unauthenticated("The token is not valid.") from None
    return _of_our_time(claims)


def _of_our_time(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims, unless they were made at a time that is still to come: a clock was wrong, there or here.

    Raises TokenExpired for these, so that the holder comes back with a new one: nobody is shut out for the clock of a server, and
    no token lives longer than others because it was made in a future.
    """
    begin = claims.get("iat")
    if not isinstance(begin, int | float):
        raise Unauthenticated("The token is not valid.")
    if begin > time.time() + SKEW:
        raise TokenExpired("The token was made at another time.")
    return claims


def _principal(claims: Mapping[str, Any]) -> Principal:
    try:
        return Principal(
            tenant_id=UUID(claims["tid"]),
            kind="visitor" if claims["typ"] == "visitor" else "agent",
            id=UUID(claims["sub"]),
            name=str(claims.get("name") or ""),
            role=claims.get("role"),
            site_id=UUID(claims["site"]) if claims.get("site") else None,
            parent=claims.get("parent"),
            sid=str(claims["sid"]),
            expires=float(claims["exp"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Unauthenticated("The token is not valid.") from None


def _kid_of(token: Any) -> str:
    if token is None:
        return current_secret()[0]
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("kid"))
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Unauthenticated("The token is not valid.") from None


def _backend(kid: str) -> PerKeyBackend:
    return PerKeyBackend(kid, secret_of(kid))


def is_of_another_tenant(token: str, tenant: TenantRef) -> bool:
    """Whether a token says that it belongs to some other tenant. Proves nothing: it only chooses the words of a refusal."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    return claims.get("tid") not in (None, str(tenant.id))
