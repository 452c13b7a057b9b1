"""infra/nginx as Debian's unit runs it, and while a release takes another's place behind it."""

import os
import re
import signal
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pytest

from saas.up.unpacked import NGINX
from tests.infra.fronts import Echo, Front, served
from tests.support.nginx import INFRA, Nginx
from tests.support.patience import PATIENCE

pytestmark = [
    pytest.mark.xdist_group("infra"),
    pytest.mark.skipif(NGINX.find() is None, reason="no nginx; `python -m saas.up.unpacked` fetches Debian's"),
]


class Forked(Nginx):
    """nginx as Debian's unit keeps it: in the background, found by its file with the number of its process."""

    WORDS = "daemon on; master_process on;"  # of the unit

    @property
    def pid(self) -> int:
        return int((self.folder / "nginx.pid").read_text())

    def _start(self) -> None:
        self.run("-g", self.WORDS)

    def _stop(self) -> None:
        os.kill(self.pid, signal.SIGQUIT)
        end = time.monotonic() + PATIENCE
        while not self._has_ended():
            assert time.monotonic() < end, "nginx does not end"
            time.sleep(0.02)

    def _has_ended(self) -> bool:
        return not (self.folder / "nginx.pid").exists()


class TestUnit:
    """Where nginx is Debian's, and a unit of systemd."""

    def test_it_looks_where_debian_looks(self) -> None:
        places = (NGINX.folder / "lib/systemd/system", Path("/lib/systemd/system"))
        unit = next(place / "nginx.service" for place in places if (place / "nginx.service").exists()).read_text()
        said = (INFRA / "nginx.conf").read_text()
        assert re.findall(r"^pid (\S+);", said, re.MULTILINE) == re.findall(r"^PIDFile=(\S+)", unit, re.MULTILINE)
        assert f"-g '{Forked.WORDS}'" in unit
        logs = re.findall(r"^(?:access|error)_log (\S+) ", said + (INFRA / "porchlight/log.conf").read_text(), re.MULTILINE)
        assert {str(Path(log).parent) for log in logs} == {"/var/log/nginx"}  # which logrotate empties
        assert len(logs) == 3

    def test_it_starts_reloads_and_ends_as_the_unit_has_it(self) -> None:
        with served(Echo) as port, Forked(web=[port, port], ws=[port, port]) as nginx:
            began = nginx.pid
            nginx.run("-g", Forked.WORDS, "-s", "reload")
            assert Front(nginx).get("/").status_code == 200
            assert nginx.pid == began
        assert '"status":200' in nginx.log("access")


class Files(BaseHTTPRequestHandler):
    """A process that knows some files and no others."""

    protocol_version = "HTTP/1.1"
    names: ClassVar[tuple[str, ...]] = ()

    def do_GET(self) -> None:
        self.send_response(200 if self.path in self.names else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        return None


class Old(Files):
    names = ("/static/both.js", "/static/old.js", "/page/")


class New(Files):
    names = ("/static/both.js", "/static/new.js")


def test_while_a_release_takes_anothers_place_pages_of_both_find_their_files() -> None:
    paths = ("/static/old.js", "/static/new.js", "/static/both.js", "/static/none.js", "/page/")
    with served(Old) as old, served(New) as new, Nginx(web=[old, new], ws=[old, new]) as nginx:
        found = {path: {Front(nginx).get(path).status_code for _ in range(6)} for path in paths}
    assert found == dict(zip(paths, ({200}, {200}, {200}, {404}, {200, 404}), strict=True))
