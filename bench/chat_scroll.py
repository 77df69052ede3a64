"""Scrolls a conversation of 500 messages with a CPU four times slower, and looks for long tasks.

    python bench/chat_scroll.py            a line for each way to hold a long conversation

plain    all messages are read at once
near     static/reading/window.js: read when they come near or nothing else is done, all stay
window   as near, but what is far is taken out of the page again

opened_ms         from the first message to the frame in which the newest ones are painted
open_script_ms    the longest task that ran script while opening
scroll_script_ms  the same while scrolling, and over: how many took more than 50 ms
scroll_task_ms    the longest task of any kind while scrolling (layout and style too)
held              messages in the page at the end
Tasks are those of the main thread as Chromium's tracing has them. Their times are slowed ones, and
the thread's own (the slowing is part of it; what else this machine does is not).
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.apps.chat.reading import sample
from tests.apps.chat.reading.served import served

MESSAGES: Final = 500
SLOWER: Final = 4
STEPS: Final = 60
LONG_MS: Final = 50
MODES: Final = ("near", "window", "plain")
SCRIPT: Final = {
    "FunctionCall", "EvaluateScript", "FireAnimationFrame", "FireIdleCallback", "TimerFire"
}  # fmt: skip
HELD: Final = "document.querySelectorAll('.scroller .reading > :first-child').length"
TASK: Final = {"RunTask", "ThreadControllerImpl::RunTask"}


class Trace:
    """Chromium's tracing, from one moment to another."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.events: list[dict[str, Any]] = []
        self.is_over = False
        session.on("Tracing.dataCollected", self.collect)
        session.on("Tracing.tracingComplete", self.finish)

    def collect(self, told: dict[str, Any]) -> None:
        """Keep some events."""
        self.events.extend(told["value"])

    def finish(self, _told: dict[str, Any]) -> None:
        """Know that these were all."""
        self.is_over = True

    def start(self) -> None:
        """Begin to keep events."""
        self.events, self.is_over = [], False
        kinds = {"includedCategories": ["toplevel", "devtools.timeline"]}
        self.session.send("Tracing.start", {"traceConfig": kinds, "transferMode": "ReportEvents"})

    def stop(self, page: Page) -> tuple[list[float], list[float]]:
        """Return how long tasks with script were, and all tasks, of the main thread, in ms."""
        self.session.send("Tracing.end")
        while not self.is_over:
            page.wait_for_timeout(50)
        return tasks(self.events)


def tasks(events: Iterable[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """Return the times of tasks with script, and of all."""
    known = list(events)
    mains = {
        (event["pid"], event["tid"])
        for event in known
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    mine = [event for event in known if (event["pid"], event["tid"]) in mains and event.get("dur")]
    scripts = [event for event in mine if event["name"] in SCRIPT]
    whole = [event for event in mine if event["name"] in TASK]
    return [cost_ms(event) for event in scripts], [cost_ms(event) for event in whole]


def cost_ms(event: dict[str, Any]) -> float:
    """Return the thread's time, which other work on this machine does not lengthen."""
    return float(event.get("tdur", event["dur"])) / 1000


def measured(page: Page, trace: Trace, mode: str, texts: list[str]) -> dict[str, Any]:
    """Open the conversation in one way, and scroll to its beginning."""
    trace.start()
    opened_ms = page.evaluate("args => window.openThread(...args)", [texts, mode])
    page.wait_for_timeout(500)
    opening, _ = trace.stop(page)
    page.mouse.move(300, 300)
    trace.start()
    for step in range(STEPS):
        page.mouse.wheel(0, -900 if step % 9 else 500)
        page.wait_for_timeout(40)
    page.evaluate("document.querySelector('.scroller').scrollTop = 0")
    page.wait_for_timeout(500)
    page.evaluate("document.querySelector('.scroller').scrollTop = 1e9")
    page.wait_for_timeout(500)
    scripts, all_tasks = trace.stop(page)
    return {
        "mode": mode,
        "opened_ms": round(opened_ms),
        "open_script_ms": round(max(opening, default=0)),
        "scroll_script_ms": round(max(scripts, default=0)),
        "over": sum(one > LONG_MS for one in scripts),
        "scroll_task_ms": round(max(all_tasks, default=0)),
        "tasks": len(all_tasks),
        "held": page.evaluate(HELD),
    }


def main() -> None:
    """Print a line of JSON for each way."""
    texts = [sample.answer(seed, 300 + seed * 7919 % 3300) for seed in range(MESSAGES)]
    with served([]) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for mode in MODES:
            page = browser.new_page(viewport={"width": 1024, "height": 800})
            page.goto(address)
            page.wait_for_function("window.isReady")
            session: Any = page.context.new_cdp_session(page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            print(json.dumps(measured(page, Trace(session), mode, texts)), flush=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
