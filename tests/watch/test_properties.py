"""What the watch must hold for any evidence."""

import itertools
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from penstock.watch.assessment import Assessment, Verdict
from penstock.watch.component import Component, Layer, State
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
from penstock.watch.watch import Learned, Watch

T0 = 1_767_600_000.0
IDS = ("aaaaaaaaaaaa", "bbbbbbbbbbbb")
COMPONENTS = tuple(
    Component(id=one, name=one[:1], layer=Layer.SURFACE, surface=one[:1]) for one in IDS
)
Event = Probe | Counts | Report | Post | Silence

SECONDS = st.integers(0, 3600).map(lambda at_s: T0 + at_s)
COMPONENT = st.sampled_from(IDS)
SOME = st.integers(0, 50)
PROBES = st.builds(
    Probe, component=COMPONENT, at_unix_s=SECONDS, result=st.sampled_from(ProbeResult)
)
COUNTS = st.builds(
    Counts,
    component=COMPONENT,
    from_unix_s=st.just(T0 - 5.0),
    to_unix_s=SECONDS,
    good=SOME,
    failed=SOME,
    slow=SOME,
)
REPORTS = st.builds(
    Report,
    component=COMPONENT,
    at_unix_s=SECONDS,
    voter=st.integers(0, 500).map(str),
    network=SOME.map(str),
)
POSTS = st.builds(Post, component=COMPONENT, at_unix_s=SECONDS, state=st.sampled_from(PageState))
SILENCES = st.builds(Silence, component=COMPONENT, at_unix_s=SECONDS, kind=st.sampled_from(Kind))
EVENTS = st.lists(st.one_of(PROBES, COUNTS, REPORTS, POSTS, SILENCES), max_size=60)


def tell(watch: Watch, event: Event) -> None:
    match event:
        case Probe():
            watch.on_probe(event)
        case Counts():
            watch.on_counts(event)
        case Report():
            watch.on_report(event)
        case Post():
            watch.on_post(event)
        case Silence():
            watch.on_silence(event)


def instant(event: Event) -> float:
    return event.to_unix_s if isinstance(event, Counts) else event.at_unix_s


def play(watch: Watch, events: list[Event], every_s: int = 60) -> list[tuple[Assessment, ...]]:
    said: list[tuple[Assessment, ...]] = []
    left = sorted(events, key=instant)
    for now_s in range(0, 3700, every_s):
        while left and instant(left[0]) <= T0 + now_s:
            tell(watch, left.pop(0))
        said.append(watch.judge(T0 + now_s))
    return said


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_within_a_judgement_does_not_matter(
    events: list[Event], dice: random.Random
) -> None:
    one, other = Watch(COMPONENTS), Watch(COMPONENTS)
    mixed = list(events)
    dice.shuffle(mixed)
    posts = (event for event in events if isinstance(event, Post))  # of one page: read in turn
    mixed = [next(posts) if isinstance(event, Post) else event for event in mixed]
    for event, moved in zip(events, mixed, strict=True):
        tell(one, event)
        tell(other, moved)
    assert one.judge(T0 + 3600) == other.judge(T0 + 3600)


@settings(max_examples=20)
@given(EVENTS, EVENTS)
def test_what_is_learned_says_the_same_from_then_on(
    before: list[Event], after: list[Event]
) -> None:
    watch = Watch(COMPONENTS)
    play(watch, before, 300)
    for event in after:
        tell(watch, event)
    kept = msgspec.json.decode(msgspec.json.encode(watch.learned()), type=Learned)
    again = Watch(COMPONENTS, learned=kept)
    for now_s in range(3700, 5000, 100):
        assert again.judge(T0 + now_s) == watch.judge(T0 + now_s)
    assert again.learned() == watch.learned()


@given(st.lists(st.one_of(REPORTS, POSTS), max_size=100))
def test_reports_and_pages_never_make_a_problem(events: list[Event]) -> None:
    for said in play(Watch(COMPONENTS), events):
        for one in said:
            assert one.verdict < Verdict.PROBLEM
            assert one.state is State.UNKNOWN


@given(st.lists(st.one_of(SILENCES, PROBES.filter(lambda one: one.result is ProbeResult.UNKNOWN))))
def test_what_is_unknown_says_nothing(events: list[Event]) -> None:
    for said in play(Watch(COMPONENTS), events):
        assert {(one.verdict, one.state) for one in said} == {(Verdict.NONE, State.UNKNOWN)}


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 2))
def test_a_brigade_is_none_while_probes_are_healthy(
    per_tick: int, networks: int, others: int
) -> None:
    watch = Watch(COMPONENTS)
    voters = itertools.count()
    for at_s in range(0, 1800, 15):
        watch.on_probe(Probe(component=IDS[0], at_unix_s=T0 + at_s, result=ProbeResult.GOOD))
        for at in range(per_tick if at_s >= 300 else 0):
            watch.on_report(
                Report(
                    component=IDS[0],
                    at_unix_s=T0 + at_s - at,
                    voter=f"v{next(voters)}",
                    network=f"n{at % networks}",
                )
            )
        if at_s % 600 < 15 * others:
            watch.on_report(
                Report(
                    component=IDS[0],
                    at_unix_s=T0 + at_s,
                    voter=f"v{next(voters)}",
                    network=f"o{at_s}",
                )
            )
        assert watch.judge(T0 + at_s)[0].verdict is Verdict.NONE


