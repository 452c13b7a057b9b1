"""Tags that are taken away early, that name no site, and pages with unusual addresses."""

from playwright.async_api import Browser, Page, Route, expect

from tests.e2e.conftest import Owner as OwnerOf
from tests.e2e.conftest import Product, Widget

MADE_UP = "local-network-access"  # a page that the test answers has no address of its own, and asks those of this machine
PAGE = '<!doctype html><html lang="en"><title>Tags</title>{tags}<body><h1>Tags</h1>'
TAG = '<script async src="{widget}/porchlight.js" data-key="{key}" data-test{more}></script>'


# In a page: a tag like another one, once more; kept when its script has run.
AGAIN = """window.again = ({ src, dataset }) => new Promise((loaded) => {
  const script = Object.assign(document.createElement("script"), { src });
  Object.assign(script.dataset, dataset);
  script.addEventListener("load", loaded);
  document.head.append(script);
})"""


async def page_with(product: Product, browser: Browser, *tags: str, at: str = "/") -> Page:
    """A page of Acme's with these tags."""
    parent = OwnerOf(product.tenant("acme")).place.parent

    async def answer(route: Route) -> None:
        await route.fulfill(body=PAGE.format(tags="".join(tags)), content_type="text/html")

    page = await (await browser.new_context(permissions=[MADE_UP])).new_page()
    await page.add_init_script(AGAIN)
    await page.route(lambda address: address.startswith(f"{parent}/"), answer)
    await page.goto(f"{parent}{at}")
    return page


def tag(product: Product, slug: str = "acme", *, key: str = "", more: str = "") -> str:
    place = OwnerOf(product.tenant(slug)).place
    return TAG.format(widget=place.widget, key=key or place.key, more=more)


async def test_a_widget_that_goes_before_its_launcher_is_there_leaves_nothing(product: Product, browser: Browser) -> None:
    page = await page_with(product, browser, tag(product))
    # As a component that is drawn and gone again: made, and destroyed before its look is known.
    left = await page.evaluate(
        """async () => {
          await Porchlight.ready; Porchlight.destroy(); localStorage.clear();
          await again(document.querySelector("script"));
          const { ready, destroy } = Porchlight;
          destroy();
          await ready;
          return [document.querySelectorAll("porch-light").length, typeof window.Porchlight];
        }"""
    )
    assert left == [0, "undefined"]


async def test_the_place_of_one_that_went_is_taken_again(product: Product, browser: Browser) -> None:
    page = await page_with(product, browser, tag(product), tag(product, "globex"))
    places = await page.evaluate(
        """async () => {
          const placed = async () => {
            await Promise.all(Object.values(Porchlight.widgets).map((one) => one.ready));
            const found = [...document.querySelectorAll("porch-light")].map((host) => host.shadowRoot.querySelector(".launcher"));
            return found.map((launcher) => Math.round(innerWidth - launcher.getBoundingClientRect().right)).sort();
          };
          while (Object.keys(window.Porchlight?.widgets ?? {}).length < 2) await new Promise((later) => setTimeout(later, 20));
          const before = await placed();
          const [[key, lowest]] = Object.entries(Porchlight.widgets);
          lowest.destroy();
          await again(document.querySelector(`[data-key="${key}"]`));
          return [before, await placed()];
        }"""
    )
    assert places[0] == places[1]
    assert len(set(places[1])) == 2


async def test_a_key_that_is_none_shows_no_launcher(product: Product, browser: Browser) -> None:
    page = await page_with(product, browser, tag(product, key="nosuchkey", more=' data-color="#13795B"'), tag(product, "globex"))
    await page.wait_for_function("() => Object.keys(window.Porchlight?.widgets ?? {}).length === 2")
    await page.evaluate("Promise.all(Object.values(Porchlight.widgets).map((one) => one.ready))")
    launchers = page.locator("porch-light .launcher")
    await expect(launchers.filter(visible=True)).to_have_count(1)
    await expect(launchers).to_have_count(2)


async def test_a_page_with_a_very_long_address_and_title_has_its_chat(product: Product, browser: Browser) -> None:
    page = await page_with(
        product, browser, tag(product, more=' data-locale="en_US_of_a_very_long_kind_that_no_tag_has"'), at=f"/?{'x' * 9_000}"
    )
    await page.evaluate("document.title = 'y'.repeat(299) + '\\u{1F600}'")
    visitor = Widget(page)
    await visitor.open()
    await visitor.tells("From far away")
