"""Demand rate: what an upstream's tiers use of it, measured, so that the reserve can follow.

    granted      one more slot of the tier is in use
    given back   one fewer, and how long it was held, if that says something: a failure does not
    load         the mean number of slots in use by a tier, in Erlangs; over k it is rho
    wait         what a newcomer may expect: whoever is ahead of it, over the credits per second
                 that the tiers above leave

The mean fades: what was ``window_s`` ago counts 1/e of what is now. Until a window has passed it is
the mean over the time there has been. A time held counts alike by when it came back; before the
first of them nothing is known, and the reference model's stands in.

Between two ticks nothing fades: each slot counts for as long as it was in use since the last tick,
which takes a sum of instants and no more. A tick folds that into the mean.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
Source: Little's law; TIERING 3.5 of the reference shelf for the wait, and its reference model.
"""

from math import exp, expm1, inf
from typing import Final

from penstock.core.tier import Tier

WINDOW_S: Final = 60.0  # long against E[S], short against the day; the reserve need not be quick
SERVICE_S: Final = 4.48  # E[S] of the reference model: TIERING, symbols
TIERS: Final = tuple(Tier)
LEFT_RATIO_MIN: Final = 0.02  # of slots, for a tier whom those above leave nothing: free's floor


class TierLoad:
    """What one tier has of an upstream."""

    __slots__ = ("begun_s", "grants", "in_use", "load")

    def __init__(self) -> None:
        self.in_use = 0  # slots
        self.grants = 0  # so far
        self.begun_s = 0.0  # instants of grants, less those of returns: in use as at the tick
        self.load = 0.0  # as of the last tick, with zero before the first


class LoadEstimate:
    """The load of one upstream by tier. Owned by one event loop; not thread-safe."""

    __slots__ = ("_held_count", "_held_s", "_since_s", "_ticked_at_s", "_window_s", "tiers")

    def __init__(self, now_s: float, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._since_s = now_s
        self._ticked_at_s = now_s
        self.tiers: Final = tuple(TierLoad() for _ in Tier)
        self._held_s = 0.0  # sums that fade
        self._held_count = 0.0

    @property
    def is_known(self) -> bool:
        """Whether anything has come back that says how long a slot is held."""
        return self._held_count > 0.0

    @property
    def mean_service_s(self) -> float:
        """How long an attempt holds its slot, on average."""
        return self._held_s / self._held_count if self._held_count else SERVICE_S

    def granted(self, tier: Tier, now_s: float) -> None:
        """Learn that a slot was given."""
        one = self.tiers[tier]
        one.in_use += 1
        one.grants += 1
        one.begun_s += now_s

    def given_back(self, tier: Tier, held_s: float | None, now_s: float) -> None:
        """Learn that a slot came back; ``held_s`` after how long, None if that says nothing."""
        one = self.tiers[tier]
        assert one.in_use > 0, "a slot came back twice"
        one.in_use -= 1
        one.begun_s -= now_s
        if held_s is not None:
            self._held_s += held_s
            self._held_count += 1.0

    def on_tick(self, now_s: float) -> None:
        """Let what is old fade; often, against the window."""
        if now_s <= self._ticked_at_s:
            return
        keep = exp((self._ticked_at_s - now_s) / self._window_s)
        for one in self.tiers:
            one.load = self._faded(one, now_s)
            one.begun_s = one.in_use * now_s
        self._held_s *= keep
        self._held_count *= keep
        self._ticked_at_s = now_s

    def load(self, tier: Tier, now_s: float) -> float:
        """Return how many slots the tier has used, on average."""
        one = self.tiers[tier]
        known = -expm1((self._since_s - now_s) / self._window_s)
        return self._faded(one, now_s) / known if known > 0.0 else float(one.in_use)

    def load_above(self, tier: Tier, now_s: float) -> float:
        """Return how many slots the tiers above this one have used, on average."""
        return sum([self.load(above, now_s) for above in TIERS[:tier]])

    def rho(self, tier: Tier, limit: int, now_s: float) -> float:
        """Return the load of a tier as a share of the slots there are."""
        return self.load(tier, now_s) / max(1, limit)

    def wait_s(self, tier: Tier, ahead: float, slots: int, now_s: float) -> float:
        """Return the wait to be expected of a newcomer, in seconds.

        ``ahead`` is how many wait in its band and above, ``slots`` the ceiling of its tier.
        """
        left = max(slots - self.load_above(tier, now_s), slots * LEFT_RATIO_MIN)
        return (ahead + 1.0) * self.mean_service_s / left if left > 0.0 else inf

    def _faded(self, one: TierLoad, now_s: float) -> float:
        """Return a tier's load of now, with zero before the first instant."""
        passed_s = now_s - self._ticked_at_s
        if passed_s <= 0.0:
            return one.load
        mean = (one.in_use * now_s - one.begun_s) / passed_s
        return mean + (one.load - mean) * exp(-passed_s / self._window_s)
