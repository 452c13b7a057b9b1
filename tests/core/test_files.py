"""The one door to stored files: by tenant and id, whatever the storage."""

import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from saas.core import files
from saas.core.errors import NotFound

ACME, GLOBEX = uuid4(), uuid4()


@pytest.fixture(autouse=True, params=["folder", "memory"])
def storage(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> None:
    """Two storages of Django's: what holds for both leans on neither."""
    kinds = {"folder": "FileSystemStorage", "memory": "InMemoryStorage"}
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"django.core.files.storage.{kinds[request.param]}"}}


def test_what_was_put_is_read_again() -> None:
    by_bytes, by_stream = files.put(ACME, b"a lamp"), files.put(ACME, io.BytesIO(b"x" * 300_000))
    with files.open_file(ACME, by_bytes) as stream:
        assert stream.read() == b"a lamp"
    assert (files.size(ACME, by_bytes), files.size(ACME, by_stream)) == (6, 300_000)


def test_a_file_of_another_tenant_is_not_there() -> None:
    file_id = files.put(ACME, b"a lamp")
    for ask in (files.open_file, files.size):
        with pytest.raises(NotFound):
            ask(GLOBEX, file_id)
    files.delete(GLOBEX, file_id)
    assert files.size(ACME, file_id) == 6


def test_a_deleted_file_is_gone_and_deleting_twice_is_nothing() -> None:
    file_id = files.put(ACME, b"a lamp")
    for _ in range(2):
        files.delete(ACME, file_id)
    with pytest.raises(NotFound):
        files.open_file(ACME, file_id)


def test_the_files_of_a_tenant_are_listed_measured_and_removed_alone() -> None:
    tenant, other = uuid4(), uuid4()
    mine = {files.put(tenant, b"12345") for _ in range(20)}
    theirs = files.put(other, b"1")
    assert set(files.files_of(tenant)) == mine
    assert files.total_size(tenant) == 100
    assert files.delete_all(tenant) == 20
    assert (files.total_size(tenant), files.total_size(other)) == (0, 1)
    assert list(files.files_of(other)) == [theirs]


@pytest.mark.parametrize("bad", ["../../etc/passwd", "x", b"x", None, 7])
def test_a_name_that_a_person_typed_never_reaches_the_storage(bad: Any) -> None:
    for call in (files.open_file, files.size, files.delete):
        with pytest.raises(TypeError):
            call(ACME, bad)
        with pytest.raises(TypeError):
            call(bad, UUID(int=7))
    with pytest.raises(TypeError):
        files.put(bad, b"x")
