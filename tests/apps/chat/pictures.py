"""Pictures of the chat in all its states, light and dark, on a phone and a desk, to be looked at.

    python -m tests.apps.chat.pictures FOLDER [--pages]

Whole pages of a real run, those that ``tests/e2e/test_chat_states.py`` comes by, and the parts of
the gallery: a picture of each in each view, and a sheet of its four views. Nothing is compared:
tests say what must be there, and whether it fits and can be read; whether it looks well, a person
says.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, expect
from tests.apps.chat.browser.at_chat import INSTANT, SLOW, ChatUp, Person, chat_up
from tests.apps.chat.gallery.serving import served
from tests.browsing import chromium
from tests.looking import FOLDER, take

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

NOTICE: Final = {
    "id": "load-5", "level": "degraded",
    "text": "Many people are here just now. For free accounts, answers are shorter and new "
            "conversations wait in line.",
}  # fmt: skip


def parts(folder: Path, browser: Browser) -> None:
    """The gallery."""
    serving = served()
    page = browser.new_page(base_url=next(serving), reduced_motion="reduce")
    for name in PARTS:
        page.goto(f"/?show={name}")
        page.wait_for_selector("[data-drawn]", state="attached")
        take(folder, f"part {name}", page)
    page.close()
    next(serving, None)


def events(page: Page, *told: tuple[str, Any]) -> None:
    """Let the stream say this, and then nothing."""
    lines = "".join(f"event: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in told)
    headers = {"content-type": "text/event-stream"}
    page.route("**/api/v1/events**", lambda route: route.fulfill(body=lines, headers=headers))


def doors(folder: Path, chat: ChatUp, browser: Browser) -> None:
    """The pages before one is in."""
    page = browser.new_page(base_url=chat.url, reduced_motion="reduce")
    for name, path in (("log-in", "/login"), ("sign-up", "/signup"), ("no page", "/nowhere")):
        page.goto(path)
        take(folder, name, page)
    page.goto("/login")
    page.fill("[name=email]", "nobody@people.example")
    page.fill("[name=password]", "not the right words")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_be_visible()
    take(folder, "log-in refused", page)
    page.close()


def talk(folder: Path, chat: ChatUp, browser: Browser) -> None:
    """The chat itself."""
    ada = Person(browser, chat, reduced_motion="reduce", service_workers="block")
    page = ada.page
    take(folder, "empty", page)
    ada.say(f"[[say:{SAID}]]")
    ada.ended()
    take(folder, "answered", page)
    here = page.url
    page.evaluate(DOT)
    expect(page.locator(".composer .x-file")).to_have_count(2)
    take(folder, "files", page)
    looking(folder, ada, here)


def looking(folder: Path, ada: Person, here: str) -> None:
    """Search, the account."""
    page = ada.page
    page.goto(here)
    page.wait_for_selector("article.answer[data-state=done]")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("turbine")
    expect(page.locator("mark").first).to_be_visible()
    take(folder, "search", page)
    page.goto(ada.chat.url + "/account")
    take(folder, "account", page)
    ada.context.close()


def moments(folder: Path, chat: ChatUp, browser: Browser) -> None:
    """What passes: an answer on its way, and a notice of load."""
    ada = Person(browser, chat, reduced_motion="reduce", service_workers="block")
    chat.pace(SLOW)
    ada.say(f"[[say:{SAID}]]")
    expect(ada.page.locator("article.answer table")).to_have_count(1, timeout=60_000)
    take(folder, "streaming", ada.page)
    chat.pace(INSTANT)
    events(ada.page, ("notices", {"notices": [NOTICE]}))
    ada.page.reload()
    expect(ada.page.get_by_text("Many people are here")).to_be_visible()
    take(folder, "degraded", ada.page)
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
    with chromium() as browser, tempfile.TemporaryDirectory() as state:
        if "--pages" not in sys.argv:
            parts(folder, browser)
        with contextlib.ExitStack() as held:
            chat = started(held, Path(state))
            works: list[Callable[[Path, ChatUp, Browser], None]] = [doors, talk, moments]
            for work in works:
                work(folder, chat, browser)
    states = ["-m", "pytest", "-q", "tests/e2e/test_chat_states.py"]
    subprocess.run([sys.executable, *states], env={**os.environ, FOLDER: str(folder)}, check=True)
    sys.stdout.write(
        f"{len(list(folder.glob('*.png')))} pictures in {folder}: look at the sheets\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
