"""What was done is written down once, with who, what, from where, and never rewritten."""

from contextlib import nullcontext
from uuid import uuid4

import pytest
from django.db import Error, connection, transaction

from saas.core.ids import uuid7
from tenants.audit import Thing, forget_old, record
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, User
from tenants.source import Source, arriving
from tenants.tokens import Principal
from tests.support.cast import MakeTenant

CHROME = Source("203.0.113.7", "Chrome 130 on Linux", "console")


def room() -> Thing:
    return Thing("room", uuid7(), "Ask us")


def principal_of(user: User, tenant: TenantRef) -> Principal:
    return Principal(tenant.id, "agent", user.id, user.name, "owner", None, None, str(uuid4()), 0)


def entries(thing: Thing) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(thing_id=str(thing.id)).order_by("id"))


def test_an_act_inside_a_tenant_names_who_what_and_from_where(acme: TenantRef, ada: User) -> None:
    thing = room()
    with arriving(CHROME), in_tenant(acme):
        record(acme, by=principal_of(ada, acme), act="room.changed", on=thing, before={"title": "Ask"}, after={"title": "Ask us"})
    (entry,) = entries(thing)
    assert (entry.tenant_id, entry.act, entry.by_id, entry.by_name) == (acme.id, "room.changed", ada.id, "Ada")
    assert (entry.thing_kind, entry.thing_name) == ("room", "Ask us")
    assert (entry.before, entry.after) == ({"title": "Ask"}, {"title": "Ask us"})
    assert (entry.address, entry.browser, entry.way) == ("203.0.113.7", "Chrome 130 on Linux", "console")


def test_an_act_on_the_platforms_role_is_the_same(acme: TenantRef, ada: User) -> None:
    thing = room()
    with arriving(CHROME):
        record(acme.id, by=ada, act="room.changed", on=thing, before={"title": "Ask"}, after={"title": "Ask us"})
    (entry,) = entries(thing)
    assert (entry.tenant_id, entry.by_id, entry.by_name, entry.way) == (acme.id, ada.id, "Ada", "console")


def test_only_what_differs_is_kept(acme: TenantRef) -> None:
    thing = room()
    old, new = {"title": "Ask", "slow": 0, "gone": 1}, {"title": "Ask", "slow": 5, "new": uuid7()}
    record(acme, by=None, act="room.changed", on=thing, before=old, after=new)
    (entry,) = entries(thing)
    assert entry.before == {"slow": 0, "gone": 1}
    assert entry.after == {"slow": 5, "new": str(new["new"])}
    assert (entry.by_kind, entry.by_id, entry.by_name, entry.way) == ("", None, "", "")


def test_the_database_takes_the_tenant_from_the_role_and_not_from_the_caller(acme: TenantRef, globex: TenantRef) -> None:
    thing = room()
    with in_tenant(globex):
        record(acme, by=None, act="room.created", on=thing)
    assert [entry.tenant_id for entry in entries(thing)] == [globex.id]


def test_what_is_undone_was_never_done(acme: TenantRef) -> None:
    thing = room()
    with in_tenant(acme), transaction.atomic():
        record(acme, by=None, act="room.created", on=thing)
        transaction.set_rollback(True)
    assert entries(thing) == []


def test_an_act_that_nobody_can_read_is_refused(acme: TenantRef) -> None:
    with pytest.raises(KeyError):
        record(acme, by=None, act="room.painted", on=room())


@pytest.mark.parametrize("statement", ["UPDATE public.tenants_auditentry SET act = ''", "DELETE FROM public.tenants_auditentry"])
@pytest.mark.parametrize("inside", [False, True])
def test_nobody_rewrites_what_was_done(acme: TenantRef, statement: str, inside: bool) -> None:
    role = in_tenant(acme) if inside else nullcontext()
    with role, connection.cursor() as cursor, pytest.raises(Error, match="permission denied"):
        cursor.execute(statement)


def test_a_tenants_role_reads_nothing(acme: TenantRef) -> None:
    with pytest.raises(Error, match="permission denied"), in_tenant(acme):
        list(AuditEntry.objects.all())


def test_what_is_older_than_two_years_goes(make_tenant: MakeTenant, superuser) -> None:  # type: ignore[no-untyped-def]
    tenant = make_tenant()
    old, young = room(), room()
    for thing in (old, young):
        record(tenant, by=None, act="room.created", on=thing)
    superuser.execute("UPDATE tenants_auditentry SET at = now() - interval '731 days' WHERE thing_id = %s", [str(old.id)])
    assert forget_old() >= 1
    assert entries(old) == []
    assert len(entries(young)) == 1
