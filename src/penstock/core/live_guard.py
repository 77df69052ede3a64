"""The guard of a live drill: says when it must stop, from how exchanges end, whoever hurt them.

    an exchange of the tier enterprise failed, broke or was lost   stop, at the first one
    one was shed                                                   stop, at the first one
    an objective of availability burns                             stop: ``BURN_MAX`` times its
                                                                   budget in the last ``WINDOW_S``,
                                                                   among ``events_min`` or more
    anything else                                                  go on

It does not ask whether the drill has caused it: while a contract suffers, nobody drills. 14.4 is
the burn rate at which an objective pages somebody (``core/slo.py``); the window is shorter, because
here the cure costs nothing. Where a target is so loose that it cannot burn that fast, everything
must fail. Of several workers each looks at its own exchanges.

Pure: told the time. Bounded: one entry for a second of the window and an objective.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from penstock.core.tier import WORDS, Tier

WINDOW_S: Final = 60.0
BURN_MAX: Final = 14.4
ENTERPRISE: Final = WORDS[Tier.ENTERPRISE]
SERVED: Final = "served"
BAD: Final = frozenset(("failed", "shed", "lost"))  # of the ledger's fates, as availability counts


@dataclass(frozen=True, slots=True)
class Ended:
    """How one exchange ended; ``fate`` is the ledger's word, ``tier`` that in which it stood."""

    tenant: str
    tier: str
    route: str
    fate: str


@dataclass(frozen=True, slots=True)
class Goal:
    """An objective of availability; what is empty is not filtered."""

    name: str
    target_ratio: float
    events_min: int
    tenant: str = ""
    tier: str = ""
    route: str = ""

    def covers(self, ended: Ended) -> bool:
        """Tell whether it counts this exchange."""
        return (
            self.tenant in ("", ended.tenant)
            and self.tier in ("", ended.tier)
            and self.route in ("", ended.route)
        )


class LiveGuard:
    """Looks after the contracts during one drill at one worker. Owned by one event loop."""

    def __init__(self, goals: Sequence[Goal]) -> None:
        self._meters = [_Meter(goal) for goal in goals]

    def on_ended(self, ended: Ended, now_s: float) -> str:
        """Return why the drill must stop now; empty if it may go on."""
        is_bad = ended.fate in BAD
        if not is_bad and ended.fate != SERVED:
            return ""
        if is_bad and ended.tier == ENTERPRISE:
            return f"an exchange under a contract, of {ended.tenant}, was {_told(ended.fate)}"
        for meter in self._meters:
            if meter.goal.covers(ended) and (why := meter.count(now_s, is_bad=is_bad)):
                return why
        return ""


class _Meter:
    """One objective over the window."""

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self._steps: deque[list[int]] = deque()  # second, events, bad ones

    def count(self, now_s: float, *, is_bad: bool) -> str:
        """Count one; return in words that it burns, if it does."""
        at, steps = int(now_s), self._steps
        while steps and steps[0][0] <= at - WINDOW_S:
            steps.popleft()
        if not steps or steps[-1][0] < at:
            steps.append([at, 0, 0])
        steps[-1][1] += 1
        steps[-1][2] += is_bad
        events, bad = sum(one[1] for one in steps), sum(one[2] for one in steps)
        budget = 1.0 - self.goal.target_ratio
        bad_max = min(1.0, BURN_MAX * budget) * events  # of a loose target: everything
        if events < self.goal.events_min or not bad or bad < bad_max:
            return ""
        return f"the objective {self.goal.name} lost {bad} of {events} exchanges within a minute"


def _told(fate: str) -> str:
    return {"shed": "shed", "failed": "failed or broken off"}.get(fate, fate)
