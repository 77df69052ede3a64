"""CUSUMs: evidence adds up while it speaks for a change, and never falls below none.

    reports   S = max(0, S + llr), llr = log-likelihood ratio of NB(rho mu, k) against NB(mu, k).
              A negative binomial whose size k grows with time has a ratio that is linear in votes
              and in time: each vote adds ``up``, each minute takes ``down``. So no minute has to
              end before it counts, and cutting time in pieces changes nothing
    ratios    one CUSUM for each rate of RATES that lies above the usual ratio p0, of the same
              kind: a minute's bad ones are NB(n p1, k) against NB(n p0, k), n the events of a
              minute lately. With k infinite that is Poisson; with bursts one bad one is worth at
              most ln(1 + k / (n p0)), as its tail says. One of the rates is near the true one, so
              the bank's delay is near that of a CUSUM that is told it (Lorden 1971); the price is
              ln of their number in the threshold

Pure.
"""

import math
from typing import Final

import msgspec

# A factor of about 1.5 in odds from one to the next: a rate between two loses a few per cent.
RATES: Final = (0.01, 0.015, 0.022, 0.033, 0.05, 0.075, 0.11, 0.16, 0.23, 0.32, 0.43, 0.56, 0.7,
                0.82, 0.91, 0.97)  # fmt: skip
RATE_RISE: Final = 1.5  # the lowest rate, as a multiple of the usual


class RateSteps(msgspec.Struct, frozen=True):
    """What a vote adds, and what a minute takes."""

    up: float
    down_per_min: float


def rate_steps(per_min: float, size: float, rho: float) -> RateSteps:
    """Steps of NB(rho mu, k) against NB(mu, k); an infinite size is Poisson's."""
    if math.isinf(size):
        return RateSteps(math.log(rho), (rho - 1.0) * per_min)
    log_odds = math.log((size + rho * per_min) / (size + per_min))
    return RateSteps(math.log(rho) - log_odds, size * log_odds)


class RateCusum(msgspec.Struct, kw_only=True):
    """Evidence that more people report than usual."""

    score: float = 0.0
    at_unix_s: float = 0.0
    zero_unix_s: float = 0.0  # when it last was nothing: the likely onset

    def pass_time(self, at_unix_s: float, steps: RateSteps) -> None:
        """Time without a vote."""
        gone_s = at_unix_s - self.at_unix_s
        if gone_s <= 0.0:
            return
        self.at_unix_s = at_unix_s
        if self.score > 0.0:
            self.score = max(0.0, self.score - steps.down_per_min * gone_s / 60.0)
        if self.score == 0.0:
            self.zero_unix_s = at_unix_s

    def add(self, votes: float, steps: RateSteps, most: float) -> None:
        """Votes at this instant."""
        self.score = min(most, self.score + votes * steps.up)


class RatioSteps(msgspec.Struct, frozen=True):
    """What one bad one adds and one event takes, for each CUSUM of the bank."""

    lowest: int  # index of the first rate that is looked for
    ups: tuple[float, ...]
    downs: tuple[float, ...]


def ratio_steps(usual_ratio: float, rise_ratio: float, size: float, per_min: float) -> RatioSteps:
    """Steps of a bank over a usual ratio, for rates from just above it to all."""
    least = max(usual_ratio + rise_ratio, usual_ratio * RATE_RISE)
    lowest = next((i for i, rate in enumerate(RATES) if rate >= least), len(RATES) - 1)
    steps = [event_steps(usual_ratio, rate, size, per_min) for rate in RATES[lowest:]]
    return RatioSteps(lowest, tuple(up for up, _ in steps), tuple(down for _, down in steps))


def event_steps(usual: float, rate: float, size: float, per_min: float) -> tuple[float, float]:
    """What a bad one adds, and what each event takes; binomial where the size is infinite.

    Of few events a minute nearly all may be bad, which a negative binomial does not know: what is
    taken for each event is at most what the binomial takes.
    """
    binomial_down = math.log((1.0 - usual) / (1.0 - rate))
    if math.isinf(size):
        return math.log(rate / usual) + binomial_down, binomial_down
    steps = rate_steps(usual * per_min, size, rate / usual)
    return steps.up, min(binomial_down, steps.down_per_min / per_min)


class RatioBank(msgspec.Struct, kw_only=True):
    """Evidence that more goes wrong than usual, for each rate that it might be."""

    scores: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(RATES))
    zeros_unix_s: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(RATES))
    top: float = 0.0
    top_at: int = 0

    def add(
        self, events: float, bad: float, steps: RatioSteps, bounds: tuple[float, float],
        before_unix_s: float,
    ) -> None:  # fmt: skip
        """Events at once; ``bounds``: the most they may add, and the most there may be.

        ``before_unix_s`` is when the events before them were: a score that was nothing until now
        began there.
        """
        if bad == 0 and self.top == 0.0:
            return
        gain_max, score_max = bounds
        scores, zeros = self.scores, self.zeros_unix_s
        top, top_at = 0.0, 0
        at = steps.lowest
        for up, down in zip(steps.ups, steps.downs, strict=True):
            score = scores[at]
            if score == 0.0:
                zeros[at] = before_unix_s
            score += min(gain_max, bad * up - events * down)
            score = 0.0 if score <= 0.0 else min(score_max, score)
            scores[at] = score
            if score > top:
                top, top_at = score, at
            at += 1
        self.top, self.top_at = top, top_at

    def clear(self) -> None:
        """Begin anew."""
        self.scores = [0.0] * len(RATES)
        self.top = 0.0

    @property
    def onset_unix_s(self) -> float:
        """When what it has evidence of most likely began."""
        return self.zeros_unix_s[self.top_at]
