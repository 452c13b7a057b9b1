"""An archive that cannot take a tenant's place changes nothing; and who has what the tenant gave up is left alone."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from chat.models import Room
from saas.core import files
from saas.core.database import dsn
from tenants import archive
from tenants.archive import BadArchive, replacing, restoring
from tenants.context import TenantRef, in_tenant
from tenants.models import Domain, Membership, Role, Tenant, User
from tenants.one_at_a_time import ONE_AT_A_TIME
from tenants.postgresql.base import Shut
from tests.support import cluster, talk
from tests.support.archives import Superuser, back_up, is_open_and_alone, restore, rows_of, said
from tests.support.cast import MakeTenant, make_user


class TestNothingChanges:
    """Where an archive cannot take the place, everything is as it was."""

    @pytest.fixture
    def made(self, tenant: TenantRef, tmp_path: Path) -> Path:
        colleague = make_user(f"cleo@{tenant.slug}.example", "Cleo")
        Membership.objects.create(tenant_id=tenant.id, user=colleague, role=Role.AGENT)
        files.put(tenant.id, b"a lamp")
        return back_up(tenant, tmp_path)

    @pytest.fixture
    def room(self, tenant: TenantRef, made: Path) -> UUID:
        """Of after the archive."""
        return talk.room_of(tenant, talk.visitor(tenant), "as it was")

    @pytest.fixture(autouse=True)
    def _as_it_was(self, tenant: TenantRef, made: Path, room: UUID, superuser: Superuser) -> Iterator[None]:
        kept = set(files.files_of(tenant.id))
        hosts = list(Domain.objects.filter(tenant_id=tenant.id).values_list("domain", flat=True))
        yield
        assert said(tenant, room) == ["as it was"]
        assert list(Domain.objects.filter(tenant_id=tenant.id).values_list("domain", flat=True)) == hosts
        assert set(files.files_of(tenant.id)) == kept
        assert is_open_and_alone(superuser, tenant)
        assert not list(made.parent.glob("*.replaced*"))

    @pytest.fixture
    def cleo(self, tenant: TenantRef) -> str:
        """The address of one who has left since, and whose address somebody else has."""
        address = f"cleo@{tenant.slug}.example"
        User.objects.get(email=address).delete()
        make_user(address, "Clea")
        return address

    def test_where_an_address_is_somebody_elses_by_now(self, made: Path, cleo: str) -> None:
        done = restore(made, "--replace")
        assert done.returncode == 1
        assert f"somebody else here has the address {cleo}" in done.stderr

    def test_where_what_was_loaded_is_not_what_was_kept(
        self, tenant: TenantRef, made: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_found: object) -> None:
            raise BadArchive("not what they held")

        monkeypatch.setattr(restoring, "refuse_other_content", refuse)
        with pytest.raises(BadArchive, match="not what they held"):
            archive.restore(made, replace=True)

    def test_where_the_last_step_fails(self, tenant: TenantRef, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that was missing does not stay either."""
        [file_id] = files.files_of(tenant.id)
        with files.open_file(tenant.id, file_id) as stream:
            content = stream.read()
        files.delete(tenant.id, file_id)
        monkeypatch.setattr(restoring, "_migrate", lambda _manifest: None)  # only the owner's process may
        monkeypatch.setattr(replacing, "finish", lambda *_all: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            archive.restore(made, replace=True)
        assert not list(files.files_of(tenant.id))
        files.put_back(tenant.id, file_id, BytesIO(content))

    def test_where_it_was_cut_off_the_next_run_puts_it_back(self, tenant: TenantRef, made: Path) -> None:
        with replacing.alone() as owner:
            replacing.begin(owner, tenant.schema)
            with replacing.setting_aside(owner, tenant.schema):
                pass
            owner.execute(f"CREATE SCHEMA {tenant.schema}".encode())  # of what was loaded
        with in_tenant(tenant), pytest.raises(Shut):
            Room.objects.exists()
        done = restore(made)
        assert done.returncode == 1
        assert "say --replace" in done.stderr

    def test_where_others_migrate_or_restore(self, made: Path, superuser: Superuser) -> None:
        with psycopg.connect(dsn("owner"), autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            done = restore(made, "--replace")
        assert done.returncode == 1
        assert "being migrated or restored just now" in done.stderr

    def test_where_the_folder_of_files_is_not_the_servers(self, tenant: TenantRef, made: Path, tmp_path: Path) -> None:
        elsewhere = {"DATABASE_AS_OWNER": "1", "DATA_DIR": str(tmp_path / "elsewhere")}
        for words in (["restore_tenant", str(made), "--replace"], ["backup_tenant", tenant.slug, "--to", str(tmp_path)]):
            done = cluster.manage(*words, check=False, **elsewhere)
            assert done.returncode == 1
            assert f"{tmp_path}/elsewhere/files, is not there: set DATA_DIR" in done.stderr


def test_what_was_given_up_since_stands_in_nobodys_way(
    tenant: TenantRef, tmp_path: Path, superuser: Superuser, make_tenant: MakeTenant
) -> None:
    """The tenant has another name and host now, and its owner another address; what they had is others'."""
    owner = User.objects.get(memberships__tenant=tenant.id)
    made = back_up(tenant, tmp_path)
    Tenant.objects.filter(id=tenant.id).update(slug=f"{tenant.slug}-now")
    Domain.objects.filter(tenant_id=tenant.id).update(domain=f"{tenant.slug}-now.localhost")
    User.objects.filter(id=owner.id).update(email=f"now.{owner.email}")
    other = make_tenant(tenant.slug, owner=make_user(owner.email, "Otto"))
    rows = rows_of(superuser, other)
    done = restore(made, "--replace")
    assert done.returncode == 0, done.stderr
    assert rows_of(superuser, other) == rows
    assert Tenant.objects.get(id=tenant.id).slug == f"{tenant.slug}-now"
    assert User.objects.get(id=owner.id).email == f"now.{owner.email}"
    assert is_open_and_alone(superuser, tenant)
