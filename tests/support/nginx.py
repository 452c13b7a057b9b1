"""Debian's nginx with the configuration of infra/nginx, in front of processes of a test."""

import datetime
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from saas.up.database import ROOT
from saas.up.processes import die_with_parent
from saas.up.unpacked import NGINX
from tests.support.patience import PATIENCE
from tests.support.server import lasting_port

INFRA = ROOT / "infra/nginx"
NAMES = ("localhost", "widget.localhost")  # a wildcard so near the root counts for nobody
PLAIN = {" ssl http2": "", "    include porchlight/tls.conf;\n": ""}  # changes for clients that speak no TLS


def mime_types() -> Path:
    """nginx's own list."""
    return next(path for path in (NGINX.folder / "etc/nginx/mime.types", Path("/etc/nginx/mime.types")) if path.exists())


@dataclass
class Nginx:
    """nginx on two loopback ports. What it logged can be read after it has ended, too.

    `web` and `ws` are the ports of the processes. `changes` are words of the configuration and what stands in their place: each
    must be there. Everything else is as it is shipped.
    """

    web: Sequence[int]
    ws: Sequence[int]
    changes: Mapping[str, str] = field(default_factory=dict)
    plain: int = field(default_factory=lasting_port)
    tls: int = field(default_factory=lasting_port)
    folder: Path = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    trust: ssl.SSLContext = field(init=False)  # for clients that believe its certificate
    logs: dict[str, str] = field(default_factory=dict)  # by name, once it has ended

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="porchlight-nginx-"))
        self.folder.chmod(0o755)  # its workers are nobody's
        self._write()
        self.trust = ssl.create_default_context(cafile=str(self.folder / "tls/fullchain.pem"))
        self.run("-t")
        self._start()
        self._await()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()
        self.logs = {name: self.log(name) for name in ("access", "error")}
        shutil.rmtree(self.folder)

    def run(self, *words: str) -> None:
        """Its program with these words, and with sockets as stdout and stderr, as systemd starts it: no path leads to those."""
        theirs, ours = socket.socketpair()
        with theirs, ours:
            done = subprocess.run([*self._words(), *words], stdout=theirs.fileno(), stderr=theirs.fileno(), check=False)
            theirs.shutdown(socket.SHUT_WR)
            said = b"".join(iter(lambda: ours.recv(65536), b"")).decode()
        if done.returncode:
            raise RuntimeError(f"nginx {' '.join(words)} with infra/nginx: {said}")

    def _start(self) -> None:
        with open(self.folder / "error.log", "ab") as err:
            words = [*self._words(), "-g", "daemon off;"]
            self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=err, preexec_fn=die_with_parent)

    def _stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def _has_ended(self) -> bool:
        return self.process.poll() is not None

    def log(self, name: str) -> str:
        """What stands in its log, `access` or `error`."""
        return self.logs.get(name) or (self.folder / f"{name}.log").read_text()

    def _write(self) -> None:
        shutil.copytree(INFRA, self.folder / "conf")
        shutil.copy(mime_types(), self.folder / "mime.types")  # its own place may have a space in its name
        self._make_certificate()
        ports = (*self.web, *self.ws)
        places = {
            "/etc/nginx/mime.types": str(self.folder / "mime.types"),
            "/etc/porchlight/tls": str(self.folder / "tls"),
            "/tmp/nginx": str(self.folder / "nginx"),
            "/run/nginx.pid": str(self.folder / "nginx.pid"),
            "/var/log/nginx/": f"{self.folder}/",
            "include porchlight/": f"include {self.folder}/conf/porchlight/",
            "listen 80 ": f"listen 127.0.0.1:{self.plain} ",
            "listen 443 ": f"listen 127.0.0.1:{self.tls} ",
            **{f"127.0.0.1:{known}": f"127.0.0.1:{port}" for known, port in zip((8000, 8001, 8100, 8101), ports, strict=True)},
        }
        self._put(self.changes)
        self._put(places)

    def _put(self, places: Mapping[str, str]) -> None:
        """Put other words in the place of these, each of which must be there."""
        unused = set(places)
        for file in sorted((self.folder / "conf").rglob("*.conf")):
            text = file.read_text()
            unused -= {words for words in places if words in text}
            for words, other in sorted(places.items(), key=lambda pair: -len(pair[0])):
                text = text.replace(words, other)
            file.write_text(text)
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
        return [
            str(program),
            "-p",
            str(self.folder),
            "-c",
            str(self.folder / "conf/nginx.conf"),
            "-e",
            str(self.folder / "error.log"),
        ]

    def _await(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.tls), timeout=1):
                return
            if self._has_ended() or time.monotonic() > end:
                raise RuntimeError(f"nginx does not start: {self.log('error')[-2000:]}")
            time.sleep(0.02)
