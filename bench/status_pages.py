"""The public status page: how long a rendering takes, how large it is, and when a phone paints it.

    PYTHONPATH=. python bench/status_pages.py [--history incidents.jsonl] [--rounds 9]

Goals: one change among 800 incidents is rendered in under 200 ms; the first paint on a slow phone
comes in under 1 s. The phone is Lighthouse's: a processor 4 times as slow, 150 ms to the server and
back, 1.6 Mbit/s; nothing is cached. A slower network (400 ms, 400 kbit/s) stands beside it.
"""

import argparse
import gzip
import statistics
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from playwright.sync_api import Browser
from tests.apps.status.looking import served
from tests.apps.status.sample_views import HISTORY, components, history, many, several, view
from tests.browsing import chromium

from penstock.apps.status.site import pages
from penstock.apps.status.view import View

INCIDENTS: Final = 800
NETWORKS: Final = {
    "slow 4G": (150, 1_600_000 / 8, 750_000 / 8),
    "slow 3G": (400, 400_000 / 8, 400_000 / 8),
}
PAINTED: Final = """() => {
  const told = Object.fromEntries(performance.getEntriesByType("paint").map(
    (one) => [one.name, one.startTime]));
  const [page] = performance.getEntriesByType("navigation");
  return [told["first-contentful-paint"], page.domContentLoadedEventEnd];
}"""


def renderings(file: Path, rounds: int) -> None:
    """Print how long a rendering takes: the first, one after a change, one a minute later."""
    found = history(file)
    incidents = tuple(
        msgspec.structs.replace(one, id=f"{one.id}{at}", started_unix_s=one.started_unix_s - at)
        for at in range(-(-INCIDENTS // len(found)))
        for one in found
    )[:INCIDENTS]
    for name, leaves in (("11 components", components()), ("200 components", many())):
        first = view(leaves, incidents=incidents)
        print(f"{name}, {len(incidents)} incidents: first {_took(first):.0f} ms", end="; ")
        changes = [
            msgspec.structs.replace(
                first,
                incidents=(
                    msgspec.structs.replace(incidents[at], name=f"Renamed {at}"),
                    *incidents[:at],
                    *incidents[at + 1 :],
                ),
            )
            for at in range(rounds)
        ]
        told = [_took(_fresh(one)) for one in changes]
        print(f"a change p50 {statistics.median(told):.0f} ms, most {max(told):.0f} ms", end="; ")
        later = msgspec.structs.replace(first, rendered_unix_s=first.rendered_unix_s + 60)
        print(f"a minute later {_took(_fresh(later)):.0f} ms")


def _fresh(one: View) -> View:
    """Return a view as the database gives it: none of its values have been hashed before."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=View)


def _took(one: View) -> float:
    began_s = time.process_time()
    pages.files(one)
    return (time.process_time() - began_s) * 1e3


def sizes(kinds: dict[str, View]) -> None:
    """Print how large pages are, as they are and as they are sent."""
    for name, one in kinds.items():
        for path, file in pages.files(one).items():
            if path in ("/", "/uptime", "/history") or path.endswith("inc000000001"):
                sent = len(gzip.compress(file.body, 6))
                print(f"{name} {path}: {len(file.body) / 1e3:.0f} kB, {sent / 1e3:.1f} kB sent")


def paints(browser: Browser, name: str, one: View, rounds: int) -> None:
    """Print when a slow phone paints the front page first."""
    with served(one) as url:
        for network, (rtt_ms, down, up) in NETWORKS.items():
            told = [_painted(browser, url, (rtt_ms, down, up)) for _ in range(rounds)]
            first = [paint for paint, _ in told]
            print(
                f"{name}, {network}: first paint p50 {statistics.median(first):.0f} ms,"
                f" most {max(first):.0f} ms; all of it read p50"
                f" {statistics.median(whole for _, whole in told):.0f} ms"
            )


def _painted(browser: Browser, url: str, network: tuple[float, float, float]) -> list[float]:
    rtt_ms, down, up = network
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page = context.new_page()
    tools: Any = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    limits = {"latency": rtt_ms, "downloadThroughput": down, "uploadThroughput": up}
    tools.send("Network.emulateNetworkConditions", {"offline": False, **limits})
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(url)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    told: list[float] = page.evaluate(PAINTED)
    context.close()
    return told


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(
        description="the public status page: rendering, sizes, first paint"
    )
    parser.add_argument("--history", type=Path, default=HISTORY)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    renderings(asked.history, asked.rounds)
    kinds = {"usual": several(), "200 components": view(many())}
    sizes(kinds)
    with chromium() as browser:
        for name, one in kinds.items():
            paints(browser, name, one, asked.rounds)


if __name__ == "__main__":
    main()
