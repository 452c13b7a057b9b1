"""What of the server's log the terminal of `make up` shows."""

import pytest

from saas.up.server import is_loud


@pytest.mark.parametrize(
    ("line", "loud"),
    [
        (b"2026-11-22 16:44:27,057 INFO saas: Ready.", False),
        (b"2026-11-22 16:44:27,057 WARNING chat.realtime: The bus is away.", True),
        (b"2026-11-22 16:44:27,057 ERROR django.request: Internal Server Error: /inbox/", True),
        (b"2026-11-22 16:44:27,057 WARNING django.request: Not Found: /x", False),
        (b"ERROR:    Traceback", True),
    ],
)
def test_it_shows_what_is_wrong_with_us_and_not_what_others_asked_wrongly(line: bytes, *, loud: bool) -> None:
    assert is_loud(line, before=not loud) is loud


@pytest.mark.parametrize("before", [True, False])
def test_a_line_that_begins_no_record_goes_with_the_one_before(*, before: bool) -> None:
    assert is_loud(b'  File "x.py", line 1', before=before) is before
