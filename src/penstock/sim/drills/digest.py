"""Digest: what is left of a result in a list of them, so that a trend needs no whole results.

rows     a figure or two of each arm, place and tier, over the whole drill; all tiers together
         where the tier is empty
broken   names of checks that were to hold and did not; ``unmet``: of the user's own
first    what went wrong, in the words of the worst finding; else of the first broken check
known    until when the last failure was at the page; None: not all were, or nothing failed
money    what the user stated, over all tiers, by arm; None: nothing was stated
"""

import math
from collections.abc import Iterable
from typing import Final

from penstock.sim.drills import reading
from penstock.sim.drills.reading import Where
from penstock.sim.drills.shapes import Bill, Check, Result, Struct

SHORT_MAX: Final = 300  # of words, in a list; the whole is in the report
NAMES_MAX: Final = 50  # of checks


class Row(Struct, frozen=True, kw_only=True):
    """What one tier got in one arm."""

    arm: str
    place: str
    tier: str
    calls: int
    success_ratio: float | None = None
    sessions_ratio: float | None = None
    added_p99_s: float | None = None


class Loss(Struct, frozen=True, kw_only=True):
    """What the outage costs in one arm, were it as long as it was."""

    arm: str
    lost_minutes: float = 0.0  # of the tier that lost most
    credit_microusd: int | None = None
    impact_microusd: int | None = None
    failover_microusd: int | None = None


class Digest(Struct, frozen=True, kw_only=True):
    """One line of the history."""

    name: str
    drill: str
    title: str
    mode: str
    began_unix_s: float
    took_s: float
    version: str
    set_up: str = ""
    scale: str = ""
    is_passed: bool
    checks: int = 0
    broken: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    first: str = ""
    known_s: float | None = None
    rows: tuple[Row, ...] = ()
    losses: tuple[Loss, ...] = ()

    def success(self, arm: str, tier: str, place: str = "api") -> float | None:
        """Return which share of a tier's calls completed in an arm; None: not known."""
        found = (one.success_ratio for one in self.rows if _key(one) == (arm, place, tier))
        return next(found, None)


def digest(result: Result) -> Digest:
    """Return what a list shows of a result."""
    known_s = reading.figure(result, "page_s", Where())
    return Digest(
        name=result.name,
        drill=result.outage.id,
        title=_short(result.outage.title),
        mode=result.mode,
        began_unix_s=result.began_unix_s,
        took_s=result.took_s,
        version=result.version,
        set_up=_short(result.set_up),
        scale=_short(result.scale),
        is_passed=result.is_passed,
        checks=len(result.checks),
        broken=_names(result.checks, is_expectation=False),
        unmet=_names(result.checks, is_expectation=True),
        first=_short(_first(result)),
        known_s=None if known_s is None or math.isinf(known_s) else known_s,
        rows=tuple(
            Row(
                arm=one.arm,
                place=one.place,
                tier=one.tier,
                calls=one.calls,
                success_ratio=one.success_ratio,
                sessions_ratio=reading.RATIOS["sessions_ratio"](one),
                added_p99_s=one.added_p99_s,
            )
            for arm in result.arms
            for one in arm.counts
            if one.window < 0
        ),
        losses=tuple(
            _loss(arm.name, [one for one in result.bills if one.arm == arm.name])
            for arm in result.arms
        ),
    )


def _loss(arm: str, bills: list[Bill]) -> Loss:
    return Loss(
        arm=arm,
        lost_minutes=max((one.lost_minutes for one in bills), default=0.0),
        credit_microusd=_sum(one.credit_microusd for one in bills),
        impact_microusd=_sum(one.impact_microusd for one in bills),
        failover_microusd=_sum(one.failover_microusd for one in bills),
    )


def _sum(amounts: Iterable[int | None]) -> int | None:
    known = [one for one in amounts if one is not None]
    return sum(known) if known else None


def _names(checks: Iterable[Check], *, is_expectation: bool) -> tuple[str, ...]:
    broken = (one for one in checks if one.is_kept is False)
    mine = [_short(one.name) for one in broken if one.is_expectation is is_expectation]
    return tuple(mine[:NAMES_MAX])


def _first(result: Result) -> str:
    if result.findings:
        return min(result.findings, key=lambda one: one.rank).words
    return next((f"{x.name}: {x.words}" for x in result.checks if x.is_kept is False), "")


def _short(words: str) -> str:
    return words if len(words) <= SHORT_MAX else f"{words[: SHORT_MAX - 1]}\u2026"


def _key(one: Row) -> tuple[str, str, str]:
    return one.arm, one.place, one.tier
