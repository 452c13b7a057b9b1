"""Who is the tenant of a host or key: cached, bounded, one load for many who ask at once, and forgotten when told to."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import pytest

from saas.core import registry
from saas.core.errors import Busy
from tenants import lookup, resolve, services
from tenants.context import TenantRef
from tenants.lookup import Lookup
from tenants.models import EmbedKey, Membership, Tenant, User
from tenants.resolve import a_membership_for, a_site_key, a_tenant_for_host, membership_for, site_key, tenant_for_host
from tests.support.cast import MakeTenant
from tests.support.order import until
from tests.support.patience import PATIENCE


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lookup, "monotonic", clock)
    return clock


class Table:
    """Something to look things up in, that counts and can be made to wait."""

    def __init__(self, **rows: str) -> None:
        self.rows = dict(rows)
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, key: str) -> str | None:
        self.asked.append(key)
        self.open.wait(2 * PATIENCE)
        return self.rows.get(key)


@pytest.mark.parametrize("host", ["acme.localhost", "ACME.localhost:8000", "acme.localhost.", "acme.localhost.:443"])
def test_a_host_has_a_tenant(host: str, acme: TenantRef) -> None:
    assert tenant_for_host(host) == asyncio.run(a_tenant_for_host(host)) == acme


@pytest.mark.parametrize(
    "host", ["nobody.localhost", "localhost", "", "acme", "a\0b", "[::1]:8000", "acme.localhost@evil.example"]
)
def test_a_host_of_nobody_has_none(host: str, acme: TenantRef) -> None:
    assert asyncio.run(a_tenant_for_host(host)) is tenant_for_host(host) is None


def test_an_embed_key_has_a_site_until_it_is_revoked(acme: TenantRef) -> None:
    key = EmbedKey.objects.create(key=uuid4().hex, tenant_id=acme.id, site_id=uuid4())
    found = site_key(key.key)
    assert found is not None
    assert (found.tenant, found.site_id) == (acme, key.site_id)
    EmbedKey.objects.filter(key=key.key).update(revoked_at="2026-11-22T00:00Z")
    assert asyncio.run(a_site_key(key.key)) == found  # up to a minute, in a process that was not told
    registry.tenant_changed(tenant_id=acme.id)
    assert site_key(key.key) is None


@pytest.mark.parametrize("key", ["", "nope", "x" * 33, "a\0b", "\u00e9"])
def test_a_key_of_nobody_has_none(key: str, acme: TenantRef) -> None:
    assert asyncio.run(a_site_key(key)) is site_key(key) is None


def test_a_member_is_one_until_disabled(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    member = Membership.objects.get(tenant_id=tenant.id)
    found = membership_for(tenant.id, member.user_id)
    assert found is not None
    assert (found.role, found.name) == ("owner", "Olga")
    User.objects.filter(id=member.user_id).update(is_active=False)
    registry.tenant_changed(tenant_id=tenant.id)
    assert asyncio.run(a_membership_for(tenant.id, member.user_id)) is None


def test_a_member_of_one_tenant_is_none_of_another(gus: User, acme: TenantRef, globex: TenantRef) -> None:
    assert membership_for(globex.id, gus.id) is not None
    assert membership_for(acme.id, gus.id) is None


def test_a_suspended_tenant_is_found_as_such(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    Tenant.objects.filter(id=tenant.id).update(status="suspended")
    registry.tenant_changed(tenant_id=tenant.id)
    found = tenant_for_host(f"{tenant.slug}.localhost")
    assert found is not None
    assert found.status == "suspended"


@pytest.mark.parametrize(("key", "kept"), [("here", 30.0), ("absent", 5.0)])
def test_an_answer_is_kept_for_a_while(key: str, kept: float, clock: Clock) -> None:
    table = Table(here="yes")
    answers = Lookup(table)
    first = answers.get(key)
    clock.now += kept - 1
    assert answers.get(key) == first
    assert table.asked == [key]
    clock.now += kept + 2
    assert answers.get(key) == first
    assert table.asked == [key, key]


def test_threads_that_ask_at_once_cause_one_load(monkeypatch: pytest.MonkeyPatch) -> None:
    table, boarded, board = Table(here="yes"), list[bool](), Lookup._board
    answers = Lookup(table)
    table.open.clear()

    def noted(self: Lookup[str, str], key: str) -> tuple[Future[str | None], bool]:
        flight, mine = board(self, key)
        boarded.append(mine)
        return flight, mine

    monkeypatch.setattr(Lookup, "_board", noted)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(answers.get, "here") for _ in range(8)]
        until(lambda: len(boarded) == 8, "not all of them wait", seconds=PATIENCE)
        table.open.set()
        assert [future.result() for future in asked] == ["yes"] * 8
    assert table.asked == ["here"]


async def test_coroutines_that_ask_at_once_cause_one_load_even_if_the_first_gives_up() -> None:
    table = Table(here="yes")
    answers = Lookup(table)
    table.open.clear()
    first, *others = [asyncio.create_task(answers.aget("here")) for _ in range(20)]
    while not table.asked:
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    table.open.set()
    assert await asyncio.gather(*others) == ["yes"] * 19
    assert first.cancelled()
    assert table.asked == ["here"]


async def test_coroutines_that_ask_for_different_keys_at_once_cause_one_load() -> None:
    table = Table(one="1", two="2")
    asked: list[Sequence[str]] = []

    def load_many(keys: Sequence[str]) -> dict[str, str]:
        asked.append(keys)
        return {key: table.rows[key] for key in keys if key in table.rows}

    answers = Lookup(table, load_many)
    assert await asyncio.gather(*map(answers.aget, ["one", "two", "none", "two"])) == ["1", "2", None, "2"]
    assert asked == [["one", "two", "none"]]
    assert answers.known("one") == "1"
    assert await answers.aget("none") is None
    assert len(asked) == 1
    assert not table.asked


async def test_an_error_of_one_load_goes_to_all_who_wait_for_it_and_is_not_kept() -> None:
    errors = [ZeroDivisionError()]

    def load_many(keys: Sequence[str]) -> dict[str, str]:
        if errors:
            raise errors.pop()
        return dict.fromkeys(keys, "yes")

    answers = Lookup(Table(), load_many)
    asked = await asyncio.gather(answers.aget("one"), answers.aget("two"), return_exceptions=True)
    assert [type(answer) for answer in asked] == [ZeroDivisionError] * 2
    assert list(await asyncio.gather(answers.aget("one"), answers.aget("two"))) == ["yes", "yes"]


async def test_who_finds_no_thread_hears_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_on_platform(*_call: object) -> None:
        raise Busy("Too much is waiting for the database.", retry_after=1.0)

    monkeypatch.setattr(lookup, "run_on_platform", run_on_platform)
    answers = Lookup(Table(here="yes"))
    with pytest.raises(Busy):
        await asyncio.wait_for(answers.aget("here"), 1)
    assert answers.get("here") == "yes"


def test_members_and_sign_ins_read_together_are_those_read_alone(make_tenant: MakeTenant, ada: User, ben: User) -> None:
    acme, globex = make_tenant("acme-many"), make_tenant("globex-many")
    for user, tenant in ((ada, acme), (ben, acme), (ben, globex)):
        Membership.objects.create(tenant_id=tenant.id, user=user, role="agent")
    Membership.objects.filter(tenant_id=acme.id, user=ben).update(disabled_at="2026-11-22T00:00Z")
    pairs = [(tenant.id, user.id) for tenant in (acme, globex) for user in (ada, ben)] + [(acme.id, uuid4())]
    alone = {pair: found for pair in pairs if (found := resolve._load_member(pair))}
    assert resolve._load_members(pairs) == alone
    assert alone.keys() == {(acme.id, ada.id), (globex.id, ben.id)}
    sids = [services.record_sign_in(user_id=ada.id, tenant_id=acme.id).id for _ in range(3)]
    services.end_sign_in(str(sids[0]))
    ends = {sid: end for sid in [*sids, uuid4()] if (end := resolve._load_end(sid))}
    assert resolve._load_ends([*sids, uuid4()]) == ends
    assert ends.keys() == {sids[0]}


def failing(error: Exception, then: Callable[[str], str | None]) -> Callable[[str], str | None]:
    errors = [error]

    def load(key: str) -> str | None:
        if errors:
            raise errors.pop()
        return then(key)

    return load


async def test_an_error_is_not_kept() -> None:
    for ask in (False, True):
        answers = Lookup(failing(ZeroDivisionError(), Table(here="yes")))
        with pytest.raises(ZeroDivisionError):
            await answers.aget("here") if ask else answers.get("here")
        assert answers.get("here") == "yes"


def test_what_was_being_loaded_when_it_changed_is_not_kept() -> None:
    table = Table(here="old")
    answers = Lookup(table)
    table.open.clear()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(answers.get, "here")
        while not table.asked:
            pass
        answers.forget(lambda key, value: True)
        table.open.set()
        assert asked.result() == "old"
    table.rows["here"] = "new"
    assert answers.get("here") == "new"


def test_strangers_guesses_do_not_push_out_real_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "SIZE", 3)
    table = Table(here="yes")
    answers = Lookup(table)
    answers.get("here")
    for number in range(10):
        answers.get(f"guess {number}")
    table.asked.clear()
    assert answers.get("here") == "yes"
    assert answers.get("guess 0") is None
    assert table.asked == ["guess 0"]


def test_a_sign_in_that_ended_is_known_to_be_over_at_once(ada: User, acme: TenantRef) -> None:
    sign_in = services.record_sign_in(user_id=ada.id, tenant_id=acme.id)
    sid = str(sign_in.id)
    assert not asyncio.run(resolve.a_is_ended(sid))
    services.end_sign_in(sid)
    assert asyncio.run(resolve.a_is_ended(sid))
    assert not asyncio.run(resolve.a_is_ended("not a sign-in of ours"))
