"""Debian's nginx with the configuration of infra/nginx, in front of processes of a test."""

import datetime
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from saas.up.database import ROOT
from saas.up.processes import die_with_parent
from saas.up.unpacked import NGINX
from tests.support.server import lasting_port

INFRA = ROOT / "infra/nginx"
START_SECONDS = 20.0
NAMES = ("localhost", "*.localhost")


def mime_types() -> Path:
    """nginx's own list."""
    return next(path for path in (NGINX.folder / "etc/nginx/mime.types", Path("/etc/nginx/mime.types")) if path.exists())


@dataclass
class Nginx:
    """nginx on two loopback ports, with its files in `folder`.

    `web` and `ws` are the ports of the processes. `changes` are words of the configuration and what stands in their place: each
    must be there. Everything else is as it is shipped.
    """

    folder: Path
    web: Sequence[int]
    ws: Sequence[int]
    changes: Mapping[str, str] = field(default_factory=dict)
    plain: int = field(default_factory=lasting_port)
    tls: int = field(default_factory=lasting_port)
    process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> "Nginx":
        self.folder.mkdir(exist_ok=True)
        for folder in (self.folder, *self.folder.parents[:2]):
            folder.chmod(folder.stat().st_mode | 0o055)  # its workers are nobody's
        self._write()
        self._program(["-t"], check=True)
        with open(self.access_log, "wb") as out, open(self.error_log, "wb") as err:
            self.process = subprocess.Popen(
                [*self._words(), "-g", "daemon off;"], stdout=out, stderr=err, preexec_fn=die_with_parent
            )
        self._await()
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    @property
    def access_log(self) -> Path:
        return self.folder / "access.log"

    @property
    def error_log(self) -> Path:
        return self.folder / "error.log"

    @property
    def trust(self) -> ssl.SSLContext:
        """For clients that believe its certificate."""
        return ssl.create_default_context(cafile=str(self.folder / "tls/fullchain.pem"))

    def _write(self) -> None:
        shutil.copytree(INFRA, self.folder / "conf")
        self._make_certificate()
        ports = (*self.web, *self.ws)
        places = {
            "/etc/nginx/mime.types": str(mime_types()),
            "/etc/porchlight/tls": str(self.folder / "tls"),
            "/tmp/nginx": str(self.folder / "nginx"),
            "include porchlight/": f"include {self.folder}/conf/porchlight/",
            "listen 80 ": f"listen 127.0.0.1:{self.plain} ",
            "listen 443 ": f"listen 127.0.0.1:{self.tls} ",
            **{f"127.0.0.1:{known}": f"127.0.0.1:{port}" for known, port in zip((8000, 8001, 8100, 8101), ports, strict=True)},
            **self.changes,
        }
        unused = set(places)
        for file in sorted((self.folder / "conf").rglob("*.conf")):
            text = file.read_text()
            unused -= {words for words in places if words in text}
            pattern = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
            file.write_text(re.sub(pattern, lambda found: places[found[0]], text))
        assert not unused, f"infra/nginx says nothing of {unused}"

    def _make_certificate(self) -> None:
        folder, key = self.folder / "tls", ec.generate_private_key(ec.SECP256R1())
        folder.mkdir()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1)
        )
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in NAMES]), critical=False)
        pem = serialization.Encoding.PEM
        (folder / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
        kinds = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "privkey.pem").write_bytes(key.private_bytes(pem, *kinds))

    def _words(self) -> list[str]:
        program = NGINX.find()
        assert program is not None
        return [str(program), "-p", str(self.folder), "-c", str(self.folder / "conf/nginx.conf"), "-e", str(self.error_log)]

    def _program(self, words: list[str], *, check: bool) -> None:
        done = subprocess.run([*self._words(), *words], capture_output=True, text=True, check=False, env=os.environ)
        if check and done.returncode:
            raise RuntimeError(f"nginx does not take infra/nginx: {done.stderr}")

    def _await(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.tls), timeout=1):
                return
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"nginx does not start: {self.error_log.read_text()[-2000:]}")
            time.sleep(0.02)
