"""Pictures of the chat in all its states, light and dark, on a phone and a desk, to be looked at.

    python -m tests.apps.chat.pictures FOLDER [--pages]

Whole pages of a real run, and the parts of the gallery: a picture of each in each view, and a sheet
of its four views. What emulated providers do not do at will is what the server says of a
conversation, changed on its way to the page. Nothing is compared: tests of the same states say what
must be there, and whether it fits and can be read; whether it looks well, a person says.
"""

import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from tests.apps.chat.browser.at_chat import INSTANT, SLOW, ChatUp, Person, chat_up
from tests.apps.chat.gallery.serving import served

VIEWS: Final = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
HEIGHT: Final = {390: 844, 1440: 900}
PARTS: Final = (
    "banners", "waiting", "marks", "troubles", "unsent", "files", "picker", "picker-open", "report",
    "settings", "system", "shortcuts", "palette", "palette-found", "confirm-delete",
)  # fmt: skip
SAID: Final = """## How a penstock works

Water falls through a *pipe* to a **turbine**. Its power is $P = \\eta \\rho g h Q$.

| Part | Height | Flow in a wet year |
|---|---:|---:|
| Gate | 120 m | 12.5 m3/s |
| Turbine | 4 m | 12.1 m3/s |

```python
def power_w(head_m: float, flow_m3_per_s: float) -> float:
    return 0.9 * 1000 * 9.81 * head_m * flow_m3_per_s
```

1. Open the gate slowly.
2. Watch the pressure."""
DOT: Final = """() => new Promise((done) => {
  const paper = Object.assign(document.createElement("canvas"), {width: 320, height: 200});
  const pen = paper.getContext("2d");
  pen.fillStyle = "#2a7ab0"; pen.fillRect(0, 0, 320, 200);
  pen.fillStyle = "#f0c060"; pen.fillRect(80, 50, 90, 90);
  paper.toBlob((blob) => {
    const data = new DataTransfer();
    data.items.add(new File([blob], "the valley.png", {type: "image/png"}));
    data.items.add(new File(["words"], "notes.txt", {type: "text/plain"}));
    const given = {clipboardData: data, bubbles: true, cancelable: true};
    document.getElementById("write").dispatchEvent(new ClipboardEvent("paste", given));
    done();
  });
})"""

STARTS_MAX: Final = 5

Change = dict[str, Any]
NOTICE: Final = {
    "id": "step", "level": "degraded",
    "text": "Many people are here: answers are shorter, and new conversations wait.",
}  # fmt: skip
OVERLOADED: Final = {
    "code": "overloaded", "message": "Claude is overloaded, and so is what would take its place.",
    "remedy": "That is the providers' fault, not yours. Try again in a minute.",
    "request": "req_01J8",
}  # fmt: skip
CHANGED: Final[dict[str, Change]] = {
    "failed over": {"marks": [{"kind": "failover", "model": "gpt", "because": "Claude fails"}]},
    "refusal": {"state": "refused", "text": "", "error": OVERLOADED},
    "error": {"state": "broken", "error": {**OVERLOADED, "code": "broken",
              "message": "The answer broke off: the provider closed the connection."}},
    "stopped": {"state": "stopped"},
}  # fmt: skip


class Taker:
    """Takes pictures of what a page shows, in all views."""

    def __init__(self, folder: Path, browser: Browser) -> None:
        self._folder = folder
        self._sheet = browser.new_page(viewport={"width": 1980, "height": 950})
        self.taken = 0

    def take(self, name: str, page: Page) -> None:
        """Take it in each view, and a sheet of them."""
        paths: list[Path] = []
        for width, scheme in VIEWS:
            page.set_viewport_size({"width": width, "height": HEIGHT[width]})
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            page.evaluate("() => new Promise((done) => setTimeout(done, 150))")  # it is redrawn
            paths.append(self._folder / f"{name.replace(' ', '-')}-{width}-{scheme}.png")
            page.screenshot(path=paths[-1])
            over = page.evaluate("document.documentElement.scrollWidth") - width
            if over > 0:
                sys.stdout.write(f"{name} {width} {scheme}: wider than the page by {over}\n")
        self._sheet.goto("about:blank")
        self._sheet.goto(self._written(name, paths).as_uri())
        self._sheet.screenshot(path=self._folder / f"sheet-{name.replace(' ', '-')}.png")
        self.taken += len(paths)

    def _written(self, name: str, paths: list[Path]) -> Path:
        shown = "".join(f'<img src="{path.as_uri()}" height="455">' for path in paths)
        path = self._folder / "sheet.html"
        style = "body{margin:4px;background:#888;font:16px sans-serif}img{margin:2px}"
        path.write_text(f"<style>{style}</style><b>{name}</b><br>{shown}")
        return path


