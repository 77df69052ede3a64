"""The tests, and one measurement of one peer in one of them."""

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

from host import BenchError, Cores, MachineTimes, cpu_s, rss_bytes
from peer import Endpoint, Peer, Running
from traffic import Figures, Hooks, Load, Mock, run_generator, spin_ns

OTHERS_RATIO_MAX = 0.10  # of one core: above it somebody else was at work
SATURATED_RATIO_MIN = 0.95
SPIN_OFF_RATIO_MAX = 0.20
ANSWER_S = 60.0
SETTLE_S = 0.3


@dataclass(frozen=True)
class Test:
    """One test: its load, the load for those that cannot carry it, and what runs beside it."""

    name: str
    title: str
    load: Load
    light: Load | None  # None: light peers are left out
    call: str = "openai"  # which of the peer's endpoints
    beside: str = "nginx"  # measured just before: nginx, direct, or another endpoint of the peer

    @property
    def needs_fresh(self) -> bool:
        """Say whether it needs a peer that carried no load: freed memory would be used again."""
        return self.load.mode == "idle"

    def load_for(self, peer: Peer) -> Load | None:
        """Return the load that this peer gets."""
        return self.light if peer.light else self.load


def all_tests(*, is_quick: bool) -> dict[str, Test]:
    """Return the tests by name. Quick ones have shorter windows and streams."""
    secs, events = (2.0, 40) if is_quick else (5.0, 150)
    unary = Load("closed", conns=64, secs=secs)
    latency = Load("open", conns=256, rate=300, secs=secs * 1.5)
    paced = Load("stream", conns=500, secs=secs, events=events, ramp_s=1)
    few = Load("stream", conns=20, secs=secs, events=events)
    thousand = Load("stream", conns=1000, secs=secs * 1.5, events=events, ramp_s=1)
    idle = Load("idle", conns=1200, step=200)
    tests = [
        Test("unary", "unary, as many as it can", unary, unary),
        Test(
            "latency",
            "unary, added latency",
            latency,
            Load("open", conns=64, rate=20, secs=secs * 1.5),
            beside="direct",
        ),
        Test("paced", "paced streams", paced, few),
        Test("thousand", "a thousand paced streams", thousand, None, beside=""),
        Test("idle", "idle streams", idle, Load("idle", conns=60, step=10), beside=""),
        Test("idle_tls", "idle streams, TLS upstream", idle, None, call="tls", beside=""),
        Test("translated", "translated streams", paced, None, "translated", "anthropic"),
    ]
    return {test.name: test for test in tests}


@dataclass
class Window:
    """Seconds used within the window, by whom."""

    wall_s: float = 0.0
    proxy_s: float = 0.0
    mock_s: float = 0.0
    bench_s: float = 0.0  # this program
    busy_s: float = 0.0  # all cores, without interrupts
    steal_s: float = 0.0  # taken by the host of a virtual machine

    def others_ratio(self, generator_s: float) -> float:
        """Return what everybody else used, as a share of one core."""
        ours = self.proxy_s + self.mock_s + self.bench_s + generator_s
        return max(0.0, self.busy_s - ours) / self.wall_s if self.wall_s else 0.0


class Meter:
    """Reads processor times when the window opens and closes."""

    def __init__(self, proxy_pids: list[int], mock_pids: list[int]) -> None:
        self.proxy_pids = proxy_pids
        self.mock_pids = mock_pids
        self.window = Window()

    def now(self) -> Window:
        """Return the totals of this instant."""
        machine = MachineTimes.read()
        return Window(
            time.monotonic(),
            cpu_s(self.proxy_pids),
            cpu_s(self.mock_pids),
            time.process_time(),
            machine.busy_s,
            machine.steal_s,
        )

    def open(self) -> None:
        """Remember the totals."""
        self.window = self.now()

    def close(self) -> None:
        """Turn the totals into differences."""
        first, last = vars(self.window), vars(self.now())
        self.window = Window(**{name: last[name] - first[name] for name in first})


