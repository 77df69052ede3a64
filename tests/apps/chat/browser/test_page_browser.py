"""What was once wrong to eye or hand, in a real browser: widths, copying, what stays behind."""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import expect
from tests.apps.chat.browser.at_chat import Person
from tests.e2e.emulator import wait_until

pytestmark = pytest.mark.slow
Make = Callable[..., Person]
PHONE: Final = {"width": 390, "height": 844}
HEAD: Final = "| Part of the works | Height above the sea | Flow in a wet year |"
WIDE: Final = f"{HEAD}\n|---|---:|---:|\n| Gate | 120 | 12.5 |\n\n```\n{'x' * 120}\n```\n"
NO_CLIPBOARD: Final = "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
KEPT: Final = "JSON.stringify(localStorage)"
PASTED: Final = "document.getElementById('write').value"
WIDER: Final = """() => [...document.querySelectorAll("article .reading, .grid, article pre")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.className)"""


def test_a_wide_answer_fits_a_phone_and_is_copied_without_https(person: Make) -> None:
    ada = person(viewport=PHONE)
    ada.page.add_init_script(NO_CLIPBOARD)
    ada.page.reload()
    ada.say(f"[[say:{WIDE}]]")
    ada.ended()
    expect(ada.page.locator("article pre")).to_have_count(1)
    assert ada.page.evaluate(WIDER) == []
    ada.page.get_by_role("button", name="Copy the answer").click()
    expect(ada.page.get_by_role("button", name="Copied")).to_be_visible()
    ada.page.focus("#write")
    ada.page.keyboard.press("Control+V")
    assert HEAD in ada.page.evaluate(PASTED)


def test_a_menu_has_no_entry_that_does_nothing(person: Make) -> None:
    ada = person()
    ada.say("[[say:One]]")
    ada.ended()
    ada.page.get_by_role("button", name="More about this answer").click()
    expect(ada.page.get_by_role("menuitem").first).to_be_focused()
    entries = ada.page.get_by_role("menuitem").all_inner_texts()
    assert [words for words in entries if not words.strip().startswith("Answer by")] == []


def test_drafts_go_when_somebody_logs_out(person: Make) -> None:
    ada = person()
    ada.page.fill("#write", "a secret draft")
    wait_until(lambda: "a secret draft" in ada.page.evaluate(KEPT))
    ada.page.goto(ada.chat.url + "/account")
    ada.page.get_by_role("button", name="Log out", exact=True).click()
    ada.page.wait_for_url("**/login**")
    assert "a secret draft" not in ada.page.evaluate(KEPT)
