"""The whole outage in virtual time, through the real watch: when would we have known?

case      ``sim/watching/replay.py``: to the second as it was, uncut up to ``WHOLE_S`` (longer ones
          have their steady stretches cut), reports by the published counts, the provider's page
          when it spoke; the installation and its people are modelled
watch     the status process's own code, which has learned a week of quiet before; the same dice
          give the same day
seen      a line for each phase and class of components: seconds after the phase began. What the
          page shows follows the watch within seconds: that is measured where it is played for real

Pure.
"""

from collections.abc import Callable
from typing import Final

from penstock.sim.drills.drill_file import Drill, Drills
from penstock.sim.drills.shapes import Seen
from penstock.sim.watching import installation as inst
from penstock.sim.watching import quiet, study
from penstock.sim.watching.case import Case, Expect
from penstock.sim.watching.chance import Dice
from penstock.sim.watching.replay import replay
from penstock.sim.watching.trial import Found, Play, play
from penstock.watch.assessment import Verdict
from penstock.watch.watch import Watch

WHOLE_S: Final = 2 * 86_400.0  # of an outage: more takes minutes to play, and says the same
WEEK_DAYS: Final = 7.0  # of reports: their rhythm is a week's
DAY_DAYS: Final = 1.0  # of everything: probes and telemetry learn within the hour
ARM: Final = "whole day"


def whole_day(
    drills: Drills, drill: Drill, draw: Callable[[str], Dice], seed: int
) -> tuple[Seen, ...]:
    """Return what the watch would have said of each phase, and when."""
    is_whole = drill.end_unix_s - drill.start_unix_s <= WHOLE_S
    case = replay(drills, drill, study.WEEK_UNIX_S, is_whole=is_whole).case
    watch = Watch(inst.COMPONENTS)
    _warm(watch, draw("quiet before"))
    found = play(case, watch, draw("the day"), Play(ARM, seed, is_whole=True))
    return tuple(
        _seen(case, expect, one) for expect, one in zip(case.expect, found.found, strict=True)
    )


def _warm(watch: Watch, dice: Dice) -> None:
    day_unix_s = study.WEEK_UNIX_S - DAY_DAYS * inst.DAY_S
    week_unix_s = day_unix_s - WEEK_DAYS * inst.DAY_S
    quiet.listen(watch, quiet.stretch(week_unix_s, WEEK_DAYS, has_reports_only=True), dice)
    quiet.listen(watch, quiet.stretch(day_unix_s, DAY_DAYS), dice)


def _seen(case: Case, expect: Expect, found: Found) -> Seen:
    from_s = expect.from_unix_s - case.onset_unix_s
    names = ", ".join(inst.BY_ID[one].component.name for one in expect.components)
    return Seen(
        component=found.component,
        name=f"{expect.words} {names}",
        failed_at_s=from_s,
        ended_at_s=from_s + found.lasts_s,
        watch_s=found.problem_s,
        people_s=found.first_report_s,
        provider_s=expect.post_unix_s - expect.from_unix_s if expect.post_unix_s else None,
        verdict=_verdict(found).word,
        culprit=found.culprit.value,
        expected=", ".join(one.value for one in expect.culprits),
        is_right=found.is_found and found.is_culprit_right,
    )


def _verdict(found: Found) -> Verdict:
    if found.problem_s is not None:
        return Verdict.PROBLEM
    return Verdict.NONE if found.possible_s is None else Verdict.POSSIBLE
