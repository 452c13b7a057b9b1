"""saas/env.py: an address of a database is heeded whole, or refused."""

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
