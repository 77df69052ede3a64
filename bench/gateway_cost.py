"""What control and the ledger cost the gateway: its CPU an exchange with them, and without.

Two installations, each started by ``penstock up`` with the same configuration over the same mock,
take turns under the load of ``c/load.c``:

    with       control runs: it publishes the snapshot, reads the spool into its database, deletes
               what it has read; ``/metrics`` and ``/telemetry`` are fetched once a second
    without    control is stopped by SIGSTOP once it has published, so the gateway is on its own:
               nobody reads the spool, nobody asks for figures

CPU is the gateway process's own, of all of its threads, as the kernel's scheduler counts it in
nanoseconds. The gateway has a core to itself; all else, control with the lowest priority, shares
the other one. A round is a window of each, the order changing from one to the next.

    PYTHONPATH=src:. python bench/gateway_cost.py [--rounds 60] [--against ../before/src]

Printed is the median of the differences of the rounds, with its 95 % interval by the sign test,
which assumes nothing of how they are spread; half of its width is what the rounds resolve. With
``--against`` the gateway of another source tree takes turns with this one's, or with that of
``--source``; both are without control, and an old tree may know of none.
"""

import argparse
import http.client
import math
import os
import signal
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from host import BENCH, BenchError, Cores, free_port, read_json, send_signal
from peer import Endpoint, Site
from penstock_peer import WholePenstock
from tiers_cost import spent_ns
from traffic import Hooks, Load, Mock, build_programs, run_generator, start_mock

LOADS = {
    "a whole exchange": Load("closed", 16, 0.6, warm_s=0.2),
    "an event of a stream": Load("stream", 100, 0.6, warm_s=0.2, events=150, beat=40),
}
SCRAPE_S = 1.0
CONFIDENCE = 0.95
NICE = "19"


class Installation(WholePenstock):
    """One that runs from a source tree; with control at work, or without."""

    def __init__(self, source: Path, *, has_control: bool) -> None:
        self._source = source
        self.has_control = has_control

    def environment(self, site: Site) -> dict[str, str]:
        """Return the environment, with the source tree."""
        return super().environment(site) | {"PYTHONPATH": str(self._source)}


@dataclass
class Side:
    """One of the two that are compared."""

    name: str
    gateway: int  # its process
    admin_url: str
    endpoint: Endpoint
    is_scraped: bool

    def cpu_us(self, load: Load, mock: Mock, cores: Cores, folder: Path) -> float:
        """Return the CPU of an exchange, or of an event of a stream, in microseconds."""
        mock.set(events=load.events, rate=load.beat, idle=0, drain=0, fault=0)
        spent = [0, 0]

        def on_start() -> None:
            spent[0] = spent_ns(self.gateway)

        def on_end() -> None:
            spent[1] = spent_ns(self.gateway)
            if load.mode == "stream":
                mock.set(drain=1)

        figures = run_generator(self.endpoint, load, cores, folder, Hooks(on_start, on_end))
        if figures["errors"]:
            raise BenchError(str(figures["first_error"]))
        count = figures["events"] if load.mode == "stream" else figures["answered"]
        assert isinstance(count, int)
        return (spent[1] - spent[0]) / 1e3 / max(1, count)


@contextmanager
def running(name: str, peer: Installation, site: Site, cores: Cores) -> Generator[Side]:
    """Start an installation; all of it but the gateway goes to the load's core."""
    started = peer.start(site, cores)
    pids = cast("dict[str, int]", read_json(site.folder / "ready.json")["pids"])
    gateway, control = pids["gateway"], pids.get("control")
    try:
        for pid in set(started.program.pids()) - {gateway}:
            for command in (["taskset", "-acp", cores.load], ["renice", "-n", NICE, "-p"]):
                subprocess.run([*command, str(pid)], check=True, stdout=subprocess.DEVNULL)
        if control and not peer.has_control:
            os.kill(control, signal.SIGSTOP)
        own = read_json(site.folder / "state" / "run" / "gateway.ready.json")
        calls = started.endpoints["openai"]
        yield Side(name, gateway, str(own["admin_url"]), calls, peer.has_control)
    finally:
        if control:
            send_signal(control, signal.SIGCONT)
        started.program.stop()


@contextmanager
def scraped(sides: list[Side]) -> Generator[None]:
    """Fetch the figures of those that have control, once a second."""
    stopping = threading.Event()

    def fetch() -> None:
        while not stopping.wait(SCRAPE_S):
            for side in sides:
                for path in ("/metrics", "/telemetry") if side.is_scraped else ():
                    connection = http.client.HTTPConnection(urlsplit(side.admin_url).netloc)
                    connection.request("GET", path)
                    connection.getresponse().read()
                    connection.close()

    thread = threading.Thread(target=fetch)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def interval(differences: list[float]) -> tuple[float, float]:
    """Return the median's interval: the narrowest pair of order statistics that is sure enough."""
    ordered, number = sorted(differences), len(differences)
    beyond, at = 0.0, 0
    while True:
        beyond += 2 * math.comb(number, at) / 2**number
        if beyond > 1 - CONFIDENCE or at >= number // 2:
            break
        at += 1
    low = max(0, at - 1)
    return ordered[low], ordered[number - 1 - low]


def show(title: str, first: str, took: dict[str, list[float]]) -> None:
    """Print the medians, and by how much the first is dearer than the other."""
    for name, rounds in took.items():
        print(f"{title}, {name}: {statistics.median(rounds):.2f} us, least {min(rounds):.2f}")
    mine, others = took[first], next(took[name] for name in took if name != first)
    more = [one - other for one, other in zip(mine, others, strict=True)]
    low, high = interval(more)
    print(
        f"  {first}: {statistics.median(more):+.2f} us, {low:+.2f} to {high:+.2f};"
        f" {len(more)} rounds resolve {(high - low) / 2:.2f} us",
        flush=True,
    )


def compare(peers: dict[str, Installation], rounds: int, loads: list[str]) -> None:
    """Measure rounds of each load, and print."""
    build_programs()
    cores = Cores.choose("")
    os.sched_setaffinity(0, {int(cores.load)})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-cost-")))
        mock = start_mock(free_port(), cores, folder)
        stack.callback(mock.stop)
        sides = [
            stack.enter_context(
                running(name, peer, Site(folder / name, free_port(), mock.port), cores)
            )
            for name, peer in peers.items()
        ]
        stack.enter_context(scraped(sides))
        for title in loads:
            took = {side.name: list[float]() for side in sides}
            for number in range(rounds):
                for side in sides[:: 1 if number % 2 else -1]:
                    took[side.name].append(side.cpu_us(LOADS[title], mock, cores, folder))
            show(title, sides[0].name, took)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="What control and the ledger cost the gateway.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--load", choices=list(LOADS), action="append", help="all by default")
    parser.add_argument("--source", type=Path, help="with --against: in the place of this tree")
    parser.add_argument("--against", type=Path, help="another source tree: its folder src")
    given = parser.parse_args()
    ours = BENCH.parent / "src"
    peers = {
        "with": Installation(ours, has_control=True),
        "without": Installation(ours, has_control=False),
    }
    if given.against:
        peers = {
            "after": Installation((given.source or ours).resolve(), has_control=False),
            "before": Installation(given.against.resolve(), has_control=False),
        }
    compare(peers, given.rounds, given.load or list(LOADS))


if __name__ == "__main__":
    main()
