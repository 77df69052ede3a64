"""Conversations in a real browser against all processes: send, stop, edit, branches, list, tabs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.apps.chat.browser.at_chat import SLOW, ChatUp, Person

pytestmark = pytest.mark.slow
Make = Callable[..., Person]
EVENTS = "/api/v1/events"


def grows(page: Page) -> None:
    """Wait until the last answer has words, and is not whole."""
    expect(page.locator("article.answer").last.locator("> .reading")).not_to_be_empty()
    expect(page.locator("article.answer[data-state=streaming]")).to_have_count(1)


def test_what_is_sent_is_there_at_once_and_after_a_reload(person: Make) -> None:
    ada = person()
    ada.say("How tall is the dam?")
    expect(ada.page.locator("article.written")).to_have_count(1)
    text = ada.ended()
    assert len(text) > 20
    assert re.search(r"/c/[\w-]{8,}$", ada.page.url)
    expect(ada.page.locator(".line.is-current .title")).to_have_text("How tall is the dam?")
    ada.page.reload()
    assert ada.ended() == text
    ada.page.get_by_role("link", name="New conversation").click()
    expect(ada.page.locator("article")).to_have_count(0)
    ada.page.go_back()
    assert ada.ended() == text


def test_stop_keeps_what_has_come_and_continue_goes_on(person: Make, chat: ChatUp) -> None:
    ada = person()
    chat.pace(SLOW)
    ada.say("Tell me a long story")
    grows(ada.page)
    ada.page.keyboard.press("Escape")
    stopped = ada.page.locator("article.answer[data-state=stopped]")
    expect(stopped).to_have_count(1)
    text = stopped.locator("> .reading").inner_text().strip()
    assert text
    chat.pace({"is_instant": True})
    stopped.get_by_role("button", name="Continue").first.click()
    assert ada.ended().startswith(text)
    expect(ada.answers()).to_have_count(1)


def test_a_running_answer_goes_on_after_a_reload_and_while_others_run(
    person: Make, chat: ChatUp
) -> None:
    ada = person()
    chat.pace(SLOW)
    ada.say("The first")
    grows(ada.page)
    ada.page.keyboard.press("Control+Shift+O")
    ada.say("The second")
    grows(ada.page)
    expect(ada.page.locator(".line .running")).to_have_count(2)
    before = ada.answers().last.locator("> .reading").inner_text()
    ada.page.reload()
    grows(ada.page)
    assert ada.answers().last.locator("> .reading").inner_text().startswith(before)
    ada.page.get_by_role("link", name="The first").click()
    chat.pace({"is_instant": True})
    ada.ended()
    expect(ada.page.locator(".line .running")).to_have_count(0, timeout=30_000)


def test_another_answer_and_an_edit_are_branches_with_a_pager(person: Make) -> None:
    ada = person()
    ada.say("One")
    ada.ended()
    ada.page.get_by_role("button", name="Answer anew").click()
    pager = ada.page.locator("article.answer .pager")
    expect(pager).to_contain_text("2/2")
    ada.ended()
    pager.get_by_role("button", name="Version before").click()
    expect(pager).to_contain_text("1/2")
    ada.page.focus("#write")
    ada.page.keyboard.press("ArrowUp")
    field = ada.page.get_by_label("Edit your message")
    expect(field).to_be_focused()
    field.fill("One, said otherwise")
    field.press("Enter")
    ada.ended()
    expect(ada.page.locator("article.written .words")).to_have_text("One, said otherwise")
    own = ada.page.locator("article.written .pager")
    expect(own).to_contain_text("2/2")
    own.get_by_role("button", name="Version before").click()
    expect(ada.page.locator("article.written .words")).to_have_text("One")


def test_the_list_renames_pins_finds_exports_and_deletes(person: Make) -> None:
    ada = person()
    for words in ("About turbines", "About valves"):
        ada.page.get_by_role("link", name="New conversation").click()
        ada.say(words)
        ada.ended()
    more = ada.page.get_by_role("button", name="More about About turbines", exact=True)
    more.click()
    ada.page.get_by_role("menuitem", name="Rename").click()
    ada.page.get_by_label("Name of the conversation").fill("Machines")
    ada.page.keyboard.press("Enter")
    expect(ada.page.locator(".line .title")).to_have_text(["About valves", "Machines"])
    ada.page.get_by_role("button", name="More about Machines").click()
    ada.page.get_by_role("menuitem", name="Pin").click()
    expect(ada.page.locator(".line .title")).to_have_text(["Machines", "About valves"])
    ada.page.fill("#search", "turbines")
    expect(ada.page.locator(".snippet mark")).to_have_text("turbines", ignore_case=True)
    ada.page.press("#search", "Escape")
    ada.page.get_by_role("button", name="More about Machines").click()
    with ada.page.expect_download() as kept:
        ada.page.get_by_role("menuitem", name="Export as Markdown").click()
    assert "About turbines" in Path(kept.value.path()).read_text()
    ada.page.get_by_role("button", name="More about Machines").click()
    ada.page.get_by_role("menuitem", name="Delete").click()
    dialog = ada.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Machines")
    dialog.get_by_role("button", name="Delete").click()
    expect(ada.page.locator(".line .title")).to_have_text(["About valves"])


def test_two_tabs_have_one_stream_and_the_other_takes_it_over(person: Make, chat: ChatUp) -> None:
    ada = person()
    ada.say("Begin")
    ada.ended()
    other = ada.tab()
    streams: list[str] = []
    other.on("request", lambda one: streams.append(one.url) if EVENTS in one.url else None)
    other.goto(ada.page.url)
    other.wait_for_selector("html[data-ready]")
    ada.say("Said in the first tab")
    assert ada.ended(2, other)
    assert streams == []
    chat.pace(SLOW)
    ada.say("And once more")
    grows(other)
    ada.page.close()
    chat.pace({"is_instant": True})
    assert ada.ended(3, other)
    assert len(streams) == 1
    ada.page = other


def test_what_is_written_offline_is_sent_once_when_back(person: Make) -> None:
    ada = person()
    ada.say("Before")
    ada.ended()
    ada.context.set_offline(True)
    ada.say("Written in a tunnel")
    expect(ada.page.locator("article.is-unsent")).to_have_count(1)
    ada.context.set_offline(False)
    ada.ended(2)
    expect(ada.page.locator("article.is-unsent")).to_have_count(0)
    conversation = ada.page.url.rpartition("/")[2]
    told = ada.ask("GET", f"/conversations/{conversation}")
    mine = [one["text"] for one in told["messages"] if one["role"] == "user"]
    assert mine == ["Before", "Written in a tunnel"]
