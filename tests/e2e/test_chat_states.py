"""What the chat's page says when things fail, in a real browser over real processes.

Providers are emulated and made to fail: one takes over from another at the start, and in the middle
of an answer; both fail; places run out; the gateway and the chat itself are killed; the browser has
no network. Each time the page says what is the case, and nothing is lost or doubled.
"""

import base64
import os
import re
import signal
from collections.abc import Generator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import GPT
from tests.e2e.stack import Stack, stack
from tests.looking import look

pytestmark = pytest.mark.slow
WITHIN_MS: Final = 20_000  # processes are restarted meanwhile, on two cores
SAID: Final = "The gate of a penstock controls the flow of water to the turbine behind it."
QUESTION: Final = f"[[say:{SAID}]]"
LONG: Final = f"[[say:{'water ' * 300}end]]"
DOT: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CONFIG: Final = """
[chat]
models = ["claude-chat", "tiny"]
auto = "claude-chat"
[[upstreams]]
name = "tiny"
dialect = "openai_chat"
base_url = "{url}"
api_key_file = "{key}"
concurrency_max = 1
is_adaptive = false
[[routes]]
name = "tiny"
targets = [{{upstream = "tiny", model = "{model}"}}]
"""


@pytest.fixture(scope="module")
def providers(start_emulator: StartEmulator) -> RunningEmulator:
    return start_emulator()


@pytest.fixture(scope="module")
def running(
    providers: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Stack]:
    folder = tmp_path_factory.mktemp("chat")
    key = folder / "upstream.key"
    more = CONFIG.format(url=providers.urls["gpt"], key=key, model=GPT)
    with stack(folder, providers, more) as started:
        yield started


@pytest.fixture(scope="module")
def person(browser: Browser, running: Stack) -> Generator[BrowserContext]:
    """Somebody who has just made an account."""
    url = running.up.ready()["urls"]["chat"].replace("127.0.0.1", "localhost")
    context = browser.new_context(base_url=url, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/signup")
    page.get_by_label("E-mail address").fill("ada@people.example")
    page.get_by_label("Password").fill("four words at random")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_label("Your message")).to_be_visible()
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(person: BrowserContext, providers: RunningEmulator) -> Generator[Page]:
    providers.reset()
    opened = person.new_page()
    opened.set_default_timeout(WITHIN_MS)
    expect.set_options(timeout=WITHIN_MS)
    opened.goto("/")
    yield opened
    person.set_offline(False)
    opened.close()
    expect.set_options(timeout=5000)


def say(page: Page, text: str) -> None:
    field = page.get_by_label("Your message")
    field.fill(text)
    field.press("Enter")


def answers(page: Page) -> Locator:
    return page.get_by_role("article", name="Answer")


def choose(page: Page, model: str) -> None:
    page.get_by_role("button", name="Model:").click()
    page.get_by_role("option", name=model).click()


def written(page: Page, text: str) -> int:
    """Return how often a text was taken by the server, in all conversations."""
    script = """async (text) => {
      const ask = async (path) => (await fetch("/api/v1" + path)).json();
      const {items} = await ask("/conversations");
      let count = 0;
      for (const one of items) {
        const {messages} = await ask(`/conversations/${one.id}`);
        count += messages.filter((each) => each.role === "user" && each.text === text).length;
      }
      return count;
    }"""
    return int(page.evaluate(script, text))


def test_who_answers_in_place_of_another_is_said(page: Page, providers: RunningEmulator) -> None:
    providers.faults({"provider": "claude", "kind": "http_529"})
    say(page, QUESTION)
    expect(answers(page)).to_contain_text(SAID)
    expect(page.locator(".x-mark")).to_contain_text("Answered by")
    expect(page.locator(".x-mark")).to_contain_text("because")
    look("failed over", page)
    page.reload()
    expect(page.locator(".x-mark")).to_contain_text("Answered by")


def test_a_seam_stands_where_another_goes_on(page: Page, providers: RunningEmulator) -> None:
    providers.faults({"provider": "claude", "kind": "stream_abort", "after_events": 6})
    say(page, QUESTION)
    seam = page.locator(".x-seam")
    expect(seam).to_contain_text("Continued by")
    expect(answers(page)).to_have_attribute("data-state", "done")
    whole = page.locator(".x-piece").all_inner_texts()
    assert len(whole) == 2
    assert " ".join(" ".join(whole).split()) == SAID
    look("continued", page)
    page.reload()
    expect(page.locator(".x-seam")).to_contain_text("Continued by")


