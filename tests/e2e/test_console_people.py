"""People in the console, as they do it: invited by mail, a second factor of each kind, and out by themselves."""

import asyncio
from uuid import uuid4

from playwright.async_api import Browser, Page, Route, WebSocket, expect

from tests.e2e.conftest import PATIENCE_MS, Owner, Product, customers_page, inbox
from tests.e2e.people import PASSWORD, accept, found, give_passkeys, invite, prove_again, read_mail, set_up_app, verify_address
from tests.support.people import code_of


async def test_somebody_is_invited_joins_and_sets_up_an_app(product: Product, browser: Browser) -> None:
    tenant = await found(product, browser)
    email = f"ben@{tenant.slug}.example"
    await invite(tenant.page, tenant.url, email)
    await expect(tenant.page.get_by_text("Works until")).to_be_visible()
    ben = await accept(browser, await read_mail(browser, tenant.platform, email, "Olga invites you"), "Ben")
    await tenant.page.goto(f"{tenant.url}/people/")
    await expect(tenant.page.get_by_role("link", name="Ben")).to_be_visible()
    await expect(tenant.page.get_by_text("Works until")).to_have_count(0)
    await ben.goto(f"{tenant.platform}/you/two-factor/")
    await ben.get_by_role("link", name="Set it up").click()
    secret = await set_up_app(ben)
    await sign_in_with_a_code(browser, f"{tenant.url}/people/", email, secret)


async def sign_in_with_a_code(browser: Browser, url: str, email: str, secret: str) -> None:
    """In another browser, with the password and the next code: the one before was used to set it up."""
    page = await (await browser.new_context()).new_page()
    await page.goto(url)
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    used = code_of(secret)
    while (code := code_of(secret)) == used:  # a code works once, for half a minute
        await asyncio.sleep(0.5)
    await page.get_by_label("Code").fill(code)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(url)


async def test_a_passkey_signs_in_without_a_password(product: Product, browser: Browser) -> None:
    tenant = await found(product, browser)
    await verify_address(browser, tenant)
    page = tenant.page
    await give_passkeys(page)
    await page.goto(f"{tenant.platform}/you/two-factor/")
    await page.get_by_role("link", name="Add one").click()
    await prove_again(page)
    await page.get_by_label("Name").fill("Desk")
    await expect(page.get_by_label("Sign in with it alone")).to_be_checked()
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await page.goto(f"{tenant.platform}/sign-out/")
    await page.get_by_role("main").get_by_role("button", name="Sign out").click()
    await page.goto(f"{tenant.platform}/sign-in/")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url("**/home/")
    await page.goto(f"{tenant.url}/people/")
    await expect(page.get_by_text("(you)")).to_be_visible()


async def test_a_passkey_can_be_asked_for_once_the_script_is_there(product: Product, browser: Browser) -> None:
    """Pressed before that the button would do nothing, and nobody would know why."""
    page = await (await browser.new_context()).new_page()
    is_here = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_here.wait()
        await route.continue_()

    await page.route("**/mfa/js/webauthn*.js", hold)
    await page.goto(f"{str(product.facts['platform']).rstrip('/')}/sign-in/", wait_until="commit")
    button = page.get_by_role("button", name="Sign in with a passkey")
    await expect(button).to_be_disabled()
    is_here.set()
    await expect(button).to_be_enabled()


async def test_what_goes_wrong_with_a_passkey_is_said(product: Product, browser: Browser) -> None:
    """As where somebody cancels the browser's own question."""
    page = await (await browser.new_context()).new_page()
    await page.goto(f"{str(product.facts['platform']).rstrip('/')}/sign-in/")
    refusal = "Promise.reject(new DOMException('cancelled', 'NotAllowedError'))"
    await page.evaluate(f"() => {{ navigator.credentials.get = () => {refusal}; }}")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("alert")).to_contain_text("No passkey came", timeout=PATIENCE_MS)


