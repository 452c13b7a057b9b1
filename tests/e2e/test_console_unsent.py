"""A page of a site with several forms: what is typed in one of them outlives the buttons of the others."""

from playwright.async_api import Browser, Dialog, FilePayload, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product
from tests.e2e.test_console_sites import delete, eventually, keep, preview, site_of, tag_of, visit
from tests.e2e.test_first_steps import OwnPage, own_page

__all__ = ["own_page"]  # the fixture

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
BLUE = "rgb(11, 95, 255)"
AS_IF_IT_WERE_NEW = "seen => htmx.ajax('GET', seen.getAttribute('hx-get').split('?')[0], {target: seen, swap: 'outerHTML'})"


def picture(content: bytes) -> FilePayload:
    return {"name": "lamp.png", "mimeType": "image/png", "buffer": content}


async def test_a_picture_leaves_what_was_chosen_beside_it(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Pictures")
    await owner.get_by_role("link", name="Look", exact=True).click()
    colour = owner.get_by_label("Colour", exact=True)
    launcher = preview(owner).locator(".launcher")
    await colour.fill("#0B5FFF")
    await owner.get_by_label("Letter").check()
    await eventually(lambda: expect(launcher).to_have_css("background-color", BLUE))

    send, file = owner.get_by_role("button", name="Send the picture"), owner.locator("#picture_logo")
    await file.set_input_files(picture(PNG + b"\0" * 70_000))
    async with owner.expect_response(lambda answer: "/preview/look/" in answer.url):
        await send.click()
    await expect(owner.get_by_text("The picture has 68 KB; 64 KB is the most.")).to_be_visible()
    await expect(file).to_be_focused()
    await expect(colour).to_have_value("#0B5FFF")

    await file.set_input_files(picture(PNG))
    async with owner.expect_response(lambda answer: "/preview/look/" in answer.url) as again:
        await send.click()
    assert (await again.value).status == 200  # with what stands in the form, and the new picture
    await expect(owner.locator("#picture").get_by_text("The picture is kept.")).to_be_visible()
    await expect(owner.get_by_role("button", name="Take the picture away")).to_be_visible()
    await eventually(lambda: expect(launcher).to_have_css("background-color", BLUE))
    await expect(colour).to_have_value("#0B5FFF")
    await expect(owner.get_by_label("Letter")).to_be_checked()
    await keep(owner, "Keep this look")
    await expect(colour).to_have_value("#0B5FFF")
    await delete(owner, "Pictures")


async def test_keys_and_strictness_leave_typed_addresses(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Typed")
    await owner.get_by_role("link", name="Access", exact=True).click()
    addresses = owner.get_by_label("Addresses that may show it")
    await addresses.fill("https://shop.example")
    await owner.get_by_role("button", name="Make an identity key").click()
    await expect(owner.get_by_text("Copy the secret now.")).to_be_in_viewport()
    await expect(addresses).to_have_value("https://shop.example")
    await owner.get_by_label("Only visitors whom your site has signed in").check()
    await owner.get_by_role("button", name="Keep this", exact=True).click()
    said = owner.locator("#form-strict [autofocus]")
    await expect(said).to_have_text("Only visitors whom your site has signed in may write now.")
    await expect(said).to_be_focused()
    await expect(addresses).to_have_value("https://shop.example")
    await owner.get_by_role("button", name="Remove").click()
    await expect(owner.locator("#identity-keys").get_by_text("Without this key nobody could come in.")).to_be_visible()
    await expect(addresses).to_have_value("https://shop.example")
    await keep(owner, "Keep these addresses")
    await delete(owner, "Typed")


async def test_an_address_is_allowed_beside_typed_ones(product: Product, browser: Browser, own_page: OwnPage) -> None:
    owner = await site_of(product, browser, "Beside")
    await visit(browser, own_page, await tag_of(owner))
    await expect(owner.get_by_role("button", name=f"Allow {own_page.origin}")).to_be_visible(timeout=PATIENCE_MS)
    await owner.get_by_role("link", name="Access", exact=True).click()
    addresses = owner.get_by_label("Addresses that may show it")
    await addresses.fill("https://shop.example")
    await owner.get_by_label("Would this page be allowed?").fill("https://shop.example/cart")
    await owner.get_by_role("button", name=f"Allow {own_page.origin}").click()
    await expect(owner.locator("#strangers")).to_contain_text("may show Beside now.")
    await expect(owner.get_by_role("button", name=f"Allow {own_page.origin}")).to_have_count(0)
    await expect(addresses).to_have_value(f"https://shop.example\n{own_page.origin}")
    await expect(owner.get_by_label("Would this page be allowed?")).to_have_value("https://shop.example/cart")
    await keep(owner, "Keep these addresses")
    await expect(addresses).to_have_value(f"https://shop.example\n{own_page.origin}")
    await delete(owner, "Beside")


async def test_what_could_not_be_sent_is_said_and_stays(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Cut off")
    await owner.get_by_role("link", name="Access", exact=True).click()
    await owner.get_by_label("Addresses that may show it").fill("https://shop.example")
    await owner.route("**/identity-keys/", lambda route: route.abort())
    make = owner.get_by_role("button", name="Make an identity key")
    await make.click()
    said = owner.get_by_role("alert").filter(has_text="That did not work.")
    await expect(said).to_be_visible()
    await owner.unroute("**/identity-keys/")
    await make.click()
    await expect(owner.get_by_text("Copy the secret now.")).to_be_visible()
    await expect(said).to_have_count(0)
    await expect(owner.get_by_label("Addresses that may show it")).to_have_value("https://shop.example")
    await delete(owner, "Cut off")


class Asked:
    """Whether the page asked before it was left; each time the answer is as `stays` says."""

    def __init__(self, page: Page) -> None:
        self.times, self.stays = 0, True
        page.on("dialog", self._answer)

    async def _answer(self, dialog: Dialog) -> None:
        assert dialog.type == "beforeunload"
        self.times += 1
        await (dialog.dismiss() if self.stays else dialog.accept())


async def test_who_leaves_with_something_unsent_is_asked(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Leaving")
    asked = Asked(owner)
    general, texts = (owner.get_by_role("link", name=name, exact=True) for name in ("General", "Texts"))
    await general.click()
    await texts.click()
    await expect(owner.get_by_label("Greeting")).to_be_visible()
    await owner.get_by_label("as if nobody were here").check()  # nothing that is kept
    await general.click()
    name = owner.get_by_role("textbox", name="Name", exact=True)
    await expect(name).to_have_value("Leaving")
    assert asked.times == 0

    await name.fill("Arriving")
    async with owner.expect_event("dialog"):
        await texts.click(no_wait_after=True)
    await expect(name).to_have_value("Arriving")
    await owner.get_by_text("Make a new key").click()
    make = owner.get_by_role("button", name="Make the new key")
    async with owner.expect_event("dialog"):
        await make.click(no_wait_after=True)
    await expect(make).not_to_have_attribute("aria-busy", "true")
    await expect(name).to_have_value("Arriving")
    assert asked.times == 2
    await owner.get_by_role("button", name="Keep the name").click()  # what is sent is not lost
    await expect(owner.get_by_text("Kept.")).to_be_visible()
    assert asked.times == 2

    await owner.get_by_role("textbox", name="Name", exact=True).fill("Leaving again")
    asked.stays = False
    await texts.click()
    await expect(owner.get_by_label("Greeting")).to_be_visible()
    assert asked.times == 3
    await delete(owner, "Arriving")


async def test_who_opens_theirs_in_a_tab_of_its_own_is_still_asked(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Theirs")
    general, texts = (owner.get_by_role("link", name=name, exact=True) for name in ("General", "Texts"))
    await texts.click()
    greeting = owner.get_by_label("Greeting")
    await greeting.fill("Ours")
    other = await owner.context.new_page()
    await other.goto(owner.url)
    await other.get_by_label("Greeting").fill("Theirs")
    await keep(other, "Keep these texts")
    await owner.get_by_role("button", name="Keep these texts").click()
    theirs = owner.get_by_role("link", name="take theirs")
    async with owner.context.expect_page():
        await theirs.click(modifiers=["ControlOrMeta"])
    asked = Asked(owner)
    async with owner.expect_event("dialog"):
        await general.click(no_wait_after=True)
    await expect(greeting).to_have_value("Ours")
    await theirs.click()
    await expect(greeting).to_have_value("Theirs")
    assert asked.times == 1
    await delete(owner, "Theirs")


async def test_the_focus_stays_on_a_button_while_the_page_asks_for_news(
    product: Product, browser: Browser, own_page: OwnPage
) -> None:
    owner = await site_of(product, browser, "Focus")
    await visit(browser, own_page, await tag_of(owner))
    allow = owner.get_by_role("button", name=f"Allow {own_page.origin}")
    await expect(allow).to_be_visible(timeout=PATIENCE_MS)
    await expect(owner.locator("#seen-news")).to_contain_text("which may not show it yet.")
    await allow.focus()
    button = await allow.element_handle()
    async with owner.expect_response(lambda answer: "/seen/" in answer.url) as told:
        pass
    assert (await told.value).status == 204
    assert await button.evaluate("button => button.isConnected && document.activeElement === button")
    await owner.locator("#seen").evaluate(AS_IF_IT_WERE_NEW)
    await expect(owner.locator("#seen-news")).to_contain_text("which may not show it yet.")
    assert not await button.evaluate("button => button.isConnected")
    await expect(allow).to_be_focused()
    await delete(owner, "Focus")
