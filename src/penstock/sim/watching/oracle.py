"""The oracle: a CUSUM that is told both rates, to measure ours against.

    told    the component, its healthy failure ratio with its dispersion, the share that the fault
            hits, and how it shows (failed, slow or wrong); of a hang also for how long it hangs
    adds    each tick: log P(what was seen | fault) - log P(what was seen | healthy)
              telemetry   the minutes' factors are those of the installation (``BURST_S``), and
                          what a minute has shown so far says what its factor is: each tick is
                          binomial, given the factor, and the factor is summed over (``Factors``)
              probes      one by one, of known ratios; a failed one soon after a failed one is less
                          news, or none: chance lasts for a while (``probe_again``)
    S       max(0, S + llr); it has found the fault at ``threshold``

The threshold is the one at which the oracle's own false alarms are as rare as those it is compared
at:
    with telemetry   months of quiet telemetry and probes are played, of each model in turn, tick by
                     tick as the races are; excursions that reach a level are counted, and where
                     they are few their number falls by e^-h, as is right for a CUSUM of the true
                     likelihood ratio (Siegmund 1985)
    probes alone     a score moves in steps then, and nothing is a line: ``PROBE_MONTHS`` are
                     played failure by failure, with the probes that confirm, and the lowest level
                     that is rare enough is taken

Ticks of one minute are not independent, and must not be taken for it: an oracle that did (as this
one was, a negative binomial for each tick, its line drawn through the levels that three days reach)
stood at thresholds of 15.5 and 18 for a share of 10 and 5 %, which were to be rare as 0.3 a month.
Played for six months it alarmed three times a month there: one burst is a row of ticks, each news
to it, so the line bends. Rare enough it would have been at 22, and slower than ours. What is here
is the exact ratio: e^-h holds (0.3 a month at 12), and it is sooner than the old one was.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from penstock.sim.watching import installation as inst
from penstock.sim.watching.case import How
from penstock.sim.watching.chance import Dice
from penstock.sim.watching.installation import Profile
from penstock.sim.watching.stream import Evidence
from penstock.watch.confirming import GAP_S, Confirming
from penstock.watch.evidence import Counts, Probe, ProbeResult

# False alarms a component and 30 days, to compare at.
RATES: Final = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.1)
MONTH_S: Final = 2_592_000.0
LEVELS: Final = tuple(3.0 + 0.5 * step for step in range(20))
ALARMS_MIN: Final = 40  # fewer say too little of a rate
PROBE_MONTHS: Final = 200.0
PROBE_LEVELS: Final = tuple(2.0 + 0.25 * step for step in range(73))
MINUTE_S: Final = 60.0
FACTORS: Final = 20  # of a minute, between these logarithms: sums in place of an integral
FACTOR_LOGS: Final = (-7.0, 2.65)
TINY: Final = 1e-12
SHOWS: Final = {
    How.ERROR: ProbeResult.FAILED,
    How.HANG: ProbeResult.FAILED,
    How.SLOW: ProbeResult.SLOW,
    How.WRONG: ProbeResult.WRONG,
}


class Factors:
    """What a minute's factor may be, and how likely each is: if it is healthy, and under the fault.

    Where the score is nothing the fault begins now: until then all was healthy.
    """

    def __init__(self, ratio: float, share: float, shape: float) -> None:
        factors = _factors(shape)
        self._prior = [weight for _, weight in factors]
        usual = [min(1.0 - TINY, ratio * factor) for factor, _ in factors]
        after = [share + (1.0 - share) * one for one in usual]
        self._usual = [(math.log(one), math.log(1.0 - one)) for one in usual]
        self._after = [(math.log(one), math.log(max(TINY, 1.0 - one))) for one in after]
        self._block = -1.0
        self._seen = 0  # good ones of this minute, while the score was nothing
        self._healthy: list[float] | None = None
        self._fault: list[float] = self._prior

    def ratio(self, count: int, bad: int, at_unix_s: float, *, is_new: bool) -> float:
        """Return the logarithm of the likelihood ratio; ``is_new``: the score is nothing."""
        block = at_unix_s // inst.BURST_S
        if block != self._block:
            self._block, self._seen, self._healthy = block, 0, None
            if not is_new:
                self._healthy = self._fault = self._prior
        if is_new and not bad and self._healthy is None:  # it stays nothing
            self._seen += count
            return 0.0
        if self._healthy is None:
            self._healthy = _after(self._prior, self._usual, self._seen, 0)[0]
        if is_new:
            self._fault = self._healthy
        self._healthy, healthy = _after(self._healthy, self._usual, count, bad)
        self._fault, fault = _after(self._fault, self._after, count, bad)
        return fault - healthy


def _factors(shape: float) -> list[tuple[float, float]]:
    """Return factors of a minute and how likely each is: a Gamma of mean 1; 1 if it is infinite."""
    if math.isinf(shape):
        return [(1.0, 1.0)]
    low, high = FACTOR_LOGS
    step = (high - low) / (FACTORS - 1)
    factors = [math.exp(low + at * step) for at in range(FACTORS)]
    weights = [math.exp(shape * (math.log(one * shape) - one)) for one in factors]
    total = sum(weights)
    mean = sum(one * weight for one, weight in zip(factors, weights, strict=True)) / total
    return [(one / mean, weight / total) for one, weight in zip(factors, weights, strict=True)]


def _after(
    weights: Sequence[float], logs: Sequence[tuple[float, float]], count: int, bad: int
) -> tuple[list[float], float]:
    """Return the weights after ``bad`` of ``count``, and the logarithm of how likely that was."""
    good = count - bad
    likely = [bad * of_bad + good * of_good for of_bad, of_good in logs]
    # What is next to impossible under every factor must not vanish: pieces would add up to less.
    most = max(one for one, weight in zip(likely, weights, strict=True) if weight)
    found = [
        weight * math.exp(one - most) if weight else 0.0
        for one, weight in zip(likely, weights, strict=True)
    ]
    total = sum(found)
    return [one / total for one in found], most + math.log(total)


class Oracle:
    """One CUSUM of one component."""

    __slots__ = ("_factors", "_failed_at", "_how", "_id", "_probe_ratio", "_share", "score")

    def __init__(self, profile: Profile, share: float, how: How) -> None:
        self._id = profile.component.id
        self._share = share
        self._how = how
        is_slow = how is How.SLOW
        self._factors = Factors(
            max(TINY, inst.SLOW_RATIO if is_slow else profile.failed_ratio),
            share,
            math.inf if is_slow else inst.BURST_SHAPE,
        )
        self._probe_ratio = {
            How.ERROR: inst.PROBE_FAILED,
            How.HANG: inst.PROBE_FAILED,
            How.SLOW: inst.PROBE_SLOW,
            How.WRONG: inst.PROBE_WRONG,
        }[how]
        self._failed_at: float | None = None  # the last probe, if it did
        self.score = 0.0

    def hear(self, evidence: Iterable[Evidence]) -> float:
        """Take in a tick's evidence; return the score."""
        added = 0.0
        for one in evidence:
            if isinstance(one, Probe) and one.component == self._id:
                added += self._of_probe(one)
            elif isinstance(one, Counts) and one.component == self._id:
                added += self._of_counts(one)
        self.score = max(0.0, self.score + added)
        return self.score

    def _of_probe(self, probe: Probe) -> float:
        if probe.result is ProbeResult.UNKNOWN:
            return 0.0
        again = 0.0
        if self._failed_at is not None and SHOWS[self._how] is ProbeResult.FAILED:
            again = inst.probe_again(probe.at_unix_s - self._failed_at)
        self._failed_at = probe.at_unix_s if probe.result is ProbeResult.FAILED else None
        steps = _steps(self._probe_ratio, again, self._share)
        return steps.up if probe.result is SHOWS[self._how] else steps.down

    def _of_counts(self, counts: Counts) -> float:
        is_slow = self._how is How.SLOW
        count = counts.good if is_slow else counts.good + counts.failed
        if self._how is How.WRONG or not count:
            return 0.0
        bad = counts.slow if is_slow else counts.failed
        return self._factors.ratio(count, bad, counts.to_unix_s, is_new=self.score == 0.0)