def weights(watch: Watch, events: list[Probe]) -> list[float]:
    for event in events:
        watch.on_probe(event)
    said = watch.judge(events[-1].at_unix_s)[0]
    return [sign.weight for sign in said.signs if sign.kind is Kind.PROBES]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 59))
def test_one_failure_more_never_weighs_less(results: list[bool], at: int) -> None:
    def stream(good: list[bool]) -> list[Probe]:
        return [
            Probe(
                component=IDS[0],
                at_unix_s=T0 + 15.0 * number,
                result=ProbeResult.GOOD if is_good else ProbeResult.FAILED,
            )
            for number, is_good in enumerate(good)
        ]

    worse = list(results)
    worse[at % len(worse)] = False
    before = weights(Watch(COMPONENTS), stream(results))
    after = weights(Watch(COMPONENTS), stream(worse))
    assert after[0] >= min(1.0, before[0]) - 1e-9


@pytest.mark.parametrize("share", [0, 1, 2, 6, 30])
@pytest.mark.parametrize("span_s", [1, 5, 15, 60])
def test_any_chunking_of_counts_finds_the_same(share: int, span_s: int) -> None:
    """60 exchanges a second, ``share`` of them failing from the 121st minute on."""
    watch = Watch(COMPONENTS)
    found_s = 0
    for at_s in range(span_s, 8400 + span_s, span_s):
        failed = share * span_s if at_s > 7200 else (at_s % 60 == 0)
        watch.on_counts(
            Counts(
                component=IDS[0],
                from_unix_s=T0 + at_s - span_s,
                to_unix_s=T0 + at_s,
                good=60 * span_s - failed,
                failed=failed,
            )
        )
        if at_s % 60 == 0 and watch.judge(T0 + at_s)[0].verdict is Verdict.PROBLEM:
            found_s = found_s or at_s
    assert (found_s > 0) is (share > 0)
    if found_s:
        assert 7200 < found_s <= (7320 if share > 1 else 7800)


class WatchMachine(RuleBasedStateMachine):
    """Whatever comes in whatever order, and however the watch is restarted."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = Watch(COMPONENTS)
        self.now_s = 0.0
        self.said: tuple[Assessment, ...] = ()
        self.has_evidence = False

    @rule(for_s=st.floats(0.0, 900.0))
    def judge(self, for_s: float) -> None:
        self.now_s += for_s
        self.said = self.watch.judge(T0 + self.now_s)

    @rule(result=st.sampled_from(ProbeResult), number=st.integers(1, 8), component=COMPONENT)
    def probe(self, result: ProbeResult, number: int, component: str) -> None:
        self.has_evidence |= result is not ProbeResult.UNKNOWN
        for at in range(number):
            at_unix_s = T0 + self.now_s - at
            self.watch.on_probe(Probe(component=component, at_unix_s=at_unix_s, result=result))

    @rule(good=st.integers(0, 99), failed=st.integers(0, 99), component=COMPONENT)
    def count(self, good: int, failed: int, component: str) -> None:
        self.has_evidence |= good + failed > 0
        self.watch.on_counts(
            Counts(
                component=component,
                from_unix_s=T0 + self.now_s - 5,
                to_unix_s=T0 + self.now_s,
                good=good,
                failed=failed,
            )
        )

    @rule(voters=st.sets(st.integers(0, 99)), networks=st.integers(1, 50), component=COMPONENT)
    def report(self, voters: set[int], networks: int, component: str) -> None:
        for voter in voters:
            self.watch.on_report(
                Report(
                    component=component,
                    at_unix_s=T0 + self.now_s,
                    voter=f"v{voter}",
                    network=f"n{voter % networks}",
                )
            )

    @rule(event=st.one_of(POSTS, SILENCES))
    def hear(self, event: Post | Silence) -> None:
        tell(self.watch, msgspec.structs.replace(event, at_unix_s=T0 + self.now_s))

    @rule()
    def restart(self) -> None:
        kept = msgspec.json.decode(msgspec.json.encode(self.watch.learned()), type=Learned)
        self.watch = Watch(COMPONENTS, learned=kept)

    @rule()
    def list_changes(self) -> None:
        self.watch.use(COMPONENTS[::-1])
        self.watch.use(COMPONENTS)

    @invariant()
    def what_is_said_fits(self) -> None:
        for one in self.said:
            assert (one.verdict is Verdict.PROBLEM) <= self.has_evidence
            assert (one.verdict is Verdict.NONE) == (one.onset_unix_s == 0.0)
            assert one.onset_unix_s <= one.at_unix_s
            assert one.verdict is not Verdict.PROBLEM or one.confirmed_unix_s > 0.0
            assert one.failing_ratio is None or 0.0 <= one.failing_ratio <= 1.0
            assert len(one.signs) == 4
            living = [sign for sign in one.signs[1:3] if not sign.is_silent]
            assert (one.state is State.UNKNOWN) is not bool(living)


WatchMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestWatchMachine = WatchMachine.TestCase
