"""The stream of evidence of a case, tick by tick, in order of time.

    each tick   counts of each component with telemetry, probes that ended, reports, what a
                provider's page says when it changes (and every ``PAGE_S``), sources out of reach
    hang        counted when the caller has left, and ended as a probe: ``HANG_S`` after it began
    slow        counted when the late first token is there: ``LATE_S`` after
    probes      evenly spaced, each component's by an offset of its own; after a bad one some follow
                at once (``watch/confirming.py``), of which each takes ``PROBE_S``, or ``HANG_S``

The same dice give the same stream, whoever listens: arms are compared on the same evidence.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from penstock.sim.watching import installation
from penstock.sim.watching.case import Case, How, Span, Wave
from penstock.sim.watching.chance import Dice, binomial, burst, overdispersed, poisson
from penstock.sim.watching.crowd import RATE_PER_S_MAX, Crowd, wave_mean
from penstock.sim.watching.installation import (
    BURST_S,
    BURST_SHAPE,
    PROBE_FAILED,
    PROBE_S,
    PROBE_SLOW,
    PROBE_UNKNOWN,
    PROBE_WRONG,
    REPORT_BLOCK_S,
    REPORT_SHAPE,
    SLOW_RATIO,
    Profile,
    probe_again,
    rhythm,
)
from penstock.watch.confirming import GAP_S, Confirming
from penstock.watch.evidence import (
    Counts,
    Kind,
    PageState,
    Post,
    Probe,
    ProbeResult,
    Report,
    Silence,
)

Evidence = Probe | Counts | Report | Post | Silence
Tick = tuple[float, list[Evidence]]
Pace = Callable[[float], float]  # from an instant to how long the tick is that begins then

HANG_S: Final = 15.0  # callers and probes leave after so long without a byte
LATE_S: Final = 8.0  # of a first token that is late
PAGE_S: Final = 60.0  # between two looks at a provider's page
MINUTE_S: Final = 60.0
SYMPATHY_SHAPE: Final = 2.0
DELAYS: Final = {How.ERROR: 0.0, How.WRONG: 0.0, How.HANG: HANG_S, How.SLOW: LATE_S}


class _Shares:
    """What goes wrong with one component, at any instant."""

    __slots__ = ("_spans",)

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = [
            (one.from_unix_s + DELAYS[one.how], one.to_unix_s + DELAYS[one.how], one)
            for one in spans
            if one.share > 0.0
        ]

    def at(self, at_unix_s: float) -> list[Span]:
        return [one for from_s, to_s, one in self._spans if from_s <= at_unix_s < to_s]


class _Source:
    """One component's telemetry and probes."""

    __slots__ = (
        "_blip_at",
        "_confirming",
        "_dice",
        "_factor",
        "_factor_at",
        "_is_confirming",
        "_late",
        "id",
        "next_probe",
        "profile",
        "shares",
    )

    def __init__(self, profile: Profile, shares: _Shares, dice: Dice, from_unix_s: float) -> None:
        self.profile = profile
        self.id = profile.component.id
        self.shares = shares
        self._dice = dice
        self._factor = 1.0
        self._factor_at = -1.0
        self._blip_at: float | None = None  # that it failed by chance, if it did so last
        self._confirming = Confirming()
        self._is_confirming = False
        self._late: Probe | None = None  # a confirming one that hangs, and ends later
        every_s = MINUTE_S / profile.probes_per_min if profile.probes_per_min else 0.0
        self.next_probe = from_unix_s + dice.random() * every_s if every_s else float("inf")

    def counts(self, from_unix_s: float, to_unix_s: float, level: float) -> Counts:
        """Return what its exchanges did."""
        dice, profile = self._dice, self.profile
        block = to_unix_s // BURST_S
        if block != self._factor_at:
            self._factor_at = block
            self._factor = burst(dice, BURST_SHAPE)
        span_s = to_unix_s - from_unix_s
        count = poisson(dice, profile.exchanges_per_s * level * span_s)
        failed = min(count, poisson(dice, count * profile.failed_ratio * self._factor))
        slow = min(count - failed, poisson(dice, count * SLOW_RATIO))
        by_kind = {"http_5xx": failed} if failed else {}
        for span in self.shares.at((from_unix_s + to_unix_s) / 2.0):
            good = count - failed
            if span.how is How.SLOW:
                slow = min(good, slow + binomial(dice, good - slow, span.share))
            elif span.how is not How.WRONG:
                hit = binomial(dice, good, span.share)
                failed += hit
                slow = min(slow, count - failed)
                if hit:
                    by_kind[span.word] = by_kind.get(span.word, 0) + hit
        return Counts(
            component=self.id,
            from_unix_s=from_unix_s,
            to_unix_s=to_unix_s,
            good=count - failed,
            failed=failed,
            slow=slow,
            by_kind=by_kind,
        )

    def probes(self, to_unix_s: float) -> Iterator[Probe]:
        """Yield the probes that ended up to an instant."""
        every_s = MINUTE_S / self.profile.probes_per_min if self.profile.probes_per_min else 0.0
        while self.next_probe <= to_unix_s:
            at_s = self.next_probe
            probe = self._late or self._probe(at_s)
            if self._late is None and self._is_confirming and self._hangs(probe):
                self.next_probe += HANG_S
                self._late = msgspec.structs.replace(probe, at_unix_s=self.next_probe)
                continue
            self._late = None
            self._is_confirming = self._confirming.ended(probe.result)
            self.next_probe += min(every_s, GAP_S + PROBE_S) if self._is_confirming else every_s
            yield probe

    def _hangs(self, probe: Probe) -> bool:
        """Whether it has failed by waiting: one at its interval is counted when it has ended."""
        hangs = {one.word for one in self.shares.at(probe.at_unix_s) if one.how is How.HANG}
        return probe.result is ProbeResult.FAILED and probe.how in hangs

    def _probe(self, at_unix_s: float) -> Probe:
        result, how = self._hit(at_unix_s)
        if result is ProbeResult.GOOD:
            result, how = self._mishap(at_unix_s)
        else:
            self._blip_at = None
        is_late = result is ProbeResult.SLOW
        return Probe(
            component=self.id,
            at_unix_s=at_unix_s,
            result=result,
            probe="fresh",
            how=how,
            ttft_s=9.0 if is_late else 0.6,
            total_s=12.0 if is_late else 1.6,
        )

    def _hit(self, at_unix_s: float) -> tuple[ProbeResult, str]:
        for span in self.shares.at(at_unix_s):
            if self._dice.random() < span.share:
                match span.how:
                    case How.SLOW:
                        return ProbeResult.SLOW, "slow_ttft"
                    case How.WRONG:
                        return ProbeResult.WRONG, "wrong_content"
                    case How.ERROR | How.HANG:
                        return ProbeResult.FAILED, span.word
        return ProbeResult.GOOD, ""

    def _mishap(self, at_unix_s: float) -> tuple[ProbeResult, str]:
        """Return how a probe ends while all is well: mostly well."""
        drawn = self._dice.random()
        again = probe_again(at_unix_s - self._blip_at) if self._blip_at is not None else 0.0
        failed = PROBE_FAILED + (1.0 - PROBE_FAILED) * again
        self._blip_at = at_unix_s if drawn < failed else None
        wrong = failed + (1.0 - again) * PROBE_WRONG * bool(self.profile.component.provider)
        if drawn < failed:
            return ProbeResult.FAILED, "timeout"
        if drawn < wrong:
            return ProbeResult.WRONG, "wrong_content"
        if drawn < wrong + PROBE_SLOW:
            return ProbeResult.SLOW, "slow_ttft"
        if drawn < wrong + PROBE_SLOW + PROBE_UNKNOWN:
            return ProbeResult.UNKNOWN, "no_budget"
        return ProbeResult.GOOD, ""


