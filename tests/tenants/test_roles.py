"""The wall between tenants, tried from inside: each statement that names somebody else's data is refused by the database."""

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from chat.models import Site
from tenants.context import TenantRef, in_tenant
from tenants.models import User


def ask(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_the_tests_hold_what_the_web_holds(acme: TenantRef) -> None:
    login = "SELECT session_user, rolsuper, rolcreaterole, rolinherit FROM pg_roles WHERE rolname = session_user"
    assert ask(login) == [("porch_app", False, False, False)]
    with in_tenant(acme):
        assert ask("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == [(acme.role, False)]


def test_a_tenant_reads_and_writes_its_own_schema(acme: TenantRef, globex: TenantRef) -> None:
    with in_tenant(acme):
        made = Site.objects.create(name="Shop")
        assert Site.objects.get(id=made.id).name == "Shop"
    with in_tenant(globex):
        assert not Site.objects.filter(id=made.id).exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM {other}.chat_site",
        "INSERT INTO {other}.chat_site SELECT * FROM {own}.chat_site",
        "UPDATE {other}.chat_site SET name = 'x'",
        "DELETE FROM {other}.chat_message",
        "TRUNCATE {other}.chat_site",
        "SELECT count(*) FROM {other}.chat_room",
        "SELECT last_value FROM {other}.django_migrations_id_seq",
        "SELECT nextval('{other}.django_migrations_id_seq')",
        "SELECT * FROM {other}.append('{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}')",
        "CREATE TABLE {other}.mine (id int)",
        "CREATE TABLE {own}.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "DROP SCHEMA {own} CASCADE",
        "DELETE FROM {own}.django_migrations",
        "SELECT * FROM public.tenants_user",
        "SELECT * FROM public.tenants_tenant",
        "SELECT * FROM public.tenants_membership",
        "SELECT * FROM public.django_session",
        "SELECT count(*) FROM public.billing_usageevent",
        "SELECT source_id FROM public.billing_usageevent",
        "INSERT INTO public.billing_usageevent (source_id) VALUES (uuidv7())",
        "SELECT count(*) FROM public.procrastinate_jobs",
        "SELECT public.current_tenant()",
        "CREATE ROLE mine",
        "COPY {own}.chat_site TO PROGRAM 'cat'",
    ],
)
def test_a_tenant_is_refused(statement: str, acme: TenantRef, globex: TenantRef) -> None:
    with in_tenant(globex), pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        ask(statement.format(own=globex.schema, other=acme.schema))


def test_the_platform_is_refused_inside_a_tenant(acme: TenantRef) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        ask(f"SELECT * FROM {acme.schema}.chat_site")


def test_a_forgotten_tenant_is_an_error(acme: TenantRef) -> None:
    with pytest.raises(ProgrammingError, match=r'relation "chat_site" does not exist'):
        Site.objects.count()


def test_a_forgotten_platform_is_an_error(acme: TenantRef) -> None:
    with in_tenant(acme), pytest.raises(ProgrammingError, match="permission denied"):
        User.objects.count()


def test_the_login_role_alone_may_do_nothing(acme: TenantRef) -> None:
    ask("RESET ROLE")
    for table in ("public.tenants_user", f"{acme.schema}.chat_site"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            ask(f"SELECT * FROM {table}")


def test_a_schema_that_does_not_exist_is_an_error(acme: TenantRef) -> None:
    nobody = TenantRef(id=acme.id, slug="nobody", name="Nobody", schema="t_nobody", status="active")
    with in_tenant(nobody), pytest.raises(DatabaseError, match=r'role "r_t_nobody" does not exist'):
        Site.objects.count()
    assert User.objects.exists()


def test_a_schema_name_cannot_carry_sql(acme: TenantRef) -> None:
    trick = TenantRef(id=acme.id, slug="x", name="X", schema='public"; RESET ROLE; --', status="active")
    with pytest.raises(ValueError, match="not a schema of ours"), in_tenant(trick):
        pass


def test_a_role_set_by_hand_ends_with_the_next_tenant(acme: TenantRef, globex: TenantRef) -> None:
    with in_tenant(acme):
        ask(f"SET ROLE {globex.role}")
    with in_tenant(acme):
        assert ask("SELECT current_user") == [(acme.role,)]
    assert ask("SELECT current_user") == [("porch_platform",)]


def test_a_path_set_by_hand_ends_with_the_next_statement(acme: TenantRef, globex: TenantRef) -> None:
    with in_tenant(acme):
        ask(f"SET search_path = {globex.schema}")
        assert ask("SELECT current_schema()") == [(acme.schema,)]


def test_a_rollback_that_undoes_the_switch_does_not_leave_the_tenant(acme: TenantRef) -> None:
    with in_tenant(acme):
        with transaction.atomic():
            ask("SELECT 1")
            transaction.set_rollback(True)
        assert ask("SELECT current_user, current_schema()") == [(acme.role, acme.schema)]


def test_a_savepoint_that_is_rolled_back_takes_the_switch_with_it(acme: TenantRef, globex: TenantRef) -> None:
    with transaction.atomic():
        with in_tenant(acme):
            ask("SELECT 1")
        with pytest.raises(ProgrammingError), transaction.atomic(), in_tenant(globex):
            ask("SELECT * FROM nothing")
        assert ask("SELECT current_user, current_schema()") == [("porch_platform", "public")]
        with in_tenant(acme):
            assert ask("SELECT current_user, current_schema()") == [(acme.role, acme.schema)]


def test_an_error_inside_a_tenant_leaves_it(acme: TenantRef) -> None:
    with pytest.raises(ZeroDivisionError), in_tenant(acme):
        raise ZeroDivisionError
    assert ask("SELECT current_user") == [("porch_platform",)]


def test_tenants_do_not_nest(acme: TenantRef, globex: TenantRef) -> None:
    with in_tenant(acme), pytest.raises(RuntimeError, match="leave one tenant"), in_tenant(globex):
        pass
