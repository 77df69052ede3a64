"""All that is known of one component: five detectors, a ballot, a page, an episode.

It takes events one by one, in order of time, and tells the signs that they give. Whether a source
lives is part of it: probes live while one said anything but unknown within stale_s; telemetry
while an exchange ended within stale_s; either is dead at once (silence_s) where it was told to be
silent, until it is heard again. What a dead source said before counts for nothing. Pure.
"""

import math
from typing import Final

import msgspec

from penstock.watch import accounting, words
from penstock.watch.accounting import Tally
from penstock.watch.assessment import Culprit, Sign, Verdict
from penstock.watch.component import State
from penstock.watch.confirming import BAD
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
from penstock.watch.ratio import RatioDetector, RatioState
from penstock.watch.settings import Settings
from penstock.watch.voting import Ballot, BallotState

ABOUT: Final = ("failed", "slow", "wrong")
DETECTORS: Final = (
    *((Kind.PROBES, about) for about in ABOUT),
    *((Kind.TELEMETRY, about) for about in ABOUT[:2]),
)
WORDS_MAX: Final = 200  # characters of a page's title


PROBES: Final = Kind.PROBES.value
TELEMETRY: Final = Kind.TELEMETRY.value

PAGE_WORDS: Final = "word from the provider's own page"
NO_PAGE: Final = Sign(
    kind=Kind.PAGE,
    verdict=Verdict.NONE,
    weight=0.0,
    words=words.silent(PAGE_WORDS, None),
    is_silent=True,
)
NO_REPORTS: Final = Sign(
    kind=Kind.REPORTS, verdict=Verdict.NONE, weight=0.0, words="nobody reported trouble lately"
)


class Episode(msgspec.Struct, kw_only=True):
    """From the first sign to the end of the last one."""

    onset_unix_s: float
    verdict: Verdict
    last_bad_unix_s: float = 0.0  # the last that bears out the verdict
    confirmed_unix_s: float = 0.0
    detected: dict[str, float] = {}
    state: State = State.OPERATIONAL  # the worst of hold_s
    state_unix_s: float = 0.0
    culprit: Culprit = Culprit.NOBODY  # as it was while most was seen
    culprit_name: str = ""
    culprit_since_unix_s: float = 0.0
    culprit_ratio: float = 0.0  # the most that failed while it was that one
    began_unix_s: float = 0.0  # the earliest that it may have; later, as more is known
    before: dict[str, Tally] = {}  # what it rests on -> its probes until that began to fail


class Memory(msgspec.Struct, kw_only=True):
    """All that is remembered of a component, as it is kept over a restart."""

    ratios: dict[str, RatioState] = {}
    ballot: BallotState = msgspec.field(default_factory=BallotState)
    heard: dict[str, float] = {}  # kind -> when it last spoke
    silent: dict[str, float] = {}  # kind -> since when it cannot be reached
    page: PageState = PageState.UNREADABLE
    page_words: str = ""
    page_unix_s: float = 0.0
    page_since_unix_s: float = 0.0
    episode: Episode | None = None
    at_unix_s: float = 0.0
    # Since the first that failed: when each probe ended, and whether it did; none while all is well
    probes: list[tuple[float, bool]] = []
    # How it was bad, and probe -> when the last such one began; until one is good
    bad_unix_s: dict[str, float] = {}


