"""Files that are dropped and pasted, by the browser's own drag and clipboard: taken, or why not."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.apps.chat.browser.at_chat import Person
from tests.apps.chat.files.samples import pdf

pytestmark = pytest.mark.slow
Make = Callable[..., Person]
DOT: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
OVER: Final = "Drop images or PDFs here"
ONE_PIXEL: Final = re.compile("1 . 1, ")
LARGE_BYTES: Final = 21 * 1024 * 1024
AT: Final = {"x": 600, "y": 300}
LEAVE: Final = "document.body.dispatchEvent(new DragEvent('dragleave', {bubbles: true})) && 0"
COPY: Final = """async (dot) => {
  const bytes = Uint8Array.from(atob(dot), (one) => one.charCodeAt(0));
  const parts = {"image/png": new Blob([bytes], {type: "image/png"})};
  await navigator.clipboard.write([new ClipboardItem(parts)]);
}"""
# What a file manager, a text processor and a table put there: a page cannot copy these itself.
PASTE: Final = """({texts, dot, name, kind}) => {
  const bytes = Uint8Array.from(atob(dot), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  for (const [type, text] of Object.entries(texts)) data.setData(type, text);
  data.items.add(new File([bytes], name, {type: kind}));
  const given = {clipboardData: data, bubbles: true, cancelable: true};
  return document.getElementById("write").dispatchEvent(new ClipboardEvent("paste", given));
}"""


class Dragging:
    """A person who drags files from the desktop over the page."""

    def __init__(self, page: Page, *paths: Path) -> None:
        self._page = page
        self._at: Any = page.context.new_cdp_session(page)
        names = [str(path) for path in paths]
        self._data: dict[str, Any] = {"items": [], "files": names, "dragOperationsMask": 1}

    def _send(self, kind: str) -> None:
        self._at.send("Input.dispatchDragEvent", {"type": kind, **AT, "data": self._data})

    def over(self) -> None:
        """Come in, and move."""
        self._send("dragEnter")
        self._send("dragOver")

    def drop(self) -> None:
        """Let go over the page."""
        self.over()
        self._send("drop")

    def leave(self) -> None:
        """Leave the window, or give up by Escape: to a page both look like this."""
        self._page.evaluate(LEAVE)


def taken(page: Page) -> Locator:
    return page.get_by_role("list", name="Files of this message").get_by_role("listitem")


def made(folder: Path, name: str, raw: bytes) -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


def test_what_is_dropped_is_shown_sent_and_answered(person: Make, tmp_path: Path) -> None:
    ada = person()
    page = ada.page
    dragging = Dragging(page, made(tmp_path, "dot.png", DOT), made(tmp_path, "plan.pdf", pdf(4)))
    dragging.over()
    expect(page.get_by_text(OVER)).to_be_visible()
    dragging.leave()
    expect(page.get_by_text(OVER)).to_have_count(0)
    dragging.drop()
    expect(page.get_by_text(OVER)).to_have_count(0)
    expect(taken(page)).to_have_count(2)
    expect(taken(page).nth(0)).to_contain_text(ONE_PIXEL)
    expect(taken(page).nth(1)).to_contain_text("4 pages")
    ada.say("[[say:Both are here]]")
    assert "Both are here" in ada.ended()
    expect(page.get_by_label("Look at dot.png")).to_be_visible()
    expect(page.get_by_role("link", name="plan.pdf")).to_be_visible()
    expect(page.locator(".composer .x-file")).to_have_count(0)


def test_what_cannot_be_taken_says_why_and_holds_nothing_up(person: Make, tmp_path: Path) -> None:
    ada = person()
    page = ada.page
    folder = tmp_path / "a folder"
    folder.mkdir()
    Dragging(
        page,
        made(tmp_path, "large.png", bytes(LARGE_BYTES)),
        made(tmp_path, "notes.txt", b"words"),
        made(tmp_path, "drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        made(tmp_path, "empty.png", b""),
        made(tmp_path, "lie.png", b"MZ, and no picture at all"),
        folder,
    ).drop()
    expect(taken(page)).to_have_count(6)
    for at, words in enumerate(
        ("20 MB is the most", "Only images", "Only images", "is empty", "no image", "Only images")
    ):
        expect(taken(page).nth(at)).to_contain_text(words)
    expect(page.get_by_role("button", name="again")).to_have_count(0)  # that would not help
    Dragging(page, made(tmp_path, "dot.png", DOT)).drop()
    expect(taken(page).nth(6)).to_contain_text(ONE_PIXEL)
    ada.say("[[say:One came along]]")
    ada.ended()
    expect(page.locator("article .x-thumb")).to_have_count(1)
    expect(page.locator("article .x-file")).to_have_count(0)
    expect(page.locator(".composer .x-file")).to_have_count(0)


def test_dropped_beside_a_message_nothing_leaves_the_page(person: Make, tmp_path: Path) -> None:
    ada = person()
    page = ada.page
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    Dragging(page, made(tmp_path, "dot.png", DOT)).drop()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Your message")).to_be_visible()
    assert page.url.startswith(ada.chat.url)


def test_more_than_one_message_takes_are_left_out_in_words(person: Make, tmp_path: Path) -> None:
    page = person().page
    Dragging(page, *(made(tmp_path, f"dot{at}.png", DOT) for at in range(10))).drop()
    expect(taken(page)).to_have_count(8)
    expect(page.get_by_text("One message takes 8 files").first).to_be_visible()


def test_what_is_pasted_is_taken_where_no_text_was_meant(person: Make) -> None:
    ada = person(permissions=["clipboard-read", "clipboard-write"])
    page, dot = ada.page, base64.b64encode(DOT).decode()
    page.evaluate(COPY, dot)
    page.focus("#write")
    page.keyboard.press("Control+V")
    expect(taken(page)).to_have_count(1)
    expect(taken(page).first).to_contain_text(ONE_PIXEL)

    def paste(texts: dict[str, str], name: str = "image.png", kind: str = "image/png") -> bool:
        """Return whether it goes on to the field, as text."""
        given = {"texts": texts, "dot": dot, "name": name, "kind": kind}
        return bool(page.evaluate(PASTE, given))

    assert not paste({"text/html": "<img src='https://elsewhere.example/dot.png'>"})
    expect(taken(page)).to_have_count(2)
    assert not paste({"text/plain": "dot.png"}, "dot.png")  # a file manager says its name, too
    expect(taken(page)).to_have_count(3)
    assert paste({"text/plain": "a\tb", "text/html": "<table><tr><td>a<td>b</table>"})
    assert not paste({}, "tune.mp3", "audio/mpeg")
    expect(taken(page)).to_have_count(4)
    expect(taken(page).last).to_contain_text("Only images")
    ada.say("[[say:Three dots]]")
    ada.ended()
    expect(page.locator("article .x-thumb")).to_have_count(3)
