"""From samples to summary, goals and tables."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from measure import Sample, Test
from peer import Peer

# The goals for the first landing (PERF: "first landing").
UNARY_X_NGINX_MIN = 0.45
UNARY_X_ENVOY_MIN = 1.3
PACED_X_NGINX_MAX = 1.6
ADDED_P50_MS_MAX = 0.45
ADDED_P99_MS_MAX = 1.5
TRANSLATED_US_MAX = 7.0
IDLE_KB_MAX = 12.0
IDLE_TLS_KB_MAX = 45.0
LISTENING_S_MAX = 0.5
RSS_MB_MAX = 60.0
ADDED = {"added_p50_ms": "p50_us", "added_p99_ms": "p99_us"}
NOTE_CHARS_MAX = 120
VOID = "every round void, so not judged"
WORST = ("stalls", "gap_max_ms")


@dataclass
class Outcome:
    """All that a run finds out."""

    facts: dict[str, object]
    peers: list[Peer]
    missing: dict[str, str] = field(default_factory=dict[str, str])
    samples: list[Sample] = field(default_factory=list[Sample])


@dataclass(frozen=True)
class Cell:
    """What all rounds of one peer in one test come to."""

    values: dict[str, float]
    load: str
    rounds: int
    valid: int  # rounds that are not void; 0: the values are those of void rounds
    errors: tuple[str, ...]

    def get(self, name: str) -> float | None:
        """Return a value, or None if the test failed or did not yield it."""
        return None if self.errors else self.values.get(name)


Summary = dict[str, dict[str, Cell]]


def combine(name: str, values: list[float]) -> float:
    """Return the median, or the worst round where one bad round is one too many."""
    return max(values) if name in WORST else statistics.median(values)


def added_latency(own: list[Sample], direct: list[Sample]) -> dict[str, float]:
    """Return the best round minus the best round without a proxy, for each percentile.

    Not the best difference: noise in a baseline would then look like speed.
    """
    if not direct:
        return {}
    return {
        name: (min(s.values[us] for s in own) - min(s.values[us] for s in direct)) / 1e3
        for name, us in ADDED.items()
    }


def usable(samples: list[Sample]) -> list[Sample]:
    """Return the samples that are not void, or all if there are none."""
    measured = [sample for sample in samples if sample.values and not sample.error]
    return [sample for sample in measured if not sample.void] or measured


def summarise(samples: Iterable[Sample]) -> Summary:
    """Combine the rounds: per peer, per test. References measured for others do not count."""
    grouped: dict[tuple[str, str], list[Sample]] = {}
    direct: dict[str, list[Sample]] = {}
    for sample in samples:
        if not sample.beside:
            grouped.setdefault((sample.peer, sample.test), []).append(sample)
        elif sample.peer == "direct":
            direct.setdefault(sample.beside, []).append(sample)
    summary: Summary = {}
    for (peer, test), group in grouped.items():
        used = usable(group)
        names = sorted({name for sample in used for name in sample.values})
        values = {
            name: combine(name, [s.values[name] for s in used if name in s.values])
            for name in names
        }
        if test == "latency" and used:
            values |= added_latency(used, usable(direct.get(peer, [])))
        errors = tuple(f"round {s.round}: {s.error}" for s in group if s.error)
        valid = sum(not sample.void for sample in group)
        cell = Cell(values, group[0].load, len(group), valid, errors)
        summary.setdefault(peer, {})[test] = cell
    return summary


@dataclass(frozen=True)
class Goal:
    """One goal and how it came out; ``passed`` is None where it could not be measured."""

    text: str
    measured: str
    passed: bool | None
    note: str = ""


def value(summary: Summary, peer: str, test: str, name: str) -> float | None:
    """Return one value of the summary, or None."""
    cell = summary.get(peer, {}).get(test)
    return cell.get(name) if cell else None


def note_of(summary: Summary, *tests: str) -> str:
    """Say what weakens a goal's figures: failures, and tests without a valid round."""
    notes: list[str] = []
    for test in tests:
        cell = summary.get("penstock", {}).get(test)
        if cell and cell.errors:
            notes.append(f"{test} failed: {cell.errors[0]}"[:NOTE_CHARS_MAX])
        elif cell and not cell.valid:
            notes.append(VOID)
    return "; ".join(notes)