def test_no_answer_says_why_and_is_asked_again(page: Page, providers: RunningEmulator) -> None:
    providers.faults({"kind": "http_400"})
    say(page, QUESTION)
    trouble = page.locator(".x-trouble")
    expect(trouble).to_contain_text("There is no answer.")
    look("no answer", page)
    trouble.get_by_role("button", name="It fails for me").click()
    dialog = page.get_by_role("dialog", name="It fails for me")
    expect(dialog.get_by_label("What fails?")).to_be_visible()
    look("it fails for me", page)
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.get_by_text("Thank you")).to_be_visible()
    expect(dialog.get_by_role("link", name="status page")).to_be_visible()
    page.keyboard.press("Escape")
    providers.faults()
    trouble.get_by_role("button", name="Ask again").click()
    expect(answers(page).last).to_contain_text(SAID)


def test_who_waits_sees_the_line_and_can_leave(page: Page, providers: RunningEmulator) -> None:
    providers.pace(gpt={"ttft_s": 0.05, "tokens_per_s": 10.0})
    choose(page, "tiny")
    say(page, LONG)
    expect(answers(page)).to_contain_text("water water")
    page.get_by_role("link", name="New conversation").click()
    choose(page, "tiny")
    say(page, "[[say:second]]")
    room = page.locator(".x-waiting")
    expect(room.get_by_role("button", name="Leave the line")).to_be_visible()
    expect(room).to_contain_text("You may leave this page")
    look("waiting room", page)
    room.get_by_role("button", name="Leave the line").click()
    expect(page.locator(".x-trouble")).to_contain_text("Stopped.")
    expect(page.locator(".x-waiting")).to_have_count(0)
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="Stop the answer").click()
    expect(page.locator(".x-trouble")).to_contain_text("Stopped.")


def test_a_question_survives_the_gateway(page: Page, running: Stack) -> None:
    with running.frozen("gateway"):
        say(page, QUESTION)
        expect(page.locator(".written")).to_contain_text(SAID)
        expect(page.locator(".x-banner").first).to_be_visible()
        look("gateway down", page)
    running.kill("gateway")
    expect(answers(page)).to_contain_text(SAID)


def test_what_is_written_while_the_chat_is_down_is_sent_once(page: Page, running: Stack) -> None:
    text = "[[say:after the fall]]"
    say(page, "[[say:before]]")
    expect(answers(page)).to_contain_text("before")
    expect(answers(page)).to_have_attribute("data-state", "done")  # none is sent during an answer
    os.kill(running.pid("chat"), signal.SIGKILL)
    say(page, text)
    expect(answers(page).last).to_contain_text("after the fall", timeout=60_000)
    assert written(page, text) == 1


def test_what_is_written_offline_is_kept_over_a_reload_and_sent_once(
    page: Page, person: BrowserContext
) -> None:
    text = "[[say:from the tunnel]]"
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    wait_until(lambda: page.evaluate("caches.keys().then((names) => names.length === 1)"))
    page.get_by_label("Your message").fill("a draft")
    wait_until(lambda: "a draft" in page.evaluate("JSON.stringify(localStorage)"))
    person.set_offline(True)
    page.reload()
    expect(page.get_by_text("You are offline.")).to_be_visible()
    expect(page.get_by_label("Your message")).to_have_value("a draft")
    say(page, text)
    expect(page.get_by_text("Will be sent when you are back online")).to_be_visible()
    look("offline", page)
    page.reload()
    expect(page.get_by_text("Will be sent when you are back online")).to_be_visible()
    person.set_offline(False)
    expect(answers(page)).to_contain_text("from the tunnel")
    assert written(page, text) == 1
    expect(page.get_by_text("You are offline.")).to_have_count(0)


def test_a_chosen_image_goes_with_the_message(page: Page) -> None:
    page.locator("input[type=file]").set_input_files(
        [{"name": "dot.png", "mimeType": "image/png", "buffer": DOT}]
    )
    files = page.get_by_role("list", name="Files of this message")
    expect(files).to_contain_text(re.compile("1 . 1"))
    say(page, "[[say:a dot]]")
    expect(answers(page)).to_contain_text("a dot")
    expect(files).to_have_count(0)
    page.get_by_label("Look at dot.png").click()
    expect(page.get_by_role("dialog", name="dot.png")).to_be_visible()


def test_no_words_of_anybody_are_kept_by_the_worker(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    kept = page.evaluate(
        "caches.keys().then((names) => caches.open(names[0])).then((one) => one.keys())"
        ".then((keys) => keys.map((key) => new URL(key.url).pathname))"
    )
    assert "/shell" in kept
    assert [path for path in kept if not path.startswith(("/assets/", "/static/", "/shell"))] == []
