"""A trial: a case played to a watch, and what it said when.

    found       the first of the expected components that reaches the expected verdict
    possible_s  from the onset to the first ``possible`` (or more) of an expected component
    problem_s   to the first ``problem``
    culprit     as told ``settle_s`` after it was found, or at the end of what is expected
    strays      innocent components that stood as a problem at any time
    murmurs     innocent components that stood as possible
    right       what is expected was said, and no more; and the culprit is among those that would
                be right
    oracle_s    when the oracle found it, on the same evidence

A watch is whoever has the five ears and ``judge``; the same dice play the same evidence to each.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from penstock.sim.watching.case import Case, Expect
from penstock.sim.watching.chance import Dice
from penstock.sim.watching.oracle import Race
from penstock.sim.watching.stream import Evidence, Pace, Stream
from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.evidence import Counts, Kind, Post, Probe, Report, Silence
from penstock.watch.settings import Settings

TICK_S: Final = 10.0
BEFORE_S: Final = 60.0  # while nothing has happened yet
NEAR_S: Final = 900.0  # what takes longer than this need not be known as exactly
LATER_S: Final = 30.0
FIFTH: Final = Settings().reporters_min  # report: fewer say nothing


class Ears(Protocol):
    """What ``watch.watch.Watch`` offers."""

    def on_probe(self, probe: Probe, /) -> None:
        """A probe has ended."""

    def on_counts(self, counts: Counts, /) -> None:
        """Telemetry has been read."""

    def on_report(self, report: Report, /) -> None:
        """Somebody has reported."""

    def on_post(self, post: Post, /) -> None:
        """A provider's page has been read."""

    def on_silence(self, silence: Silence, /) -> None:
        """A source is out of reach."""

    def judge(self, now_unix_s: float, /) -> Sequence[Assessment]:
        """Return what is known of every component."""
        ...


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one ``Expect``."""

    words: str
    component: str  # "": none of them
    possible_s: float | None
    problem_s: float | None
    first_report_s: float | None  # since the onset
    fifth_report_s: float | None  # fewer are no wave
    lasts_s: float
    culprit: Culprit
    culprit_name: str
    is_found: bool
    is_culprit_right: bool
    lead_s: float | None  # before the provider's own post
    reasons: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one trial has shown."""

    arm: str
    seed: int
    name: str
    group: str
    share: float
    onset_unix_s: float
    found: tuple[Found, ...]
    oracle_s: tuple[float | None, ...]  # at each of ``oracle.RATES``
    strays: tuple[str, ...]
    murmurs: tuple[str, ...]

    @property
    def is_component_right(self) -> bool:
        """Whether all that was expected was found, and nothing else was blamed."""
        return all(one.is_found for one in self.found) and not self.strays

    @property
    def is_culprit_right(self) -> bool:
        """Whether the fault was laid where it belongs."""
        return all(one.is_culprit_right for one in self.found)


class _Eye:
    """Looks for what one ``Expect`` expects."""

    def __init__(self, expect: Expect) -> None:
        self.expect = expect
        self.possible_at: float | None = None
        self.problem_at: float | None = None
        self.reports_at: list[float] = []
        self.component = ""
        self._told: Assessment | None = None

    def hear(self, evidence: Sequence[Evidence], onset_unix_s: float) -> None:
        expect = self.expect
        for one in evidence:
            if not isinstance(one, Report) or one.component not in expect.components:
                continue
            if one.at_unix_s >= onset_unix_s and len(self.reports_at) < FIFTH:
                self.reports_at.append(max(0.0, one.at_unix_s - expect.from_unix_s))

    def look(self, said: dict[str, Assessment], now_s: float) -> None:
        expect = self.expect
        if not expect.from_unix_s < now_s <= expect.to_unix_s:
            return
        for component in expect.components:
            one = said.get(component)
            if one is not None and one.verdict >= Verdict.POSSIBLE and self._counts(one):
                self._note(one, now_s)
        if self.component:
            found_at = self.problem_at if expect.verdict is Verdict.PROBLEM else self.possible_at
            is_open = found_at is None or now_s <= found_at + expect.settle_s
            if is_open and said[self.component].verdict:  # what is taken back says nothing
                self._told = said[self.component]

    def _counts(self, one: Assessment) -> bool:
        """Return whether it is said for a reason that is asked about."""
        if not self.expect.is_of_reports:
            return True
        return any(sign.verdict and sign.kind is Kind.REPORTS for sign in one.signs)

    def _note(self, one: Assessment, now_s: float) -> None:
        if self.possible_at is None:
            self.possible_at = now_s
            self.component = one.component
        if self.problem_at is None and one.verdict is Verdict.PROBLEM:
            self.problem_at = now_s
            self.component = one.component

    def is_settled(self, now_s: float) -> bool:
        """Whether nothing that comes can change what is said of it."""
        is_sure = self.expect.verdict is Verdict.PROBLEM and self.problem_at is not None
        return is_sure and now_s > (self.problem_at or 0.0) + self.expect.settle_s

    def result(self) -> Found:
        expect, told = self.expect, self._told
        culprit = told.culprit if told else Culprit.NOBODY
        name = told.culprit_name if told else ""
        reached = Verdict.NONE
        if self.possible_at is not None:
            reached = Verdict.POSSIBLE if self.problem_at is None else Verdict.PROBLEM
        is_found = expect.verdict <= reached <= expect.most
        is_named = not expect.culprit_name or name == expect.culprit_name
        is_right = not expect.culprits or (is_found and culprit in expect.culprits and is_named)
        spoke_s = expect.post_unix_s
        lead_s = spoke_s - self.possible_at if spoke_s and self.possible_at is not None else None
        return Found(
            words=expect.words,
            component=self.component,
            possible_s=_since(self.possible_at, expect.from_unix_s),
            problem_s=_since(self.problem_at, expect.from_unix_s),
            first_report_s=self.reports_at[0] if self.reports_at else None,
            fifth_report_s=self.reports_at[-1] if len(self.reports_at) == FIFTH else None,
            lasts_s=expect.to_unix_s - expect.from_unix_s,
            culprit=culprit,
            culprit_name=name,
            is_found=is_found,
            is_culprit_right=is_right,
            lead_s=lead_s,
            reasons=told.reasons if told else (),
        )


