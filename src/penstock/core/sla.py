"""SLA: how available something was in a period, by the formulas that contracts name.

A period is cut into steps of equal length (five minutes). Each step has events that were good and
events that were bad; what is in neither, as a caller's own mistake, is not here at all.

    request_ratio     good / (good + bad) over the whole period; no events: not known
    interval_mean     the mean over all steps of good / (good + bad); a step without events counts
                      as 100 %, as AWS states it
    downtime_minutes  1 - time down / time of the period; a step is down if more than 5 % of its
                      events were bad. Fewer than ``events_min`` events are no evidence, and a row
                      of such steps shorter than ``down_min_s`` does not count

They disagree about the same record: a bad night of little traffic is small for the first and large
for the others. All are shown, and the contract's own is billed. A formula of somebody else's is one
more entry of ``CALCULATORS``. Minutes weighted by the status that was shown (major 1.0, partial
0.3) are not among them: they need the record of a status page, which is not kept here.

    coverage  steps with events / all steps: time that nobody measured is not time that was up
    interval  95 % (``interval.wilson``). Of the mean: with its effective count, K^2 / sum(1 / n)
              over the K steps with events, and the empty steps certain. Of downtime: steps are the
              events

Shares are rounded to 12 digits, so that no sum of fractions decides about money.
Sources: STATUS 6.3 and 6.4 of the reference shelf; L. Kish, "Survey Sampling", 1965, 8.2, for the
effective count.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from penstock.core.interval import UNKNOWN, Interval, wilson

STEP_S: Final = 300
DIGITS: Final = 12


class Cell(NamedTuple):
    """What happened in the step that begins then."""

    start_s: int
    good: int
    bad: int


class Series(NamedTuple):
    """A period of whole steps. Of steps without bad events only the sums are kept."""

    from_s: int
    until_s: int
    good: int
    bad: int
    measured: int  # steps with events
    inverse: float  # sum of 1 / events over these
    cells: tuple[Cell, ...]  # steps with bad events, in order of time
    step_s: int = STEP_S

    @property
    def steps(self) -> int:
        """How many steps the period has."""
        return max(0, (self.until_s - self.from_s) // self.step_s)

    @property
    def coverage_ratio(self) -> float:
        """The share of the steps in which something was measured."""
        return self.measured / self.steps if self.steps else 0.0


class Rules(NamedTuple):
    """When a step is down."""

    error_ratio: float = 0.05  # more than this
    events_min: int = 1
    down_min_s: int = 0  # a row of steps that are down, at least so long


class Share(NamedTuple):
    """A share and where it lies; None: nothing is known."""

    ratio: float | None
    interval: Interval


class Calculator(NamedTuple):
    """One formula, and how it is told to people."""

    of: Callable[[Series, Rules], Share]
    words: str


USUAL: Final = Rules()


def series(from_s: int, until_s: int, cells: Iterable[Cell], step_s: int = STEP_S) -> Series:
    """Return a period's series. Cells of the same step are added; those outside are left out."""
    found: dict[int, tuple[int, int]] = {}
    for start_s, good, bad in cells:
        if from_s <= start_s < until_s and good + bad:
            before = found.get(start_s, (0, 0))
            found[start_s] = (before[0] + good, before[1] + bad)
    return Series(
        from_s,
        until_s,
        good=sum(good for good, _ in found.values()),
        bad=sum(bad for _, bad in found.values()),
        measured=len(found),
        inverse=math.fsum(1.0 / (good + bad) for good, bad in found.values()),
        cells=tuple(Cell(at, *found[at]) for at in sorted(found) if found[at][1]),
        step_s=step_s,
    )


def request_ratio(found: Series, _: Rules = USUAL) -> Share:
    """Return the share of the events that were good."""
    events = found.good + found.bad
    if not events:
        return Share(None, UNKNOWN)
    ratio = found.good / events
    return Share(ratio, wilson(ratio, events))


def interval_mean(found: Series, _: Rules = USUAL) -> Share:
    """Return the mean of the steps' shares; empty steps count as 100 %."""
    if not found.steps:
        return Share(None, UNKNOWN)
    lost = math.fsum(cell.bad / (cell.good + cell.bad) for cell in found.cells)
    effective = found.measured**2 / found.inverse if found.measured else 0.0
    measured = wilson(_rounded(1.0 - lost / found.measured), effective) if effective else UNKNOWN
    return Share(_rounded(1.0 - lost / found.steps), _with_empty(found, measured))


def downtime_minutes(found: Series, rules: Rules = USUAL) -> Share:
    """Return the share of the period in which it was not down."""
    if not found.steps:
        return Share(None, UNKNOWN)
    lost = down_steps(found, rules)
    measured = wilson(1.0 - lost / found.measured, found.measured) if found.measured else UNKNOWN
    return Share(_rounded(1.0 - lost / found.steps), _with_empty(found, measured))


def down_steps(found: Series, rules: Rules = USUAL) -> int:
    """Return how many steps were down."""
    total = row = 0
    last_s = -found.step_s
    for cell in (one for one in found.cells if _is_down(one, rules)):
        if cell.start_s != last_s + found.step_s:
            total += _counted(row, found.step_s, rules)
            row = 0
        row += 1
        last_s = cell.start_s
    return total + _counted(row, found.step_s, rules)


CALCULATORS: Final[Mapping[str, Calculator]] = {
    "request_ratio": Calculator(
        request_ratio, "requests that were served, of all requests of the month that count"
    ),
    "interval_mean": Calculator(
        interval_mean,
        "mean of the shares of five-minute intervals; an interval without requests counts as 100 %",
    ),
    "downtime_minutes": Calculator(
        downtime_minutes,
        "time with at most 5 % errors, of all time of the month, counted in steps of five minutes",
    ),
}


def _is_down(cell: Cell, rules: Rules) -> bool:
    events = cell.good + cell.bad
    return events >= rules.events_min and cell.bad > rules.error_ratio * events


def _counted(row: int, step_s: int, rules: Rules) -> int:
    return row if row * step_s >= rules.down_min_s else 0


def _with_empty(found: Series, measured: Interval) -> Interval:
    """Return the interval of all steps, where those without events are certain to be good."""
    share = found.coverage_ratio
    empty = 1.0 - share
    return Interval(max(0.0, share * measured.low + empty), min(1.0, share * measured.high + empty))


def _rounded(ratio: float) -> float:
    return min(1.0, max(0.0, round(ratio, DIGITS)))
