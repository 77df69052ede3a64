"""What people are told of an alert, in words: pure, from what was measured.

    first line   which objective, how many events were bad in which time, and how many may be
    then         how fast the budget burns and what is left of it, since when, what it covers,
                 what failed most, how much of the window was measured at all

An attempt that failed may have been made good by another upstream, and attempts are not counted by
tenant, tier or route: where the objective is not an upstream's, the line on causes says so.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from penstock.apps.control.queries.objectives import Cause, threshold_used
from penstock.config.operations import Objective, Sli
from penstock.core.slo import HOUR_S, Reading, Severity
from penstock.notify.message import Message
from penstock.web.moments import utc
from penstock.web.quantities import seconds, share

REMINDER: Final = "reminder"
REMOVED: Final = "removed"
TESTED: Final = "test"
RESOLVED: Final = "resolved"
WHOLE: Final = 100.0  # from here on, digits behind the point say nothing


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the instant of a message."""

    objective: Objective
    severity: Severity  # now; of one that is over: what it was
    opened_unix_s: float
    now_unix_s: float
    reading: Reading | None = None  # of the rule that says most
    causes: Sequence[Cause] = ()
    budget_left_ratio: float | None = None
    coverage_ratio: float | None = None
    link: str = ""


def message(id_: str, kind: str, facts: Facts) -> Message:
    """Return what receivers are told."""
    lines = [*_evidence(kind, facts), *_standing(facts)]
    return Message(
        id=id_,
        kind=RESOLVED if kind == REMOVED else kind,
        severity=facts.severity.word,
        title=_title(kind, facts),
        lines=tuple(line for line in lines if line),
        link=facts.link,
        at_unix_s=facts.now_unix_s,
        fields=_fields(facts),
    )


def tested(receiver: str, id_: str, now_unix_s: float, link: str) -> Message:
    """Return a message by which an operator sees that a receiver is reached."""
    return Message(
        id=id_,
        kind=TESTED,
        severity="",
        title=f"A test message for the receiver {receiver}",
        lines=("Nothing is wrong: an operator wanted to know whether this arrives.",),
        link=link,
        at_unix_s=now_unix_s,
    )


def bad_words(objective: Objective) -> str:
    """Return what the bad events of an objective have in common."""
    match objective.sli:
        case Sli.TTFT:
            return f"had no first token within {seconds(threshold_used(objective))}"
        case Sli.SPEED:
            return f"were slower than {threshold_used(objective):g} tokens a second"
        case Sli.AVAILABILITY:
            return "failed"


def covers(objective: Objective) -> str:
    """Return what an objective is about, in words."""
    if objective.upstream:
        return f"attempts at the upstream {objective.upstream}"
    given = [
        f"{name} {getattr(objective, name)}"
        for name in ("tenant", "tier", "route")
        if getattr(objective, name)
    ]
    return f"exchanges of {', '.join(given)}" if given else "all exchanges"


def span(window_s: float) -> str:
    """Return a window in words: 5 min, 1 h, 3 d."""
    return seconds(window_s) if window_s != HOUR_S else "1 h"


def _title(kind: str, facts: Facts) -> str:
    name, reading = facts.objective.name, facts.reading
    lasted = seconds(facts.now_unix_s - facts.opened_unix_s)
    if kind == REMOVED:
        return f"{name}: the objective is no longer in the configuration; its alert ends"
    if kind == RESOLVED:
        return f"{name}: over after {lasted}"
    allowed_ratio = 1.0 - facts.objective.target_ratio
    if reading is None or reading.long_burn is None:
        return f"{name}: the alert goes on; nothing was measured of late"
    bad = share(min(1.0, reading.long_burn * allowed_ratio))
    still = "still " if kind == REMINDER else ""
    return (
        f"{name}: {still}{bad} {bad_words(facts.objective)} in the last "
        f"{span(reading.rule.long_s)}; {share(allowed_ratio)} may"
    )


def _evidence(kind: str, facts: Facts) -> list[str]:
    reading = facts.reading
    if kind in {RESOLVED, REMOVED}:
        return [f"It began at {utc(facts.opened_unix_s)}."]
    lines = [f"It burns since {utc(facts.opened_unix_s)}."]
    if reading is not None:
        rule = reading.rule
        lines.append(
            f"Burn rate {_rate(reading.long_burn)} over {span(rule.long_s)} and "
            f"{_rate(reading.short_burn)} over {span(rule.short_s)}; "
            f"a {rule.severity.word} begins at {rule.burn:.3g}."
        )
        if reading.is_thin:
            lines.append(f"Only {reading.short_events} events in {span(rule.short_s)}.")
    if facts.causes:
        told = ", ".join(f"{one.upstream} {one.kind} ({one.count})" for one in facts.causes)
        of_all = "" if facts.objective.upstream else " Attempts of all traffic are counted here;"
        of_all += "" if facts.objective.upstream else " another upstream may have made them good."
        lines.append(f"What failed most: {told}.{of_all}")
    return lines


def _standing(facts: Facts) -> list[str]:
    days = facts.objective.window_days
    lines = [f"It covers {covers(facts.objective)}."]
    left = facts.budget_left_ratio
    if left is not None:
        told = f"{share(left)} is left" if left > 0 else f"spent {_rate(1.0 - left)} times over"
        lines.append(f"Error budget of {days} day{'s' if days > 1 else ''}: {told}.")
    if facts.coverage_ratio is not None:
        lines.append(
            f"Measured in {share(facts.coverage_ratio)} of the window's hours; the rest is unknown."
        )
    return lines


def _rate(burn: float | None) -> str:
    if burn is None:
        return "unknown"
    return f"{burn:.0f}" if burn >= WHOLE else f"{burn:.3g}"  # never as 1e+03


def _fields(facts: Facts) -> dict[str, Any]:
    reading = facts.reading
    objective = facts.objective
    found: dict[str, Any] = {
        "objective": objective.name,
        "sli": objective.sli.value,
        "target_ratio": objective.target_ratio,
        "window_days": objective.window_days,
        "opened_unix_s": facts.opened_unix_s,
        "budget_left_ratio": facts.budget_left_ratio,
        "coverage_ratio": facts.coverage_ratio,
        "causes": msgspec.to_builtins(list(facts.causes)),
    }
    for name in ("tenant", "tier", "route", "upstream"):
        if getattr(objective, name):
            found[name] = getattr(objective, name)
    if reading is not None:
        found |= {
            "long_s": reading.rule.long_s,
            "short_s": reading.rule.short_s,
            "long_burn": reading.long_burn,
            "short_burn": reading.short_burn,
            "burn_threshold": reading.rule.burn,
        }
    return found
