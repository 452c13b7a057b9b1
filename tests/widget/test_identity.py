"""Users whom the site's backend signs in: who they become, and every way in which an identity is forged or shown again."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connections

from chat.models import SignedIn, Site, Visitor
from chat.services.identity import IdentityKey, delete_identity_key, make_identity_key
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tests.support.api import signed_in
from tests.support.cast import MakeTenant
from tests.support.community import Visit, team_member
from tests.support.talk import embed_key
from tests.widget.conftest import Widget, browser
from tests.widget.test_session import refused, visitors


@pytest.fixture
def key(shop: TenantRef) -> IdentityKey:
    """The shop's first key, as its backend holds it."""
    return new_key(shop)


def new_key(tenant: TenantRef) -> IdentityKey:
    return make_identity_key(tenant, team_member(tenant, Role.OWNER), site_of(tenant))


def site_of(tenant: TenantRef) -> UUID:
    return UUID(str(embed_key(tenant).site_id))


def claims(widget: Widget, **said: Any) -> dict[str, Any]:
    """Good ones; keywords change or (None) take them away."""
    good = {"sub": "user-1", "name": "Vic", "exp": int(time.time()) + 120, "jti": uuid4().hex, "aud": widget.key, **said}
    return {name: value for name, value in good.items() if value is not None}


def signed(widget: Widget, key: IdentityKey, **said: Any) -> str:
    """What the shop's backend makes."""
    return jwt.encode(claims(widget, **said), key.secret, algorithm="HS256", headers={"kid": key.kid})


