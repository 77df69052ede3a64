"""The terminal's table: what each tier got under each policy, over all seeds."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from penstock.sim.measures import Measure, Overall, median

HEAD: Final = (
    "policy", "X", "tier", "wait p50", "p99", "p99.9", "TTFT p99", "good", "of ideal", "sessions",
    "capped", "wasted", "use",
)  # fmt: skip
WIDTHS: Final = (-22, 4, -11, 8, 8, 8, 8, 7, 8, 8, 7, 7, 7)  # negative: to the left

LONG_S: Final = 100.0  # needs no decimals
SHORT_S: Final = 0.005  # is none


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One tier under one policy at one X in one phase: medians over seeds, worst of the waits."""

    scenario: str
    policy: str
    x: float
    phase: str
    tier: str
    who: str
    seeds: int
    measures: list[Measure]
    overalls: list[Overall]

    def median(self, name: str) -> float:
        """Return the median over seeds of a field of ``Measure``."""
        return median([float(getattr(one, name)) for one in self.measures])

    def worst(self, name: str) -> float:
        """Return the largest over seeds."""
        return max(float(getattr(one, name)) for one in self.measures)

    def least(self, name: str) -> float:
        """Return the smallest over seeds."""
        return min(float(getattr(one, name)) for one in self.measures)

    def total(self, name: str) -> int:
        """Return the sum over seeds of a count."""
        return sum(int(getattr(one, name)) for one in self.measures)

    @property
    def use_ratio(self) -> float:
        """Return the median use of the capacity."""
        return median([one.use_ratio for one in self.overalls])


def rows(shown: Iterable[tuple[list[Measure], list[Overall]]]) -> list[Row]:
    """Return a row for each scenario, policy, X, phase and tier, in the order of appearance."""
    found: dict[tuple[str, str, float, str, str, str], tuple[list[Measure], list[Overall]]] = {}
    for measures, overalls in shown:
        by_phase = {one.phase: one for one in overalls}
        for one in measures:
            key = (one.scenario, one.policy, one.x, one.phase, one.tier, one.who)
            mine, theirs = found.setdefault(key, ([], []))
            mine.append(one)
            theirs.append(by_phase[one.phase])
    return [
        Row(
            scenario=scenario,
            policy=policy,
            x=x,
            phase=phase,
            tier=tier,
            who=who,
            seeds=len(mine),
            measures=mine,
            overalls=theirs,
        )
        for (scenario, policy, x, phase, tier, who), (mine, theirs) in found.items()
    ]


def whole(found: Sequence[Row]) -> list[Row]:
    """Return those over all phases."""
    phases: dict[str, str] = {}  # the first of a scenario is over all
    for one in found:
        phases.setdefault(one.scenario, one.phase)
    return [one for one in found if one.phase == phases[one.scenario]]


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as words; seconds and shares."""
    return (
        row.policy,
        f"{row.x:g}" if row.x else "",
        row.who if row.who == row.tier else f" {row.who}",
        seconds(row.median("wait_p50_s")),
        seconds(row.median("wait_p99_s")),
        seconds(row.worst("wait_p999_s")),
        seconds(row.median("ttft_p99_s")),
        share(row.total("good") / max(1, row.total("offered"))),
        share(min(row.median("count_ratio"), row.median("work_ratio"))),
        share(row.median("session_ratio")) if row.total("sessions") else "",
        share(row.median("truncated_ratio")) if row.median("truncated_ratio") else "",
        share(row.median("wasted_ratio")),
        share(row.use_ratio),
    )


def line(words: Sequence[str]) -> str:
    """Return the words in columns."""
    return "  ".join(
        f"{word:<{-width}}" if width < 0 else f"{word:>{width}}"
        for word, width in zip(words, WIDTHS, strict=True)
    ).rstrip()


def seconds(value: float) -> str:
    """Return seconds in three digits or so."""
    if value >= LONG_S:
        return f"{value:.0f} s"
    return f"{value:.2f} s" if value >= SHORT_S else "0"


def share(value: float) -> str:
    """Return a share in percent."""
    return f"{100 * value:.1f} %"
