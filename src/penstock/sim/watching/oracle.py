"""The oracle: a CUSUM that is told both rates, to measure ours against.

    told    the component, its healthy failure ratio with its dispersion, the share that the fault
            hits, and how it shows (failed, slow or wrong); of a hang also for how long it hangs
    adds    each tick: log P(what was seen | fault) - log P(what was seen | healthy)
              telemetry   negative binomial; under the fault plus a Poisson of count * share
              probes      one by one, of known ratios; a failed one soon after a failed one is less
                          news, or none: chance lasts for a while (``probe_again``)
    S       max(0, S + llr); it has found the fault at ``threshold``

The threshold is the one at which the oracle's own false alarms are as rare as those it is compared
at:
    with telemetry   they are counted on quiet evidence at low thresholds, where there are enough,
                     and the logarithm of their rate is drawn on as a straight line, as is right for
                     a CUSUM (Siegmund 1985)
    probes alone     a score moves in steps then, and nothing is a line: ``PROBE_MONTHS`` are
                     played failure by failure, with the probes that confirm, and the lowest level
                     that is rare enough is taken
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

RATES: Final = (1.0, 0.3, 0.1, 0.03)  # false alarms a component and 30 days, to compare at
MONTH_S: Final = 2_592_000.0
LEVELS: Final = tuple(1.5 + 0.25 * step for step in range(24))
ALARMS_MIN: Final = 8  # fewer say nothing of a rate
SLOPE_LEAST: Final = -0.3  # flatter than this is a step of few probes, and no line
POINTS_MIN: Final = 4  # fewer are no line
PROBE_MONTHS: Final = 200.0
PROBE_LEVELS: Final = tuple(2.0 + 0.5 * step for step in range(37))
MINUTE_S: Final = 60.0
TERMS_MAX: Final = 40  # of a sum over how many of the failures were the usual ones
TINY: Final = 1e-12
SHOWS: Final = {
    How.ERROR: ProbeResult.FAILED,
    How.HANG: ProbeResult.FAILED,
    How.SLOW: ProbeResult.SLOW,
    How.WRONG: ProbeResult.WRONG,
}


class Oracle:
    """One CUSUM of one component."""

    __slots__ = ("_count_ratio", "_failed_at", "_how", "_id", "_probe_ratio", "_share", "score")

    def __init__(self, profile: Profile, share: float, how: How) -> None:
        self._id = profile.component.id
        self._share = share
        self._how = how
        self._count_ratio = inst.SLOW_RATIO if how is How.SLOW else profile.failed_ratio
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
        self.score = max(0.0, self.score + self.ratio(evidence))
        return self.score

    def ratio(self, evidence: Iterable[Evidence]) -> float:
        """Return the logarithm of the likelihood ratio of a tick's evidence."""
        added = 0.0
        for one in evidence:
            if isinstance(one, Probe) and one.component == self._id:
                added += self._of_probe(one)
            elif isinstance(one, Counts) and one.component == self._id:
                added += self._of_counts(one)
        return added

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
        total = counts.good + counts.failed
        if self._how is How.WRONG or not total:
            return 0.0
        if self._how is How.SLOW:
            seen, shape = counts.slow, math.inf
        else:
            seen, shape = counts.failed, inst.BURST_SHAPE
        usual = likelihoods(total * self._count_ratio, shape, seen)
        healthy = usual[seen] if seen < len(usual) else TINY
        under = mixed(usual, seen, total * self._share)
        return math.log(max(TINY, under)) - math.log(max(TINY, healthy))


def likelihoods(mean: float, shape: float, upto: int) -> list[float]:
    """Return P(0), P(1) ... of a negative binomial; of a Poisson where the shape is infinite."""
    if mean <= 0.0:
        return [1.0]
    if math.isinf(shape):
        found = [math.exp(-mean)]
        for count in range(1, min(upto, TERMS_MAX) + 1):
            found.append(found[-1] * mean / count)
        return found
    ratio = mean / (mean + shape)
    found = [(shape / (mean + shape)) ** shape]
    for count in range(1, min(upto, TERMS_MAX) + 1):
        found.append(found[-1] * ratio * (shape + count - 1.0) / count)
    return found


def mixed(usual: Sequence[float], seen: int, mean: float) -> float:
    """Return P(seen) where a Poisson of this mean comes on top of the usual."""
    total = 0.0
    for count, chance in enumerate(usual):
        if count > seen:
            break
        more = seen - count
        total += chance * math.exp(more * math.log(mean) - mean - math.lgamma(more + 1.0))
    return total


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
    """How often an oracle would reach each of ``LEVELS`` on quiet evidence."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._scores = [0.0] * len(LEVELS)
        self.found = [0] * len(LEVELS)
        self.ticks = 0

    def hear(self, evidence: Iterable[Evidence]) -> None:
        """Take in a tick's evidence."""
        added = self._oracle.ratio(evidence)
        self.ticks += 1
        if added <= 0.0 and not any(self._scores):
            return
        for at, level in enumerate(LEVELS):
            score = max(0.0, self._scores[at] + added)
            if score >= level:
                self.found[at] += 1
                score = 0.0
            self._scores[at] = score

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
    points = list(_points(found, ticks))
    wanted = math.log(alarms_per_tick)
    if len(points) < POINTS_MIN:
        return -wanted  # where there are few: at most e^-h of a likelihood ratio (Lorden 1971)
    xs = [x for x, _ in points]
    ys = [y for _, y in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    if slope > SLOPE_LEAST:
        return -wanted
    return mean_x + (wanted - mean_y) / slope


def _points(found: Sequence[int], ticks: int) -> Iterator[tuple[float, float]]:
    for level, alarms in zip(LEVELS, found, strict=True):
        if ALARMS_MIN <= alarms <= ticks // 50:
            yield level, math.log(alarms / ticks)