class Stream:
    """All evidence of a case."""

    def __init__(
        self,
        case: Case,
        dice: Dice,
        pace: float | Pace,
        profiles: Sequence[Profile] = installation.PROFILES,
    ) -> None:
        self.case = case
        self._profiles = profiles
        self._pace = pace
        self._dice = dice
        self._crowd = Crowd(dice)
        self._sources = [
            _Source(
                one,
                _Shares([span for span in case.spans if span.component == one.component.id]),
                dice,
                case.from_unix_s,
            )
            for one in profiles
        ]
        self._counted = [one for one in self._sources if one.profile.exchanges_per_s]
        self._blocks: dict[str, tuple[float, float]] = {}
        self._page_at = case.from_unix_s
        self._ids = [one.component.id for one in profiles]

    def __iter__(self) -> Iterator[Tick]:
        """Yield each tick's end, and what came in it."""
        at_s = self.case.from_unix_s
        while at_s < self.case.to_unix_s:
            tick_s = self._pace(at_s) if callable(self._pace) else self._pace
            next_s = min(self.case.to_unix_s, at_s + tick_s)
            yield next_s, self._tick(at_s, next_s)
            at_s = next_s

    def _tick(self, from_s: float, to_s: float) -> list[Evidence]:
        level = rhythm(to_s)
        lost = {one.kind for one in self.case.gaps if one.from_unix_s < to_s <= one.to_unix_s}
        probes = [one for source in self._sources for one in source.probes(to_s)]
        found: list[Evidence] = [] if Kind.PROBES in lost else [*probes]
        found.extend(self._reports(from_s, to_s, level))
        found.sort(key=_when)
        if Kind.TELEMETRY not in lost:
            found.extend(one.counts(from_s, to_s, level) for one in self._counted)
        found.extend(self._silences(lost, to_s))
        if to_s >= self._page_at:
            self._page_at += PAGE_S
            found.extend(self._posts(to_s))
        return found

    def _silences(self, lost: set[Kind], at_s: float) -> Iterator[Silence]:
        for kind in sorted(lost, key=lambda one: one.value):
            for source in self._sources:
                yield Silence(component=source.id, kind=kind, at_unix_s=at_s, why="out of reach")

    def _posts(self, at_s: float) -> Iterator[Post]:
        for words in self.case.words:
            if not words.from_unix_s <= at_s < words.to_unix_s:
                continue
            is_trouble = words.state is PageState.TROUBLE
            for component in words.components:
                yield Post(
                    component=component,
                    at_unix_s=at_s,
                    state=words.state,
                    words="Elevated errors" if is_trouble else "",
                    posted_unix_s=words.from_unix_s if is_trouble else 0.0,
                )

    # --- reports

    def _reports(self, from_s: float, to_s: float, level: float) -> Iterator[Report]:
        span_s = to_s - from_s
        for profile in self._profiles:
            mean = profile.reports_per_min * level * span_s / MINUTE_S
            if mean > 0.0:
                count = poisson(self._dice, mean * self._block(profile.component.id, to_s))
                for _ in range(count):
                    yield self._crowd.report(profile.component.id, self._within(from_s, to_s))
        for wave in self.case.waves:
            if from_s < wave.to_unix_s and to_s > wave.from_unix_s:
                yield from self._wave(wave, from_s, to_s)

    def _block(self, component: str, at_s: float) -> float:
        """Return a block's factor of a component's reports."""
        block = at_s // REPORT_BLOCK_S
        known = self._blocks.get(component)
        if known is None or known[0] != block:
            known = (block, burst(self._dice, REPORT_SHAPE))
            self._blocks[component] = known
        return known[1]

    def _wave(self, wave: Wave, from_s: float, to_s: float) -> Iterator[Report]:
        span_s = to_s - from_s
        mean = wave.scale * wave_mean(wave.curve, from_s - wave.from_unix_s, span_s)
        mean = min(mean, RATE_PER_S_MAX * span_s)
        for component, share in wave.on.items():
            for _ in range(poisson(self._dice, mean * share)):
                yield self._crowd.report_from(
                    component,
                    self._within(from_s, to_s),
                    wave.networks,
                    wave.version,
                    wave.category,
                )
        if wave.sympathy_ratio:
            for component in self._ids:
                if component not in wave.on:
                    count = overdispersed(self._dice, mean * wave.sympathy_ratio, SYMPATHY_SHAPE)
                    for _ in range(count):
                        yield self._crowd.report(component, self._within(from_s, to_s))

    def _within(self, from_s: float, to_s: float) -> float:
        return from_s + self._dice.random() * (to_s - from_s)


def _when(one: Evidence) -> float:
    match one:
        case Counts():
            return one.to_unix_s
        case _:
            return one.at_unix_s
