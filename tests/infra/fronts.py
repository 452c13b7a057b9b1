"""nginx as clients meet it, and small servers behind it that say what they were told."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
from websockets.asyncio.client import connect

from tests.support.nginx import Nginx
from tests.support.patience import PATIENCE


@dataclass
class Front:
    """nginx, and clients that trust its certificate. `base` is the host that the processes behind it are for."""

    nginx: Nginx
    base: str = "localhost"

    def get(self, path: str, host: str = "", **options: Any) -> httpx.Response:
        """A page over https. `host`: a name before the base host, with its dot."""
        with httpx.Client(verify=self.nginx.trust, timeout=PATIENCE) as client:
            address = f"https://127.0.0.1:{self.nginx.tls}{path}"
            headers = {"Host": f"{host}{self.base}"} | options.pop("headers", {})
            return client.get(address, headers=headers, extensions={"sni_hostname": "localhost"}, **options)

    def socket(self, key: str, **options: Any) -> connect:
        """A visitor's socket."""
        return connect(
            f"wss://widget.{self.base}/ws/w/{key}/",
            origin=f"https://widget.{self.base}",  # type: ignore[arg-type]
            subprotocols=["porchlight.v1"],  # type: ignore[list-item]
            host="127.0.0.1",
            port=self.nginx.tls,
            ssl=self.nginx.trust,
            server_hostname="widget.localhost",
            ping_interval=None,
            proxy=None,
            **options,
        )


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, for the test to look at."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *words: object) -> None:
        return None


@contextmanager
def served(kind: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """A server that answers so; its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def before_an_echo(**changes: str) -> Iterator[Front]:
    """nginx before a server that says what it was told."""
    with served(Echo) as port, Nginx(web=[port, port], ws=[port, port], changes=changes) as nginx:
        yield Front(nginx)
