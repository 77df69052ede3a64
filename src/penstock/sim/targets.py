"""Targets: when the design counts as done (TIERING 10), and what the simulator shows of each.

A target is judged on the median over seeds, unless it is a claim of zero: that is judged on the
sum. Every seed gives all policies the same arrivals and lengths, so a ratio of two policies is
taken seed by seed. Not shown here: 7 and 8 (times of the real code: ``make bench``), 11 and 13
(real headers, leases of several processes: tests of the gateway and of the fleet).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from penstock.core import reserve
from penstock.sim import measures
from penstock.sim.measures import Measure, Overall, median
from penstock.sim.run import Result

OURS: Final = "penstock"
Shown = tuple[Result, list[Measure], list[Overall]]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown. ``goal`` is at most, or at least if ``is_floor``."""

    number: str
    what: str
    goal: float
    unit: str  # s, %, or nothing
    ideal: str
    scenario: str
    show: Callable[[Shown], float]
    policy: str = OURS
    x: float = 0.0
    is_floor: bool = False
    is_zero: bool = False
    against: str = ""  # the ratio to this policy's value counts


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown; ``is_met`` None: not at all, its scenario was not run."""

    number: str
    what: str
    x: float
    goal: str
    ideal: str
    measured: str
    worst: str
    seeds: int
    is_met: bool | None


def of_tier(tier: str, name: str, phase: str = "") -> Callable[[Shown], float]:
    """Return what reads a field of a tier's measure; ``phase`` is a part of its name."""

    def show(shown: Shown) -> float:
        return float(getattr(_tier(shown, tier, phase), name))

    return show


def _tier(shown: Shown, tier: str, phase: str) -> Measure:
    fitting = [one for one in shown[1] if one.who == tier and phase in one.phase]
    return fitting[0]


def lost(shown: Shown) -> float:
    """Return the enterprise requests that were refused, failed or late."""
    one = _tier(shown, "enterprise", "")
    return float(one.refused + one.failed + one.late)


def failed(shown: Shown) -> float:
    """Return the enterprise requests that were refused or failed."""
    one = _tier(shown, "enterprise", "")
    return float(one.refused + one.failed)


def free_ratio(shown: Shown) -> float:
    """Return free goodput over ideal: the smaller of requests and work."""
    one = _tier(shown, "free", "")
    return min(one.count_ratio, one.work_ratio)


def use(shown: Shown) -> float:
    """Return the use of the capacity."""
    return shown[2][0].use_ratio


def wasted(shown: Shown) -> float:
    """Return wasted tokens over all."""
    return shown[2][0].wasted_ratio


def late_after_halving(shown: Shown) -> float:
    """Return the p99 of enterprise's TTFT of what came from 3 s after the loss on, until it ended.

    The scenario cuts a phase there.
    """
    result = shown[0]
    wanted = [at for at, one in enumerate(result.phases) if one.from_s == HALVED_S + LATER_S]
    classes = [one for one in result.classes if measures.WORDS[one.tier] == "enterprise"]
    ttft = sorted(value for one in classes for at in wanted for value in one.tallies[at].ttft_s)
    return measures.quantile(ttft, 0.99)


def settling(shown: Shown) -> float:
    """Return how long the limit took to come near half of the slots."""
    return measures.settling_s(shown[0].samples, HALVED_S)


def regained(shown: Shown) -> float:
    """Return how long after the return 95 % of the capacity were in use."""
    return measures.use_from(shown[0].samples, RETURN_S, 0.95)


def second_overload(shown: Shown) -> float:
    """Return enterprise requests refused, failed or late, sent from 20 s after the return on."""
    result = shown[0]
    total = 0
    for one in result.classes:
        if measures.WORDS[one.tier] != "enterprise":
            continue
        for phase, tally in zip(result.phases, one.tallies, strict=True):
            if phase.from_s >= RETURN_S + 20.0:
                late = sum(value > one.goal_s for value in tally.ttft_s)
                total += tally.fates["refused"] + tally.fates["failed"] + late
    return float(total)


def limit_variation(shown: Shown) -> float:
    """Return the limit's standard deviation over its mean after the warm-up."""
    phases = shown[0].phases
    return measures.variation(shown[0].samples, phases[0].from_s, phases[-1].to_s)


