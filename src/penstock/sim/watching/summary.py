"""What a study has found, as rows for people: faults, drills, arms.

faults   each kind and share: how often found, how fast, how much slower than the oracle
drills   each phase: what was found, whose fault, when, how long before the provider spoke
arms     the full watch beside itself with one part off
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from penstock.core.interval import Interval
from penstock.sim.watching import arms, catalogue, figures, goals
from penstock.sim.watching import installation as inst
from penstock.sim.watching.figures import MOST
from penstock.sim.watching.goals import Goal
from penstock.sim.watching.quiet import Quiet
from penstock.sim.watching.trial import Finding, Found
from penstock.watch.assessment import Verdict

Rows = list[tuple[str, ...]]
MINUTE_S: Final = 60.0

FAULT_HEAD: Final = (
    "fault", "cases", "found", "possible", "problem", "p95", "x oracle", "culprit", "strays",
)  # fmt: skip
DRILL_HEAD: Final = (
    "from", "found", "whose fault", "possible", "problem", "provider", "",
)  # fmt: skip
ARM_HEAD: Final = (
    "arm", "waves in 5 min", "false possible a month", "innocents raised a wave", "brigade at none",
    "right culprit",
)  # fmt: skip


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured."""

    seeds: int
    first_seed: int
    findings: list[Finding]
    quiets: list[Quiet]  # of all evidence, the full arm's
    reports_only: dict[str, list[Quiet]]  # by arm

    @property
    def goals(self) -> list[Goal]:
        """Return what was to be shown."""
        return goals.judge(self.findings, self.quiets)

    def of(self, arm: str, group: str = "") -> list[Finding]:
        """Return the findings of an arm, without drills unless they are asked for."""
        return [
            one
            for one in self.findings
            if one.arm == arm and (one.group == group if group else one.group != "drill")
        ]


def faults(study: Study) -> Rows:
    """Return a row for each entry of the catalogue."""
    alarms = figures.rate(study.quiets, Verdict.PROBLEM).comparable
    by_name: dict[str, list[Finding]] = {}
    for one in study.of(arms.FULL):
        by_name.setdefault(one.name, []).append(one)
    known = [one.name for one in catalogue.entries() if one.name in by_name]
    return [_fault(name, by_name[name], alarms) for name in sorted(known, key=_kind)]


def _kind(name: str) -> str:
    """Return what is sorted by: the kind of fault; of one kind the largest share comes first."""
    return name.rstrip("0123456789%")


def _fault(name: str, mine: Sequence[Finding], alarms: float) -> tuple[str, ...]:
    found = figures.ratio(mine, lambda one: all(item.is_found for item in one.found))
    slower = figures.slower(mine, alarms)
    has_problem = any(one.found[0].problem_s is not None for one in mine)
    has_possible = any(one.found[0].possible_s is not None for one in mine)
    problem = [figures.problem_s(one) for one in mine]
    possible = figures.quantile([figures.possible_s(one) for one in mine], 0.5)
    return (
        name,
        str(len(mine)),
        share(found.share),
        span(possible) if has_possible else "",
        span(figures.quantile(problem, 0.5)) if has_problem else "",
        span(figures.quantile(problem, MOST)) if has_problem else "",
        "" if slower is None else f"{slower.ratio:.2f}",
        share(figures.ratio(mine, lambda one: one.is_culprit_right).share),
        str(sum(bool(one.strays) for one in mine) or ""),
    )


def drills(study: Study) -> Rows:
    """Return a row for each phase of each drill: medians over the dice."""
    by_name: dict[str, list[Finding]] = {}
    for one in study.of(arms.FULL, "drill"):
        by_name.setdefault(one.name, []).append(one)
    rows: Rows = []
    for name, mine in sorted(by_name.items()):
        rows.append((name,))
        for at in range(len(mine[0].found)):
            seen = [one.found[at] for one in mine]
            rows.append(_phase(seen, mine))
    return rows


def _phase(seen: Sequence[Found], mine: Sequence[Finding]) -> tuple[str, ...]:
    first = seen[0]
    names = [_name(one.component) for one in seen if one.component]
    leads = [one.lead_s for one in seen if one.lead_s is not None]
    right = sum(
        one.is_found and one.is_culprit_right and not whole.strays
        for one, whole in zip(seen, mine, strict=True)
    )
    whose = first.culprit_name or first.culprit.value
    return (
        first.words,
        max(set(names), key=names.count) if names else "nothing",
        whose,
        _median([one.possible_s for one in seen]),
        _median([one.problem_s for one in seen]),
        span(figures.quantile(leads, 0.5)) if leads else "",
        "right" if right == len(seen) else f"{right} of {len(seen)}",
    )


def _name(component: str) -> str:
    one = inst.BY_ID[component].component
    return one.family or one.name


def _median(values: Sequence[float | None]) -> str:
    known = [one for one in values if one is not None]
    return span(figures.quantile(known, 0.5)) if len(known) > len(values) // 2 else "never"


def by_arm(study: Study) -> Rows:
    """Return a row for each arm, on the seeds that all were given."""
    seeds = {one.seed for one in study.findings if one.arm != arms.FULL}
    return [_arm(study, arm, seeds) for arm in arms.ARMS]


def _arm(study: Study, arm: str, seeds: set[int]) -> tuple[str, ...]:
    mine = [one for one in study.of(arm) if one.group in arms.GROUPS and one.seed in seeds]
    groups: Mapping[str, list[Finding]] = {
        group: [one for one in mine if one.group == group] for group in arms.GROUPS
    }
    waves = figures.ratio(
        groups["reports"], lambda one: figures.since_report_s(one) <= goals.WAVE_S
    )
    raised = [float(len(one.murmurs)) for one in groups["sympathy"]]
    brigade = figures.ratio(groups["brigade"], lambda one: one.found[0].is_found)
    culprit = figures.ratio(mine, lambda one: one.is_culprit_right)
    quiet = study.reports_only.get(arm, [])
    return (
        arm,
        _ratio(waves),
        figures.rate(quiet, Verdict.POSSIBLE).words if quiet else "",
        f"{figures.mean(raised):.1f} of {len(raised)} waves" if raised else "",
        _ratio(brigade),
        _ratio(culprit),
    )


def _ratio(one: figures.Ratio) -> str:
    if not one.count:
        return ""
    interval: Interval = one.interval
    return f"{share(one.share)} ({share(interval.low)} to {share(interval.high)})"


def span(value_s: float) -> str:
    """Return a time for people."""
    if value_s < 0.0:
        return f"-{span(-value_s)}"
    if value_s < 10.0 * MINUTE_S:
        return f"{value_s:.0f} s"
    return f"{value_s / MINUTE_S:.0f} min"


def share(value: float) -> str:
    """Return a share in percent."""
    return f"{100 * value:.0f} %"
