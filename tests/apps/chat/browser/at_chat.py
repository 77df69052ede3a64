"""One ``up --emulate`` with its chat, and people who look at it in browsers of their own."""

import contextlib
import http.client
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from tests.cli.running import REAL, Running, running

PASSWORD: Final = "correct horse battery staple"
PROVIDERS: Final = ("claude", "gpt", "gemini")
WITHIN_MS: Final = 15_000
SLOW: Final[dict[str, object]] = {"ttft_s": 0.05, "tokens_per_s": 12.0, "spread": 0.0}
INSTANT: Final[dict[str, object]] = {"is_instant": True}


class ChatUp:
    """The run, and how fast its providers are."""

    def __init__(self, up: Running) -> None:
        self.up = up
        self.url: str = up.ready()["urls"]["chat"]
        told: dict[str, str] = json.loads((up.folder / "state/run/emulate.ready.json").read_text())
        self._place: str = urlsplit(told["url"]).netloc
        self._token = told["control_token"]
        self._people = 0

    def pace(self, pace: dict[str, object]) -> None:
        """Let all providers be this fast from now on."""
        connection = http.client.HTTPConnection(self._place, timeout=10)
        with contextlib.closing(connection):
            body = json.dumps(dict.fromkeys(PROVIDERS, pace))
            headers = {"authorization": f"Bearer {self._token}"}
            connection.request("PUT", "/control/pace", body, headers)
            assert connection.getresponse().status == 200

    def email(self) -> str:
        """Return an address that nobody has."""
        self._people += 1
        return f"person{self._people}@people.example"


@contextlib.contextmanager
def chat_up(folder: Path) -> Generator[ChatUp]:
    """Start everything."""
    with running(folder, REAL, ("--emulate",)) as up:
        up.until(lambda: "chat" in up.ready()["urls"])  # it is not waited for by others
        yield ChatUp(up)


class Person:
    """A person with a browser; what goes wrong in a page is kept."""

    def __init__(self, browser: Browser, chat: ChatUp, **settings: Any) -> None:
        self.chat = chat
        self.context: BrowserContext = browser.new_context(**settings)
        self.wrong: list[str] = []
        self.page = self.tab()
        self.page.goto(chat.url + "/signup")
        self.page.fill("[name=name]", "Ada")
        self.page.fill("[name=email]", chat.email())
        self.page.fill("[name=password]", PASSWORD)
        self.page.get_by_role("button", name="Make the account").click()
        self.page.wait_for_selector("html[data-ready]")

    def tab(self) -> Page:
        """Return another tab."""
        page = self.context.new_page()
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console",
            lambda said: self.wrong.append(said.text) if "Content Security" in said.text else None,
        )
        return page

    def say(self, text: str, page: Page | None = None) -> None:
        """Write and send."""
        at = page or self.page
        at.fill("#write", text)
        at.press("#write", "Enter")

    def answers(self, page: Page | None = None) -> Locator:
        """Return all answers of the open conversation."""
        return (page or self.page).locator("article.answer")

    def ended(self, count: int = 1, page: Page | None = None) -> str:
        """Wait until there are so many answers, the last one whole; return its words."""
        at = page or self.page
        done = at.locator("article.answer[data-state=done]")
        expect(done).to_have_count(count, timeout=WITHIN_MS)
        return str(done.last.locator("> .reading").inner_text())

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API as the pages do."""
        return self.page.evaluate(
            """async ([method, path, body]) => {
              const headers = {"content-type": "application/json"};
              const asked = {method, headers};
              if (body !== null) asked.body = JSON.stringify(body);
              const answer = await fetch("/api/v1" + path, asked);
              return answer.status === 204 ? null : await answer.json();
            }""",
            [method, path, body],
        )

    def leave(self) -> None:
        """Close the browser; fails if a page had an error."""
        self.context.close()
        assert not self.wrong, self.wrong
