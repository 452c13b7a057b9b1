"""A customer's pages whose backend says who their visitor is."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import jwt
from playwright.async_api import BrowserContext, Route, expect

from tests.e2e.conftest import PATIENCE_MS, Owner, Product, Widget

MADE_UP = "local-network-access"  # a page that the test answers has no address of its own, and asks those of this machine
PAGE = """<!doctype html><html lang="en" dir="{dir}"><title>Members</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script src="/members.js"></script><script async src="{loader}" data-key="{key}"{attribute}></script><body><h1>Members</h1>"""
SCRIPT = """
async function whoIsHere() {
  const answer = await fetch("/members/identity", { cache: "no-store" });
  if (!answer.ok) throw new Error("the shop cannot say");
  return answer.text();
}
"""


@dataclass
class Shop:
    """The customer's pages and their backend, which holds an identity key. `user` is who is signed in there."""

    owner: Owner
    site: str
    kid: str
    secret: str
    user: str = ""
    signs: str = ' data-identity="whoIsHere"'
    dir: str = "ltr"
    asked: list[str] = field(default_factory=list)

    async def strict(self, on: bool) -> None:
        await self.owner.asks("PUT", f"/sites/{self.site}/strict", {"strict": on})

    def identity(self) -> str:
        """What the backend answers: a new one each time, and nothing where nobody is signed in."""
        if not self.user:
            return ""
        claims = {"sub": self.user, "name": self.user, "exp": int(time.time()) + 120, "jti": uuid4().hex}
        made = jwt.encode({**claims, "aud": self.owner.place.key}, self.secret, algorithm="HS256", headers={"kid": self.kid})
        self.asked.append(made)
        return made

    async def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(self.owner.place.parent)
        if path == "/members/identity":
            await route.fulfill(body=self.identity())
        elif path == "/members.js":
            await route.fulfill(body=SCRIPT, content_type="text/javascript")
        else:
            place = self.owner.place
            page = PAGE.format(loader=f"{place.widget}/porchlight.js", key=place.key, attribute=self.signs, dir=self.dir)
            await route.fulfill(body=page, content_type="text/html")

    async def visit(self, context: BrowserContext) -> Widget:
        """Its page, in this browser."""
        await context.grant_permissions([MADE_UP])
        await context.route(f"{self.owner.place.parent}/members**", self.answer)
        await context.route(f"{self.owner.place.parent}/members/**", self.answer)
        page = await context.new_page()
        await page.goto(f"{self.owner.place.parent}/members/")
        return Widget(page)


@asynccontextmanager
async def open_shop(product: Product) -> AsyncIterator[Shop]:
    """Acme's, with a key; open to everybody again afterwards."""
    owner = Owner(product.tenant("acme"))
    place = owner.place
    config = (await place.ask("GET", f"{place.widget}/w/{place.key}/config")).json()
    site = config["site"]["id"]
    made = await owner.asks("POST", f"/sites/{site}/identity-keys")
    shop = Shop(owner, site, made["kid"], made["secret"])
    yield shop
    await shop.strict(False)
    access = await place.access()
    await place.ask("DELETE", f"{place.url}/api/v1/sites/{site}/identity-keys/{made['kid']}", bearer=access)


def somebody() -> str:
    return f"Rosa {uuid4().hex[:6]}"


async def told(visitor: Widget, words: str) -> None:
    await expect(visitor.frame.get_by_text(words)).to_be_visible(timeout=PATIENCE_MS)
    await expect(visitor.frame.get_by_role("textbox")).to_have_count(0)


def loads_of(visitor: Widget) -> list[str]:
    """What its frames load from now on."""
    loads: list[str] = []
    visitor.page.on("framenavigated", lambda frame: loads.append(frame.url))
    return loads
