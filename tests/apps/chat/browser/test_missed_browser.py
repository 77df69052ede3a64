"""No answer stays unfinished on the screen because an event was missed, in a real browser.

A page that has missed the end of an answer is made by putting its state back to what such a page
would show; what is then done to it is what happens to pages: the connection is back, another boot
greets, somebody looks at the tab again, or nothing is said for long.
"""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page, expect
from tests.apps.chat.browser.at_chat import Person

pytestmark = pytest.mark.slow
Make = Callable[..., Person]
SAID: Final = "The gate of a penstock controls the flow of water to the turbine behind it."
LONG: Final = "# Water\n\n| Part | Height |\n|---|---:|\n| Gate | 120 |\n\n" + f"{SAID}\n\n" * 6
DONE: Final = "article.answer[data-state=done]"
PAGES: Final = """
  const { src } = document.querySelector("script[type=module]");
  const at = (name) => import(new URL(name, src).href);
  const [state, events] = await Promise.all([at("./state.js"), at("./events.js")]);
  const id = state.thread.peek().ids.at(-1);
  const place = state.messageOf(id);
"""
UNFINISHED: Final = (
    "state.textOf(id).set('The gate'); place.value = {...place.peek(), state: 'streaming', seq: 0};"
)
SEEN_AGAIN: Final = "document.dispatchEvent(new Event('visibilitychange'));"
ANOTHER_BOOT: Final = "events.apply('hello', {boot: 'another', seq: 1, version: ''}, 0);"
BACK: Final = "state.connection.value = 'offline'; state.connection.value = 'live';"
# The answer of the API is as it was before an event that comes while it is on its way.
LATE: Final = """
  const whole = place.peek(), text = state.textOf(id).text, ask = window.fetch;
  let count = 0;
  window.fetch = async (...given) => {
    const answer = await ask(...given);
    if (!String(given[0]).endsWith(`/messages/${id}`) || count++) return answer;
    events.apply("message", {...whole, text: null, text_units: text.length}, whole.seq + 1);
    return Response.json({...whole, state: "streaming", text: "The gate", text_units: 8});
  };
"""
SHORT: Final = "events.apply('delta', {message: id, at: 9, text: 'of a'}, 0);"


def in_page(page: Page, script: str) -> None:
    """Run it with the pages' own state, and the last message of what is open."""
    page.evaluate(f"async () => {{ {PAGES} {script} }}")


@pytest.mark.parametrize("happens", [SEEN_AGAIN, ANOTHER_BOOT, BACK])
def test_a_page_that_missed_the_end_loads_it(person: Make, happens: str) -> None:
    ada = person()
    ada.say(f"[[say:{SAID}]]")
    assert ada.ended().strip() == SAID
    in_page(ada.page, UNFINISHED)
    expect(ada.page.locator(DONE)).to_have_count(0)
    expect(ada.page.locator("article.answer > .reading")).to_have_text("The gate")
    in_page(ada.page, happens)
    ada.ended()
    # It is drawn in the frame after.
    expect(ada.page.locator("article.answer > .reading")).to_have_text(SAID)


def test_an_answer_that_says_nothing_for_long_is_asked_for(person: Make) -> None:
    ada = person()
    ada.page.clock.install()
    ada.page.reload()
    ada.page.wait_for_selector("html[data-ready]")
    ada.say(f"[[say:{SAID}]]")
    assert ada.ended().strip() == SAID
    asked: list[str] = []
    ada.page.on("request", lambda one: asked.append(one.url) if "/messages/" in one.url else None)
    in_page(ada.page, UNFINISHED)
    ada.page.clock.run_for(12_000)
    assert asked == []
    expect(ada.page.locator(DONE)).to_have_count(0)
    ada.page.clock.run_for(19_000)  # two looks may lie between
    ada.ended()
    # It is drawn in the next frame, which the clock of the page brings.
    expect(ada.page.locator("article.answer > .reading")).to_have_text(SAID)
    assert len(asked) == 1


def test_an_answer_that_is_whole_at_once_ends(person: Make) -> None:
    """Its end is told before its own sending, and what is asked meanwhile, have been answered."""
    ada = person()
    for count in (1, 2, 3):
        ada.say(f"[[say:{LONG}]]")
        assert ada.ended(count).count(SAID) == LONG.count(SAID)


def test_what_an_event_said_is_not_undone_by_an_older_answer(person: Make) -> None:
    ada = person()
    ada.say(f"[[say:{SAID}]]")
    ada.ended()
    in_page(ada.page, LATE + UNFINISHED + SHORT)
    expect(ada.page.locator("article.answer > .reading")).to_have_text(SAID)
    ada.ended()
