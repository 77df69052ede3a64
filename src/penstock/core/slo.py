"""Service level objectives: how much of an error budget is left, and when it burns too fast.

    error ratio   bad events / all events of a window; no events: unknown, which is not zero
    budget        1 - target: the share of events that may be bad over the objective's window
    burn rate     error ratio / budget; at 1 the budget lasts exactly as long as the window
    a rule burns  if the burn rate of its long and of its short window both reach its own; the long
                  one shows that it matters, the short one that it still goes on
    short         a twelfth of the long window
    too few       with fewer than ``events_min`` events in the short window no rule begins to burn,
                  and the reading says so

For a window of 30 days (``rules`` makes this table):

    severity   long   short    burn rate   budget used by then
    page       1 h    5 min    14.4        2 %
    page       6 h    30 min   6           5 %
    ticket     3 d    6 h      1           10 %

Another window keeps the long windows and the budget used, so burn = used x window / long. Where
that falls below 2 for a page, or 1 for a ticket, it stays there and the long window is cut instead
(long = used x window / burn): an objective that is just kept alarms nobody. Windows are whole
minutes, the grain of what is measured.

An alert, stepped with the readings of one instant (``step``):

    state     when                                             becomes
    quiet     a rule burns                                     firing, with the highest severity
    firing    a rule of higher severity burns                  firing, raised
    firing    only rules of lower severity for ``calm_s``      firing, lowered
    firing    no rule for ``calm_s``                           quiet, resolved

``calm_s`` is the short window of the rule that held it, at most 30 minutes. While it fires and the
short window has too few events, the long window alone says whether it goes on: silence does not
resolve an alert before the evidence has left the window.

Pure: told the time. Source: Google, The Site Reliability Workbook, chapter 5; STATUS 6.1 of the
reference shelf. The floors of the burn rate and ``calm_s`` are ours.
"""

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3600
DAY_S: Final = 86_400
MINUTE_S: Final = 60
SHORT_PART: Final = 12  # a short window is a twelfth of its long one
CALM_S_MAX: Final = 1800.0  # a ticket's short window is six hours: nobody waits for that


class Severity(enum.IntEnum):
    """How urgent an alert is."""

    NONE = 0
    TICKET = 1  # within days
    PAGE = 2  # now

    @property
    def word(self) -> str:
        """The name in settings, messages and tables; none is empty."""
        return self.name.lower() if self else ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Two windows in seconds, and the burn rate that both must reach."""

    severity: Severity
    long_s: int
    short_s: int
    burn: float
    used_ratio: float  # of the budget, when the long window has burnt at that rate


# severity, long window, share of the budget that is used by then, least burn rate
_WORKBOOK: Final = (
    (Severity.PAGE, HOUR_S, 0.02, 2.0),
    (Severity.PAGE, 6 * HOUR_S, 0.05, 2.0),
    (Severity.TICKET, 3 * DAY_S, 0.10, 1.0),
)


@dataclass(frozen=True, slots=True)
class Count:
    """Good events, and all events, of one window."""

    good: int = 0
    total: int = 0

    @property
    def bad(self) -> int:
        """Events that were not good."""
        return self.total - self.good

    @property
    def good_ratio(self) -> float | None:
        """Return the SLI; None: nothing was measured."""
        return self.good / self.total if self.total else None

    def __add__(self, other: "Count") -> "Count":
        return Count(self.good + other.good, self.total + other.total)


@dataclass(frozen=True, slots=True)
class Budget:
    """What an objective allows over its window, in events, and what is left of it."""

    allowed: float  # events that may be bad
    spent: int  # events that were

    @property
    def left_ratio(self) -> float:
        """Return the share that is left; below 0 it is overspent. Nothing happened: all of it."""
        if not self.allowed:
            return 1.0
        return 1.0 - self.spent / self.allowed


@dataclass(frozen=True, slots=True)
class Reading:
    """What one rule says at one instant; a burn rate of None: nothing was measured."""

    rule: Rule
    long_burn: float | None
    short_burn: float | None
    short_events: int
    is_thin: bool  # too few events in the short window
    is_burning: bool  # enough to begin an alert
    is_lasting: bool  # enough to keep one


@dataclass(frozen=True, slots=True)
class Memory:
    """What an alert remembers between two instants; ``held_at_s`` is when a rule last held it."""

    severity: Severity = Severity.NONE  # NONE: quiet
    opened_at_s: float = 0.0
    held_at_s: float = 0.0
    calm_s: float = 0.0


class Change(enum.Enum):
    """What has become of an alert."""

    OPENED = "opened"
    RAISED = "raised"
    LOWERED = "lowered"
    RESOLVED = "resolved"


QUIET: Final = Memory()


def rules(window_days: int) -> tuple[Rule, ...]:
    """Return the rules of an objective's window, the quickest first."""
    return tuple(
        _rule(severity, long_s, used_ratio, floor, window_days * DAY_S)
        for severity, long_s, used_ratio, floor in _WORKBOOK
    )


