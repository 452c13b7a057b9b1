"""A tenant's people in a real browser: they sign up, read the development mailbox, and compute the codes of an app."""

import re
from typing import Any
from uuid import uuid4

from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product
from tests.support.people import code_of

PASSWORD = "a lamp in the rain 7"


class Tenant:
    """A tenant that one test made: its address, and its owner's page."""

    def __init__(self, product: Product, page: Page, slug: str, email: str) -> None:
        self.product = product
        self.page = page
        self.slug = slug
        self.email = email

    @property
    def platform(self) -> str:
        return str(self.product.facts["platform"]).rstrip("/")

    @property
    def url(self) -> str:
        return self.platform.replace("://", f"://{self.slug}.")


async def found(product: Product, browser: Browser) -> Tenant:
    """Somebody new signs up with a tenant of their own."""
    slug = f"hooli-{uuid4().hex[:6]}"
    tenant = Tenant(product, await (await browser.new_context()).new_page(), slug, f"olga@{slug}.example")
    page = tenant.page
    await page.goto(f"{tenant.platform}/sign-up/")
    await page.get_by_label("Your name").fill("Olga")
    await page.get_by_label("Email").fill(tenant.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Name of your team").fill("Hooli")
    await page.get_by_label("Address of your inbox").fill(slug)
    await page.get_by_role("button", name="Sign up").click()
    await page.wait_for_url(f"{tenant.url}/**")
    return tenant


async def read_mail(browser: Browser, platform: str, to: str, subject: str) -> str:
    """The link in the newest mail to this address, from the development mailbox; a job sends it in a moment."""
    page = await (await browser.new_context()).new_page()
    row = page.get_by_role("link").filter(has_text=to).filter(has_text=subject).first
    for _ in range(60):
        await page.goto(f"{platform}/dev/mail/")
        if await row.count():
            break
        await page.wait_for_timeout(250)
    await row.click()
    link = await page.locator(".mail-body a").first.get_attribute("href")
    await page.context.close()
    assert link is not None
    return link


async def verify_address(browser: Browser, tenant: Tenant) -> None:
    """The owner opens the link that proves their address."""
    page = tenant.page
    await page.goto(f"{tenant.platform}/you/email/")
    await page.get_by_role("button", name="Send the verification again").click()
    await page.goto(await read_mail(browser, tenant.platform, tenant.email, "Verify your email"))
    await page.get_by_role("button", name="Yes, it is mine").click()


async def invite(page: Page, url: str, email: str, role: str = "Agent") -> None:
    """From the page of people."""
    await page.goto(f"{url}/people/")
    await page.get_by_role("link", name="Invite", exact=True).first.click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("radio", name=re.compile(f"^{role}")).check()
    await page.get_by_role("button", name="Send the invitation").click()
    await expect(page.get_by_text(f"on its way to {email}")).to_be_visible()


async def accept(browser: Browser, link: str, name: str) -> Page:
    """Somebody new opens the link of their mail, and lands in the inbox."""
    page = await (await browser.new_context()).new_page()
    await page.goto(link)
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name=re.compile("^Join ")).click()
    await page.wait_for_url("**/inbox/**")
    return page


async def prove_again(page: Page) -> None:
    """What changes how one signs in asks for the password once more."""
    await expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Go on").click()


async def set_up_app(page: Page) -> str:
    """Fill in the page of the authenticator app with a code that is computed from its secret; the secret."""
    await prove_again(page)
    secret = await page.locator("#authenticator_secret").input_value()
    await expect(page.get_by_role("img", name="QR code of the secret below")).to_be_visible()
    await page.get_by_label("Authenticator code").fill(code_of(secret))
    await page.get_by_role("button", name="Switch it on").click()
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible(timeout=PATIENCE_MS)
    return secret


async def give_passkeys(page: Page) -> Any:
    """This page's browser gets a device that keeps passkeys, and whose finger is always on it."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    return devtools
