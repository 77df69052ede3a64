"""The report's first page: what went wrong, what held, and the arms side by side.

the first line   what went worst, with its remedy; if nothing did, what held
state            bad       an invariant or a contract was broken
                 partial   an expectation was not met
                 degraded  something else went wrong
                 good      nothing did
side by side     success by tier, then what else a board asks for; a dash: not measured
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from penstock.sim.drills import figures, shapes, words
from penstock.sim.drills.findings import CONTRACTS, lost_of
from penstock.sim.drills.shapes import Arm, Check, Counts, Result
from penstock.web.quantities import UNKNOWN, money, seconds, sentence, share

FEW: Final = 4  # findings: what has room on a first page


class Cell(NamedTuple):
    """A figure of one arm; ``ratio`` is drawn as a bar."""

    words: str
    ratio: float | None = None
    colour: str = "accent"
    than: str = ""


class Line(NamedTuple):
    """A row of the comparison."""

    name: str
    cells: tuple[Cell, ...]
    colour: str = ""
    title: str = ""


class Verdict(NamedTuple):
    """The first page."""

    state: str
    words: str
    remedy: str
    held: str
    successes: tuple[Line, ...]
    others: tuple[Line, ...]
    checked: str
    is_checked: str  # state of the checks


def verdict(result: Result) -> Verdict:
    """Return what the first page says."""
    worst = result.findings[0] if result.findings else None
    comparison = held(result)
    return Verdict(
        state=state(result),
        words=worst.words if worst else comparison or "Nothing went wrong",
        remedy=worst.remedy if worst else "",
        held=comparison if worst else "",
        successes=successes(result.arms),
        others=others(result),
        checked=checked(result.checks),
        is_checked=_checks_state(result.checks),
    )


def state(result: Result) -> str:
    """Return how bad it was."""
    if not result.arms:
        return "unknown"
    arm = result.arms[-1]
    is_lost = any(lost_of(figures.find(arm, tier)) for tier in CONTRACTS)
    is_truncated = any(figures.find(arm, "", place).truncated for place in figures.PLACES)
    broken = [one for one in result.checks if one.is_kept is False]
    if is_lost or is_truncated or any(not one.is_expectation for one in broken):
        return "bad"
    if broken:
        return "partial"
    return "degraded" if result.findings else "good"


def held(result: Result) -> str:
    """Return how contracts fared, with everything on and without."""
    told: list[str] = []
    for arm in (*result.arms[-1:], *result.arms[:1][: len(result.arms) - 1]):
        names = [tier for tier in CONTRACTS if figures.find(arm, tier).calls]
        counts = [figures.find(arm, tier) for tier in names]
        calls = sum(one.calls - one.unfinished for one in counts)
        complete = sum(one.complete for one in counts)
        if not calls:
            continue
        whose = words.ARMS.get(arm.name, arm.name)
        if told:
            lost = (calls - complete) / calls
            told.append(f"{whose} {share(lost)} of them did not" if lost else f"{whose} too")
        elif complete == calls:
            told.append(f"{whose} all {calls:,} {words.listed(names)} calls completed")
        else:
            told.append(
                f"{whose} {words.part(complete, calls)} {words.listed(names)} calls completed"
            )
    return sentence("; ".join(told))


def successes(arms: Sequence[Arm]) -> tuple[Line, ...]:
    """Return the success of each tier at the API, and of the chat."""
    made = [
        Line(
            words.tier(tier),
            tuple(_success(figures.find(arm, tier), arm) for arm in arms),
            f"tier-{tier}",
        )
        for tier in figures.tiers(arms)
    ]
    if any(figures.find(arm, "", "chat").calls for arm in arms):
        cells = tuple(_success(figures.find(arm, "", "chat"), arm) for arm in arms)
        made.append(Line("Chat", cells, title="through its own front door"))
    return tuple(made)


def others(result: Result) -> tuple[Line, ...]:
    """Return what else is compared; what nothing is known of is left out."""
    rows: list[tuple[str, str, Callable[[Arm], str]]] = [
        ("Answers broken off", "begun, then an error said so", _broken),
        (
            "Silently truncated",
            "ended as if whole, and were not",
            _unknown if result.mode == shapes.LIVE else _truncated,
        ),
        ("Added wait, enterprise", "p99, once a change has settled", _added),
        ("Sessions completed", "conversations and agent loops", _sessions),
        ("SLA credits", "for a month with this outage", _sum(result, "credit_microusd")),
        ("Lost business", "by the cost that was stated", _sum(result, "impact_microusd")),
        (
            "Cost of failover",
            "what other providers cost more",
            _sum(result, "failover_microusd"),
        ),
    ]
    made = [
        Line(name, tuple(Cell(told(arm)) for arm in result.arms), title=title)
        for name, title, told in rows
    ]
    return tuple(one for one in made if any(cell.words != UNKNOWN for cell in one.cells))


def checked(checks: Sequence[Check]) -> str:
    """Return how many checks were kept."""
    if not checks:
        return "Nothing was checked."
    kept = sum(one.is_kept is True for one in checks)
    broken = sum(one.is_kept is False for one in checks)
    open_ = len(checks) - kept - broken
    told = f"{kept} of {words.count(len(checks), 'check')} kept"
    if broken:
        told += f", {broken} broken"
    return told + (f", {open_} not judged." if open_ else ".")


def _checks_state(checks: Sequence[Check]) -> str:
    if any(one.is_kept is False for one in checks):
        return "bad"
    return "good" if any(one.is_kept for one in checks) else "unknown"


def _success(one: Counts, arm: Arm) -> Cell:
    ratio = one.success_ratio
    if ratio is None:
        return Cell(UNKNOWN)
    colour, _ = words.ARM_COLOURS.get(arm.name, ("accent", ""))
    return Cell(share(ratio), ratio, colour, f"{one.complete:,} of {one.calls - one.unfinished:,}")


def _broken(arm: Arm) -> str:
    return f"{sum(figures.find(arm, '', place).broken for place in figures.PLACES):,}"


def _truncated(arm: Arm) -> str:
    return f"{sum(figures.find(arm, '', place).truncated for place in figures.PLACES):,}"


def _unknown(arm: Arm) -> str:
    """Return that nobody can know: only who was asked for a text knows where it should end."""
    del arm
    return UNKNOWN


def _added(arm: Arm) -> str:
    if arm.name == shapes.BOUND:
        return UNKNOWN  # nothing stands in between
    return seconds(figures.find(arm, CONTRACTS[0]).added_p99_s)


def _sessions(arm: Arm) -> str:
    found = [figures.find(arm, "", place) for place in figures.PLACES]
    whole = sum(one.sessions for one in found)
    return share(sum(one.sessions_complete for one in found) / whole) if whole else UNKNOWN


def _sum(result: Result, field: str) -> Callable[[Arm], str]:
    def told(arm: Arm) -> str:
        found: list[int | None] = [
            getattr(one, field) for one in result.bills if one.arm == arm.name
        ]
        known = [one for one in found if one is not None]
        return money(sum(known)) if known else UNKNOWN

    return told