class Play(NamedTuple):
    """Who plays what; names for the result."""

    arm: str
    seed: int
    race: Race | None = None
    is_whole: bool = False  # to the end, also where all is known before


def _is_over(race: Race | None) -> bool:
    return race is None or None not in race.found_s


def paces(case: Case) -> Pace:
    """Return how long ticks are: as short as telemetry's while it matters to the second."""
    onsets = [one.from_unix_s for one in case.expect]

    def pace(at_s: float) -> float:
        if any(at_s - NEAR_S <= onset <= at_s + BEFORE_S for onset in onsets):
            return TICK_S
        return BEFORE_S if at_s < onsets[0] else LATER_S

    return pace


class _Blamed:
    """Innocent components that something was said of."""

    def __init__(self, case: Case) -> None:
        self._innocent = frozenset(case.innocent)
        self._onset = case.onset_unix_s
        self.strays: set[str] = set()
        self.murmurs: set[str] = set()

    def look(self, said: dict[str, Assessment], now_s: float) -> None:
        if now_s <= self._onset:
            return
        for one in said.values():
            if one.verdict and one.component in self._innocent:
                self.murmurs.add(one.component)
                if one.verdict is Verdict.PROBLEM:
                    self.strays.add(one.component)


def play(case: Case, watch: Ears, dice: Dice, who: Play) -> Finding:
    """Play a case to a watch, and return what it said."""
    eyes = [_Eye(one) for one in case.expect]
    blamed = _Blamed(case)
    for now_s, evidence in Stream(case, dice, paces(case)):
        for one in evidence:
            hear(watch, one)
        for eye in eyes:
            eye.hear(evidence, case.onset_unix_s)
        if who.race is not None:
            who.race.hear(evidence, now_s)
        said = {one.component: one for one in watch.judge(now_s)}
        for eye in eyes:
            eye.look(said, now_s)
        blamed.look(said, now_s)
        if not who.is_whole and all(one.is_settled(now_s) for one in eyes) and _is_over(who.race):
            break
    return Finding(
        arm=who.arm,
        seed=who.seed,
        name=case.name,
        group=case.group,
        share=case.share,
        onset_unix_s=case.onset_unix_s,
        found=tuple(eye.result() for eye in eyes),
        oracle_s=who.race.found_s if who.race else (),
        strays=tuple(sorted(blamed.strays)),
        murmurs=tuple(sorted(blamed.murmurs)),
    )


def hear(watch: Ears, evidence: Evidence) -> None:
    """Tell a watch one thing."""
    match evidence:
        case Counts():
            watch.on_counts(evidence)
        case Probe():
            watch.on_probe(evidence)
        case Report():
            watch.on_report(evidence)
        case Post():
            watch.on_post(evidence)
        case Silence():
            watch.on_silence(evidence)


def _since(at_s: float | None, from_s: float) -> float | None:
    return None if at_s is None else at_s - from_s
