"""A tenant's archive: made while people write, restored after an accident and at another installation, and nothing else taken."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator
from django.db import ProgrammingError, connection, connections
from django.db.models import F
from pytest_django import Settings

from billing.models import BillingAccount
from chat.models import Message, Room
from saas.core import files
from saas.core.errors import Unauthenticated
from tenants.archive.schema import connect, content_of
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Tenant, User
from tenants.services import use_code
from tenants.tokens import identity_secret
from tests.support import cluster, talk
from tests.support.archives import Superuser, back_up, destroy, manifest_of, move_away, restore, rows_of
from tests.support.cast import MakeTenant
from tests.support.identities import new_key, site_of
from tests.support.people import code_of, give_factor


class Load:
    """Visitors who write without a pause; `acked` is what was committed, in its order, by room."""

    def __init__(self, tenant: TenantRef, rooms: int = 3) -> None:
        self.tenant, self.over = tenant, Event()
        people = [talk.visitor(tenant) for _ in range(rooms)]
        self.people = {talk.room_of(tenant, who): who for who in people}
        self.acked: dict[UUID, list[str]] = {room: [] for room in self.people}

    def write(self, room: UUID) -> None:
        """Until it is over, and 20 lines at least."""
        while not self.over.is_set() or len(self.acked[room]) < 20:
            text = f"line {len(self.acked[room])}"
            talk.say(self.tenant, room, self.people[room], text)
            self.acked[room].append(text)
        connections.close_all()


@contextmanager
def under(load: Load) -> Iterator[None]:
    """Everybody writes meanwhile."""
    with ThreadPoolExecutor(len(load.people)) as threads:
        running = [threads.submit(load.write, room) for room in load.people]
        try:
            yield
        finally:
            load.over.set()
    for one in running:
        one.result()


def said(tenant: TenantRef, room: UUID) -> list[tuple[int, str]]:
    with in_tenant(tenant):
        return list(Message.objects.filter(room_id=room).order_by("seq").values_list("seq", "text"))


def test_backed_up_under_load_destroyed_and_restored_it_is_what_it_was(
    tenant: TenantRef, tmp_path: Path, superuser: Superuser
) -> None:
    load = Load(tenant)
    talk.say(tenant, next(iter(load.people)), None, "before everybody")
    file_id = files.put(tenant.id, b"a lamp")
    with in_tenant(tenant):
        epochs = dict(Room.objects.values_list("id", "epoch"))
    with under(load):
        while any(len(lines) < 5 for lines in load.acked.values()):
            load.over.wait(0.01)
        before = {room: list(lines) for room, lines in load.acked.items()}
        archive = back_up(tenant, tmp_path)
    rows = rows_of(superuser, tenant)

    destroy(tenant)
    done = restore(archive)
    assert done.returncode == 0, done.stderr
    for room, lines in before.items():
        found = said(tenant, room)
        assert [seq for seq, _ in found] == list(range(1, len(found) + 1))
        texts = [text for _, text in found if text != "before everybody"]
        assert texts[: len(lines)] == lines
        assert texts == load.acked[room][: len(texts)]
    there = rows_of(superuser, tenant)
    acts = there.pop("tenants_auditentry")
    assert [one for one in acts if ".restored" not in one] == rows.pop("tenants_auditentry")
    assert there == rows
    with files.open_file(tenant.id, file_id) as stream:
        assert stream.read() == b"a lamp"
    with in_tenant(tenant):
        assert not set(epochs.items()) & set(Room.objects.values_list("id", "epoch"))


def test_what_came_back_is_what_the_archive_says(tenant: TenantRef, tmp_path: Path) -> None:
    talk.room_of(tenant, talk.visitor(tenant), "hello", "is anybody there?")
    archive = back_up(tenant, tmp_path)
    with connect() as owner:
        whole = content_of(owner, tenant.schema)
    assert manifest_of(archive).tables == whole
    destroy(tenant)
    restore(archive)
    with connect() as owner:
        found = content_of(owner, tenant.schema)
    assert found.pop("chat_room") != whole.pop("chat_room")  # the rooms have new epochs
    assert found == whole


def test_a_room_is_newer_than_all_that_was_told_of_it(tenant: TenantRef, tmp_path: Path) -> None:
    """Of two summaries clients keep the one with the higher `rev`. And so again, where the same archive comes back once more."""
    room = talk.room_of(tenant, talk.visitor(tenant), "hello")
    archive = back_up(tenant, tmp_path)
    for _ in range(2):
        with in_tenant(tenant):
            Room.objects.filter(id=room).update(rev=F("rev") + 50)
            told = Room.objects.get(id=room).rev
        done = restore(archive, "--replace")
        assert done.returncode == 0, done.stderr
        archive.with_name(f"{archive.name}.replaced").unlink()
        with in_tenant(tenant):
            assert told < Room.objects.get(id=room).rev < 2**53


def test_its_role_may_again_what_it_might_and_no_more(tenant: TenantRef, tmp_path: Path) -> None:
    archive = back_up(tenant, tmp_path)
    destroy(tenant)
    restore(archive)
    room = talk.room_of(tenant, talk.visitor(tenant), "as before")  # a message, its usage row, a notification
    assert said(tenant, room) == [(1, "as before")]
    with in_tenant(tenant), pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {tenant.schema}.django_migrations")


def test_at_another_installation_that_knows_the_key_of_this_one_codes_and_identity_keys_count(
    tenant: TenantRef, tmp_path: Path, superuser: Superuser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SECRET_KEY` is another one there; without this one behind it, both are worth nothing."""
    owner = User.objects.get(memberships__tenant=tenant.id)
    app, key, here = give_factor(owner), new_key(tenant), settings.SECRET_KEY
    archive = back_up(tenant, tmp_path)
    move_away(superuser, tenant)
    assert not Authenticator.objects.filter(user_id=owner.id).exists()

    settings.SECRET_KEY = secrets.token_urlsafe(50)
    monkeypatch.setenv("SECRET_KEY", settings.SECRET_KEY)
    assert restore(archive).returncode == 0
    with pytest.raises(Unauthenticated):
        use_code(owner.id, code_of(app))
    with pytest.raises(Unauthenticated):
        identity_secret(tenant.id, site_of(tenant), key.kid)
    settings.SECRET_KEY_FALLBACKS = [here]
    assert use_code(owner.id, code_of(app)) is not None
    assert identity_secret(tenant.id, site_of(tenant), key.kid) == key.secret