async def test_a_tenant_that_asks_for_two_factor(product: Product, browser: Browser) -> None:
    tenant = await found(product, browser)
    owner, email = tenant.page, f"ben@{tenant.slug}.example"
    await verify_address(browser, tenant)
    await owner.goto(f"{tenant.url}/settings/")
    await owner.get_by_role("link", name="Set up yours first").click()
    await owner.get_by_role("link", name="Set it up").click()
    await set_up_app(owner)
    await invite(owner, tenant.url, email)
    ben = await accept(browser, await read_mail(browser, tenant.platform, email, "Olga invites you"), "Ben")
    socket = InboxSocket(ben)
    await socket.open()
    await owner.goto(f"{tenant.url}/settings/")
    await owner.get_by_label("Everybody needs two-factor").check()
    await owner.get_by_role("button", name="Keep this", exact=True).click()
    await expect(owner.get_by_text("1 of your people must set it up")).to_be_visible()
    await socket.end()
    await ben.goto(f"{tenant.url}/inbox/")
    await expect(ben.get_by_role("heading", name="Hooli asks for two-factor")).to_be_visible()
    await ben.get_by_role("link", name="Use an authenticator app").click()
    await set_up_app(ben)
    await ben.get_by_role("link", name="go on to Hooli").click()
    await ben.wait_for_url(f"{tenant.url}/inbox/**")
    await owner.goto(f"{tenant.url}/settings/")
    await expect(owner.get_by_text("All of your people have a second factor")).to_be_visible()


class InboxSocket:
    """The socket of an inbox that is opened anew: whether it was welcomed, and whether it ended."""

    def __init__(self, page: Page) -> None:
        loop = asyncio.get_running_loop()
        self.page = page
        self.welcomed: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    async def open(self) -> None:
        """Load the page anew, and wait until the server has said welcome. What the page opened before is none of it."""
        address = self.page.url
        await self.page.goto("about:blank")
        self.page.on("websocket", self._opened)
        await self.page.goto(address)
        await asyncio.wait_for(self.welcomed, PATIENCE_MS / 1000)

    async def end(self) -> None:
        """Wait until the server has ended it."""
        await asyncio.wait_for(self.ended, PATIENCE_MS / 1000)

    def _opened(self, socket: WebSocket) -> None:
        if "/ws/agent/" in socket.url:
            socket.on("framereceived", lambda frame: self._came(socket, frame))

    def _came(self, socket: WebSocket, frame: str | bytes) -> None:
        if '"t":"welcome"' in str(frame) and not self.welcomed.done():
            self.page.remove_listener("websocket", self._opened)  # the next one is another try of the page's
            socket.on("close", self._closed)
            self.welcomed.set_result(None)

    def _closed(self, _socket: WebSocket) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def holds_a_room(product: Product, browser: Browser, agent: str, text: str) -> str:
    """A visitor writes, and the owner gives their room to this agent, by name; the room's id."""
    visitor, owner = await customers_page(browser, product.facts["demo_page"]), Owner(product.tenant("acme"))
    await visitor.open()
    await visitor.tells(text)
    rooms = (await owner.asks("GET", "/rooms"))["rooms"]
    room = next(room for room in rooms if (room.get("last") or {}).get("text") == text)
    team = (await owner.asks("GET", "/team"))["members"]
    holder = next(member for member in team if member["name"] == agent)
    await owner.asks("POST", f"/rooms/{room['id']}/assign", {"agent": holder["id"]})
    return str(room["id"])


async def leave(admin: Page, url: str, name: str, *, to: str) -> None:
    """Disable this member and hand their rooms to somebody."""
    await admin.goto(f"{url}/people/")
    await admin.get_by_role("link", name=name).click()
    await admin.get_by_role("link", name="Disable").click()
    await expect(admin.get_by_text("open room they hold")).to_be_visible()
    await admin.get_by_label("Who gets their open rooms").select_option(label=to)
    await admin.get_by_role("button", name="Disable").click()
    await expect(admin.get_by_text(f"{name} is disabled, and out everywhere. One room was handed on.")).to_be_visible()


async def test_a_disabled_member_is_out_and_their_rooms_are_handed_on(product: Product, browser: Browser) -> None:
    acme = product.tenant("acme")
    admin = await inbox(browser, acme)
    url, platform = acme["inbox"].removesuffix("/inbox/"), str(product.facts["platform"]).rstrip("/")
    name, email = f"Cleo {uuid4().hex[:4]}", f"cleo-{uuid4().hex[:6]}@acme.example"
    await invite(admin, url, email)
    cleo = await accept(browser, await read_mail(browser, platform, email, "invites you"), name)
    room = await holds_a_room(product, browser, name, f"Is {name} there?")
    socket = InboxSocket(cleo)
    await socket.open()
    await cleo.get_by_text(f"Is {name} there?").first.wait_for()
    await leave(admin, url, name, to="Ada Lovelace")
    await socket.end()
    await cleo.goto(f"{url}/inbox/")
    await expect(cleo.get_by_text("is not a member of")).to_be_visible()
    owner = Owner(acme)
    held = (await owner.asks("GET", f"/rooms/{room}"))["room"]["assignee"]
    me = (await owner.asks("GET", "/me"))["user"]["id"]
    assert held == me
