"""What control and the ledger cost the gateway: its CPU an exchange with them, and without.

Two installations, each started by ``penstock up`` with the same configuration over the same mock,
are under the load of ``c/load.c`` at the same time:

    with       control runs: it publishes the snapshot, reads the spool into its database, deletes
               what it has read; ``/metrics`` and ``/telemetry`` are fetched once a second
    without    control is stopped by SIGSTOP once it has published, so the gateway is on its own:
               nobody reads the spool, nobody asks for figures

CPU is the gateway process's own (``side_by_side.py``). All else, control with the lowest priority,
shares the other core.

    PYTHONPATH=src:. python bench/gateway_cost.py [--starts 6] [--rounds 10]
        [--load "a whole exchange"] [--source ../after/src --against ../before/src]

Printed is the median of the differences of the rounds, with its 95 % interval by the sign test,
which assumes nothing of how they are spread; half of its width is what the rounds resolve. Two
processes that are alike may differ by some microseconds for as long as they live, by where their
memory lies, so each is started several times, and the median of each start is printed as well: it
takes up to a minute.

With ``--against`` the gateway of another source tree runs beside this one's, or beside that of
``--source``; both are without control, and an old tree may know of none. ``--against src`` tells
how far two that are alike may be apart. A compiled penstock is compared by the folder that it is
installed in: its ``site-packages`` is given in the place of ``src``.
"""

import argparse
import http.client
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

from host import Cores, free_port, read_json, send_signal
from peer import Site
from penstock_peer import WholePenstock
from side_by_side import Rig, Side, Took, differences, end_on_sigterm, show, take
from traffic import Load, build_programs, start_mock

import penstock

LOADS = {
    "a whole exchange": Load("closed", 8, 1.0, warm_s=0.2),
    "an event of a stream": Load("stream", 50, 1.0, warm_s=0.2, events=150, beat=40),
}
SCRAPE_S = 1.0
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
class Installed(Side):
    """The gateway of one installation."""

    admin_url: str
    is_scraped: bool


@contextmanager
def running(name: str, peer: Installation, site: Site, cores: Cores) -> Generator[Installed]:
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
        admin_url = str(own["admin_url"])
        yield Installed(name, gateway, calls, site.folder, admin_url, peer.has_control)
    finally:
        if control:
            send_signal(control, signal.SIGCONT)
        started.program.stop()


@contextmanager
def scraped(sides: list[Installed]) -> Generator[None]:
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


def measured(
    peers: list[tuple[str, Installation]], rounds: int, loads: list[str], rig: Rig
) -> dict[str, Took]:
    """Start both, and measure rounds of each load."""
    mock, cores, folder = rig.mock, rig.cores, rig.folder
    found: dict[str, Took] = {}
    with ExitStack() as stack:
        sides = [
            stack.enter_context(
                running(name, peer, Site(folder / name, free_port(), mock.port), cores)
            )
            for name, peer in peers
        ]
        stack.enter_context(scraped(sides))
        for title in loads:
            found[title] = take(list[Side](sides), LOADS[title], rounds, rig)
    return found


def compare(peers: dict[str, Installation], starts: int, rounds: int, loads: list[str]) -> None:
    """Measure so many rounds of each load after each start, and print."""
    build_programs()
    cores = Cores.choose("")
    os.sched_setaffinity(0, {int(cores.load)})
    found: list[dict[str, Took]] = []
    with tempfile.TemporaryDirectory(prefix="gateway-cost-") as folder:
        mock = start_mock(free_port(), cores, Path(folder))
        rig = Rig(mock, cores, Path(folder))
        try:
            for number in range(starts):
                ordered = list(peers.items())[:: 1 if number % 2 else -1]
                one = measured(ordered, rounds, loads, rig)
                found.append({title: {name: one[title][name] for name in peers} for title in loads})
                for title, took in found[-1].items():
                    told = statistics.median(differences(took))
                    print(f"start {number + 1}: {title}: {told:+.2f} us", flush=True)
        finally:
            mock.stop()
    for title in loads:
        show(title, [one[title] for one in found])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="What control and the ledger cost the gateway.")
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=10, help="after each start")
    parser.add_argument("--load", choices=list(LOADS), action="append", help="all by default")
    parser.add_argument("--source", type=Path, help="with --against: in the place of this tree")
    parser.add_argument("--against", type=Path, help="another source tree: its folder src")
    given = parser.parse_args()
    end_on_sigterm()
    ours = Path(penstock.__file__).parents[1]
    peers = {
        "with": Installation(ours, has_control=True),
        "without": Installation(ours, has_control=False),
    }
    if given.against:
        peers = {
            "after": Installation((given.source or ours).resolve(), has_control=False),
            "before": Installation(given.against.resolve(), has_control=False),
        }
    compare(peers, given.starts, given.rounds, given.load or list(LOADS))


if __name__ == "__main__":
    main()