def ladder_moves(shown: Shown) -> float:
    """Return the most moves of the ladder in 10 s, after the warm-up."""
    from_s = shown[0].phases[0].from_s
    return float(measures.moves_max([one for one in shown[0].samples if one.at_s >= from_s]))


def estimate(shown: Shown) -> float:
    """Return reserved over actual tokens of all tiers."""
    tallies = [tally for one in shown[0].classes for tally in one.tallies]
    taken = sum(one.taken_tokens for one in tallies)
    return sum(one.reserved_tokens for one in tallies) / max(1, taken)


HALVED_S: Final = 300.0  # in s07
LATER_S: Final = 3.0
RETURN_S: Final = 360.0  # in s14
WAIT: Final = of_tier("enterprise", "wait_p99_s")
OVERLOADS: Final = (2.0, 5.0, 10.0)
PLAIN_S: Final = reserve.wait_s(0.99, 64, 0.3, 4.481)


def _waits() -> Iterable[Target]:
    steady = partial(Target, number="1", unit="s", show=WAIT)
    for x in OVERLOADS:
        yield steady(
            what="enterprise wait p99", goal=0.25, scenario="s01_steady", x=x,
            ideal=f"0 with full preemption; {PLAIN_S:.2f} s without any",
        )  # fmt: skip
    for x in OVERLOADS:
        yield steady(
            what="the same, in bursts (SCV 4)", goal=0.35, scenario="t01_bursty", x=x,
            ideal="0.22-0.27 s in the design's own simulation",
        )  # fmt: skip
    for x in OVERLOADS:
        yield steady(
            what="the same, no reserve, no preemption", goal=0.55, scenario="s01_steady", x=x,
            policy="penstock-plain", ideal=f"closed form {PLAIN_S:.2f} s",
        )  # fmt: skip
    for x in OVERLOADS:
        yield Target(
            number="1", what="the same, in the bursts of code tools", goal=1.2, unit="x",
            scenario="t01_code", x=x, against="oracle", show=WAIT,
            ideal="1 x full preemption",
        )  # fmt: skip


def _overloads() -> Iterable[Target]:
    yield Target(
        number="2", what="in-contract enterprise shed or TTFT above 2 s", goal=0, unit="",
        scenario="t02_contract", show=lost, is_zero=True, ideal="0",
    )  # fmt: skip
    for x in OVERLOADS:
        yield Target(
            number="3", what="free goodput over ideal", goal=0.95, unit="%", is_floor=True,
            scenario="s01_steady", x=x, show=free_ratio, ideal="100 %",
        )  # fmt: skip
    for x in OVERLOADS:
        yield Target(
            number="4", what="whole sessions over ideal", goal=0.85, unit="%", is_floor=True,
            scenario="t04_sessions", x=x, show=of_tier("free", "session_ratio"), ideal="100 %",
        )  # fmt: skip
    for x in OVERLOADS:
        yield Target(
            number="5", what="use of the slots", goal=0.95, unit="%", is_floor=True,
            scenario="s01_steady", x=x, show=use, ideal="100 %",
        )  # fmt: skip
    for x in OVERLOADS:
        yield Target(
            number="6", what="wasted tokens", goal=0.02, unit="%", scenario="s01_steady", x=x,
            show=wasted, ideal="0 %; fifo 100 %",
        )  # fmt: skip


def _moves() -> Iterable[Target]:
    half = partial(Target, number="9", scenario="s07_half_the_gpus")
    yield half(
        what="half the slots lost: enterprise refused or failed", goal=0, unit="", show=failed,
        is_zero=True, ideal="0",
    )  # fmt: skip
    yield half(
        what="TTFT p99 from 3 s on", goal=2.0, unit="s", show=late_after_halving,
        ideal="drains in 3.1 s",
    )  # fmt: skip
    yield half(
        what="limit within 10 % of the truth", goal=5.0, unit="s", show=settling,
        ideal="2 windows",
    )  # fmt: skip
    back = partial(Target, number="10", scenario="s14_recovery")
    yield back(
        what="95 % in use after the return",
        goal=20.0,
        unit="s",
        show=regained,
        ideal="0 s",
    )
    yield back(
        what="enterprise lost in a second overload", goal=0, unit="", show=second_overload,
        is_zero=True, ideal="0",
    )  # fmt: skip
    yield Target(
        number="12", what="fairness by weight in a minute (Jain)", goal=0.98, unit="",
        is_floor=True, scenario="t12_fairness", show=of_tier("standard", "fairness"), ideal="1",
    )  # fmt: skip
    steady = partial(Target, number="14", scenario="t14_adaptive")
    yield steady(
        what="variation of a found limit", goal=0.10, unit="%", show=limit_variation, ideal="0 %",
    )  # fmt: skip
    yield steady(
        what="moves of the ladder in 10 s",
        goal=1,
        unit="",
        show=ladder_moves,
        ideal="0",
    )
    for is_floor, goal in ((True, 1.0), (False, 1.3)):
        yield Target(
            number="15", what="reserved over actual tokens", goal=goal, unit="x", show=estimate,
            scenario="s01_steady", x=2.0, is_floor=is_floor, ideal="1; 4.85 by max_tokens",
        )  # fmt: skip


