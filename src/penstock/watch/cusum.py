"""CUSUMs: evidence adds up while it speaks for a change, and never falls below none.

    reports   S = max(0, S + llr), llr = log-likelihood ratio of NB(rho mu, k) against NB(mu, k).
              A negative binomial whose size k grows with time has a ratio that is linear in votes
              and in time: each vote adds ``up``, each minute takes ``down``. So no minute has to
              end before it counts, and cutting time in pieces changes nothing
    ratios    one CUSUM for each rate of RATES that lies above the usual ratio p0, of the same
              kind: a minute's bad ones are NB(n p1, k) against NB(n p0, k), n the events of a
              minute lately. With k infinite that is Poisson; with bursts one bad one is worth at
              most ln(1 + k / (n p0)), as its tail says. One of the rates is near the true one, so
              the bank's delay is near that of a CUSUM that is told it (Lorden 1971)
    minute    of half a minute one bad one is worth more than of a whole one: n is then half. So
              what a minute has shown until now is weighed as a whole (``Burst``), and a whole
              minute adds the same however it came
    threshold alarm_log + ln(bad ones a minute that the rate would show): a score leaves nothing
              at a bad one, n p0 times a minute, and has then e^up = p1 / p0 of the chance e^-h
              to arrive; so n p1 e^-h false alarms a minute of each. A small rate needs less

Pure.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

# A factor of about 1.5 in odds from one to the next: a rate between two loses a few per cent.
RATES: Final = (0.01, 0.015, 0.022, 0.033, 0.05, 0.075, 0.11, 0.16, 0.23, 0.32, 0.43, 0.56, 0.7,
                0.82, 0.91, 0.97)  # fmt: skip
RATE_RISE: Final = 1.5  # the lowest rate, as a multiple of the usual
PER_MIN_LEAST: Final = 1.0
MINUTE_S: Final = 60.0
LOOKS_PER_MIN_MAX: Final = 12.0  # counts come about so often, however many events they hold


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
    thresholds: tuple[float, ...]
    usual: float
    size: float  # of a minute's bad ones; infinite: they come one by one
    logs: tuple[tuple[float, float, float], ...]  # rate, ln of it over the usual, binomial down


def ratio_steps(
    usual_ratio: float, rise_ratio: float, size: float, per_min: float, alarm_log: float
) -> RatioSteps:
    """Steps of a bank over a usual ratio, for rates from just above it to all."""
    least = max(usual_ratio + rise_ratio, usual_ratio * RATE_RISE)
    lowest = next((i for i, rate in enumerate(RATES) if rate >= least), len(RATES) - 1)
    rates = RATES[lowest:]
    steps = [event_steps(usual_ratio, rate, size, per_min) for rate in rates]
    return RatioSteps(
        lowest=lowest,
        ups=tuple(up for up, _ in steps),
        downs=tuple(down for _, down in steps),
        thresholds=tuple(alarm_log + math.log(looks_per_min(per_min, rate)) for rate in rates),
        usual=usual_ratio,
        size=size,
        logs=tuple(
            (rate, math.log(rate / usual_ratio), binomial_down(usual_ratio, rate)) for rate in rates
        ),
    )


def looks_per_min(per_min: float, rate: float) -> float:
    """Return how many bad ones a minute a rate would show, at most ``LOOKS_PER_MIN_MAX``."""
    return min(LOOKS_PER_MIN_MAX, max(PER_MIN_LEAST, per_min) * rate)


def binomial_down(usual: float, rate: float) -> float:
    """Return what an event takes where events are bad one by one."""
    return math.log((1.0 - usual) / (1.0 - rate))


def event_steps(usual: float, rate: float, size: float, per_min: float) -> tuple[float, float]:
    """What a bad one adds, and what each event takes; binomial where the size is infinite.

    Of few events a minute nearly all may be bad, which a negative binomial does not know: what is
    taken for each event is at most what the binomial takes.
    """
    down = binomial_down(usual, rate)
    if math.isinf(size):
        return math.log(rate / usual) + down, down
    steps = rate_steps(usual * per_min, size, rate / usual)
    return steps.up, min(down, steps.down_per_min / per_min)


class Bounds(NamedTuple):
    """What events at once may do."""

    gain_max: float  # the most they add, as a share of the threshold
    score_max: float  # the most that there may be, likewise
    still: float = 0.0  # the chance that one accident has made them bad, and the one before, too


class Burst(msgspec.Struct, kw_only=True):
    """The minute that runs: what it holds has one factor in common, whatever pieces it comes in.

    So a score is what it was when the minute began, and the ratio of all that the minute holds.
    """

    start_unix_s: float = 0.0
    events: float = 0.0
    bad: float = 0.0
    # of each rate: the score when the minute began, and events and bad ones that are in it already
    begun: list[tuple[float, float, float]] = msgspec.field(
        default_factory=lambda: [(0.0, 0.0, 0.0)] * len(RATES)
    )

    def take(
        self, events: float, bad: float, scores: Sequence[float], between: tuple[float, float]
    ) -> None:
        """Count what came, in this minute or in the next."""
        if between[1] > self.start_unix_s + MINUTE_S:
            self.start_unix_s = between[0]
            self.events = self.bad = 0.0
            self.begun = [(score, 0.0, 0.0) for score in scores]
        self.events += events
        self.bad += bad

    def scores(self, steps: RatioSteps, at_unix_s: float) -> Iterator[float]:
        """Yield what the minute makes of each score; it may be less than nothing."""
        size = steps.size * max(1.0, (at_unix_s - self.start_unix_s) / MINUTE_S)
        log, usual, all_events, all_bad = math.log, steps.usual, self.events, self.bad
        begun = self.begun[steps.lowest :]
        for (score, events, bad), (rate, log_rise, down) in zip(begun, steps.logs, strict=True):
            seen = all_events - events
            log_odds = log((size + rate * seen) / (size + usual * seen))
            taken = min(size * log_odds, down * seen)
            yield score + (all_bad - bad) * (log_rise - log_odds) - taken

    def restart(self, at: int, score: float) -> None:
        """A score was cut: what the minute holds until now is in it."""
        self.begun[at] = (score, self.events, self.bad)


class RatioBank(msgspec.Struct, kw_only=True):
    """Evidence that more goes wrong than usual, for each rate that it might be."""

    scores: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(RATES))
    zeros_unix_s: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(RATES))
    weight: float = 0.0  # the largest of scores over their thresholds
    weight_at: int = 0
    burst: Burst = msgspec.field(default_factory=Burst)

    def add(
        self,
        events: float,
        bad: float,
        steps: RatioSteps,
        bounds: Bounds,
        between: tuple[float, float],
    ) -> None:
        """Events at once.

        ``between``: when those before them were, where a score began that was nothing until now;
        and when these are.
        """
        if bad == 0 and self.weight == 0.0:
            return
        scores, zeros = self.scores, self.zeros_unix_s
        burst = None if math.isinf(steps.size) else self.burst
        if burst:
            burst.take(events, bad, scores, between)
            found = list(burst.scores(steps, between[1]))
        else:
            pairs = zip(scores[steps.lowest :], steps.ups, steps.downs, strict=True)
            found = [score + bad * up - events * down for score, up, down in pairs]
        gain_max, score_max, still = bounds
        self.weight = 0.0
        for at, (new, threshold) in enumerate(
            zip(found, steps.thresholds, strict=True), steps.lowest
        ):
            score = scores[at]
            if score == 0.0:
                zeros[at] = between[0]
            most = min(score + threshold * gain_max, threshold * score_max)
            if bad and RATES[at] <= still:
                most = score
            kept = scores[at] = max(0.0, min(new, most))
            if burst and kept != new:
                burst.restart(at, kept)
            if kept > self.weight * threshold:
                self.weight, self.weight_at = kept / threshold, at

    def clear(self) -> None:
        """Begin anew."""
        self.scores = [0.0] * len(RATES)
        self.weight = 0.0
        self.burst = Burst()

    def forget_below(self, lowest: int) -> None:
        """Rates that are no longer looked for."""
        for at in range(lowest):
            self.scores[at] = 0.0
            self.burst.begun[at] = (0.0, 0.0, 0.0)

    @property
    def onset_unix_s(self) -> float:
        """When what it has evidence of most likely began."""
        return self.zeros_unix_s[self.weight_at]
