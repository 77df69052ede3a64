"""Two gateways under load at once, on one core: by how much one is dearer than the other.

The core's scheduler changes between them every few milliseconds, so whatever makes the machine
slower meets both alike; taking turns resolves ten times less. CPU is a process's own, of all of its
threads, as the kernel's scheduler counts it in nanoseconds.
"""

import math
import signal
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from host import BenchError, Cores
from peer import Endpoint
from traffic import Hooks, Load, Mock, run_generator

CONFIDENCE = 0.95

Took = dict[str, list[float]]  # microseconds in each round, by side


@dataclass(frozen=True)
class Rig:
    """What both sides share."""

    mock: Mock
    cores: Cores
    folder: Path


@dataclass
class Side:
    """One of the two that are compared; ``gateway`` is its process."""

    name: str
    gateway: int
    endpoint: Endpoint
    folder: Path

    def cpu_us(self, load: Load, rig: Rig) -> float:
        """Return the CPU of an exchange, or of an event of a stream, in microseconds."""
        spent = [0, 0]

        def on_start() -> None:
            spent[0] = spent_ns(self.gateway)

        def on_end() -> None:
            spent[1] = spent_ns(self.gateway)
            if load.mode == "stream":
                rig.mock.set(drain=1)

        hooks = Hooks(on_start, on_end)
        figures = run_generator(self.endpoint, load, rig.cores, self.folder, hooks)
        if figures["errors"]:
            raise BenchError(str(figures["first_error"]))
        count = figures["events"] if load.mode == "stream" else figures["answered"]
        assert isinstance(count, int)
        return (spent[1] - spent[0]) / 1e3 / max(1, count)


def end_on_sigterm() -> None:
    """Let SIGTERM end this program as an exception does, so that what it has started is stopped."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def spent_ns(pid: int) -> int:
    """Return the CPU time of a process's threads, as the scheduler counts it."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads)


def take(sides: list[Side], load: Load, rounds: int, rig: Rig) -> Took:
    """Put both under a load, so many times."""
    took: Took = {side.name: [] for side in sides}
    awake = load.mode == "closed"  # as in the benchmark: nobody is to pay for waking the mock
    with ThreadPoolExecutor(len(sides)) as at_once:
        for number in range(rounds):
            rig.mock.set(events=load.events, rate=load.beat, idle=0, drain=0, fault=0, awake=awake)
            ordered = sides[:: 1 if number % 2 else -1]  # who is first has it a little dearer
            begun = {one.name: at_once.submit(one.cpu_us, load, rig) for one in ordered}
            for name, figure in begun.items():
                took[name].append(figure.result())
    rig.mock.set(awake=0)
    return took


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


def differences(took: Took) -> list[float]:
    """Return by how much the first was dearer than the other, in each round."""
    first, second = took.values()
    return [mine - other for mine, other in zip(first, second, strict=True)]


def show(title: str, starts: list[Took]) -> None:
    """Print the medians of all starts, and by how much the first is dearer than the other."""
    for name in starts[0]:
        rounds = [one for took in starts for one in took[name]]
        print(f"{title}, {name}: {statistics.median(rounds):.2f} us, least {min(rounds):.2f}")
    more = [one for took in starts for one in differences(took)]
    low, high = interval(more)
    print(
        f"  {next(iter(starts[0]))}: {statistics.median(more):+.2f} us,"
        f" {low:+.2f} to {high:+.2f}; {len(more)} rounds resolve {(high - low) / 2:.2f} us",
        flush=True,
    )