@dataclass
class Sample:
    """One measurement, as it is published."""

    round: int
    peer: str
    test: str
    beside: str  # the peer for which this one was measured as the reference; empty: for itself
    load: str
    values: dict[str, float] = field(default_factory=dict[str, float])
    window: dict[str, float] = field(default_factory=dict[str, float])
    spin_ns: list[int] = field(default_factory=list[int])
    generator: Figures = field(default_factory=dict[str, object])
    upstream_connections: int = 0
    error: str = ""
    void: list[str] = field(default_factory=list[str])


def number(figures: Figures, *path: str) -> float:
    """Return one number of nested figures; 0 where it is missing."""
    inner = figures
    for name in path[:-1]:
        below = inner.get(name)
        inner = cast("Figures", below) if isinstance(below, dict) else {}
    found = inner.get(path[-1])
    return float(found) if isinstance(found, int | float) else 0.0


def stop_streams(mock: Mock, meter: Meter) -> None:
    """Close the window, then let the running streams end at their next beat."""
    meter.close()
    mock.set(drain=1)


@dataclass
class Bench:
    """Everything that stays the same for all measurements."""

    cores: Cores
    mock: Mock
    folder: Path

    def measure(
        self, sample: Sample, load: Load, endpoint: Endpoint, running: Running | None
    ) -> None:
        """Put load on ``endpoint`` and fill in ``sample``; no ``running`` means the mock itself."""
        before = self.prepare(load)
        self.mock.set(awake=load.mode == "closed")
        sample.spin_ns.append(spin_ns(self.cores.proxy))
        try:
            if load.mode == "idle":
                self.measure_memory(sample, load, endpoint, running)
            else:
                self.measure_window(sample, load, endpoint, running)
        except BenchError as error:
            sample.error = str(error)
        self.mock.set(awake=0)
        time.sleep(SETTLE_S)  # the peer may still be closing a thousand connections
        sample.spin_ns.append(spin_ns(self.cores.proxy))
        sample.upstream_connections = self.mock.set()["accepted"] - before
        if number(sample.generator, "errors"):
            count = number(sample.generator, "errors")
            sample.error = f"{count:.0f} errors, first: {sample.generator['first_error']}"

    def prepare(self, load: Load) -> int:
        """Set the mock, wait until no stream of before is left; return its connections so far."""
        idle = load.mode == "idle"
        counters = self.mock.set(events=load.events, rate=load.beat, idle=idle, drain=0, fault=0)
        give_up_at_s = time.monotonic() + 10
        while counters["streams_open"] and time.monotonic() < give_up_at_s:
            time.sleep(0.05)
            counters = self.mock.set()
        return counters["accepted"]

    def measure_window(
        self, sample: Sample, load: Load, endpoint: Endpoint, running: Running | None
    ) -> None:
        """Measure processor time and latency in a window of time."""
        meter = Meter(running.pids() if running else [], self.mock.pids())
        end = partial(stop_streams, self.mock, meter) if load.mode == "stream" else meter.close
        hooks = Hooks(meter.open, end)
        sample.generator = run_generator(endpoint, load, self.cores, self.folder, hooks)
        sample.window = {name: round(value, 6) for name, value in vars(meter.window).items()}
        used_s = number(sample.generator, "generator_cpu_s")
        sample.window["others_ratio"] = round(meter.window.others_ratio(used_s), 4)
        wall_s = meter.window.wall_s
        sample.values["proxy_share"] = meter.window.proxy_s / wall_s
        sample.values["load_share"] = (meter.window.mock_s + used_s) / wall_s
        sample.values |= values_of(load, sample.generator, meter.window)

    def measure_memory(
        self, sample: Sample, load: Load, endpoint: Endpoint, running: Running | None
    ) -> None:
        """Measure what open, silent streams take of memory: the slope between two counts."""
        readings: list[tuple[int, int]] = []

        def held(count: int) -> None:
            time.sleep(1.0)  # let the peer settle
            readings.append((count, rss_bytes(running.pids_for_memory()) if running else 0))

        hooks = Hooks(on_held=held)
        sample.generator = run_generator(endpoint, load, self.cores, self.folder, hooks)
        if len(readings) >= 2 and readings[-1][0] > readings[0][0]:
            (few, few_bytes), (many, many_bytes) = readings[0], readings[-1]
            sample.values["kb_per_stream"] = (many_bytes - few_bytes) / 1024 / (many - few)
            sample.values["rss_mb"] = many_bytes / 1e6

    def wait_answers(self, endpoint: Endpoint) -> None:
        """Wait until a started peer answers without error."""
        self.mock.set(idle=0, drain=0, fault=0)
        load = Load("closed", conns=1, secs=0.2, warm_s=0)
        give_up_at_s = time.monotonic() + ANSWER_S
        problem: object = ""
        while time.monotonic() < give_up_at_s:
            figures = run_generator(endpoint, load, self.cores, self.folder, Hooks())
            problem = figures["first_error"]
            if not figures["errors"]:
                return
            time.sleep(0.5)
        raise BenchError(f"it does not answer: {problem}")


