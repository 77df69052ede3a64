"""What it costs to ask the limiter: round trips, CPU on both sides, and where its core is full.

``python bench/limiter_cost.py``. A real ``penstock limiter`` and N processes that ask it as gateway
workers do, over its socket: ask, granted, give back, close. Callers come in a closed loop, so many
at once in each worker; slots are never short, so nobody waits for anything but the limiter. For
comparison the same exchanges go through a gate in process. CPU is user and system time of each
process. Nothing is dialled.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from penstock.config.model import Config, DialectName, Gateway, Route, Target, Upstream
from penstock.core.claim import Claim
from penstock.core.outcome import SUCCESS
from penstock.core.tier import Tier
from penstock.exchange.demand import Grant
from penstock.exchange.gate import LocalGate
from penstock.exchange.ports import Gate
from penstock.exchange.route import Route as RouteAtWork
from penstock.exchange.target import Target as TargetAtWork
from penstock.fleet.remote_gate import RemoteGate
from penstock.fleet.worker_line import WorkerLine
from penstock.snapshot import build, file
from penstock.snapshot.routing import Routing
from penstock.snapshot.using import put_in_use

SLOTS = 100_000


class Caller:
    """One demand after another, until ``left`` is used up."""

    def __init__(self, gate: Gate, route: RouteAtWork, tally: "Tally") -> None:
        self.gate = gate
        self.route = route
        self.targets: list[TargetAtWork] = route.targets
        self.tally = tally
        self.wait_until_s = 0.0
        self.is_waiting = False
        self.may_be_moved = False
        self.asked_at_s = 0.0
        self.claim = Claim("t", "k", Tier.STANDARD, 100, 0.0)

    def output_tokens_now(self) -> int:
        """Return nothing: nothing comes out."""
        return 0

    def ask(self) -> None:
        """Begin an exchange."""
        now_s = self.asked_at_s = time.monotonic()
        self.claim = Claim("t", "k", Tier.STANDARD, 100, now_s)
        self.wait_until_s = now_s + 60.0
        self.gate.ask(self, now_s)

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """End it in the next turn, and begin the next."""
        self.tally.took_s.append(time.monotonic() - self.asked_at_s)
        asyncio.get_running_loop().call_soon(self.end, grant, now_s)

    def end(self, grant: Grant, now_s: float) -> None:
        """End the exchange."""
        self.gate.give_back(grant, SUCCESS, now_s)
        self.gate.close(self, now_s)
        if self.tally.take():
            self.ask()

    def on_refused(self, error: Exception, now_s: float) -> None:
        """Fail: slots are never short."""
        raise SystemExit(f"refused at {now_s}: {error}")

    def on_moved_aside(self, now_s: float) -> None:
        """Fail: there are no contracts."""
        raise SystemExit(now_s)


class Tally:
    """How many are left, and how long each took."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.took_s: list[float] = []
        self.is_done = asyncio.Event()

    def take(self) -> bool:
        """Tell whether one more is to come."""
        self.left -= 1
        if self.left <= 0:
            self.is_done.set()
        return self.left > 0


def publish(folder: Path, workers: int) -> None:
    """Write a snapshot with one route."""
    upstream = Upstream(
        name="u",
        dialect=DialectName.OPENAI_CHAT,
        base_url="http://127.0.0.1:9/v1",
        concurrency_max=SLOTS,
        is_adaptive=False,
    )
    config = Config(
        gateway=Gateway(workers=workers),
        upstreams=(upstream,),
        routes=(Route(name="m", targets=(Target(upstream="u"),)),),
    )
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    file.write(folder / "snapshot", build.build(config, [], version=1, now_unix_s=time.time()))


def parts(folder: Path) -> tuple[LocalGate, RouteAtWork]:
    """Return a gate in process and its route."""
    routing, gate = Routing(), LocalGate(lambda: 0.5)
    put_in_use(file.read(folder / "snapshot"), routing, gate, time.monotonic(), time.time())
    route = routing.named("m", 0.0)
    assert route is not None
    return gate, route


async def drive(folder: Path, worker: int, count: int, at_once: int) -> dict[str, object]:
    """Ask so often, so many at once; worker 0 asks a gate of its own."""
    own, route = parts(folder)
    gate: Gate = own
    line = None
    if worker:
        made = WorkerLine(
            folder / "run" / "limiter.sock", worker, os.getpid(), time.monotonic, silent
        )
        gate = made.gate = RemoteGate(own, made.send)
        line = asyncio.ensure_future(made.keep())
        for _ in range(1000):
            if made.gate.is_remote:
                break
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)  # until the other workers are here
    tally = Tally(count)
    cpu_s, wall_s = time.process_time(), time.monotonic()
    for _ in range(at_once):
        Caller(gate, route, tally).ask()
    await tally.is_done.wait()
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    if line is not None:
        line.cancel()
    took = sorted(tally.took_s)
    return {
        "p50_us": took[len(took) // 2] * 1e6,
        "p99_us": took[int(len(took) * 0.99)] * 1e6,
        "cpu_us": cpu_s / len(took) * 1e6,
        "per_s": len(took) / wall_s,
    }


def silent(event: str, reason: str) -> None:
    """Log nothing."""
    del event, reason


def cpu_s_of(pid: int) -> float:
    """Return user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(workers: int, count: int, at_once: int) -> None:
    """Print one line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        publish(folder, workers)
        limiter = None
        if workers:
            ready = folder / "ready"
            limiter = subprocess.Popen(
                [sys.executable, "-m", "penstock", "limiter", "--state-dir", name,
                 "--ready-file", str(ready)], stderr=subprocess.DEVNULL
            )  # fmt: skip
            while not ready.exists():
                time.sleep(0.01)
        before_s = cpu_s_of(limiter.pid) if limiter else 0.0
        asks = [
            subprocess.Popen(
                [sys.executable, __file__, "--drive", name, "--worker", str(worker),
                 "--count", str(count), "--at-once", str(at_once)], stdout=subprocess.PIPE
            )
            for worker in (range(1, workers + 1) if workers else [0])
        ]  # fmt: skip
        told = [json.loads(ask.communicate()[0]) for ask in asks]
        limiter_us = 0.0
        if limiter:
            limiter_us = (cpu_s_of(limiter.pid) - before_s) / (count * len(told)) * 1e6
            limiter.send_signal(signal.SIGTERM)
            limiter.wait()
        mean_us = sum(t["cpu_us"] for t in told) / len(told)
        full = 1e6 / limiter_us if limiter_us else 0.0
        print(
            f"{workers or 'in process':>10} {at_once:>8} {max(t['p50_us'] for t in told):>9.0f} "
            f"{max(t['p99_us'] for t in told):>9.0f} {mean_us:>10.1f} "
            f"{limiter_us:>11.1f} {sum(t['per_s'] for t in told):>10.0f} {full:>12.0f}"
        )


def main() -> None:
    """Measure, or be one of the workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drive", default="")
    parser.add_argument("--worker", type=int, default=0)
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--at-once", type=int, default=0)
    args = parser.parse_args()
    if args.drive:
        run = drive(Path(args.drive), args.worker, args.count, args.at_once)
        print(json.dumps(uvloop.run(run)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}")
    print(f"{'workers':>10} {'at once':>8} {'p50 us':>9} {'p99 us':>9} {'worker us':>10} "
          f"{'limiter us':>11} {'asks/s':>10} {'core full at':>12}")  # fmt: skip
    for workers in (0, 1, 2):
        for at_once in (1, 32, 512):
            measure(workers, args.count, at_once)


if __name__ == "__main__":
    main()
