"""How much of what fails above can what fails below account for?

    above    a surface: its probes since it began to fail
    below    a model that it rests on: how many of its exchanges and probes fail, or are late

Models account for a surface unless one of these speaks against it:

    carried  errors (not lateness: failing over takes time), while routes that lead to the model
             work: others answer in its place. One of these routes, or a surface behind the API that
             fails as well, and nothing is carried
    before   it had failed before the model began to; unless most of what fails came with the model
    more     more of it fails than of any such model, by more than chance: of the requests that a
             model answers no larger share can fail because of it, whatever part of the surface's
             traffic it has

``began_unix_s`` of a model is the earliest that its onset may have been: as long before the first
of its failures as chance lets pass without one. Pure.
"""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

SURE: Final = 0.01  # what is rarer than this is no chance
WAIT: Final = 3.0  # mean waits for a failure: a longer one is one in twenty
FAILED_MIN: Final = 2  # before the model's: the first of them may be a blip that stood there
MOST_RATIO: Final = 2.0  # as many fail since the model does: the smaller half was there before
SIGMAS: Final = 2.0
PROBES_KEPT: Final = 64  # a quarter of an hour at four a minute


class Tally(NamedTuple):
    """Of so many so many were bad."""

    events: int = 0
    bad: int = 0

    @property
    def ratio(self) -> float:
        """The share of the bad ones."""
        return self.bad / self.events if self.events else 0.0


NONE: Final = Tally()


def count(probes: Iterable[tuple[float, bool]], from_unix_s: float, to_unix_s: float) -> Tally:
    """Probes of a span, and how many of them failed; ``probes``: when, and whether it did."""
    mine = [is_bad for at_unix_s, is_bad in probes if from_unix_s <= at_unix_s < to_unix_s]
    return Tally(len(mine), sum(mine))


def began_unix_s(onset_unix_s: float, span_s: float, lately: Tally) -> float:
    """The earliest that what is seen to fail may have begun to; ``lately``: in the last span."""
    return onset_unix_s - WAIT * span_s / max(1, lately.bad)


def is_more(above: Tally, below: Tally) -> bool:
    """Whether more fails above than what fails below can account for."""
    if not above.bad or not below.events:
        return False
    return chance_of(above, _most(below)) < SURE


def is_older(before: Tally, after: Tally, usual_ratio: float) -> bool:
    """Whether it failed before what is below did, and mostly still does of its own."""
    beside_first = Tally(max(0, before.events - 1), max(0, before.bad - 1))
    if before.bad < FAILED_MIN or chance_of(beside_first, usual_ratio) >= SURE:
        return False
    return after.ratio < MOST_RATIO * before.ratio or not is_more(after, before)


def chance_of(seen: Tally, ratio: float) -> float:
    """P(so many bad ones, or more), where each is bad with this ratio."""
    if seen.bad <= 0:
        return 1.0
    if ratio <= 0.0:
        return 0.0
    if ratio >= 1.0:
        return 1.0
    term = (1.0 - ratio) ** seen.events
    below = 0.0
    for bad in range(seen.bad):
        below += term
        term *= (seen.events - bad) / (bad + 1) * ratio / (1.0 - ratio)
    return max(0.0, 1.0 - below)


def _most(below: Tally) -> float:
    """The largest share that may fail below, by Wilson's interval."""
    events, ratio = below.events, below.ratio
    spread = SIGMAS * math.sqrt(ratio * (1.0 - ratio) / events + SIGMAS**2 / (4.0 * events**2))
    middle = ratio + SIGMAS**2 / (2.0 * events)
    return min(1.0, (middle + spread) / (1.0 + SIGMAS**2 / events))
