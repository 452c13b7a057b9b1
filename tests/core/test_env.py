"""saas/env.py: an address of a database is heeded whole, or refused."""

from urllib.parse import quote

import pytest

from saas import env


def database(monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, str]:
    monkeypatch.setenv("SOME_URL", url)
    return env.database("SOME_URL")


@pytest.mark.parametrize("rest", ["?sslmode=verify-full&sslrootcert=/ca.pem", "#x", "/more?sslmode=require"])
def test_what_an_address_asks_of_its_connection_is_not_dropped_without_a_word(monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    assert database(monkeypatch, "postgresql://porch_app:secret@localhost/porchlight")["NAME"] == "porchlight"
    with pytest.raises(env.BadEnvironment, match=r"SOME_URL .* PGSSLMODE, PGSSLROOTCERT") as refused:
        database(monkeypatch, f"postgresql://porch_app:secret@localhost/porchlight{rest}")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("sign", "coded"), [("?", "%3F"), ("#", "%23")])
def test_half_of_a_password_is_not_told(monkeypatch: pytest.MonkeyPatch, sign: str, coded: str) -> None:
    with pytest.raises(env.BadEnvironment, match=f"in a password write .*{coded}") as refused:
        database(monkeypatch, f"postgresql://porch_app:half{sign}other@localhost/porchlight")
    assert not [word for word in ("half", "other") if word in str(refused.value)]
    assert (
        database(monkeypatch, f"postgresql://porch_app:half{coded}other@localhost/porchlight")["PASSWORD"] == f"half{sign}other"
    )


@pytest.mark.parametrize("password", ["half/other", "80/other", "half[other", "half]other", "half/1@db/other", "half\u2100other"])
def test_nor_where_the_rest_makes_no_address(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """Whatever Python stumbles over; nor is it taken for a port or a name, of which later errors would tell."""
    with pytest.raises(env.BadEnvironment, match=r"SOME_URL is not of the form .* in a password write %2F") as refused:
        database(monkeypatch, f"postgresql://porch_app:{password}@localhost/porchlight")
    assert not [word for word in ("half", "80", "other", "porch_app") if word in str(refused.value)]
    found = database(monkeypatch, f"postgresql://porch_app:{quote(password, safe='')}@localhost/porchlight")
    assert found["PASSWORD"] == password


@pytest.mark.parametrize("number", ["65536", "x", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    assert database(monkeypatch, "postgresql://porch_app:secret@localhost:5433/porchlight")["PORT"] == "5433"
    with pytest.raises(env.BadEnvironment, match="SOME_URL is not of the form"):
        database(monkeypatch, f"postgresql://porch_app:secret@localhost:{number}/porchlight")
