"""The stand-in for Stripe beside `make up`: whom it starts for, with what, and how it ends."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from saas.up import stripe
from saas.up.database import ROOT
from saas.up.options import Options, Refused
from saas.up.processes import free_port
from tests.support.patience import PATIENCE

SERVING = """
import sys, time
from pathlib import Path
from saas.up import stripe
from saas.up.options import Options
with stripe.serve(Options(Path(sys.argv[1]), 8000)) as child:
    child.wait()
    print("on", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    return Options(tmp_path, free_port())


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=PATIENCE).status_code == 200
    except httpx.TransportError:
        return False


def test_it_serves_for_as_long_as_the_block_with_the_same_secrets_and_port(options: Options) -> None:
    first = stripe.access(options)
    assert first is not None
    for _ in range(2):
        with stripe.serve(options) as child:
            assert child is not None
            child.wait()
            assert answers(first.api_base)
        assert not answers(first.api_base)

    assert stripe.access(options) == first
    assert len({first.key, first.webhook_secret, first.thin_webhook_secret}) == 3
    assert (options.data_dir / "secrets.json").stat().st_mode & 0o077 == 0


def test_it_is_not_there_beside_a_key_of_stripe(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_of_a_person")

    assert stripe.access(options) is None
    with stripe.serve(options) as child:
        assert child is None
    assert list(options.data_dir.iterdir()) == []


def test_one_serves_a_folder_and_others_use_it(options: Options) -> None:
    with stripe.serve(options) as child:
        assert child is not None
        with stripe.serve(options) as second:
            assert second is None
        child.wait()


def test_a_port_that_somebody_else_took_is_refused_with_a_way_out(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "STOP_TIMEOUT", 0)
    how = stripe.access(options)
    assert how is not None
    with (
        socket.create_server(("127.0.0.1", how.port)),
        pytest.raises(Refused, match=f"port {how.port} is held .* Delete .*port"),
        stripe.serve(options),
    ):
        pass


def test_it_says_why_it_does_not_start(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "MODULE", "billing.nothing")

    with stripe.serve(options) as child:
        assert child is not None
        with pytest.raises(stripe.NoStandIn, match=r"No module named billing\.nothing"):
            child.wait()


def test_it_does_not_outlive_who_started_it(options: Options) -> None:
    how = stripe.access(options)
    assert how is not None
    words = [sys.executable, "-c", SERVING, str(options.data_dir)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    assert answers(how.api_base)

    process.send_signal(signal.SIGKILL)
    process.wait()
    end = time.monotonic() + PATIENCE
    while answers(how.api_base):
        assert time.monotonic() < end
