"""Goals: when the detector counts as good, and what a study shows of each.

Judged on the arm ``full`` alone. ``is_met`` None: not judged, it is only told.

    sure      at least ``MOST`` of the cases, by the point estimate; the interval is told
    sixty     a fault of 30 % and more of a component with telemetry; with probes alone a fault of
              all. Four probes a minute meet a fault of 30 % within 60 s in 1 - 0.7 ** 4 = 76 % of
              cases, one of 50 % in 94 %: before the first has failed nobody can know more than
              before, so no detector finds more, whatever follows. That is the ``bound``
    none      a brigade counts where reports say it; honest people who by chance are many at once
              are counted against us, too
    waves     all curves but ``growing``: read as growth by a constant factor, the fifth person of
              1 -> 40 in 15 min reports after 6.5 min, and fewer are no alarm (STATUS 5.3):
              the ``bound`` is the share of waves in which five had reported in time
    oracle    the mean delay over that of a CUSUM that is told both rates, on the same evidence and
              at the false-alarm rate that was measured; its standard error is told
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from penstock.sim.watching import figures
from penstock.sim.watching import installation as inst
from penstock.sim.watching.arms import FULL
from penstock.sim.watching.crowd import Curve
from penstock.sim.watching.figures import MOST, Ratio
from penstock.sim.watching.quiet import Quiet
from penstock.sim.watching.trial import Finding
from penstock.watch.assessment import Verdict

SIXTY_S: Final = 60.0
WAVE_S: Final = 300.0
SLOWER_MAX: Final = 1.5
FALSE_MAX: Final = 1.0
MINUTE_S: Final = 60.0
LARGE_SHARE: Final = 0.3
SMALL_SHARES: Final = (0.1, 0.05, 0.02)
PROBE_SHARES: Final = (0.5, 0.3, 0.1, 0.05, 0.02)


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What was to be shown, and what was."""

    what: str
    goal: str
    measured: str
    ideal: str = ""
    is_met: bool | None = None


def judge(findings: Sequence[Finding], quiets: Sequence[Quiet]) -> list[Goal]:
    """Return all goals, of the full arm."""
    ours = [one for one in findings if one.arm == FULL]
    told = figures.rate(quiets, Verdict.PROBLEM)
    by_chance = [one for one in ours if one.group != "drill"]
    return [
        *_alarms(quiets),
        *_sixty(by_chance, told.comparable),
        *_small(by_chance, told.comparable),
        *_wrong(by_chance),
        *_reports(by_chance),
        *_right(by_chance),
        *_never(by_chance),
        *_spilled(by_chance),
        *_drills([one for one in ours if one.group == "drill"]),
    ]


def _alarms(quiets: Sequence[Quiet]) -> Iterator[Goal]:
    if not quiets:
        return
    for verdict in (Verdict.PROBLEM, Verdict.POSSIBLE):
        rate = figures.rate(quiets, verdict)
        is_judged = verdict is Verdict.PROBLEM
        yield Goal(
            what=f"false '{verdict.word}' a component and 30 days",
            goal=f"at most {FALSE_MAX:g}" if is_judged else "told",
            measured=rate.words,
            is_met=rate.per_month <= FALSE_MAX if is_judged else None,
        )


def _sixty(findings: Sequence[Finding], alarms: float) -> Iterator[Goal]:
    def within(one: Finding) -> bool:
        return figures.problem_s(one) <= SIXTY_S

    def oracle_within(one: Finding) -> bool:
        found = figures.oracle_s(one, alarms)
        return found is not None and found <= SIXTY_S

    for words, group, least in (
        ("telemetry and probes, errors in 30 % and more", "share", LARGE_SHARE),
        ("telemetry and probes, hangs in 30 % and more", "hang", LARGE_SHARE),
        ("telemetry and probes, late first tokens in 50 % and more", "slow", LARGE_SHARE),
        ("probes alone, errors in all", "probes", 1.0),
        ("probes alone, errors in 50 %", "probes", 0.5),
        ("probes alone, errors in 30 %", "probes", 0.3),
    ):
        is_exact = group == "probes"
        mine = [
            one
            for one in findings
            if one.group == group and (one.share == least if is_exact else one.share >= least)
        ]
        if mine:
            is_judged = not is_exact or least == 1.0
            found = figures.ratio(mine, within)
            p95 = figures.quantile([figures.problem_s(one) for one in mine], MOST)
            yield Goal(
                what=f"'problem' within 60 s: {words}",
                goal="95 %" if is_judged else "told: see the bound",
                measured=f"{found.words}, p95 {p95:.0f} s",
                ideal=f"oracle {figures.ratio(mine, oracle_within).share:.0%}"
                + (f", bound {_meets(least):.0%}" if is_exact and least < 1.0 else ""),
                is_met=found.share >= MOST if is_judged else None,
            )


def _meets(share: float) -> float:
    """Return in how many faults of this share a probe fails within the time that there is."""
    return 1.0 - (1.0 - share) ** (inst.PROBES_PER_MIN * SIXTY_S / MINUTE_S)


