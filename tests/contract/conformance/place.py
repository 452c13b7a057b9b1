"""Where the server is, and how one comes in by HTTP. Names under `localhost` are this machine, whatever its resolver says."""

import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

Json = dict[str, Any]

SUBPROTOCOL = "porchlight.v1"
FACTS = Path(os.environ.get("DATA_DIR", ".data")) / "up.json"


ACCESS_SECONDS = 600.0  # that a token is used; it lives for fifteen minutes


_access: dict[str, tuple[float, str]] = {}  # by the tenant's host: when it was asked for, and the token
_sites: dict[str, str] = {}  # by embed key


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant's two doors, and who may come in there."""

    url: str  # of the tenant's host
    widget: str  # of the widget host
    key: str  # embed key of one of its sites
    parent: str  # an origin that may show this site
    email: str
    password: str

    async def session(self, **fields: Any) -> Json:
        """A visitor's session; without `handle` a new visitor's."""
        answer = await self.post(f"{self.widget}/w/{self.key}/session", {"parent": self.parent, **fields}, origin=self.widget)
        return expect(answer, 200)

    async def access(self) -> str:
        """An agent's access token: kept for as long as it is good, since a server limits how often a password is tried."""
        told_at, token = _access.get(self.url, (-math.inf, ""))
        if (now := time.monotonic()) - told_at > ACCESS_SECONDS:
            answer = await self.post(f"{self.url}/api/v1/auth/token", {"email": self.email, "password": self.password})
            token = str(expect(answer, 200)["access"])
            _access[self.url] = now, token
        return token

    async def ticket(self) -> Json:
        """An agent's ticket to the socket."""
        answer = await self.post(f"{self.url}/api/v1/auth/socket-ticket", {}, bearer=await self.access())
        return expect(answer, 200)

    async def site(self) -> str:
        """The id of the key's site, as it stands on a room that a visitor has opened there."""
        if self.key not in _sites:
            said = {"frames": [{"t": "open", "cid": str(uuid4()), "kind": "support", "text": "Which site is this?"}]}
            url, token = f"{self.widget}/w/{self.key}/frames", (await self.session())["token"]
            frames = expect(await self.post(url, said, bearer=token, origin=self.widget), 200)["frames"]
            _sites[self.key] = next(frame for frame in frames if frame["t"] == "joined")["summary"]["site"]["id"]
        return _sites[self.key]

    async def api(self, method: str, path: str, body: Json | None = None, *, status: int = 200) -> Json:
        """What the agent asks of the API; the body of the answer, which has this status."""
        answer = await self.ask(method, f"{self.url}/api/v1{path}", body=body, bearer=await self.access())
        return expect(answer, status)

    async def post(self, url: str, body: Json, *, bearer: str = "", origin: str = "", seconds: float = 40) -> httpx.Response:
        """One request with a JSON body."""
        return await self.ask("POST", url, body=body, bearer=bearer, origin=origin, seconds=seconds)

    async def ask(
        self, method: str, url: str, *, body: Json | None = None, bearer: str = "", origin: str = "", seconds: float = 40
    ) -> httpx.Response:
        """One request."""
        target, host = reachable(url)
        headers = (
            {"Host": host} | ({"Authorization": f"Bearer {bearer}"} if bearer else {}) | ({"Origin": origin} if origin else {})
        )
        async with httpx.AsyncClient(timeout=seconds, trust_env=False) as client:
            return await client.request(method, target, json=body, headers=headers)


def expect(answer: httpx.Response, status: int) -> Json:
    """The body of an answer that has this status."""
    assert answer.status_code == status, f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}"
    found: Json = answer.json()
    return found


def reachable(url: str) -> tuple[str, str]:
    """The URL as it can be connected to from here, and the Host to name there."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host != "localhost" and not host.endswith(".localhost"):
        return url, parts.netloc
    return parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl(), parts.netloc


def given() -> Place:
    """The place that the environment names, or the running product of this folder. Raises LookupError with what is missing."""
    if "CONFORMANCE_URL" not in os.environ:
        return demo()
    names = ("url", "widget", "key", "parent", "email", "password")
    values = {name: os.environ.get(f"CONFORMANCE_{name.upper()}", "").rstrip("/") for name in names}
    if missing := [name.upper() for name, value in values.items() if not value]:
        raise LookupError(f"Name {', '.join(missing)} too: a place has {', '.join(names).upper()}.")
    return Place(**values)


def demo() -> Place:
    """The first demo tenant of `make up`."""
    if not FACTS.exists():
        raise LookupError("Nothing runs here: start `make up` first, or name URL=...")
    tenant = json.loads(FACTS.read_text())["tenants"][0]
    return Place(
        url=origin_of(tenant["inbox"]),
        widget=origin_of(tenant["widget"]),
        key=tenant["embed_key"],
        parent=origin_of(tenant["demo_page"]),
        email=tenant["email"],
        password=tenant["password"],
    )


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
