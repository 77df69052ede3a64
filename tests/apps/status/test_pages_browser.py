"""Public pages in a real browser: axe finds nothing, nothing is wider than a phone.

What scripts add is missed by nobody: without them the pages say the same.
"""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route
from tests.apps.status.looking import VIEWS, paths, served
from tests.apps.status.sample_views import NOW, components, kinds, open_incident, view

from penstock.apps.status.site import messages
from penstock.apps.status.site.files import File

pytestmark = pytest.mark.slow
ALL: Final = kinds()
FEW: Final = (("light", 390), ("dark", 1600))
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Looking:
    """A page, and all that was wrong with what it has shown."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page = browser.new_page(base_url=url, reduced_motion="reduce")
        self.page.clock.set_fixed_time(NOW)
        self.wrong: list[str] = []
        self._axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
        self.page.on("console", lambda told: self._say(told.text, told.type))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self._where(asked.url, url))

    def _say(self, text: str, kind: str) -> None:
        if kind == "error":
            self.wrong.append(f"{self.page.url}: {text}")

    def _where(self, asked: str, url: str) -> None:
        if not asked.startswith((url, "data:")):
            self.wrong.append(f"{self.page.url} asks {asked}")

    def at(self, path: str, views: Sequence[tuple[str, int]]) -> None:
        """Open a page, and look at it in these colours and widths."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        for scheme, width in views:
            self.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            self.page.set_viewport_size({"width": width, "height": 900})
            self._look(f"{path} {scheme} at {width}", width)

    def _look(self, where: str, width: int) -> None:
        options = {"runOnly": {"type": "tag", "values": TAGS}}
        found: dict[str, Any] = self._axe.run(self.page, options=options).response
        self.wrong += [
            f"{where}: {one['id']} {one['nodes'][0]['html'][:200]}" for one in found["violations"]
        ]
        over = self.page.evaluate("document.documentElement.scrollWidth") - width
        if over > 0:
            self.wrong.append(f"{where}: wider than the page by {over}")


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_of_view_is_for_everybody(browser: Browser, kind: str) -> None:
    with served(ALL[kind]) as url:
        looking = Looking(browser, url)
        looking.at("/", VIEWS if kind == "several" else FEW)
        looking.page.close()
        assert looking.wrong == []


@pytest.mark.parametrize("kind", ["several", "long"])
def test_every_page_is_for_everybody(browser: Browser, kind: str) -> None:
    with served(ALL[kind]) as url:
        looking = Looking(browser, url)
        for path in paths(ALL[kind])[1:]:
            looking.at(path, FEW)
        looking.page.close()
        assert looking.wrong == []


def test_messages_are_for_everybody(browser: Browser) -> None:
    view = ALL["carried"]
    ask = messages.Ask("/end", "Unsubscribe", (("token", "t"),))
    made = messages.message_page(view, "Leave?", "You get no more mails.", "unknown", ask)
    with served(view, {"/message": File(made.encode(), "text/html; charset=utf-8")}) as url:
        looking = Looking(browser, url)
        looking.at("/message", FEW)
        looking.page.close()
        assert looking.wrong == []


def test_without_scripts_all_of_it_is_there(browser: Browser) -> None:
    with served(ALL["several"]) as url:
        page = browser.new_page(base_url=url, java_script_enabled=False)
        page.goto("/")
        told = page.locator("body").inner_text()
        assert "Log-in is down" in told
        assert "Last updated 2026-08-22 13:05:12 UTC" in told
        assert "Something has changed" not in told, "what only a script can know stays hidden"
        page.get_by_role("link", name="Log-in fails for most people").click()
        assert "Evidence" in page.locator("main").inner_text()
        page.goto("/")
        sent: list[str] = []

        def answer(route: Route) -> None:
            sent.append(route.request.post_data or "")
            route.fulfill(status=200, body="thank you")

        page.route("**/report", answer)
        page.get_by_label("What fails?").select_option(label="Log-in")
        page.get_by_role("button", name="No answer").click()
        page.get_by_text("thank you").wait_for()
        page.close()
    assert sent == ["component=c00000000002&category=timeout&words="]


def test_keys_reach_all_and_say_where_they_are(browser: Browser) -> None:
    with served(ALL["several"]) as url:
        page = browser.new_page(base_url=url)
        page.goto("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Log-in fails for most people"
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width == "2px"
        page.close()


def test_the_first_line_is_told_anew_and_what_is_old_says_so(browser: Browser) -> None:
    with served(ALL["rising"]) as url:
        page = browser.new_page(base_url=url)
        page.clock.install(time=NOW)
        is_away = False
        changed = {
            "sentence": "Log-in is down", "state": "bad", "rendered_unix_s": NOW + 60,
            "version": "new", "reports_hour": 99,
            "components": [{"id": "c00000000001", "reports_hour": 98}],
        }  # fmt: skip

        def answer(route: Route) -> None:
            if is_away:
                route.abort()
            else:
                route.fulfill(status=200, content_type="application/json", body=json.dumps(changed))

        page.route("**/api/now.json", answer)
        page.goto("/")
        assert page.locator("[data-changed]").is_hidden()
        page.clock.run_for(31_000)
        page.get_by_text("Something has changed").wait_for()
        assert page.locator("h1").inner_text() == "Log-in is down"
        assert page.locator("#headline.state-bad > svg > path").count() == 1, "the square of bad"
        assert page.locator("tr [data-reports=c00000000001]").inner_text() == "98"
        assert page.locator("[data-reports-all]").inner_text() == "99"
        assert page.locator("link[rel=icon]").get_attribute("href") == "/favicon-bad.svg"
        assert page.locator("[data-stale]").is_hidden()
        is_away = True
        page.clock.run_for(400_000)
        page.get_by_text("what you see may be old").wait_for()
        assert page.locator("h1").inner_text() == "Log-in is down", "what was known keeps standing"
        page.close()


def test_a_print_fits_its_sheets(browser: Browser, tmp_path: Path) -> None:
    with served(ALL["several"]) as url:
        page = browser.new_page(base_url=url, viewport={"width": 718, "height": 1000})
        for path in ("/", "/incidents/inc000000001", "/uptime"):
            page.goto(path)
            page.emulate_media(media="print")
            assert over(page) <= 0, path
            page.pdf(path=tmp_path / "page.pdf", format="A4")
            page.emulate_media(media="screen")
        page.close()


def test_a_name_without_a_gap_makes_no_page_wider(browser: Browser) -> None:
    named = [msgspec.structs.replace(one, name="Donaudampf" * 8) for one in components()]
    shown = view(named, incidents=(open_incident(name="Donaudampf" * 8),))
    with served(shown) as url:
        page = browser.new_page(base_url=url, viewport={"width": 390, "height": 900})
        assert {path for path in paths(shown) if page.goto(path) and over(page) > 0} == set()
        page.close()


def over(page: Page) -> int:
    """Return by how much a page is wider than its sheet: A4 without its margins."""
    found: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found