class Race:
    """An oracle on the same evidence as a watch, with a threshold for each of ``RATES``."""

    def __init__(self, oracle: Oracle, thresholds: Sequence[float], onset_unix_s: float) -> None:
        self._oracle = oracle
        self._thresholds = thresholds
        self._onset = onset_unix_s
        self._found: list[float | None] = [None] * len(thresholds)

    def hear(self, evidence: Iterable[Evidence], now_s: float) -> None:
        """Take in a tick's evidence, and note when a threshold is reached."""
        score = self._oracle.hear(evidence)
        if now_s <= self._onset:
            return
        for at, threshold in enumerate(self._thresholds):
            if self._found[at] is None and score >= threshold:
                self._found[at] = now_s - self._onset

    @property
    def found_s(self) -> tuple[float | None, ...]:
        """Return how long after the onset each threshold was reached; None: never."""
        return tuple(self._found)


class Crossings:
    """How many excursions of an oracle reach each of ``LEVELS`` on quiet evidence."""

    def __init__(self) -> None:
        self.found = [0] * len(LEVELS)
        self.ticks = 0
        self._reached: dict[str, int] = {}  # levels, by this excursion

    def hear(self, name: str, score: float) -> None:
        """Take in an oracle's score of a tick."""
        self.ticks += 1
        reached = self._reached.get(name, 0)
        if score == 0.0:
            self._reached[name] = 0
        while reached < len(LEVELS) and score >= LEVELS[reached]:
            self.found[reached] += 1
            reached += 1
            self._reached[name] = reached

    def thresholds(self, tick_s: float) -> tuple[float, ...]:
        """Return the level for each of ``RATES``."""
        return tuple(threshold(self.found, self.ticks, rate * tick_s / MONTH_S) for rate in RATES)


