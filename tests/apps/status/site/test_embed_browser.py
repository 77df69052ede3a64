"""The embedded line in a real browser, on a page of another origin."""

from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route
from tests.apps.status.site.views import VIEW

from penstock.apps.status.site import rendering

STATUS: Final = "https://status.example"
ELSEWHERE: Final = "https://shop.example"
HTML: Final = f"""<!doctype html><title>A shop</title><main>Buy here</main><footer></footer>
<script src="{STATUS}/embed.js" data-into="footer" async></script>"""
POLICY: Final = f"default-src 'none'; script-src {STATUS}; connect-src {STATUS}"
pytestmark = pytest.mark.slow


def _opened(browser: Browser, *, is_up: bool) -> tuple[Page, list[str]]:
    """Return a page of somebody else's that embeds ours, and what the browser complained of."""
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    files = rendering.render(VIEW)

    def status(route: Route) -> None:
        path = route.request.url.removeprefix(STATUS)
        if not is_up and path != "/embed.js":
            route.abort()
            return
        headers = {"content-type": files[path].kind, "access-control-allow-origin": "*"}
        route.fulfill(body=files[path].body, headers=headers)

    def elsewhere(route: Route) -> None:
        headers = {"content-type": "text/html", "content-security-policy": POLICY}
        route.fulfill(body=HTML, headers=headers)

    page.route(f"{STATUS}/**", status)
    page.route(f"{ELSEWHERE}/", elsewhere)
    page.goto(f"{ELSEWHERE}/")
    return page, wrong


def test_a_shape_a_word_and_a_link_stand_on_anybodys_page(browser: Browser) -> None:
    page, wrong = _opened(browser, is_up=True)
    line = page.locator("footer a.penstock-status[data-indicator=major]")
    line.wait_for()
    assert line.inner_text() == "\u25b2 Partial System Outage"
    assert line.get_attribute("href") == f"{STATUS}/"
    told = page.evaluate(
        "new Promise((success, error) => new StatusPage.page().summary({ success, error }))"
    )
    assert told["status"]["indicator"] == "major"
    assert wrong == []
    page.close()


def test_a_status_page_that_cannot_be_read_is_unknown_and_breaks_nothing(browser: Browser) -> None:
    page, wrong = _opened(browser, is_up=False)
    line = page.locator("footer a.penstock-status", has_text="Status unknown")
    line.wait_for()
    assert line.get_attribute("data-indicator") == "unknown"
    assert [one for one in wrong if "ERR_FAILED" not in one] == []
    assert page.locator("main").inner_text() == "Buy here"
    page.close()