def by_hand(head: Any, body: Any, secret: str, digest: str = "sha256") -> str:
    """A token that no library would make."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body)]
    mac = hmac.new(secret.encode(), ".".join(parts).encode(), digest).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(mac).decode().rstrip("=")])


def visitor_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return str(answer.json()["visitor"]["id"])


def external_ids(tenant: TenantRef) -> list[str]:
    with in_tenant(tenant):
        return [str(one) for one in Visitor.objects.exclude(external_id=None).values_list("external_id", flat=True)]


class TestWhoTheyBecome:
    def test_a_new_visitor_at_first_sight_and_the_same_ever_after(
        self, shop: TenantRef, widget: Widget, key: IdentityKey
    ) -> None:
        first = widget.session(identity=signed(widget, key))
        widget.client = browser()
        again = widget.session(identity=signed(widget, key, name="Vic Two"))
        assert visitor_of(first) == visitor_of(again)
        assert [one.json()["visitor"]["name"] for one in (first, again)] == ["Vic", "Vic Two"]
        assert (visitors(shop), external_ids(shop)) == (1, ["user-1"])

    def test_without_a_name_they_have_one_of_ours(self, widget: Widget, key: IdentityKey) -> None:
        assert widget.session(identity=signed(widget, key, name=None)).json()["visitor"]["name"].startswith("Visitor ")

    def test_an_anonymous_visitor_becomes_the_user_whom_nobody_is_yet(
        self, shop: TenantRef, widget: Widget, key: IdentityKey
    ) -> None:
        before = widget.session().json()
        after = widget.session(handle=before["handle"], identity=signed(widget, key))
        assert visitor_of(after) == before["visitor"]["id"]
        assert visitors(shop) == 1

    def test_an_anonymous_history_is_never_merged_into_anothers(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        known = visitor_of(widget.session(identity=signed(widget, key)))
        widget.client = browser()
        anonymous = widget.session().json()
        assert visitor_of(widget.session(handle=anonymous["handle"], identity=signed(widget, key))) == known
        with in_tenant(shop):
            assert Visitor.objects.get(id=anonymous["visitor"]["id"]).external_id is None
        assert visitors(shop) == 2

    def test_another_user_in_the_same_browser_is_another_visitor(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        one = widget.session(identity=signed(widget, key))
        two = widget.session(handle=one.json()["handle"], identity=signed(widget, key, sub="user-2"))
        assert visitor_of(one) != visitor_of(two)
        assert sorted(external_ids(shop)) == ["user-1", "user-2"]

    def test_a_handle_without_an_identity_stays_that_visitor(self, widget: Widget, key: IdentityKey) -> None:
        one = widget.session(identity=signed(widget, key)).json()
        widget.client = browser()
        assert visitor_of(widget.session(handle=one["handle"])) == one["visitor"]["id"]

    def test_both_browsers_of_one_user_keep_a_handle(self, widget: Widget, key: IdentityKey) -> None:
        handles = []
        for _ in range(2):
            widget.client = browser()
            handles.append(widget.session(identity=signed(widget, key)).json())
        who = handles[0]["visitor"]["id"]
        for one in handles:  # that of the first for a day, or until the second comes again
            widget.client = browser()
            assert visitor_of(widget.session(handle=one["handle"])) == who
        assert visitor_of(widget.session(handle=handles[0]["handle"], identity=signed(widget, key))) == who

    def test_many_first_sights_at_once_are_one_visitor(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        def sign_in(_n: int) -> str:
            try:
                return visitor_of(Widget(widget.key, browser()).session(identity=signed(widget, key)))
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            assert len(set(pool.map(sign_in, range(6)))) == 1
        assert visitors(shop) == 1

    def test_the_same_user_of_another_site_is_another_visitor(
        self, shop: TenantRef, widget: Widget, make_tenant: MakeTenant
    ) -> None:
        other = make_tenant()
        with in_tenant(other):
            Site.objects.update(allowed_origins=["https://shop.example"])
        there = Widget(embed_key(other).key, browser())
        widget.session(identity=signed(widget, new_key(shop)))
        there.session(identity=signed(there, new_key(other)))
        assert (external_ids(shop), external_ids(other)) == (["user-1"], ["user-1"])


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


class TestKeys:
    def test_two_at_most_each_shown_once_and_none_stored(self, shop: TenantRef, widget: Widget) -> None:
        owner = f"owner@{shop.slug}.example"
        program, path = signed_in(shop, owner), f"/sites/{site_of(shop)}/identity-keys"
        made = [program.post(path).json() for _ in range(2)]
        assert [set(one) for one in made] == [{"kid", "secret"}] * 2
        answer = program.post(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        assert program.get(path).json() == {"keys": [{"kid": one["kid"]} for one in made], "strict": False}
        with in_tenant(shop):
            assert Site.objects.get().identity_keys == [one["kid"] for one in made]
        for one in made:
            assert visitor_of(widget.session(identity=signed(widget, IdentityKey(**one))))

    def test_a_deleted_key_counts_no_more(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        owner, other = team_member(shop, Role.OWNER), new_key(shop)
        delete_identity_key(shop, owner, site_of(shop), key.kid)
        assert refused(widget.session(identity=signed(widget, key))) == (403, "forbidden", "identity")
        assert visitor_of(widget.session(identity=signed(widget, other)))
        program = signed_in(shop, f"owner@{shop.slug}.example")
        assert program.delete(f"/sites/{site_of(shop)}/identity-keys/{key.kid}").status_code == 404
        assert program.delete(f"/sites/{site_of(shop)}/identity-keys/{other.kid}").status_code == 204

    @pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
    def test_only_who_manages_sites(self, acme: TenantRef, role: Role, ben: Any) -> None:
        path = f"/sites/{site_of(acme)}"
        program = signed_in(acme, ben.email)
        for answer in (
            program.get(f"{path}/identity-keys"),
            program.post(f"{path}/identity-keys"),
            program.delete(f"{path}/identity-keys/x"),
            program.put(f"{path}/strict", {"strict": True}),
            program.put(f"{path}/words", {"words": []}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")

    def test_another_tenants_site_does_not_exist(self, shop: TenantRef, acme: TenantRef) -> None:
        program, path = signed_in(acme, "ada@acme.example"), f"/sites/{site_of(shop)}"
        for answer in (
            program.get(f"{path}/identity-keys"),
            program.post(f"{path}/identity-keys"),
            program.put(f"{path}/strict", {"strict": False}),
            program.put(f"{path}/words", {"words": []}),
            program.get(f"{path}/words"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


class TestStrict:
    def test_only_who_is_signed_in_comes_in(self, shop: TenantRef, widget: Widget) -> None:
        program, path = signed_in(shop, f"owner@{shop.slug}.example"), f"/sites/{site_of(shop)}/strict"
        assert program.put(path, {"strict": True}).status_code == 409  # nobody could come in
        key, before = new_key(shop), widget.session().json()
        assert program.put(path, {"strict": True}).json() == {"strict": True}
        assert refused(widget.session()) == (403, "forbidden", "identity")
        assert refused(Widget(widget.key, browser()).session(handle=before["handle"])) == (403, "forbidden", "identity")
        assert visitor_of(widget.session(identity=signed(widget, key)))
        assert program.put(path, {"strict": False}).json() == {"strict": False}
        assert visitor_of(Widget(widget.key, browser()).session())

    def test_an_identified_visitor_may_join_where_only_they_may(self, shop: TenantRef, widget: Widget, key: IdentityKey) -> None:
        program = signed_in(shop, f"owner@{shop.slug}.example")
        room = program.post("/rooms", {"kind": "community", "title": "Us", "join_rule": "identified"}).json()["room"]["id"]
        rooms = []
        for said in ({}, {"identity": signed(widget, key)}):
            token = Widget(widget.key, browser()).session(**said).json()["token"]
            at = Visit(shop, None)
            rooms.append([one["id"] for one in at.client.get(f"/w/{at.key}/rooms", headers=bearer(token)).json()["rooms"]])
        assert rooms == [[], [room]]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_secret_is_derived_from_ours_the_tenant_the_site_and_the_key(shop: TenantRef, key: IdentityKey) -> None:
    assert len(bytes.fromhex(key.secret)) == hashlib.sha256().digest_size
    assert new_key(shop).secret != key.secret
