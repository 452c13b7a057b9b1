"""The lines that the page Access tells customers to put into their backends, run as they stand there; we take what they sign.

Node comes with the project. Where PHP or Ruby, or the library that its lines name, is missing, its test says so and is skipped.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, Final

import pytest

from chat.models import Site, Visitor
from chat.services.sites import change_site
from saas.up.node import NODE
from tenants.context import TenantRef, in_tenant
from tests.support.site_pages import SHOP, Owner
from tests.support.talk import embed_key
from tests.support.web import Page
from tests.support.widgets import Widget, browser

USER: Final = {"id": 4711, "name": "Zoë “Vic” O'Adams"}
NODES: Final = """
let found;
globalThis.app = { get: (address, answer) => { found = { address, answer }; } };
await import("./lines.mjs");
const said = { address: found.address, headers: {}, status: 200, body: "" };
const response = {
  set(name, value) { said.headers[name] = value; return response; },
  type(kind) { said.headers["Content-Type"] = kind; return response; },
  status(code) { said.status = code; return response; },
  send(body) { said.body = body; },
  end() {},
};
await found.answer({ user: JSON.parse(process.env.SOMEBODY) }, response);
console.log(JSON.stringify(said));
"""
PYTHONS: Final = """
import json, os, types
user = json.loads(os.environ["SOMEBODY"])
print(chat_identity(types.SimpleNamespace(**user)))
"""
PHPS: Final = "<?php\nrequire getenv('LIBRARY');\n$user = json_decode(getenv('SOMEBODY'));\n"
RUBYS: Final = """
require "json"
require "jwt"
require "securerandom"
class Backend
  attr_reader :response
  def initialize(user) = (@user, @response = user, Struct.new(:headers).new({}))
  def current_user = @user && Struct.new(*@user.keys.map(&:to_sym)).new(*@user.values)
  def head(status) = @said = { status: status, body: "" }
  def render(plain:) = @said = { status: :ok, body: plain }
  def said = { headers: response.headers, **@said }
%s
end
backend = Backend.new(JSON.parse(ENV.fetch("SOMEBODY")))
backend.chat_identity
puts JSON.dump(backend.said)
"""


@dataclass(frozen=True, slots=True)
class Backend:
    """A customer's, in a folder of its own: the lines, and the key that it holds."""

    lines: str
    folder: Path
    secret: str

    def run(self, user: object, name: str, program: str, *command: str, **more: str) -> str:
        """What this program says, with the lines in it, while `user` is signed in (None: nobody)."""
        (self.folder / name).write_text(program)
        env = {**os.environ, "PORCHLIGHT_SECRET": self.secret, "SOMEBODY": json.dumps(user), **more}
        words = [*command, str(self.folder / name)]
        result = subprocess.run(words, env=env, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()


@pytest.fixture
def shown(owner: Owner, tenant: TenantRef, site: Site) -> Page:
    """The page, on which a key was just made for a site that the shop may show."""
    change_site(tenant, site.id, allowed_origins=[SHOP])
    return owner.browser.follow(owner.post("access/identity-keys/"))


@pytest.fixture
def backend(shown: Page, tmp_path: Path) -> Callable[[str], Backend]:
    """A customer who copies the lines of a language, and the secret, from the page."""

    def copied(slug: str) -> Backend:
        return Backend(_copied(shown, f"signing-{slug}"), tmp_path, _copied(shown, "secret"))

    return copied


def _copied(page: Page, ident: str) -> str:
    found = re.search(rf'<code id="{ident}">(.*?)</code>', page.content.decode(), re.DOTALL)
    assert found is not None, ident
    return unescape(found[1])


def comes_in(tenant: TenantRef, token: str) -> None:
    """The server takes it, and knows the user by it."""
    answer = Widget(embed_key(tenant).key, browser()).session(identity=token)
    assert answer.status_code == 200, answer.content
    said = answer.json()["visitor"]
    assert (said["name"], said["identified"]) == (USER["name"], True)
    with in_tenant(tenant):
        assert Visitor.objects.get(id=said["id"]).external_id == str(USER["id"])


def missing(what: str) -> None:
    pytest.skip(f"THE LINES OF THE PAGE ACCESS WERE NOT RUN: there is no {what} on this machine")


def interpreter(name: str, *probe: str, library: str, **more: str) -> str:
    """Its path, where it is there and has the library that the lines name."""
    path = shutil.which(name)
    if path is None:
        missing(name)
    done = subprocess.run([str(path), *probe], env={**os.environ, **more}, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        missing(f"{library} for {name}")
    return str(path)


def test_of_node(backend: Callable[[str], Backend], tenant: TenantRef) -> None:
    shop = backend("nodejs")
    (shop.folder / "lines.mjs").write_text(shop.lines)

    def answer(user: object) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(shop.run(user, "backend.mjs", NODES, str(NODE)))
        return said

    said, nobody = answer(USER), answer(None)
    assert said["headers"] == nobody["headers"] == {"Cache-Control": "no-store", "Content-Type": "text/plain"}
    assert (said["address"], said["status"]) == ("/chat-identity", 200)
    assert (nobody["status"], nobody["body"]) == (204, "")
    comes_in(tenant, said["body"])


def test_of_python(backend: Callable[[str], Backend], tenant: TenantRef) -> None:
    shop = backend("python")
    comes_in(tenant, shop.run(USER, "backend.py", shop.lines + PYTHONS, sys.executable))


def test_of_php(backend: Callable[[str], Backend], tenant: TenantRef) -> None:
    library = os.environ.get("PHP_JWT", "vendor/autoload.php")  # what composer wrote
    php = interpreter("php", "-r", "require getenv('LIBRARY');", library="firebase/php-jwt", LIBRARY=library)
    shop = backend("php")
    comes_in(tenant, shop.run(USER, "backend.php", PHPS + shop.lines, php, LIBRARY=library))
    assert shop.run(None, "backend.php", PHPS + shop.lines, php, LIBRARY=library) == ""


def test_of_ruby(backend: Callable[[str], Backend], tenant: TenantRef) -> None:
    ruby = interpreter("ruby", "-e", "require 'jwt'", library="jwt")
    shop = backend("ruby")

    def answer(user: object) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(shop.run(user, "backend.rb", RUBYS % shop.lines, ruby))
        return said

    said, nobody = answer(USER), answer(None)
    assert said["headers"] == nobody["headers"] == {"Cache-Control": "no-store"}
    assert (said["status"], nobody["status"], nobody["body"]) == ("ok", "no_content", "")
    comes_in(tenant, said["body"])