TARGETS: Final = (*_waits(), *_overloads(), *_moves())
SCENARIOS: Final = frozenset(one.scenario for one in TARGETS)


class Finding(msgspec.Struct):
    """What is kept of a run: its measures, what it shows of each target, and its plots' samples."""

    result: Result  # without what is only needed to measure
    measures: list[Measure]
    overalls: list[Overall]
    values: dict[int, float]  # by the place in TARGETS


def finding(result: Result) -> Finding:
    """Measure a run, and let go of what is not needed any more."""
    shown = (result, measures.measure(result), measures.overall(result))
    values = {
        at: one.show(shown)
        for at, one in enumerate(TARGETS)
        if (one.scenario, one.x) == (result.scenario, result.x)
        and result.policy in (one.policy, one.against)
    }
    for one in result.classes:
        one.tallies = []
    if result.seed > 1:
        result.samples = []
    return Finding(result, shown[1], shown[2], values)


def judge(found: Sequence[Finding]) -> list[Verdict]:
    """Return a verdict on each target whose scenario was run."""
    run_at_all = {(one.result.scenario, one.result.x) for one in found}
    return [
        _verdict(at, one, found)
        for at, one in enumerate(TARGETS)
        if (one.scenario, one.x) in run_at_all
    ]


def _verdict(at: int, target: Target, found: Sequence[Finding]) -> Verdict:
    here = [one for one in found if at in one.values]
    mine = {one.result.seed: one for one in here if one.result.policy == target.policy}
    theirs = {one.result.seed: one for one in here if one.result.policy == target.against}
    values = [one.values[at] for one in mine.values()]
    if target.against:
        values = [
            one.values[at] / max(1e-9, theirs[seed].values[at])
            for seed, one in mine.items()
            if seed in theirs
        ]
    if not values:
        return _said(target, "not run", "", 0, is_met=None)
    if target.is_zero:
        offered = sum(_offered(one) for one in mine.values())
        total = sum(values)
        return _said(target, f"{total:g} of {offered}", "", len(values), is_met=total == 0)
    middle = median(values)
    is_met = middle >= target.goal if target.is_floor else middle <= target.goal
    worst = min(values) if target.is_floor else max(values)
    worst_word = _value(worst, target.unit)
    return _said(target, _value(middle, target.unit), worst_word, len(values), is_met=is_met)


def _offered(one: Finding) -> int:
    return next(item.offered for item in one.measures if item.who == "enterprise")


def _said(target: Target, measured: str, worst: str, seeds: int, *, is_met: bool | None) -> Verdict:
    sign = "" if target.is_zero else "at least " if target.is_floor else "at most "
    return Verdict(
        number=target.number,
        what=target.what,
        x=target.x,
        goal=sign + _value(target.goal, target.unit),
        ideal=target.ideal,
        measured=measured,
        worst=worst,
        seeds=seeds,
        is_met=is_met,
    )


def _value(value: float, unit: str) -> str:
    if value == math.inf:
        return "never"
    if unit == "%":
        return f"{100 * value:.1f} %"
    return f"{value:.2f} {unit}" if unit else f"{value:.3g}"


def words(verdict: Verdict) -> str:
    """Return a verdict in one line."""
    x = f" at X={verdict.x:g}" if verdict.x else ""
    worst = f", worst seed {verdict.worst}" if verdict.worst else ""
    return (
        f"{verdict.number}. {verdict.what}{x}: {verdict.measured}{worst}; "
        f"goal {verdict.goal}; ideal {verdict.ideal}"
    )