def values_of(load: Load, figures: Figures, window: Window) -> dict[str, float]:
    """Return the numbers that the table is made of; times in microseconds unless named."""
    values: dict[str, float] = {}
    answered, events = number(figures, "answered"), number(figures, "events")
    if load.mode == "stream":
        values["events_per_s"] = events / window.wall_s
        values["cpu_us"] = window.proxy_s * 1e6 / events if events else 0.0
        values["stamp_p50_us"] = number(figures, "stamp_us", "p50")
        values["stamp_p99_us"] = number(figures, "stamp_us", "p99")
        values["gap_max_ms"] = number(figures, "gap_max_ms")
        values["stalls"] = number(figures, "stalls")
        values["delivered_ratio"] = values["events_per_s"] / (load.conns * load.beat or 1)
        return values
    values["requests_per_s"] = answered / window.wall_s
    values["cpu_us"] = window.proxy_s * 1e6 / answered if answered else 0.0
    values["p50_us"] = number(figures, "latency_us", "p50")
    values["p99_us"] = number(figures, "latency_us", "p99")
    return values


def compare(sample: Sample, reference: Sample) -> None:
    """Add to ``sample`` how it stands to what was measured beside it."""
    own, other = sample.values, reference.values
    if reference.error or not other:
        return
    match sample.test:
        case "unary" if own.get("cpu_us"):
            own["x_nginx"] = other["cpu_us"] / own["cpu_us"]
        case "paced" if other.get("cpu_us"):
            own["x_nginx"] = own["cpu_us"] / other["cpu_us"]
        case "latency":
            own["added_p50_ms"] = (own["p50_us"] - other["p50_us"]) / 1e3
            own["added_p99_ms"] = (own["p99_us"] - other["p99_us"]) / 1e3
        case "translated":
            own["extra_us"] = own["cpu_us"] - other["cpu_us"]
        case _:
            return


def mark_void(samples: list[Sample]) -> None:
    """Apply the rules fixed beforehand: what is void stays published, but out of medians."""
    spins = sorted(spin for sample in samples for spin in sample.spin_ns)
    usual = spins[len(spins) // 2] if spins else 0
    for sample in samples:
        if "kb_per_stream" in sample.values:
            continue  # memory does not depend on who else is at work
        off = max((abs(spin - usual) / usual for spin in sample.spin_ns), default=0.0)
        if off > SPIN_OFF_RATIO_MAX:
            sample.void.append(f"machine speed off by {off:.0%}")
        others = sample.window.get("others_ratio", 0.0)
        if others > OTHERS_RATIO_MAX:
            sample.void.append(f"others used {others:.2f} of a core")
        share = sample.values.get("proxy_share", 0.0)
        if sample.test == "unary" and sample.peer != "direct" and share < SATURATED_RATIO_MIN:
            sample.void.append(f"proxy core only {share:.0%} busy")
    references = {(s.round, s.beside, s.test): s for s in samples if s.beside}
    for sample in samples:
        reference = references.get((sample.round, sample.peer, sample.test))
        if not sample.beside and reference and reference.void:
            sample.void.append("reference void")
