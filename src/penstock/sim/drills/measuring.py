"""Joins what was seen into a result: figures of each arm, and what others have made of them.

The drill hands in what it knows of itself (``Drilled``), the calls of all arms, and what others
have made of them: ``Joined``. Bills and checks that need the figures first come later, with
``completed``. Findings are made last, of all that is there.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from penstock.sim.drills import capacity, figures, shapes
from penstock.sim.drills.figures import Titled, Told
from penstock.sim.drills.findings import findings
from penstock.sim.drills.shapes import (
    Bill,
    Call,
    Check,
    Outage,
    Reckoning,
    Result,
    Seen,
    Struct,
    Timetable,
)

TITLES = (
    Titled(shapes.BOUND, "Without Penstock", "Each caller is bound to one provider."),
    Titled(shapes.FAILOVER, "Plain failover", "A gateway that fails over, and no more."),
    Titled(shapes.PENSTOCK, "With Penstock", "Everything on."),
)


class Drilled(Struct, frozen=True, kw_only=True):
    """What a drill knows of itself."""

    name: str
    mode: str
    began_unix_s: float
    took_s: float
    seed: int
    version: str
    set_up: str = ""
    scale: str = ""
    partial: str = ""
    outage: Outage
    timetable: Timetable
    arms: tuple[Titled, ...] = TITLES
    providers: Mapping[str, str] = {}  # upstream -> provider (claude, gpt, gemini, own)


class Joined(Struct, frozen=True, kw_only=True):
    """What others have found."""

    seen: Sequence[Seen] = ()
    uncut: Sequence[Seen] = ()
    reckonings: Sequence[Reckoning] = ()
    bills: Sequence[Bill] = ()
    checks: Sequence[Check] = ()


def measured(drilled: Drilled, calls: Iterable[Call], joined: Joined | None = None) -> Result:
    """Return the result of a drill."""
    told = Told(drilled.timetable, drilled.providers)
    by_arm: dict[str, list[Call]] = {one.name: [] for one in drilled.arms}
    for one in calls:
        by_arm.setdefault(one.arm, []).append(one)
    titled = [one for one in drilled.arms if by_arm[one.name]]
    arms = [figures.arm(one, by_arm[one.name], told) for one in titled]
    shares = [
        capacity.possible(capacity.loads(drilled.timetable, arms, one.rooms), drilled.timetable)
        for one in arms
    ]
    made = Result(
        name=drilled.name,
        mode=drilled.mode,
        began_unix_s=drilled.began_unix_s,
        took_s=drilled.took_s,
        seed=drilled.seed,
        version=drilled.version,
        set_up=drilled.set_up,
        scale=drilled.scale,
        partial=drilled.partial,
        outage=drilled.outage,
        timetable=drilled.timetable,
        arms=tuple(
            capacity.with_possible(one, share) for one, share in zip(arms, shares, strict=True)
        ),
        customer=tuple(figures.customer(one, by_arm[one.name], told) for one in titled),
    )
    return completed(made, joined or Joined())


def completed(result: Result, joined: Joined) -> Result:
    """Return a result with what was found since; what was there and is not found anew stays."""
    made = msgspec.structs.replace(
        result,
        seen=tuple(joined.seen) or result.seen,
        uncut=tuple(joined.uncut) or result.uncut,
        reckonings=tuple(joined.reckonings) or result.reckonings,
        bills=tuple(joined.bills) or result.bills,
        checks=tuple(joined.checks) or result.checks,
    )
    return msgspec.structs.replace(made, findings=findings(made))
