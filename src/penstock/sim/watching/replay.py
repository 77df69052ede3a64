"""Drills as cases: what a real outage would have been to the installation.

surfaces    web, mobile -> web chat; login -> log-in; console -> console
            api, api:text -> all models of the provider (an installation is its customer)
            api:gemini, api:bedrock, auth behind them -> the models that rest on them
            model:<name> -> the family; what the installation does not have is left out
            of a shared dependency (Cloudflare) -> the network, too
numbers     as ``sim.drills.numbers`` has them: ``notes`` says what was assumed or chosen
together    one surface's shares add up; of several that are one component here the largest
time        the hour of the week is the drill's own, in the week that is given. A stretch
            between two changes that is longer than ``STRETCH_MAX_S`` is cut, a ramp in it is
            compressed; onset, changes and end are kept. Uncut: as it was, to the second
reports     a wave from the first phase on, by what is published; none where users would not
            have known (wrong content). A file of the user's own may state its waves: then these
expected    for each phase and class of components: found, and whose fault
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from penstock.sim.drills.drill_file import Drill, Drills, Phase, Ramp
from penstock.sim.drills.numbers import Numbers
from penstock.sim.watching import installation as inst
from penstock.sim.watching.case import Case, Expect, How, Span, Wave, Words
from penstock.sim.watching.catalogue import LEAD_S, TAIL_S, dragged
from penstock.sim.watching.crowd import MINUTE_S, POINTS, Curve
from penstock.watch.assessment import Culprit, Verdict

STRETCH_MAX_S: Final = 1500.0
STRETCH_RARE_S: Final = 14_400.0  # where little goes wrong, as long as it takes to see it
RARE_RATIO: Final = 0.08
STEP_S: Final = 300.0  # a ramp as steps
SETTLE_S: Final = 180.0
FOLLOW_S: Final = (
    900.0  # where the scope changes in the middle, what has ended is held for a while;
)
# and where little fails, its parts are found minutes apart
LEAST_RATIO: Final = 0.001
SYMPATHY_RATIO: Final = 0.04
LARGE_PEAK: Final = 10_000
WHOLE_PEAK: Final = 5000.0  # of the curve that is scaled to a published peak

KINDS: Final[Mapping[str, tuple[How, str]]] = {
    "http_400": (How.ERROR, "http_4xx"),
    "http_429": (How.ERROR, "http_429"),
    "auth_error": (How.ERROR, "auth"),
    "connect_error": (How.ERROR, "connect"),
    "dns_failure": (How.ERROR, "dns"),
    "hang": (How.HANG, "timeout"),
    "slow_ttft": (How.SLOW, "slow_ttft"),
    "stream_cut": (How.ERROR, "stream_cut"),
    "wrong_content": (How.WRONG, "wrong_content"),
    "corrupt_tokens": (How.WRONG, "wrong_content"),
    "login_loop": (How.ERROR, "auth"),
    "challenge_block": (How.ERROR, "challenge"),
}
SURFACES: Final[Mapping[str, str]] = {
    "web": inst.WEB, "mobile": inst.WEB, "login": inst.LOGIN, "console": inst.CONSOLE,
}  # fmt: skip
BEHIND: Final[Mapping[str, tuple[str, ...]]] = {  # an API's name -> models that rest on it
    "api": (),
    "api:text": (),
    "api:gemini": inst.PROVIDERS["google"],
    "api:bedrock": inst.PROVIDERS["anthropic"],
}
FAMILIES: Final[Mapping[str, str]] = {
    "opus": inst.OPUS, "sonnet": inst.SONNET, "haiku": inst.HAIKU, "gpt": inst.GPT,
}  # fmt: skip
SHARED: Final = frozenset({"cloudflare"})


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A drill as a case."""

    drill: Drill
    case: Case
    notes: tuple[str, ...]  # what was assumed or chosen


class _Clock:
    """From the drill's time to the case's."""

    def __init__(self, drill: Drill, shift_s: float, longest_s: Callable[[float], float]) -> None:
        edges = {one.start_unix_s for one in drill.phases} | {
            one.end_unix_s for one in drill.phases
        }
        self._edges = sorted(edges)
        self._at = [self._edges[0] + shift_s]
        for low, high in zip(self._edges, self._edges[1:], strict=False):
            self._at.append(self._at[-1] + min(high - low, longest_s(low)))

    def of(self, edge_unix_s: float) -> float:
        """Return when an edge of a phase is."""
        return self._at[self._edges.index(edge_unix_s)]

    def stretches(self) -> Iterator[tuple[float, float, float, float]]:
        """Yield (from, to) of the drill and (from, to) of the case."""
        for at in range(len(self._edges) - 1):
            yield self._edges[at], self._edges[at + 1], self._at[at], self._at[at + 1]