def parts(taker: Taker, browser: Browser) -> None:
    """The gallery."""
    serving = served()
    page = browser.new_page(base_url=next(serving), reduced_motion="reduce")
    for name in PARTS:
        page.goto(f"/?show={name}")
        page.wait_for_selector("[data-drawn]", state="attached")
        taker.take(f"part {name}", page)
    page.close()
    next(serving, None)


def changing(page: Page, change: Change) -> None:
    """Let the last answer of a conversation be another one."""

    def answered(route: Route) -> None:
        response = route.fetch()
        told = response.json()
        for message in told.get("messages", [])[-1:]:
            message.update(change)
        route.fulfill(response=response, body=json.dumps(told))

    page.route("**/api/v1/conversations/*", answered)


def events(page: Page, *told: tuple[str, Any]) -> None:
    """Let the stream say this, and then nothing."""
    lines = "".join(f"event: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in told)
    headers = {"content-type": "text/event-stream"}
    page.route("**/api/v1/events**", lambda route: route.fulfill(body=lines, headers=headers))


def doors(taker: Taker, chat: ChatUp, browser: Browser) -> None:
    """The pages before one is in."""
    page = browser.new_page(base_url=chat.url, reduced_motion="reduce")
    for name, path in (("log-in", "/login"), ("sign-up", "/signup"), ("no page", "/nowhere")):
        page.goto(path)
        taker.take(name, page)
    page.goto("/login")
    page.fill("[name=email]", "nobody@people.example")
    page.fill("[name=password]", "not the right words")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_be_visible()
    taker.take("log-in refused", page)
    page.close()


def talk(taker: Taker, chat: ChatUp, browser: Browser) -> None:
    """The chat itself."""
    ada = Person(browser, chat, reduced_motion="reduce", service_workers="block")
    page = ada.page
    taker.take("empty", page)
    ada.say(f"[[say:{SAID}]]")
    ada.ended()
    taker.take("answered", page)
    here = page.url
    for name, change in CHANGED.items():
        changing(page, change)
        page.goto(here)
        page.wait_for_selector("article.answer")
        taker.take(name, page)
        page.unroute("**/api/v1/conversations/*")
    page.goto(here)
    page.wait_for_selector("article.answer[data-state=done]")
    page.evaluate(DOT)
    expect(page.locator(".composer .x-file")).to_have_count(2)
    taker.take("files", page)
    looking(taker, ada, here)


def looking(taker: Taker, ada: Person, here: str) -> None:
    """Search, no network, the account."""
    page = ada.page
    page.goto(here)
    page.wait_for_selector("article.answer[data-state=done]")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("turbine")
    expect(page.locator("mark").first).to_be_visible()
    taker.take("search", page)
    page.keyboard.press("Escape")
    ada.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    ada.say("Is anybody there?")
    taker.take("offline", page)
    ada.context.set_offline(False)
    page.goto(ada.chat.url + "/account")
    taker.take("account", page)
    ada.context.close()


def moments(taker: Taker, chat: ChatUp, browser: Browser) -> None:
    """What passes: an answer on its way, and in line."""
    ada = Person(browser, chat, reduced_motion="reduce", service_workers="block")
    chat.pace(SLOW)
    ada.say(f"[[say:{SAID}]]")
    expect(ada.page.locator("article.answer table")).to_have_count(1, timeout=60_000)
    taker.take("streaming", ada.page)
    chat.pace(INSTANT)
    here = ada.page.url
    name = ada.page.locator("article.answer").last.get_attribute("data-message") or ""
    place = {"message": name, "position": 12, "eta_s": 70.0, "least_s": 40.0, "most_s": 110.0,
             "reason": "capacity", "since_unix_s": 0.0}  # fmt: skip
    events(ada.page, ("notices", {"notices": [NOTICE]}), ("place", place))
    changing(ada.page, {"state": "waiting", "text": "", "marks": []})
    ada.page.goto(here)
    ada.page.wait_for_selector("article.answer")
    taker.take("waiting room and degraded", ada.page)
    ada.context.close()


def started(held: contextlib.ExitStack, folder: Path) -> ChatUp:
    """Start everything; again where the machine was too busy for it to be there in time."""
    for attempt in range(STARTS_MAX):
        own = folder / str(attempt)
        own.mkdir()
        try:
            return held.enter_context(chat_up(own))
        except AssertionError:
            sys.stdout.write("the chat did not start in time\n")
    raise SystemExit(1)


def main(folder: Path) -> None:
    """Take all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as state:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        taker = Taker(folder, browser)
        if "--pages" not in sys.argv:
            parts(taker, browser)
        with contextlib.ExitStack() as held:
            chat = started(held, Path(state))
            works: list[Callable[[Taker, ChatUp, Browser], None]] = [doors, talk, moments]
            for work in works:
                work(taker, chat, browser)
        browser.close()
    sys.stdout.write(f"{taker.taken} pictures in {folder}: look at the sheets\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
