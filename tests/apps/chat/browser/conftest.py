"""One run of everything for all checks of a file, and people who look at it."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.apps.chat.browser.at_chat import INSTANT, ChatUp, Person, chat_up


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
