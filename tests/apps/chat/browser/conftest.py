"""One run of everything for all checks of a file, and people who look at it."""

import shutil
from collections.abc import Callable, Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.apps.chat.browser.at_chat import INSTANT, ChatUp, Person, chat_up

CHROMIUM = shutil.which("chromium") or ""


@pytest.fixture(scope="package")
def browser() -> Generator[Browser]:
    if not CHROMIUM:
        pytest.skip("there is no chromium on the path: install it to look at pages")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture(scope="package")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Generator[ChatUp]:
    with chat_up(tmp_path_factory.mktemp("chat")) as up:
        yield up


@pytest.fixture
def person(browser: Browser, chat: ChatUp) -> Generator[Callable[..., Person]]:
    """Make people; their browsers are closed, and had no error."""
    chat.pace(INSTANT)
    there: list[Person] = []

    def make(**settings: Any) -> Person:
        there.append(Person(browser, chat, **settings))
        return there[-1]

    yield make
    for one in there:
        one.leave()
