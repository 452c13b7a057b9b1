"""The one cast of all tests: tenants acme (owner Ada, agent Ben) and globex (owner Gus), who must never see acme."""

import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest

from billing.plans import FREE
from billing.services.comps import give_key
from tenants.context import TenantRef
from tenants.models import Membership, Role, Tenant, User
from tenants.provisioning import create_tenant
from tenants.resolve import ref
from tests.support.passwords import OneRound

PASSWORD = "porchlight-demo"
ONE_AT_A_TIME = 0x63617374  # advisory lock: the workers of xdist share one database

MakeTenant = Callable[..., TenantRef]


def make_user(email: str, name: str) -> User:
    """A user with the cast's password."""
    return User.objects.create(email=email, name=name, password=OneRound().encode(PASSWORD, OneRound().salt()))


@pytest.fixture(scope="session")
def cast(database: None) -> dict[str, TenantRef]:
    """Both tenants by slug, made once per run."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as lock:
        lock.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
        if not Tenant.objects.filter(slug="globex").exists():
            acme = create_tenant(slug="acme", name="Acme", owner=make_user("ada@acme.example", "Ada"))
            ben = make_user("ben@acme.example", "Ben")
            Membership.objects.create(tenant_id=acme.id, user=ben, role=Role.AGENT)
            globex = create_tenant(slug="globex", name="Globex", owner=make_user("gus@globex.example", "Gus"))
            for tenant in (acme, globex):
                give_key(tenant.id, "team", seats=10)
    return {tenant.slug: ref(tenant) for tenant in Tenant.objects.filter(slug__in=["acme", "globex"])}


@pytest.fixture(scope="session")
def acme(cast: dict[str, TenantRef]) -> TenantRef:
    return cast["acme"]


@pytest.fixture(scope="session")
def globex(cast: dict[str, TenantRef]) -> TenantRef:
    return cast["globex"]


@pytest.fixture
def ada(acme: TenantRef) -> User:
    """Owner of acme."""
    return User.objects.get(email="ada@acme.example")


@pytest.fixture
def ben(acme: TenantRef) -> User:
    """Agent of acme."""
    return User.objects.get(email="ben@acme.example")


@pytest.fixture
def gus(globex: TenantRef) -> User:
    """Owner of globex."""
    return User.objects.get(email="gus@globex.example")


@pytest.fixture
def usual_plan() -> str:
    """What `make_tenant` gives: a plan without hard limits, for nothing. Tests of billing begin with the free one."""
    return "team"


@pytest.fixture
def make_tenant(database: None, usual_plan: str) -> MakeTenant:
    """Makes a tenant that no other test knows; its owner is a new user unless one is given.

    In a coroutine: `await run_on_platform(make_tenant)`.
    """

    def make(slug: str = "", *, owner: User | None = None) -> TenantRef:
        unique = slug or f"t{uuid4().hex[:12]}"
        made = create_tenant(slug=unique, name=unique.title(), owner=owner or make_user(f"owner@{unique}.example", "Olga"))
        if usual_plan != FREE.key:
            give_key(made.id, usual_plan, seats=10)
        return made

    return make


@pytest.fixture
def superuser() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """An operator's connection, to look behind the scenes and to cause accidents. Nothing of ours ever has it."""
    with psycopg.connect(os.environ["TEST_SUPERUSER_URL"], autocommit=True) as connection:
        yield connection
