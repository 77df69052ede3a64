"""Faults by chance: what can happen to the installation, one entry a kind and a share.

    share     one model or one surface fails at 100, 50, 30, 10, 5, 2 %, with errors; models have
              telemetry and probes, surfaces of the web have probes alone
    hang      a model answers nothing, at 100, 45, 30 %; or the API at night, and nobody reports
    slow      the first token is late, at 100 and 50 %
    wrong     canaries are answered wrong, at 100 to 2 %
    whose     one provider, log-in only, shared network, one network or version of the clients,
              a provider without failover; the web chat by itself while a model fails as well, and
              the web chat of a model that has no other in its place
    waves     reports alone, each curve; a big outage elsewhere that spills over (sympathy)
    defence   a brigade; a flap of 5 min on, 5 min off; sources out of reach; pages unreadable

A seed draws the component, the instant within a week, the wave and the provider's lateness. Each
entry says what would be right: ``Expect``.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from penstock.sim.watching import installation as inst
from penstock.sim.watching.case import Case, Expect, Gap, How, Span, Wave, Words
from penstock.sim.watching.chance import Dice, pick
from penstock.sim.watching.crowd import VERSIONS, Curve
from penstock.watch.assessment import Culprit, Verdict
from penstock.watch.evidence import Kind, PageState

LEAD_S: Final = 900.0  # of evidence before anything happens
SHARES: Final = (1.0, 0.5, 0.3, 0.1, 0.05, 0.02)
FAULT_S: Final[dict[float, float]] = {  # long enough for the slowest to be found
    1.0: 600.0, 0.5: 900.0, 0.45: 900.0, 0.3: 1200.0, 0.1: 3600.0, 0.05: 7200.0, 0.02: 14_400.0,
}  # fmt: skip
TAIL_S: Final = 300.0
POST_LATE_S: Final = (300.0, 3600.0)  # a provider speaks so long after the onset, or not at all
SYMPATHY: Final = (0.02, 0.08)  # STATUS 5.4
NIGHT_HOUR: Final = 3.0
WEB_SURFACES: Final = (inst.WEB, inst.CONSOLE)
LIVE_MODELS: Final = tuple(one.component.id for one in inst.MODELS if one.exchanges_per_s)


class At(NamedTuple):
    """When and by which dice a case is drawn."""

    week_unix_s: float  # a Monday 00:00 UTC
    dice: Dice

    def onset(self) -> float:
        """Return an instant of the week, with room before it."""
        return self.week_unix_s + LEAD_S + self.dice.random() * (inst.WEEK_S - 2.0 * inst.HOUR_S)

    def one_of(self, options: Sequence[str]) -> str:
        """Return one of some words."""
        return options[pick(self.dice, len(options))]

    def between(self, low: float, high: float) -> float:
        """Return a number between two."""
        return low + (high - low) * self.dice.random()


class Entry(NamedTuple):
    """One kind of trouble."""

    name: str
    draw: Callable[[At], Case]


def entries() -> tuple[Entry, ...]:
    """Return all kinds, in a fixed order."""
    return tuple(_entries())


def _entries() -> Iterator[Entry]:
    for share in SHARES:
        yield Entry(f"model errors {share:.0%}", _model(share, How.ERROR))
        yield Entry(f"surface errors {share:.0%}", _surface(share))
        yield Entry(f"wrong content {share:.0%}", _model(share, How.WRONG))
    for share in (1.0, 0.45, 0.3):
        yield Entry(f"model hangs {share:.0%}", _model(share, How.HANG))
    for share in (1.0, 0.5):
        yield Entry(f"model slow {share:.0%}", _model(share, How.SLOW))
        yield Entry(f"provider {share:.0%}", _provider(share, has_failover=True))
        yield Entry(f"log-in {share:.0%}", _login(share))
        yield Entry(f"network {share:.0%}", _network(share))
    yield Entry("provider 30%", _provider(0.3, has_failover=True))
    yield Entry("provider without failover", _provider(1.0, has_failover=False))
    yield Entry("web chat, and a model beside it", _beside)
    yield Entry("web chat of one model 100%", _of_one_model(1.0))
    yield Entry("web chat of one model 50%", _of_one_model(0.5))
    yield Entry("silent hang at night", _night)
    for curve in (Curve.GROWING, Curve.SUDDEN, Curve.LARGE, Curve.LONG):
        yield Entry(f"reports alone, {curve.value}", _reports(curve))
    yield Entry("outage elsewhere", _elsewhere)
    yield Entry("one network of clients", _clients(is_network=True))
    yield Entry("one version of clients", _clients(is_network=False))
    for surface in (inst.WEB, inst.API, inst.LOGIN):
        yield Entry(f"brigade, {inst.BY_ID[surface].component.name}", _brigade(surface))
    yield Entry("flap", _flap)
    yield Entry("telemetry lost", _lost(Kind.TELEMETRY))
    yield Entry("probes lost", _lost(Kind.PROBES))
    yield Entry("all sources lost", _blind)
    yield Entry("page unreadable", _page_unreadable)


def _case(name: str, group: str, onset: float, fault_s: float, share: float = 0.0) -> Case:
    return Case(
        name=name,
        group=group,
        from_unix_s=onset - LEAD_S,
        to_unix_s=onset + fault_s + TAIL_S,
        onset_unix_s=onset,
        share=share,
    )


def _with(case: Case, spans: Sequence[Span], expect: Expect, **more: object) -> Case:
    hit = {one.component for one in spans}
    innocent = tuple(one.id for one in inst.COMPONENTS if one.id not in hit)
    return msgspec.structs.replace(
        case, spans=tuple(spans), expect=(expect,), innocent=innocent, **more
    )


def dragged(spans: Sequence[Span]) -> list[Span]:
    """Return the spans with those of routes that have no other model to fail over to."""
    found = list(spans)
    for component in inst.COMPONENTS:
        if component.fails_with_any:
            found.extend(
                Span(component.id, one.from_unix_s, one.to_unix_s, one.share, one.how, one.word)
                for one in spans
                if one.component in component.rests_on and one.how is not How.WRONG
            )
    return found


WORDS: Final = {
    How.ERROR: "http_5xx", How.HANG: "timeout", How.SLOW: "slow_ttft", How.WRONG: "wrong_content",
}  # fmt: skip


def _page(at: At, components: tuple[str, ...], onset: float, to_s: float) -> tuple[Words, ...]:
    late_s = at.between(*POST_LATE_S)
    return (Words(components, onset + late_s, to_s),) if onset + late_s < to_s else ()


def _model(share: float, how: How) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        model = at.one_of(inst.ALL_MODELS if how is How.WRONG else LIVE_MODELS)
        component = inst.BY_ID[model].component
        onset, lasts_s = at.onset(), FAULT_S[share]
        group = {How.ERROR: "share", How.WRONG: "wrong", How.HANG: "hang", How.SLOW: "slow"}[how]
        spans = dragged([Span(model, onset, onset + lasts_s, share, how, WORDS[how])])
        expect = Expect(
            components=(model,),
            from_unix_s=onset,
            to_unix_s=onset + lasts_s,
            verdict=Verdict.POSSIBLE if how is How.WRONG else Verdict.PROBLEM,
            culprits=(Culprit.MODEL,),
            culprit_name=component.family,
        )
        case = _case(f"model {how.value} {share:.0%}", group, onset, lasts_s, share)
        return _with(case, spans, expect, words=_page(at, (model,), onset, case.to_unix_s))

    return draw


def _surface(share: float) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        surface = at.one_of(WEB_SURFACES)
        onset, lasts_s = at.onset(), FAULT_S[share]
        expect = Expect(
            components=(surface,),
            from_unix_s=onset,
            to_unix_s=onset + lasts_s,
            culprits=(Culprit.US,),
        )
        case = _case(f"surface error {share:.0%}", "probes", onset, lasts_s, share)
        return _with(case, [Span(surface, onset, onset + lasts_s, share)], expect)

    return draw


def _wave(at: At, on: dict[str, float], onset: float, to_s: float) -> Wave:
    curve = (Curve.GROWING, Curve.SUDDEN, Curve.LARGE, Curve.LONG)[pick(at.dice, 4)]
    return Wave(
        from_unix_s=onset,
        to_unix_s=to_s,
        curve=curve,
        on=on,
        sympathy_ratio=at.between(*SYMPATHY),
        category="errors",
    )


def _provider(share: float, *, has_failover: bool) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        name = at.one_of(tuple(inst.PROVIDERS))
        models = inst.PROVIDERS[name]
        onset, lasts_s = at.onset(), FAULT_S[share]
        to_s = onset + lasts_s
        spans = dragged([Span(one, onset, to_s, share) for one in models])
        on = {one: 0.6 / len(models) for one in models} | {inst.API: 0.4}
        if not has_failover:
            part = share * len(models) / len(inst.ALL_MODELS)
            spans += [Span(one, onset, to_s, part) for one in (inst.API, inst.STREAMING, inst.WEB)]
            on = {inst.API: 0.5, inst.WEB: 0.5}
        expect = Expect(
            components=models,
            from_unix_s=onset,
            to_unix_s=to_s,
            culprits=(Culprit.PROVIDER,),
            culprit_name=name,
        )
        case = _case(f"provider {share:.0%}", "whose", onset, lasts_s, share)
        waves = (_wave(at, on, onset, to_s),)
        words = _page(at, models, onset, case.to_unix_s)
        return _with(case, spans, expect, waves=waves, words=words)

    return draw


def _beside(at: At) -> Case:
    """The web chat and log-in fail; and, from then on or later, a model does, in a few cases."""
    onset, lasts_s = at.onset(), 1200.0
    to_s = onset + lasts_s
    model = at.one_of(LIVE_MODELS)
    expect = Expect(
        components=(inst.WEB,),
        from_unix_s=onset,
        to_unix_s=to_s,
        culprits=(Culprit.US, Culprit.LOGIN),
        settle_s=lasts_s / 2.0,
    )
    share = at.between(0.1, 0.4)
    spans = [Span(one, onset, to_s, 0.9) for one in (inst.WEB, inst.LOGIN)]
    spans += dragged([Span(model, onset + at.between(0.0, 400.0), to_s, share)])
    wave = _wave(at, {inst.WEB: 0.6, inst.LOGIN: 0.4}, onset, to_s)
    return _with(_case("beside", "whose", onset, lasts_s, 0.9), spans, expect, waves=(wave,))


def _of_one_model(share: float) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        """The web chat asks one route, and that has one model."""
        onset, lasts_s = at.onset(), FAULT_S[share]
        to_s = onset + lasts_s
        expect = Expect(
            components=(inst.WEB,),
            from_unix_s=onset,
            to_unix_s=to_s,
            culprits=(Culprit.MODEL,),
            culprit_name=inst.BY_ID[inst.SONNET].component.family,
            settle_s=lasts_s / 2.0,
        )
        spans = dragged([Span(inst.SONNET, onset, to_s, share), Span(inst.WEB, onset, to_s, share)])
        return _with(_case("of one model", "whose", onset, lasts_s, share), spans, expect)

    return draw


def _login(share: float) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        onset, lasts_s = at.onset(), FAULT_S[share]
        to_s = onset + lasts_s
        expect = Expect(
            components=(inst.LOGIN,),
            from_unix_s=onset,
            to_unix_s=to_s,
            culprits=(Culprit.LOGIN,),
        )
        case = _case(f"log-in {share:.0%}", "whose", onset, lasts_s, share)
        spans = [Span(inst.LOGIN, onset, to_s, share, How.ERROR, "auth")]
        on = {inst.LOGIN: 0.7, inst.WEB: 0.3}
        return _with(case, spans, expect, waves=(_wave(at, on, onset, to_s),))

    return draw


def _network(share: float) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        onset, lasts_s = at.onset(), FAULT_S[share]
        to_s = onset + lasts_s
        word = at.one_of(("connect", "dns"))
        hit = [*inst.ALL_MODELS, inst.NETWORK, inst.WEB, inst.LOGIN, inst.CONSOLE, inst.API]
        hit += [inst.STREAMING, inst.BEST, inst.FAST, inst.CODE]
        expect = Expect(
            components=(inst.NETWORK, *inst.ALL_MODELS),
            from_unix_s=onset,
            to_unix_s=to_s,
            culprits=(Culprit.SHARED,),
        )
        spans = [Span(one, onset, to_s, share, How.ERROR, word) for one in hit]
        case = _case(f"network {share:.0%}", "whose", onset, lasts_s, share)
        on = {inst.WEB: 0.5, inst.API: 0.3, inst.LOGIN: 0.2}
        return _with(case, spans, expect, waves=(_wave(at, on, onset, to_s),))

    return draw


def _night(at: At) -> Case:
    day = pick(at.dice, 6)
    onset = at.week_unix_s + day * inst.DAY_S + (NIGHT_HOUR + at.dice.random()) * inst.HOUR_S
    share = 0.45
    to_s = onset + FAULT_S[share]
    hit = (inst.API, inst.STREAMING)
    expect = Expect(components=hit, from_unix_s=onset, to_unix_s=to_s, culprits=(Culprit.US,))
    case = _case("silent hang at night", "silent", onset, FAULT_S[share], share)
    spans = [Span(one, onset, to_s, share, How.HANG, "timeout") for one in hit]
    return _with(case, spans, expect)


def _reports(curve: Curve) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        onset = at.onset()
        lasts_s = 1200.0
        surface = at.one_of((inst.WEB, inst.LOGIN, inst.API))
        expect = Expect(
            components=(surface,),
            from_unix_s=onset,
            to_unix_s=onset + lasts_s,
            verdict=Verdict.POSSIBLE,
            most=Verdict.POSSIBLE,
        )
        # Nothing else sees it: probes come from elsewhere, and these callers never get through.
        case = _case(f"reports alone, {curve.value}", "reports", onset, lasts_s)
        wave = Wave(from_unix_s=onset, to_unix_s=case.to_unix_s, curve=curve, on={surface: 1.0})
        return _with(case, [], expect, waves=(wave,))

    return draw


def _elsewhere(at: At) -> Case:
    """A provider fails in public; what it shares nothing with gets sympathetic reports."""
    onset, lasts_s = at.onset(), 2400.0
    name = at.one_of(tuple(inst.PROVIDERS))
    models = inst.PROVIDERS[name]
    to_s = onset + lasts_s
    expect = Expect(
        components=models,
        from_unix_s=onset,
        to_unix_s=to_s,
        culprits=(Culprit.PROVIDER,),
        culprit_name=name,
    )
    case = _case("outage elsewhere", "sympathy", onset, lasts_s, 0.8)
    wave = Wave(
        from_unix_s=onset,
        to_unix_s=to_s,
        curve=Curve.LARGE,
        on={one: 1.0 / len(models) for one in models},
        scale=0.2,
        sympathy_ratio=at.between(*SYMPATHY),
    )
    spans = dragged([Span(one, onset, to_s, 0.8) for one in models])
    return _with(case, spans, expect, waves=(wave,))


def _clients(*, is_network: bool) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        onset, lasts_s = at.onset(), 1800.0
        surface = at.one_of((inst.WEB, inst.API))
        to_s = onset + lasts_s
        expect = Expect(
            components=(surface,),
            from_unix_s=onset,
            to_unix_s=to_s,
            verdict=Verdict.NONE if is_network else Verdict.POSSIBLE,
            most=Verdict.POSSIBLE,
            culprits=(Culprit.CLIENT, *((Culprit.NOBODY,) if is_network else ())),
        )
        words = "one network of clients" if is_network else "one version of clients"
        case = _case(words, "client", onset, lasts_s)
        wave = Wave(
            from_unix_s=onset,
            to_unix_s=to_s,
            curve=Curve.SUDDEN,
            on={surface: 1.0},
            networks=1 if is_network else 0,
            version="" if is_network else at.one_of(VERSIONS[1:]),
        )
        return _with(case, [], expect, waves=(wave,))

    return draw


def _brigade(surface: str) -> Callable[[At], Case]:
    def draw(at: At) -> Case:
        onset, lasts_s = at.onset(), 1500.0
        expect = Expect(
            components=(surface,),
            from_unix_s=onset,
            to_unix_s=onset + lasts_s,
            verdict=Verdict.NONE,
            most=Verdict.NONE,
            is_of_reports=True,
        )
        case = _case("brigade", "brigade", onset, lasts_s)
        wave = Wave(
            from_unix_s=onset,
            to_unix_s=onset + lasts_s,
            curve=Curve.AT_ONCE,
            on={surface: 1.0},
            networks=3,
        )
        return _with(case, [], expect, waves=(wave,))

    return draw


def _flap(at: At) -> Case:
    onset = at.onset()
    turns = [(onset + 600.0 * turn, onset + 600.0 * turn + 300.0) for turn in range(6)]
    expect = Expect(
        components=(inst.WEB,),
        from_unix_s=onset,
        to_unix_s=turns[-1][1],
        culprits=(Culprit.US,),
    )
    case = _case("flap", "flap", onset, turns[-1][1] - onset, 0.9)
    return _with(case, [Span(inst.WEB, low, high, 0.9) for low, high in turns], expect)


def _lost(kind: Kind) -> Callable[[At], Case]:
    """One source is out of reach; the other one carries on."""

    def draw(at: At) -> Case:
        case = _model(1.0, How.ERROR)(at)
        gap = Gap(kind, case.from_unix_s + LEAD_S / 2.0, case.to_unix_s)
        expect = case.expect[0]
        if kind is Kind.PROBES and expect.components == (inst.PRO,):
            # Nothing is known of its provider's other model, then: both names are right.
            either = (Culprit.MODEL, Culprit.PROVIDER)
            expect = msgspec.structs.replace(expect, culprits=either, culprit_name="")
        told = {"name": f"{kind.value} lost", "group": "lost", "gaps": (gap,), "expect": (expect,)}
        return msgspec.structs.replace(case, **told)

    return draw


def _blind(at: At) -> Case:
    """Every source is out of reach and nothing is wrong: that is no outage."""
    onset, lasts_s = at.onset(), 1200.0
    expect = Expect(
        components=(inst.API,),
        from_unix_s=onset,
        to_unix_s=onset + lasts_s,
        verdict=Verdict.NONE,
        most=Verdict.NONE,
    )
    gaps = [Gap(kind, onset, onset + lasts_s) for kind in (Kind.TELEMETRY, Kind.PROBES)]
    return _with(_case("all sources lost", "blind", onset, lasts_s), [], expect, gaps=tuple(gaps))


def _page_unreadable(at: At) -> Case:
    onset, lasts_s = at.onset(), 1800.0
    model = at.one_of(LIVE_MODELS)
    expect = Expect(
        components=(model,),
        from_unix_s=onset,
        to_unix_s=onset + lasts_s,
        verdict=Verdict.NONE,
        most=Verdict.NONE,
    )
    words = Words((model,), onset, onset + lasts_s, PageState.UNREADABLE)
    case = _case("page unreadable", "blind", onset, lasts_s)
    return _with(case, [], expect, words=(words,))
