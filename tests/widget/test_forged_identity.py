"""Every way in which an identity is forged, or shown again."""

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connections

from chat.models import SignedIn
from chat.services.identity import IdentityKey
from tenants.context import TenantRef, in_tenant
from tests.support.cast import MakeTenant
from tests.support.identities import by_hand, claims, new_key, signed, visitor_of
from tests.support.visits import refused, visitors
from tests.support.widgets import Widget, browser

Forge = Callable[[Widget, IdentityKey, TenantRef], str]


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


FORGERIES: dict[str, Forge] = {
    "empty": lambda w, k, t: "",
    "no token": lambda w, k, t: "a.b.c",
    "not three parts": lambda w, k, t: signed(w, k).rpartition(".")[0],
    "no algorithm": lambda w, k, t: jwt.encode(claims(w), "", algorithm="none", headers={"kid": k.kid}),
    "no algorithm, in capitals": lambda w, k, t: by_hand({"alg": "NONE", "kid": k.kid}, claims(w), ""),
    "no signature": lambda w, k, t: signed(w, k).rpartition(".")[0] + ".",
    "HS384": lambda w, k, t: jwt.encode(claims(w), k.secret, algorithm="HS384", headers={"kid": k.kid}),
    "HS512 said to be HS256": lambda w, k, t: by_hand({"alg": "HS256", "kid": k.kid}, claims(w), k.secret, "sha512"),
    "RS256": lambda w, k, t: jwt.encode(claims(w), RSA, algorithm="RS256", headers={"kid": k.kid}),
    "no kid": lambda w, k, t: jwt.encode(claims(w), k.secret, algorithm="HS256"),
    "a kid that is none": lambda w, k, t: by_hand({"alg": "HS256", "kid": [k.kid]}, claims(w), k.secret),
    "an unknown kid": lambda w, k, t: signed(w, IdentityKey(k.kid[:-1] + ("0" if k.kid[-1] != "0" else "1"), k.secret)),
    "a kid with a path": lambda w, k, t: signed(w, IdentityKey(f"../{k.kid}", k.secret)),
    "another secret": lambda w, k, t: signed(w, IdentityKey(k.kid, "0" * 64)),
    "an empty secret": lambda w, k, t: by_hand({"alg": "HS256", "kid": k.kid}, claims(w), ""),
    "the kid as secret": lambda w, k, t: signed(w, IdentityKey(k.kid, k.kid)),
    "the embed key as secret": lambda w, k, t: signed(w, IdentityKey(k.kid, w.key)),
    "changed after it was signed": lambda w, k, t: _with_body(signed(w, k), claims(w, sub="root")),
    "run out": lambda w, k, t: signed(w, k, exp=int(time.time()) - 1),
    "more than five minutes": lambda w, k, t: signed(w, k, exp=int(time.time()) + 330),
    "for ever": lambda w, k, t: signed(w, k, exp=10**12),
    "no end": lambda w, k, t: signed(w, k, exp=None),
    "an end that is no number": lambda w, k, t: by_hand({"alg": "HS256", "kid": k.kid}, claims(w, exp="soon"), k.secret),
    "an end beyond numbers": lambda w, k, t: by_hand({"alg": "HS256", "kid": k.kid}, claims(w, exp=float("inf")), k.secret),
    "not yet": lambda w, k, t: signed(w, k, nbf=int(time.time()) + 60),
    "another audience": lambda w, k, t: signed(w, k, aud="another"),
    "many audiences": lambda w, k, t: signed(w, k, aud=[w.key, "another"]),
    "no audience": lambda w, k, t: signed(w, k, aud=None),
    "no sub": lambda w, k, t: signed(w, k, sub=None),
    "an empty sub": lambda w, k, t: signed(w, k, sub=" "),
    "a sub that is a number": lambda w, k, t: by_hand({"alg": "HS256", "kid": k.kid}, claims(w, sub=7), k.secret),
    "a long sub": lambda w, k, t: signed(w, k, sub="x" * 201),
    "a sub with a NUL": lambda w, k, t: signed(w, k, sub="a\0b"),
    "no jti": lambda w, k, t: signed(w, k, jti=None),
    "an empty jti": lambda w, k, t: signed(w, k, jti=""),
    "a long jti": lambda w, k, t: signed(w, k, jti="x" * 201),
    "a name that is none": lambda w, k, t: signed(w, k, name=["Vic"]),
    "claims that are no object": lambda w, k, t: by_hand({"alg": "HS256", "kid": k.kid}, ["sub"], k.secret),
    "a header that is no object": lambda w, k, t: by_hand("HS256", claims(w), k.secret),
    "a critical header": lambda w, k, t: by_hand({"alg": "HS256", "kid": k.kid, "crit": ["x"], "x": 1}, claims(w), k.secret),
}


def _with_body(token: str, body: dict[str, Any]) -> str:
    head, _, mac = token.split(".")
    return ".".join([head, base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("="), mac])


class TestForgeries:
    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    @pytest.mark.parametrize("why", FORGERIES)
    def test_is_refused_and_makes_nobody(
        self, shop: TenantRef, widget: Widget, key: IdentityKey, caplog: pytest.LogCaptureFixture, why: str
    ) -> None:
        assert refused(widget.session(identity=FORGERIES[why](widget, key, shop))) == (403, "forbidden", "identity")
        assert visitors(shop) == 0
        (line,) = [one.getMessage() for one in caplog.records if "identity refused" in one.getMessage()]
        assert "\n" not in line
        assert key.secret not in line
        assert visitor_of(widget.session(identity=signed(widget, key)))  # its good twin

    def test_the_keys_of_other_sites_and_tenants_count_nothing_here(
        self, shop: TenantRef, widget: Widget, key: IdentityKey, make_tenant: MakeTenant
    ) -> None:
        theirs = new_key(make_tenant())
        for forged in (signed(widget, theirs), signed(widget, IdentityKey(key.kid, theirs.secret))):
            assert refused(widget.session(identity=forged)) == (403, "forbidden", "identity")

    def test_counts_once(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        token = signed(widget, key)
        assert visitor_of(widget.session(identity=token))
        assert refused(Widget(widget.key, browser()).session(identity=token)) == (403, "forbidden", "identity")
        same_jti = signed(widget, key, sub="user-2", jti=jwt.decode(token, options={"verify_signature": False})["jti"])
        assert refused(widget.session(identity=same_jti)) == (403, "forbidden", "identity")

    def test_of_many_at_once_one_counts(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        token = signed(widget, key)

        def show(_n: int) -> int:
            try:
                return Widget(widget.key, browser()).session(identity=token).status_code
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(show, range(6))) == [200, 403, 403, 403, 403, 403]

    def test_what_ran_out_long_ago_is_forgotten(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        widget.session(identity=signed(widget, key))
        with in_tenant(shop):
            SignedIn.objects.update(expires_at="2020-01-01T00:00:00Z")
        widget.session(identity=signed(widget, key))
        with in_tenant(shop):
            assert SignedIn.objects.count() == 1