def replay(
    drills: Drills, drill: Drill, week_unix_s: float | None, *, is_whole: bool = False
) -> Replay:
    """Return a drill as a case of the week that begins at an instant, or of its own time."""
    begin_s = drill.start_unix_s
    own_week_s = begin_s - (begin_s - inst.MONDAY_UNIX_S) % inst.WEEK_S
    shift_s = 0.0 if week_unix_s is None else week_unix_s - own_week_s
    numbers = Numbers(drills, drill)

    def longest_s(at_unix_s: float) -> float:
        running = [one for one in drill.phases if one.start_unix_s <= at_unix_s < one.end_unix_s]
        is_rare = any(sum(numbers.of(one).values()) < RARE_RATIO for one in running)
        return float("inf") if is_whole else STRETCH_RARE_S if is_rare else STRETCH_MAX_S

    clock = _Clock(drill, shift_s, longest_s)
    spans = dragged(list(_spans(drill, numbers, clock)))
    onset = clock.of(begin_s)
    end = max(clock.of(one.end_unix_s) for one in drill.phases)
    hit = {one.component for one in spans}
    case = Case(
        name=drill.id,
        group="drill",
        from_unix_s=onset - LEAD_S,
        to_unix_s=end + TAIL_S,
        onset_unix_s=onset,
        spans=tuple(spans),
        waves=tuple(_waves(drill, spans, onset, end)),
        words=tuple(_words(drill, clock, hit, end)),
        expect=tuple(_expect(drill, numbers, clock)),
        innocent=tuple(one.id for one in inst.COMPONENTS if one.id not in hit),
    )
    return Replay(drill=drill, case=case, notes=tuple(numbers.notes))


def components_of(drill: Drill, surface: str) -> tuple[str, ...]:
    """Return what a surface of a drill is in the installation; empty: it has no such thing."""
    base, _, name = surface.partition("@")[0].partition(":")
    if base in SURFACES:
        shared = (inst.NETWORK,) if drill.provider in SHARED else ()
        return (SURFACES[base], *shared)
    if base == "model":
        return tuple(one for family, one in FAMILIES.items() if name.startswith(family))
    whole = surface.partition("@")[0]
    if whole in BEHIND:
        return BEHIND[whole] or inst.PROVIDERS.get(drill.provider, ())
    return ()


def _spans(drill: Drill, numbers: Numbers, clock: _Clock) -> Iterator[Span]:
    for low, high, from_s, to_s in clock.stretches():
        phases = [one for one in drill.phases if one.start_unix_s <= low < one.end_unix_s]
        is_ramp = any(isinstance(one.shape, Ramp) for one in phases)
        scale = (high - low) / (to_s - from_s) if is_ramp else 1.0
        at_s = from_s
        while at_s < to_s:
            until_s = min(to_s, at_s + STEP_S)
            middle = low + ((at_s + until_s) / 2.0 - from_s) * scale
            yield from _step(drill, numbers, phases, middle, (at_s, until_s))
            at_s = until_s


def _step(
    drill: Drill,
    numbers: Numbers,
    phases: Sequence[Phase],
    at_unix_s: float,
    span: tuple[float, float],
) -> Iterator[Span]:
    """Yield what goes wrong in one step."""
    largest: dict[str, dict[str, float]] = {}
    for surface, mine in _by_surface(numbers, phases, at_unix_s).items():
        for component in components_of(drill, surface):
            if sum(mine.values()) > sum(largest.get(component, {}).values()):
                largest[component] = mine
    for component, mine in largest.items():
        for kind, share in mine.items():
            if share >= LEAST_RATIO:
                how, word = KINDS.get(kind, (How.ERROR, "http_5xx"))
                yield Span(component, *span, min(1.0, share), how, word)


def _by_surface(
    numbers: Numbers, phases: Sequence[Phase], at_unix_s: float
) -> dict[str, dict[str, float]]:
    """Return kind -> share of each surface: of phases that run together they add up."""
    found: dict[str, dict[str, float]] = {}
    for phase in phases:
        shares = numbers.at(phase, at_unix_s)
        for surface in phase.surfaces:
            mine = found.setdefault(surface, {})
            for kind, share in shares.items():
                mine[kind] = mine.get(kind, 0.0) + share
    return found


def _waves(drill: Drill, spans: Sequence[Span], onset: float, end: float) -> Iterator[Wave]:
    told = drill.user_reports
    seen = {one.component for one in spans if one.how is not How.WRONG}
    surfaces = [one for one in (inst.WEB, inst.LOGIN, inst.CONSOLE) if one in seen]
    targets = surfaces or sorted(seen & set(inst.ALL_MODELS))
    if not targets:
        return
    if drill.waves:
        yield from _stated(drill, targets, onset, end)
        return
    peak = (told.peak or told.peak_us or 0) if told else 0
    curve = Curve.SUDDEN if not peak else Curve.LARGE if peak >= LARGE_PEAK else Curve.LONG
    yield Wave(
        from_unix_s=onset,
        to_unix_s=end,
        curve=curve,
        on={one: 1.0 / len(targets) for one in targets},
        scale=peak / WHOLE_PEAK if curve is Curve.LONG else 1.0,
        sympathy_ratio=SYMPATHY_RATIO,
    )


