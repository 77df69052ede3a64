"""How soon the first words of an answer are on the screen, through the real server and a browser.

    python bench/chat_paint.py [--answers 30]

A run of everything with emulated providers; a person asks in Chromium, again and again. In its
page:

    arrival   a read of the event stream ends that has the first words of the answer
    drawn     the answer has text in the page
    painted   the task after the frame in which it was drawn: the browser has painted it

``frames`` counts the animation frames that began after the arrival, up to the one in which the text
was drawn: 1 is within one frame. On a busy machine frames are long, so what is claimed is their
number; milliseconds are told beside it. The exit status is 1 if an answer needed more than one.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.apps.chat.browser.at_chat import Person, chat_up

PACE: Final[dict[str, object]] = {"ttft_s": 0.3, "tokens_per_s": 20.0, "spread": 0.0}
WITHIN_MS: Final = 60_000
WATCH: Final = """() => {
  const seen = window.seen = {isOn: false};
  const none = {isOn: true, arrival: 0, drawn: 0, painted: 0, frames: 0};
  window.begin = () => Object.assign(seen, none) && 0;
  const read = ReadableStreamDefaultReader.prototype.read;
  ReadableStreamDefaultReader.prototype.read = async function (...given) {
    const got = await read.apply(this, given);
    const told = typeof got.value === "string" ? got.value : "";
    if (seen.isOn && !seen.arrival && /^event: ?delta/m.test(told)) {
      seen.arrival = performance.mark("arrival").startTime;
    }
    return got;
  };
  new MutationObserver(() => {
    if (!seen.arrival || seen.drawn) return;
    const last = [...document.querySelectorAll("article.answer")].at(-1);
    if (!last?.querySelector(".reading")?.textContent.trim()) return;
    seen.drawn = performance.mark("drawn").startTime;
    const after = new MessageChannel();
    after.port1.onmessage = () => { seen.painted = performance.mark("painted").startTime; };
    requestAnimationFrame(() => after.port2.postMessage(0));
  }).observe(document.documentElement, {childList: true, characterData: true, subtree: true});
  const frame = () => {
    if (seen.arrival && !seen.drawn) seen.frames += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


def once(ada: Person, number: int) -> dict[str, Any]:
    """Ask once; return what was seen."""
    ada.page.evaluate("() => window.begin()")
    ada.say(f"[[say:Answer {number}: water falls through a pipe to a turbine]]")
    expect(ada.answers()).to_have_count(number, timeout=WITHIN_MS)
    ada.page.wait_for_function("() => window.seen.painted > 0", timeout=WITHIN_MS)
    expect(ada.page.locator("article.answer[data-state=done]")).to_have_count(
        number, timeout=WITHIN_MS
    )
    return dict(ada.page.evaluate("() => ({...window.seen})"))


def main() -> int:
    """Ask, print; 1 if an answer was drawn later than in the first frame after its arrival."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=30)
    answers = parser.parse_args().answers
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        with chat_up(Path(folder)) as chat:
            ada = Person(browser, chat)
            chat.pace(PACE)
            ada.page.evaluate(WATCH)
            # The stream is open already, by a reader of before: it is opened anew.
            ada.page.evaluate("dispatchEvent(new Event('online'))")
            found = [once(ada, number) for number in range(1, answers + 1)]
            ada.leave()
        browser.close()
    frames = [max(1, one["frames"]) for one in found]
    late_ms = [one["drawn"] - one["arrival"] for one in found]
    painted_ms = [one["painted"] - one["arrival"] for one in found]
    sys.stdout.write(
        f"{answers} answers: drawn in frame {statistics.median(frames)} after the arrival, "
        f"at most {max(frames)}; drawn after {statistics.median(late_ms):.1f} ms "
        f"(most {max(late_ms):.1f}), painted after {statistics.median(painted_ms):.1f} ms "
        f"(most {max(painted_ms):.1f})\n"
    )
    return 1 if max(frames) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
