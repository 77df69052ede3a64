"""The parts beside text and list, in a real browser: every state in width and colour, and axe.

The gallery shows them without a server; what they do is tested here too. Against real processes:
``tests/e2e/test_chat_states.py``.
"""

import importlib
from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.apps.chat.gallery.serving import served

pytestmark = pytest.mark.slow
VIEWS = [(width, scheme) for width in (390, 1024, 1600) for scheme in ("light", "dark")]
FEW = [(390, "dark"), (1600, "light")]
DIALOGS = (
    "picker-open", "report", "settings", "system", "shortcuts", "palette", "palette-found",
    "confirm-delete",
)  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    yield from served()


class Looking:
    """A page of the gallery, and all that was wrong with what it has shown."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page = browser.new_page(base_url=url, reduced_motion="reduce")
        self.wrong: list[str] = []
        self._axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
        self.page.on("console", lambda told: self._say(told.type, told.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _say(self, kind: str, text: str) -> None:
        if kind == "error" and "favicon" not in text and "404" not in text:
            self.wrong.append(text)

    def show(self, name: str) -> Page:
        self.page.goto(f"/?show={name}" if name else "/")
        self.page.wait_for_selector("[data-drawn]", state="attached")
        return self.page

    def look(self, name: str, width: int, scheme: str) -> None:
        self.page.set_viewport_size({"width": width, "height": 850})
        self.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        self.show(name)
        found: dict[str, Any] = self._axe.run(self.page).response
        where = f"{name} {width} {scheme}"
        self.wrong += [
            f"{where}: {one['id']} {one['nodes'][0]['html'][:200]}" for one in found["violations"]
        ]
        over = self.page.evaluate("document.documentElement.scrollWidth") - width
        if over > 0:
            self.wrong.append(f"{where}: wider than the page by {over}")


@pytest.mark.parametrize(
    ("name", "views"), [("", VIEWS), *((name, FEW) for name in DIALOGS)], ids=str
)
def test_every_state_is_for_everybody(
    browser: Browser, url: str, name: str, views: list[tuple[int, str]]
) -> None:
    looking = Looking(browser, url)
    for width, scheme in views:
        looking.look(name, width, scheme)
    looking.page.close()
    assert looking.wrong == []


def test_files_say_what_becomes_of_them(browser: Browser, url: str) -> None:
    page = Looking(browser, url).show("files")
    files = page.get_by_role("list", name="Files of this message")
    expect(files.get_by_role("listitem")).to_have_count(4)
    expect(page.get_by_text("One message takes 4 files", exact=False).first).to_be_visible()
    expect(page.get_by_label("Sending slow.png")).to_be_visible()
    expect(files.get_by_text("cannot be reached")).to_be_visible()
    page.get_by_label("Take fails.png out").click()
    page.get_by_label("Take slow.png out").click()
    expect(files.get_by_role("listitem")).to_have_count(2)
    page.evaluate(
        "attached.add([new File([new Uint8Array(21e6)], 'big.png', {type: 'image/png'})])"
    )
    expect(files.get_by_text("This file has 21 MB; 20 MB is the most.")).to_be_visible()
    page.evaluate("attached.add([new File(['a'], 'a.exe', {type: 'application/x-msdownload'})])")
    expect(files.get_by_text("Only images")).to_be_visible()
    page.get_by_label("Look at valley.png").click()
    expect(page.get_by_role("dialog", name="valley.png")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog", name="gate.png")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.close()


def test_a_report_is_two_presses_and_says_what_became_of_it(browser: Browser, url: str) -> None:
    page = Looking(browser, url).show("report")
    expect(page.get_by_label("What fails?")).to_have_value("claude")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("42 other people said the same")).to_be_visible()
    expect(page.get_by_role("link", name="status page")).to_be_visible()
    page.keyboard.press("Escape")
    page = Looking(browser, url).show("report-fails")
    page.get_by_label("Slow").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("The status page does not answer.")
    expect(page.get_by_label("Slow")).to_be_checked()
    page.close()


def test_the_palette_finds_titles_words_and_commands(browser: Browser, url: str) -> None:
    page = Looking(browser, url).show("palette")
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    expect(page.get_by_role("option")).to_have_count(6)
    field.fill("swed")
    expect(page.get_by_role("option").first).to_contain_text("Grammar of Swedish")
    expect(page.locator("mark")).to_have_text("penstock")
    expect(page.get_by_text("<b>not bold</b>")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    page = Looking(browser, url).show("palette-fails")
    expect(page.get_by_text("only titles were searched")).to_be_visible()
    page.close()


def test_the_picker_is_worked_by_keys(browser: Browser, url: str) -> None:
    page = Looking(browser, url).show("picker")
    button = page.get_by_role("button", name="Model: Claude Sonnet, fails")
    button.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_focused()
    page.keyboard.type("gpt")
    chosen = page.get_by_role("listbox").get_attribute("aria-activedescendant") or ""
    expect(page.locator(f"[id='{chosen}']")).to_contain_text("GPT-5")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(button).to_be_focused()
    page.close()


def test_the_focus_stays_in_a_dialog_and_goes_back(browser: Browser, url: str) -> None:
    page = Looking(browser, url).show("confirm-delete")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || document.querySelector('dialog').contains(document.activeElement)"
        )
    page.close()
