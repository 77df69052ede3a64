"""What is usual: a ratio of bad ones, and a rate of reports by hour of week.

Both learn from closed blocks of ten minutes, half an hour late, and only from blocks that no
suspicion touched: whoever drives them drops what an episode has touched. Both are shrunk to a
prior while young, and say the upper end of what they believe, so that a young baseline is slow to
alarm rather than quick. An odd block is cut to what the spread allows before it is learned: the
mean is robust.

    ratio   Beta posterior; events fade with half_life_s. Bad ones come in bursts: k, size of the
            negative binomial of a minute's bad ones, by moments of minutes
    rate    all hours -> hour of day -> hour of week, each shrunk to the one before (Gamma);
            between the middles of two hours it is interpolated. k by moments of blocks

Pure.
"""

import math
from typing import Final

import msgspec

from penstock.watch.settings import RatioSettings, Settings

BLOCK_S: Final = 600.0
BLOCK_MIN: Final = BLOCK_S / 60.0
HOUR_S: Final = 3600.0
HOURS_A_DAY: Final = 24
HOURS_A_WEEK: Final = 168
WEEK_START_UNIX_S: Final = 4 * 86_400.0  # 1970-01-05, a Monday
BURST_PRIOR: Final = 5.0  # in squared failures a minute
MOMENTS_AFTER_MIN: Final = 30.0
BURST_SD: Final = 6.0  # a minute's bad ones are cut there, before they say how bursty it is
BURST_MIN: Final = 0.1
BURST_MAX: Final = 10_000.0
CUT_SD: Final = 4.0
DAY_PRIOR_MIN: Final = 120.0  # minutes: after two hours an hour of day speaks for itself
WEEK_PRIOR_MIN: Final = 120.0
WEEK_MEMORY_MIN: Final = 8 * 60.0  # eight weeks of one hour
DAY_MEMORY_MIN: Final = 56 * 60.0
ALL_MEMORY_MIN: Final = 56 * 1440.0
DISPERSION_PRIOR: Final = 10.0  # in squared reports a block
DISPERSION_FADE: Final = 0.999  # a block: half of it is forgotten in five days
DISPERSION_MIN: Final = 0.05
DISPERSION_MAX: Final = 100.0


class RatioBaseline(msgspec.Struct, kw_only=True):
    """The usual ratio of bad ones, and how bursty they come."""

    events: float = 0.0
    bad: float = 0.0
    minutes: float = 0.0
    squares: float = 0.0
    excess: float = 0.0

    def mean_ratio(self, prior: RatioSettings) -> float:
        """What we believe, 0-1."""
        return (prior.prior_ratio * prior.prior_events + self.bad) / (
            prior.prior_events + self.events
        )

    def usual_ratio(self, prior: RatioSettings, settings: Settings) -> float:
        """The upper end of what we believe, between the floor and ``usual_max_ratio``.

        Bad ones that come in bursts tell less of their mean than as many that come one by one.
        """
        mean = self.mean_ratio(prior)
        bursts = 1.0
        if self.minutes:
            bursts += mean * self.events / self.minutes / self.size(prior, settings)
        variance = bursts * mean * (1.0 - mean) / (prior.prior_events + self.events)
        return min(settings.usual_max_ratio, max(prior.floor_ratio, mean + math.sqrt(variance)))

    def size(self, prior: RatioSettings, settings: Settings) -> float:
        """Size k of the negative binomial of a minute's bad ones; inf without dispersion."""
        if not settings.has_dispersion or math.isinf(prior.burst_prior):
            return math.inf
        prior_excess = BURST_PRIOR / prior.burst_prior
        found = (BURST_PRIOR + self.squares) / max(1e-9, prior_excess + self.excess)
        return min(BURST_MAX, max(BURST_MIN, found if found > 0.0 else BURST_MAX))

    def moments(
        self, events: float, bad: float, prior: RatioSettings, settings: Settings
    ) -> tuple[float, float]:
        """What one minute says of the size: the mean's square, and the excess of variance.

        Nothing while the mean is mostly belief: what is wrong with it would pass for bursts.
        """
        if self.minutes < MOMENTS_AFTER_MIN:
            return 0.0, 0.0
        mean = events * self.mean_ratio(prior)
        deviation = math.sqrt(mean + mean * mean / self.size(prior, settings))
        cut = min(bad, mean + BURST_SD * deviation + 2.0)
        return mean * mean, (cut - mean) ** 2 - cut

    def learn(
        self,
        counts: tuple[float, float],
        moments: tuple[float, float],
        prior: RatioSettings,
        settings: Settings,
    ) -> None:
        """One block of ten minutes that nothing was wrong in: events and bad ones."""
        events, bad = counts
        mean = events * max(self.mean_ratio(prior), prior.floor_ratio / 2)
        fade = 0.5 ** (BLOCK_S / settings.half_life_s)
        size = self.size(prior, settings) * BLOCK_MIN
        cut = mean + CUT_SD * math.sqrt(mean + mean * mean / size) + 1.0
        self.events = self.events * fade + events
        self.bad = self.bad * fade + min(bad, cut)
        self.minutes = self.minutes * fade + BLOCK_MIN
        self.squares = self.squares * fade + moments[0]
        self.excess = self.excess * fade + moments[1]