def _rule(severity: Severity, long_s: int, used_ratio: float, floor: float, window_s: int) -> Rule:
    burn = used_ratio * window_s / long_s
    if burn < floor:
        burn = floor
        long_s = _minutes(used_ratio * window_s / floor)
    return Rule(severity, long_s, _minutes(long_s / SHORT_PART), round(burn, 6), used_ratio)


def _minutes(seconds: float) -> int:
    """Return seconds as whole minutes, at least one."""
    return max(1, math.ceil(seconds / MINUTE_S - 1e-9)) * MINUTE_S


def burn_rate(count: Count, target_ratio: float) -> float | None:
    """Return how fast the budget burns; None: nothing was measured."""
    if not count.total:
        return None
    return count.bad / count.total / (1.0 - target_ratio)


def budget(count: Count, target_ratio: float) -> Budget:
    """Return the budget of a window with these events."""
    return Budget(allowed=count.total * (1.0 - target_ratio), spent=count.bad)


def read(
    given: Sequence[Rule], counts: Mapping[int, Count], target_ratio: float, events_min: int
) -> tuple[Reading, ...]:
    """Return what each rule says; ``counts`` by window in seconds, all that the rules name."""
    return tuple(_read(rule, counts, target_ratio, events_min) for rule in given)


def _read(rule: Rule, counts: Mapping[int, Count], target_ratio: float, events_min: int) -> Reading:
    long, short = counts[rule.long_s], counts[rule.short_s]
    long_burn, short_burn = burn_rate(long, target_ratio), burn_rate(short, target_ratio)
    is_thin = short.total < max(1, events_min)
    is_long = _reaches(long_burn, rule.burn)
    is_both = is_long and _reaches(short_burn, rule.burn)
    return Reading(
        rule=rule,
        long_burn=long_burn,
        short_burn=short_burn,
        short_events=short.total,
        is_thin=is_thin,
        is_burning=is_both and not is_thin,
        is_lasting=is_long if is_thin else is_both,
    )


def _reaches(burn: float | None, least: float) -> bool:
    """Tell whether a rate is reached; a hair's breadth is the arithmetic's, not the service's."""
    return burn is not None and burn >= least * (1.0 - 1e-9)


def step(memory: Memory, readings: Iterable[Reading], now_s: float) -> tuple[Memory, Change | None]:
    """Return what the alert remembers from now on, and what has become of it, if anything."""
    found = tuple(readings)
    higher = [one.rule for one in found if one.is_burning and one.rule.severity > memory.severity]
    if higher:
        is_new = memory.severity is Severity.NONE
        opened_at_s = now_s if is_new else memory.opened_at_s
        return _held(higher, opened_at_s, now_s), Change.OPENED if is_new else Change.RAISED
    lasting = [one.rule for one in found if one.is_lasting]
    holding = [one for one in lasting if one.severity >= memory.severity > Severity.NONE]
    if holding:
        return Memory(memory.severity, memory.opened_at_s, now_s, _calm_s(holding)), None
    if memory.severity is Severity.NONE or now_s - memory.held_at_s < memory.calm_s:
        return memory, None
    if lasting:
        return _held(lasting, memory.opened_at_s, now_s), Change.LOWERED
    return QUIET, Change.RESOLVED


def _held(by: Sequence[Rule], opened_at_s: float, now_s: float) -> Memory:
    """Return an alert of the highest severity of these rules."""
    severity = max(rule.severity for rule in by)
    of_it = [rule for rule in by if rule.severity is severity]
    return Memory(severity, opened_at_s, now_s, _calm_s(of_it))


def _calm_s(held_by: Sequence[Rule]) -> float:
    """Return for how long nothing must hold an alert before it moves down: the quickest rule's."""
    return min(CALM_S_MAX, *(float(rule.short_s) for rule in held_by))
