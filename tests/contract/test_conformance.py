"""The conformance suite, run from outside against the shipped server and against daphne."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chat.services.sites import change_site
from saas.up.database import ROOT
from tenants.models import User
from tests.support import talk
from tests.support.cast import PASSWORD, MakeTenant
from tests.support.server import Kind, running
from tests.support.shop import owner_email

SUITE = Path(__file__).parent / "conformance"
PARENT = "https://shop.example"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
def test_the_server_conforms(kind: Kind, make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    site = talk.embed_key(tenant)
    change_site(tenant, site.site_id, allowed_origins=[PARENT])
    with running(kind) as server:
        place = {
            "URL": f"http://{tenant.slug}.{server.base_host}",
            "WIDGET": f"http://widget.{server.base_host}",
            "KEY": site.key,
            "PARENT": PARENT,
            "EMAIL": User.objects.get(email=owner_email(tenant)).email,
            "PASSWORD": PASSWORD,
        }
        run = conform(place)
        assert run.returncode == 0, run.stdout[-6000:]
        assert server.complaints() == []


def conform(place: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The suite in a process of its own, which knows the place and nothing else of this run."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "no:xdist", f"--confcutdir={SUITE}", str(SUITE)]
    named = {f"CONFORMANCE_{name}": value for name, value in place.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DATABASE_"))}
    return subprocess.run(command, cwd=ROOT, env=inherited | named, capture_output=True, text=True, check=False)