def probe_thresholds(how: How, share: float, dice: Dice) -> tuple[float, ...]:
    """Return the level for each of ``RATES`` where there are probes alone."""
    failed = How.WRONG if how is How.WRONG else How.ERROR
    usual = inst.PROBE_WRONG if failed is How.WRONG else inst.PROBE_FAILED
    lasts = failed is How.ERROR
    first = _steps(usual, 0.0, share)
    found = [0] * len(PROBE_LEVELS)
    scores = [0.0] * len(PROBE_LEVELS)
    probes = round(PROBE_MONTHS * MONTH_S / MINUTE_S * inst.PROBES_PER_MIN)
    at = 0
    while at < probes:
        good = int(math.log(1.0 - dice.random()) / math.log(1.0 - usual))
        added = [first.up, *_confirmed(usual, share, dice, is_lasting=lasts)]
        at += good + len(added)
        _play_run(scores, found, good * first.down, added)
    return tuple(_rare_enough(found, rate * PROBE_MONTHS) for rate in RATES)


class _Steps(NamedTuple):
    """What a failed probe adds, and what a good one takes."""

    up: float
    down: float


def _confirmed(usual: float, share: float, dice: Dice, *, is_lasting: bool) -> Iterator[float]:
    """Yield what those add that follow a first bad one, until all is well again."""
    confirming, is_bad = Confirming(), True
    while True:
        is_soon = confirming.ended(ProbeResult.FAILED if is_bad else ProbeResult.GOOD)
        if not is_bad and not is_soon:
            return
        gone_s = GAP_S + inst.PROBE_S if is_soon else MINUTE_S / inst.PROBES_PER_MIN
        again = inst.probe_again(gone_s) if is_bad and is_lasting else 0.0
        steps = _steps(usual, again, share)
        is_bad = dice.random() < usual + (1.0 - usual) * again
        yield steps.up if is_bad else steps.down


def _steps(usual: float, again: float, share: float) -> _Steps:
    """``again``: the chance that what made the one before fail by chance is still there."""
    before = usual + (1.0 - usual) * again
    after = usual + (1.0 - usual) * share
    return _Steps(
        math.log(after / before), math.log(max(TINY, 1.0 - after) / max(TINY, 1.0 - before))
    )


def _play_run(scores: list[float], found: list[int], quiet: float, steps: Sequence[float]) -> None:
    """Take in good probes, then a bad one and those that follow it."""
    for at, level in enumerate(PROBE_LEVELS):
        score = max(0.0, scores[at] + quiet)
        for step in steps:
            score = max(0.0, score + step)
            if score >= level:
                found[at] += 1
                score = 0.0
        scores[at] = score


def _rare_enough(found: Sequence[int], most: float) -> float:
    for level, alarms in zip(PROBE_LEVELS, found, strict=True):
        if alarms <= most:
            return level
    return PROBE_LEVELS[-1]


def threshold(found: Sequence[int], ticks: int, alarms_per_tick: float) -> float:
    """Return the level at which false alarms are as rare as this."""
    wanted = math.log(alarms_per_tick)
    seen = [at for at, alarms in enumerate(found) if alarms >= ALARMS_MIN]
    if not seen:
        return -wanted  # where there are few: at most e^-h of a likelihood ratio (Lorden 1971)
    at = seen[-1]
    return LEVELS[at] + math.log(found[at] / ticks) - wanted