class Dossier:
    """One component's evidence; not thread-safe."""

    __slots__ = (
        "_exchanges",
        "_failed",
        "_late",
        "_of",
        "_settings",
        "_slow",
        "_wrong",
        "ballot",
        "id",
        "memory",
        "ratios",
    )

    def __init__(self, component: str, settings: Settings, memory: Memory) -> None:
        self.id = component
        self._settings = settings
        self.memory = memory
        self.ballot = Ballot(settings, memory.ballot)
        self.ratios: dict[tuple[Kind, str], RatioDetector] = {}
        for kind, about in DETECTORS:
            name = f"{kind.value}_{about}"
            state = memory.ratios.setdefault(name, RatioState())
            prior = getattr(settings, name.replace("probes", "probe"))
            self.ratios[kind, about] = RatioDetector(settings, prior, state)
        detectors = tuple(self.ratios.values())
        self._failed, self._slow, self._wrong, self._exchanges, self._late = detectors
        self._of = {Kind.PROBES: detectors[:3], Kind.TELEMETRY: detectors[3:]}

    def on_probe(self, probe: Probe, at_unix_s: float) -> None:
        """One probe: it fails, or it is late, or wrong, or none of these."""
        result = probe.result
        if result is ProbeResult.UNKNOWN:
            return
        self._hear(PROBES, at_unix_s)
        self._keep(at_unix_s, is_bad=result is ProbeResult.FAILED)
        slots, still = self._slots(probe, at_unix_s)
        if result is ProbeResult.FAILED:
            self._failed.take(at_unix_s, 0, 1, slots, still)
            self._failed.count_kind(at_unix_s, probe.how or "failed", 1.0)
            return
        self._failed.take(at_unix_s, 1, 0)
        if result is ProbeResult.WRONG:
            self._wrong.take(at_unix_s, 0, 1, slots, still)
            return
        self._wrong.take(at_unix_s, 1, 0)
        is_slow = result is ProbeResult.SLOW
        self._slow.take(at_unix_s, not is_slow, is_slow, slots, still)

    def on_counts(self, counts: Counts, at_unix_s: float) -> None:
        """Exchanges of a span: the failed of all, and the late of the good."""
        settings = self._settings
        good, failed = max(0, counts.good), max(0, counts.failed)
        if good + failed == 0:
            self.memory.silent.pop(TELEMETRY, None)
            return
        self._hear(TELEMETRY, at_unix_s)
        span_s = max(0.0, counts.to_unix_s - counts.from_unix_s) or settings.slot_s
        lately = min(1.0, settings.span_max_s / span_s)
        slots = span_s * lately / settings.slot_s
        self._exchanges.take(at_unix_s, good * lately, failed * lately, slots)
        for kind, number in counts.by_kind.items():
            self._exchanges.count_kind(at_unix_s, kind, number * lately)
        slow = min(max(0, counts.slow), good)
        if good:
            self._late.take(at_unix_s, (good - slow) * lately, slow * lately, slots)

    def on_report(self, report: Report, at_unix_s: float, spilled_per_min: float) -> None:
        """One person's word."""
        self.ballot.take(report, at_unix_s, spilled_per_min)

    def on_post(self, post: Post) -> None:
        """What the provider says; an unreadable page leaves what it said before."""
        memory = self.memory
        if post.state is PageState.UNREADABLE or post.at_unix_s < memory.page_unix_s:
            return
        if post.state is not memory.page:
            memory.page_since_unix_s = post.at_unix_s
        memory.page = post.state
        memory.page_words = post.words[:WORDS_MAX]
        memory.page_unix_s = post.at_unix_s

    def on_silence(self, silence: Silence) -> None:
        """A source cannot be reached."""
        if silence.at_unix_s >= self.memory.heard.get(silence.kind.value, 0.0):
            self.memory.silent.setdefault(silence.kind.value, silence.at_unix_s)

    def is_living(self, kind: Kind, now_unix_s: float) -> bool:
        """Whether this source says anything about now."""
        heard = self.memory.heard.get(kind.value)
        if heard is None or now_unix_s - heard > self._settings.stale_s:
            return False
        silent = self.memory.silent.get(kind.value)
        return silent is None or now_unix_s - silent <= self._settings.silence_s

    def strongest(self, kind: Kind, now_unix_s: float) -> tuple[str, RatioDetector, float]:
        """Of probes or telemetry: what stands out most, and its weight; 0 while it is dead."""
        best = ("failed", self._of[kind][0], 0.0)
        if not self.is_living(kind, now_unix_s):
            return best
        for about, detector in zip(ABOUT, self._of[kind], strict=False):
            if detector.weight > best[2]:
                best = (about, detector, detector.weight)
        return best

    def sign(self, kind: Kind, now_unix_s: float) -> Sign:
        """Of probes or telemetry: what stands out most."""
        settings = self._settings
        if not self.is_living(kind, now_unix_s):
            heard = self.memory.heard.get(kind.value)
            told = words.silent(kind.value, None if heard is None else now_unix_s - heard)
            return Sign(kind=kind, verdict=Verdict.NONE, weight=0.0, words=told, is_silent=True)
        about, detector, weight = self.strongest(kind, now_unix_s)
        verdict = Verdict((weight >= settings.possible_ratio) + (weight >= 1.0))
        counts = detector.window(now_unix_s - settings.window_s)
        if kind is Kind.PROBES:
            most = words.kind(detector.state.kinds)
            told = words.probes(about, counts, settings.window_s, most)
        else:
            most = words.kind(detector.state.kinds)
            told = words.telemetry(about, counts, detector.usual_ratio, most)
        since_unix_s = detector.onset_unix_s if verdict else 0.0
        return Sign(kind=kind, verdict=verdict, weight=weight, words=told, events=counts[0],
                    bad=counts[1], since_unix_s=since_unix_s, about=about)  # fmt: skip

    def report_sign(self, now_unix_s: float, *, is_healthy: bool, may_learn: bool) -> Sign:
        """Of reports: never more than possible."""
        ballot, settings = self.ballot, self._settings
        is_wave = ballot.judge(now_unix_s, is_healthy=is_healthy, may_learn=may_learn)
        if not ballot.reporters:
            return NO_REPORTS
        told = words.reports(
            ballot.reporters, ballot.networks, ballot.usual(now_unix_s), settings.vote_window_s
        )
        return Sign(
            kind=Kind.REPORTS,
            verdict=Verdict.POSSIBLE if is_wave else Verdict.NONE,
            weight=ballot.weight,
            words=told,
            events=ballot.reporters,
            bad=ballot.reporters,
            since_unix_s=ballot.state.onset_unix_s if is_wave else 0.0,
        )

    def page_sign(self, now_unix_s: float) -> Sign:
        """Of the provider's own page: never more than possible; not read, it says nothing."""
        memory = self.memory
        if not memory.page_unix_s:
            return NO_PAGE
        is_old = now_unix_s - memory.page_unix_s > self._settings.post_stale_s
        if is_old or memory.page is PageState.UNREADABLE:
            told = words.silent(PAGE_WORDS, now_unix_s - memory.page_unix_s)
            return Sign(kind=Kind.PAGE, verdict=Verdict.NONE, weight=0.0, words=told,
                        is_silent=True)  # fmt: skip
        if memory.page is PageState.GOOD:
            told = "the provider's own page says that all is well"
            return Sign(kind=Kind.PAGE, verdict=Verdict.NONE, weight=0.0, words=told)
        return Sign(
            kind=Kind.PAGE,
            verdict=Verdict.POSSIBLE,
            weight=self._settings.possible_ratio,
            words=words.page(memory.page_words),
            since_unix_s=memory.page_since_unix_s,
        )

    def _slots(self, probe: Probe, at_unix_s: float) -> tuple[float, float]:
        """How many times a probe may add what one may: less where it was so just before.

        And the chance that what made it so then, if by accident, is still there. Whoever was late
        has answered: one that fails next is news. One that waited for long has seen itself that it
        is no blip: its own time counts, too.
        """
        bad_unix_s = self.memory.bad_unix_s
        if probe.result not in BAD:
            for result in BAD:
                bad_unix_s.pop(f"{result.value} {probe.probe}", None)
            return 1.0, 0.0
        key = f"{probe.result.value} {probe.probe}"
        before_unix_s = bad_unix_s.get(key)
        bad_unix_s[key] = at_unix_s - probe.took_s
        if before_unix_s is None:
            return 1.0, 0.0
        gone_s = max(0.0, at_unix_s - before_unix_s)
        return min(1.0, gone_s / self._settings.again_s), math.exp(-gone_s / self._settings.blip_s)

    def _keep(self, at_unix_s: float, *, is_bad: bool) -> None:
        kept = self.memory.probes
        if is_bad or kept:
            kept.append((at_unix_s, is_bad))
        first_bad = next((at for at, (_, was_bad) in enumerate(kept) if was_bad), len(kept))
        del kept[: max(first_bad, len(kept) - accounting.PROBES_KEPT)]

    def _hear(self, kind: str, at_unix_s: float) -> None:
        memory = self.memory
        memory.heard[kind] = max(at_unix_s, memory.heard.get(kind, 0.0))
        if memory.silent:
            memory.silent.pop(kind, None)