def _stated(drill: Drill, targets: Sequence[str], onset: float, end: float) -> Iterator[Wave]:
    """Yield the user's own waves, in pieces over which reports come evenly."""
    points = POINTS[Curve.SUDDEN]
    for wave in drill.waves:
        meant = [one for name in wave.surfaces for one in components_of(drill, name)]
        on = list(dict.fromkeys(meant)) or targets
        at_s, until_s = onset + wave.from_s, min(end, onset + wave.to_s)
        while at_s < until_s:
            piece_end_s = min(until_s, at_s + points.minutes * MINUTE_S)
            yield Wave(
                from_unix_s=at_s,
                to_unix_s=piece_end_s,
                curve=Curve.SUDDEN,
                on={one: 1.0 / len(on) for one in on},
                scale=wave.per_min * points.minutes / (points.last - points.first),
                sympathy_ratio=SYMPATHY_RATIO,
            )
            at_s = piece_end_s


def _posts(drill: Drill) -> Iterator[tuple[Phase, float]]:
    """Yield each first post of the provider, with the beginning of what it is about."""
    begins = [
        one
        for one in drill.phases
        if not any(
            other.start_unix_s < one.start_unix_s <= other.end_unix_s for other in drill.phases
        )
    ]
    for post in drill.user_reports.posts_unix_s if drill.user_reports else ():
        before = [one for one in begins if one.start_unix_s <= post]
        if before:
            yield max(before, key=lambda one: one.start_unix_s), post


def _words(drill: Drill, clock: _Clock, hit: set[str], end: float) -> Iterator[Words]:
    for phase, post in _posts(drill):
        from_s = clock.of(phase.start_unix_s) + post - phase.start_unix_s
        models = tuple(sorted(hit & set(inst.ALL_MODELS)))
        if from_s < end and models:
            yield Words(models, from_s, end)


def _expect(drill: Drill, numbers: Numbers, clock: _Clock) -> Iterator[Expect]:
    posts = {phase.start_unix_s: post for phase, post in _posts(drill)}
    for start in sorted({one.start_unix_s for one in drill.phases}):
        phases = [one for one in drill.phases if one.start_unix_s == start]
        from_s = clock.of(start)
        to_s = min(clock.of(one.end_unix_s) for one in phases)
        spoke = posts.get(start)
        running = [one for one in drill.phases if one.start_unix_s <= start < one.end_unix_s]
        everything = _hit(drill, running)
        least = min(sum(numbers.of(one).values()) for one in phases)
        is_late = start > drill.start_unix_s or least < RARE_RATIO
        for components in _classes(_hit(drill, phases)):
            is_wrong = all(
                KINDS.get(kind, (How.ERROR, ""))[0] is How.WRONG
                for phase in phases
                for kind in numbers.of(phase)
            )
            culprits, name = _culprits(components, everything)
            yield Expect(
                components=components,
                from_unix_s=from_s,
                to_unix_s=to_s,
                verdict=Verdict.POSSIBLE if is_wrong else Verdict.PROBLEM,
                culprits=culprits,
                culprit_name=name,
                settle_s=FOLLOW_S if is_late else SETTLE_S,
                post_unix_s=from_s + spoke - start if spoke else 0.0,
                words=f"{phases[0].start:%H:%M}",
            )


def _hit(drill: Drill, phases: Sequence[Phase]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for phase in phases:
        for surface in phase.surfaces:
            found |= dict.fromkeys(components_of(drill, surface))
    return tuple(found)


def _classes(components: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield surfaces and what they share together, and models."""
    models = tuple(one for one in components if one in inst.ALL_MODELS)
    others = tuple(one for one in components if one not in inst.ALL_MODELS)
    if others:
        yield others
    if models:
        yield models


def _culprits(
    components: tuple[str, ...], everything: Sequence[str]
) -> tuple[tuple[Culprit, ...], str]:
    """Return whose fault it may rightly be called, and the provider's name where it is one's."""
    if inst.NETWORK in components:
        return (Culprit.SHARED,), ""
    models = {one for one in everything if one in inst.ALL_MODELS}
    if components[0] not in inst.ALL_MODELS:
        return _of_surfaces(components, everything, has_models=bool(models)), ""
    # Where surfaces of their own fail as well, what they have in common may be meant.
    shared = () if len(models) == len(everything) else (Culprit.SHARED,)
    provider = inst.BY_ID[components[0]].component.provider
    if models == set(inst.PROVIDERS[provider]):
        return (Culprit.PROVIDER, *shared), "" if shared else provider
    several = (Culprit.PROVIDER,) if len(models) > 1 else ()
    return (Culprit.MODEL, *several, *shared), ""


def _of_surfaces(
    components: tuple[str, ...], everything: Sequence[str], *, has_models: bool
) -> tuple[Culprit, ...]:
    if components == (inst.LOGIN,):
        return (Culprit.LOGIN,)
    ours = (Culprit.US, Culprit.LOGIN) if inst.LOGIN in everything else (Culprit.US,)
    return (*ours, Culprit.PROVIDER, Culprit.SHARED) if has_models else ours