class RateBaseline(msgspec.Struct, kw_only=True):
    """Votes a minute that are usual, by hour of week, and their dispersion."""

    votes: float = 0.0
    minutes: float = 0.0
    day_votes: list[float] = msgspec.field(default_factory=lambda: [0.0] * HOURS_A_DAY)
    day_minutes: list[float] = msgspec.field(default_factory=lambda: [0.0] * HOURS_A_DAY)
    week_votes: list[float] = msgspec.field(default_factory=lambda: [0.0] * HOURS_A_WEEK)
    week_minutes: list[float] = msgspec.field(default_factory=lambda: [0.0] * HOURS_A_WEEK)
    squares: float = 0.0
    excess: float = 0.0

    def per_min(self, at_unix_s: float, settings: Settings) -> float:
        """Usual votes a minute at an instant, the upper end while young."""
        overall = self._overall(settings)
        shape = 1.0 + self.votes
        upper = 1.0 + 1.0 / math.sqrt(shape)
        if not settings.has_seasonality:
            return max(settings.report_floor_per_min, overall * upper)
        hours = (at_unix_s - WEEK_START_UNIX_S) / HOUR_S - 0.5
        first = math.floor(hours)
        share = hours - first
        rate = (1.0 - share) * self._of_hour(first, overall) + share * self._of_hour(
            first + 1, overall
        )
        return max(settings.report_floor_per_min, rate * upper)

    def dispersion(self, settings: Settings) -> float:
        """Size k of the negative binomial, for one minute; inf without dispersion."""
        if not settings.has_dispersion:
            return math.inf
        prior_excess = DISPERSION_PRIOR / (settings.dispersion_prior * BLOCK_MIN)
        block = (DISPERSION_PRIOR + self.squares) / max(1e-9, prior_excess + max(0.0, self.excess))
        return min(DISPERSION_MAX, max(DISPERSION_MIN, block / BLOCK_MIN))

    def learn(self, start_unix_s: float, votes: float, settings: Settings) -> None:
        """One block of ten minutes."""
        usual = self.per_min(start_unix_s + BLOCK_S / 2, settings) * BLOCK_MIN
        size = self.dispersion(settings) * BLOCK_MIN
        cut = min(votes, usual + CUT_SD * math.sqrt(usual + usual * usual / size) + 1.0)
        self.squares = self.squares * DISPERSION_FADE + usual * usual
        self.excess = self.excess * DISPERSION_FADE + (cut - usual) ** 2 - cut
        hour = int((start_unix_s - WEEK_START_UNIX_S) // HOUR_S)
        self.votes, self.minutes = _faded(self.votes, self.minutes, cut, ALL_MEMORY_MIN)
        _learn_hour(self.day_votes, self.day_minutes, hour % HOURS_A_DAY, cut, DAY_MEMORY_MIN)
        _learn_hour(self.week_votes, self.week_minutes, hour % HOURS_A_WEEK, cut, WEEK_MEMORY_MIN)

    def _overall(self, settings: Settings) -> float:
        prior_min = settings.report_prior_min
        prior = settings.report_prior_per_min * prior_min
        return (prior + self.votes) / (prior_min + self.minutes)

    def _of_hour(self, hour: int, overall: float) -> float:
        day, week = hour % HOURS_A_DAY, hour % HOURS_A_WEEK
        of_day = (overall * DAY_PRIOR_MIN + self.day_votes[day]) / (
            DAY_PRIOR_MIN + self.day_minutes[day]
        )
        return (of_day * WEEK_PRIOR_MIN + self.week_votes[week]) / (
            WEEK_PRIOR_MIN + self.week_minutes[week]
        )


def _learn_hour(
    votes: list[float], minutes: list[float], at: int, found: float, memory_min: float
) -> None:
    votes[at], minutes[at] = _faded(votes[at], minutes[at], found, memory_min)


def _faded(votes: float, minutes: float, found: float, memory_min: float) -> tuple[float, float]:
    """One block more; past ``memory_min`` the old fades as the new comes."""
    votes, minutes = votes + found, minutes + BLOCK_MIN
    if minutes <= memory_min:
        return votes, minutes
    return votes * memory_min / minutes, memory_min