def test_at_another_installation_its_people_sign_in_as_before(tenant: TenantRef, tmp_path: Path, superuser: Superuser) -> None:
    owner = User.objects.get(memberships__tenant=tenant.id)
    archive = back_up(tenant, tmp_path)
    move_away(superuser, tenant)
    assert not User.objects.filter(id=owner.id).exists()
    done = restore(archive)
    assert done.returncode == 0, done.stderr
    assert User.objects.get(id=owner.id).password == owner.password
    assert Membership.objects.get(tenant_id=tenant.id).user_id == owner.id
    assert BillingAccount.objects.get(pk=tenant.id).access_state == "ok"


def test_people_who_are_there_stay_as_they_are(tenant: TenantRef, tmp_path: Path) -> None:
    owner = User.objects.get(memberships__tenant=tenant.id)
    archive = back_up(tenant, tmp_path)
    User.objects.filter(id=owner.id).update(name="Olga the Second")
    destroy(tenant)
    restore(archive)
    assert User.objects.get(id=owner.id).name == "Olga the Second"


def test_what_stood_in_its_place_is_kept(tenant: TenantRef, tmp_path: Path) -> None:
    archive = back_up(tenant, tmp_path)
    room = talk.room_of(tenant, talk.visitor(tenant), "said since")
    refused = restore(archive)
    assert refused.returncode == 1
    assert "say --replace" in refused.stderr
    assert said(tenant, room) == [(1, "said since")]

    assert restore(archive, "--replace").returncode == 0
    assert said(tenant, room) == []
    kept = archive.with_name(f"{archive.name}.replaced")
    assert kept.stat().st_mode & 0o077 == 0
    assert restore(kept, "--replace").returncode == 0
    assert said(tenant, room) == [(1, "said since")]


def test_a_closed_tenant_does_not_come_back(tenant: TenantRef, tmp_path: Path) -> None:
    archive = back_up(tenant, tmp_path)
    destroy(tenant)
    Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.CLOSED)
    done = restore(archive)
    assert done.returncode == 1
    assert "deleted on purpose" in done.stderr


def test_a_damaged_archive_changes_nothing(tenant: TenantRef, tmp_path: Path) -> None:
    room = talk.room_of(tenant, talk.visitor(tenant), "hello")
    archive = back_up(tenant, tmp_path)
    whole = archive.read_bytes()
    place = len(whole) // 3  # in the dump, which is the first and by far the largest part
    archive.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    done = restore(archive, "--replace")
    assert done.returncode == 1
    assert "damaged: schema.dump" in done.stderr
    assert said(tenant, room) == [(1, "hello")]
    assert not list(tmp_path.glob("*.replaced"))


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    other = tmp_path / "holiday.tar"
    other.write_bytes(b"no archive")
    assert f"{other} is not an archive of a tenant" in restore(other).stderr
    assert "nowhere.tar is not an archive" in restore(tmp_path / "nowhere.tar").stderr


def test_a_host_that_somebody_else_has_is_named_and_nothing_is_left(
    tenant: TenantRef, tmp_path: Path, superuser: Superuser, make_tenant: MakeTenant
) -> None:
    archive = back_up(tenant, tmp_path)
    move_away(superuser, tenant)
    make_tenant(tenant.slug, owner=User.objects.create(email=f"other@{tenant.slug}.example", name="Otto"))
    done = restore(archive)
    assert done.returncode == 1
    assert f"somebody else here has the name {tenant.slug}" in done.stderr
    assert superuser.execute("SELECT FROM pg_namespace WHERE nspname = %s", [tenant.schema]).fetchone() is None
    assert not Tenant.objects.filter(id=tenant.id).exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nobody"], "there is no tenant nobody"),
        ([], "name the tenants, or say --all"),
        (["x", "--to", "/nowhere"], "is not a folder"),
    ],
)
def test_a_backup_of_nobody_is_refused(words: list[str], complaint: str) -> None:
    done = cluster.manage("backup_tenant", *words, check=False, DATABASE_AS_OWNER="1")
    assert done.returncode == 1
    assert complaint in done.stderr


def test_no_archive_is_left_of_a_backup_that_failed(tenant: TenantRef, tmp_path: Path, superuser: Superuser) -> None:
    superuser.execute(f"ALTER TABLE {tenant.schema}.chat_message OWNER TO postgres")
    done = cluster.manage("backup_tenant", tenant.slug, "--to", str(tmp_path), check=False, DATABASE_AS_OWNER="1")
    superuser.execute(f"ALTER TABLE {tenant.schema}.chat_message OWNER TO porch_owner")
    assert done.returncode == 1
    assert "permission denied" in done.stderr
    assert os.listdir(tmp_path) == []