def _small(findings: Sequence[Finding], alarms: float) -> Iterator[Goal]:
    kinds = (
        ("telemetry and probes", "share", SMALL_SHARES),
        ("probes alone", "probes", PROBE_SHARES),
    )
    for words, group, shares in kinds:
        for share in shares:
            mine = [one for one in findings if one.group == group and one.share == share]
            slower = figures.slower(mine, alarms)
            if slower is None:
                continue
            ours = figures.mean([figures.problem_s(one) for one in mine])
            yield Goal(
                what=f"delay over the oracle's: {words}, {share:.0%}",
                goal=f"at most {SLOWER_MAX:g}",
                measured=(
                    f"{slower.ratio:.2f} ± {slower.error:.2f} (mean {ours:.0f} s,"
                    f" {len(mine)} cases)"
                ),
                ideal=f"oracle {ours / slower.ratio:.0f} s",
                is_met=slower.ratio <= SLOWER_MAX,
            )


def _wrong(findings: Sequence[Finding]) -> Iterator[Goal]:
    for share in (1.0, 0.5, 0.3, *SMALL_SHARES):
        mine = [one for one in findings if one.group == "wrong" and one.share == share]
        if mine:
            delays = [figures.possible_s(one) for one in mine]
            problem = figures.quantile([figures.problem_s(one) for one in mine], 0.5)
            yield Goal(
                what=f"wrong content in {share:.0%}, by canaries",
                goal="found",
                measured=(
                    f"possible p50 {figures.quantile(delays, 0.5):.0f} s,"
                    f" p95 {figures.quantile(delays, MOST):.0f} s; problem p50 {problem:.0f} s"
                ),
                is_met=figures.ratio(mine, _is_found).share >= MOST,
            )


def _reports(findings: Sequence[Finding]) -> Iterator[Goal]:
    waves = [one for one in findings if one.group == "reports"]
    for words in sorted({one.name for one in waves}):
        yield _wave(words, [one for one in waves if one.name == words], is_judged=False)
    judged = [one for one in waves if not one.name.endswith(Curve.GROWING.value)]
    if judged:
        yield _wave("reports alone, all waves but the growing one", judged, is_judged=True)


def _wave(words: str, mine: Sequence[Finding], *, is_judged: bool) -> Goal:
    found = figures.ratio(mine, lambda one: figures.since_report_s(one) <= WAVE_S)
    delays = [figures.since_report_s(one) for one in mine]
    return Goal(
        what=f"'possible' within 5 min of the first report: {words}",
        goal="95 %" if is_judged else "told",
        measured=f"{found.words}, p50 {figures.quantile(delays, 0.5):.0f} s,"
        f" p95 {figures.quantile(delays, MOST):.0f} s",
        ideal=f"bound {figures.ratio(mine, _has_five).share:.0%}",
        is_met=found.share >= MOST if is_judged else None,
    )


def _has_five(one: Finding) -> bool:
    return all(
        found.first_report_s is not None
        and found.fifth_report_s is not None
        and found.fifth_report_s - found.first_report_s <= WAVE_S
        for found in one.found
    )


def _right(findings: Sequence[Finding]) -> Iterator[Goal]:
    if findings:
        component = figures.ratio(findings, lambda one: one.is_component_right)
        culprit = figures.ratio(findings, lambda one: one.is_culprit_right)
        yield _sure("right component, and no other", component)
        yield _sure("right culprit", culprit)


def _never(findings: Sequence[Finding]) -> Iterator[Goal]:
    for words, group, goal in (
        ("brigade: 1,000 reports of 3 networks stay at none", "brigade", MOST),
        ("silent hang at night is found", "silent", 1.0),
        ("sources out of reach, page unreadable: stay at none", "blind", MOST),
        ("one source lost: the other one finds it", "lost", 1.0),
        ("flap of 5 min on, 5 min off is found", "flap", 1.0),
    ):
        mine = [one for one in findings if one.group == group]
        if mine:
            yield _sure(words, figures.ratio(mine, _is_found), goal)


def _spilled(findings: Sequence[Finding]) -> Iterator[Goal]:
    waves = [one for one in findings if one.group == "sympathy"]
    if waves:
        raised = figures.mean([float(len(one.murmurs)) for one in waves])
        yield Goal(
            what="outage elsewhere: innocent components raised to possible",
            goal="told",
            measured=f"{raised:.1f} a wave, {len(waves)} waves",
        )


def _drills(findings: Sequence[Finding]) -> Iterator[Goal]:
    if findings:
        names = {one.name for one in findings}
        yield _sure(
            "drills: right component", figures.ratio(findings, lambda one: one.is_component_right)
        )
        found = figures.ratio(findings, lambda one: one.is_culprit_right)
        yield _sure(f"drills: right culprit ({len(names)} drills)", found)


def _sure(words: str, ratio: Ratio, goal: float = MOST) -> Goal:
    at_least = "always" if goal == 1.0 else f"at least {goal:.0%}"
    return Goal(what=words, goal=at_least, measured=ratio.words, is_met=ratio.share >= goal)


def _is_found(one: Finding) -> bool:
    return all(found.is_found for found in one.found)