def bound(
    text: str, measured: float | None, limit: float, unit: str, note: str, *, is_min: bool = False
) -> Goal:
    """Return a goal that is a lower or an upper bound."""
    if measured is None:
        return Goal(text, "not measured", None, note)
    passed = measured >= limit if is_min else measured <= limit
    return Goal(text, f"{measured:.3g} {unit}".strip(), passed, note)


def unary_goals(summary: Summary, gateways: list[str]) -> list[Goal]:
    """Return the goals on requests per processor second."""
    own = value(summary, "penstock", "unary", "x_nginx")
    note = note_of(summary, "unary")
    envoy = value(summary, "envoy", "unary", "x_nginx")
    x_envoy = own / envoy if own and envoy else None
    others = {name: value(summary, name, "unary", "x_nginx") for name in gateways}
    had = {name: x for name, x in others.items() if x is not None}
    best = max(had, key=lambda name: had[name], default="")
    x_best = own / had[best] if own and best else None
    return [
        bound("unary, at least 0.45x nginx", own, UNARY_X_NGINX_MIN, "x", note, is_min=True),
        bound("unary, above 1.3x Envoy", x_envoy, UNARY_X_ENVOY_MIN, "x", note, is_min=True),
        bound(
            f"unary, above every LLM gateway (best: {best})", x_best, 1.0, "x", note, is_min=True
        ),
    ]


def thousand_goal(summary: Summary) -> Goal:
    """Return the goal on a thousand streams: complete, in time, none stalled."""
    text = "1,000 paced streams at 20 events/s on one core, none stalled"
    stalls = value(summary, "penstock", "thousand", "stalls")
    delivered = value(summary, "penstock", "thousand", "delivered_ratio")
    gap_ms = value(summary, "penstock", "thousand", "gap_max_ms")
    note = note_of(summary, "thousand")
    if stalls is None or delivered is None or gap_ms is None:
        return Goal(text, "not measured", None if not note else False, note)
    measured = f"{stalls:.0f} stalled, longest gap {gap_ms:.0f} ms, {delivered:.1%} of the pace"
    return Goal(text, measured, stalls == 0 and delivered > 0.97, note)


def goals(summary: Summary, gateways: list[str]) -> list[Goal]:
    """Return all goals with their outcome."""
    rows = [
        ("CPU per paced event, at most 1.6x nginx", "paced", "x_nginx", PACED_X_NGINX_MAX, "x"),
        ("added p50 at 300 req/s, at most 0.45 ms", "latency", "added_p50_ms", ADDED_P50_MS_MAX,
         "ms"),
        ("added p99 at 300 req/s, at most 1.5 ms", "latency", "added_p99_ms", ADDED_P99_MS_MAX,
         "ms"),
        ("translated event, at most 7 us more", "translated", "extra_us", TRANSLATED_US_MAX, "us"),
        ("idle stream, at most 12 KB", "idle", "kb_per_stream", IDLE_KB_MAX, "KB"),
        ("idle stream, TLS upstream, at most 45 KB", "idle_tls", "kb_per_stream",
         IDLE_TLS_KB_MAX, "KB"),
        ("listening within 0.5 s", "start", "listening_s", LISTENING_S_MAX, "s"),
        ("idle memory under 60 MB", "start", "rss_mb", RSS_MB_MAX, "MB"),
    ]  # fmt: skip
    bounds = [
        bound(text, value(summary, "penstock", test, name), limit, unit, note_of(summary, test))
        for text, test, name, limit, unit in rows
    ]
    found = [*unary_goals(summary, gateways), *bounds, thousand_goal(summary)]
    return [replace(goal, passed=None) if VOID in goal.note else goal for goal in found]


def failures(summary: Summary) -> list[str]:
    """Return every error of every peer, in words."""
    return [
        f"{peer}, {test}: {error}"
        for peer, cells in summary.items()
        for test, cell in cells.items()
        for error in cell.errors
    ]


def void_counts(summary: Summary) -> list[str]:
    """Return where rounds were void."""
    return [
        f"{peer}, {test}: {cell.rounds - cell.valid} of {cell.rounds} rounds void"
        for peer, cells in summary.items()
        for test, cell in cells.items()
        if cell.valid < cell.rounds
    ]


def describe_tests(tests: dict[str, Test]) -> dict[str, object]:
    """Return the tests as they stand in the result."""
    return {name: asdict(test) for name, test in tests.items()}
