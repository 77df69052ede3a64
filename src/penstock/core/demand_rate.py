"""Demand rate: what an upstream's tiers use of it, measured, so that the reserve can follow.

    granted      one more slot of the tier is in use
    given back   one fewer, and how long it was held, if that says something: a failure does not
    load         the mean number of slots in use by a tier, in Erlangs; over k it is rho
    wait         what a newcomer may expect: whoever is ahead of it, over the credits per second
                 that the tiers above leave

The mean fades: what was ``window_s`` ago counts 1/e of what is now. Between two moves the number in
use is constant, so the mean is exact, and costs O(1) a move. Until a window has passed it is the
mean over the time there has been. A time held counts alike by when it came back; before the first
of them nothing is known, and the reference model's stands in.

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


class LoadEstimate:
    """The load of one upstream by tier. Owned by one event loop; not thread-safe."""

    __slots__ = ("_at_s", "_held_at_s", "_held_count", "_held_s", "_load", "_since_s", "_window_s",
                 "in_use")  # fmt: skip

    def __init__(self, now_s: float, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._since_s = now_s
        self.in_use = [0] * len(Tier)
        self._load = [0.0] * len(Tier)  # as of _at_s, with zero before _since_s
        self._at_s = [now_s] * len(Tier)
        self._held_s = 0.0  # fading sums
        self._held_count = 0.0
        self._held_at_s = now_s

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
        in_use, at_s = self.in_use[tier], self._at_s[tier]
        if now_s > at_s:  # as _advance: a call would cost as much again
            self._load[tier] = in_use + (self._load[tier] - in_use) * exp(
                (at_s - now_s) / self._window_s
            )
            self._at_s[tier] = now_s
        self.in_use[tier] = in_use + 1

    def given_back(self, tier: Tier, held_s: float | None, now_s: float) -> None:
        """Learn that a slot came back; ``held_s`` after how long, None if that says nothing."""
        in_use, at_s = self.in_use[tier], self._at_s[tier]
        assert in_use > 0, "a slot came back twice"
        if now_s > at_s:
            self._load[tier] = in_use + (self._load[tier] - in_use) * exp(
                (at_s - now_s) / self._window_s
            )
            self._at_s[tier] = now_s
        self.in_use[tier] = in_use - 1
        if held_s is None:
            return
        keep = exp((self._held_at_s - now_s) / self._window_s)
        self._held_at_s = now_s
        self._held_s = self._held_s * keep + held_s
        self._held_count = self._held_count * keep + 1.0

    def load(self, tier: Tier, now_s: float) -> float:
        """Return how many slots the tier has used, on average."""
        self._advance(tier, now_s)
        known = -expm1((self._since_s - now_s) / self._window_s)
        return self._load[tier] / known if known > 0.0 else float(self.in_use[tier])

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

    def _advance(self, tier: Tier, now_s: float) -> None:
        passed_s = now_s - self._at_s[tier]
        if passed_s > 0.0:
            in_use = self.in_use[tier]
            keep = exp(-passed_s / self._window_s)
            self._load[tier] = in_use + (self._load[tier] - in_use) * keep
            self._at_s[tier] = now_s
