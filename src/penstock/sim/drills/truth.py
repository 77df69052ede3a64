"""What was true of each line of the status page, and whether the watch found it in time and place.

true      a model fails while strikes at its provider whose glob it matches stand; web chat, log-in
          and console while those of their place do. Routes, API and streaming may be carried by
          others, so nothing is claimed of them
episode   from the first instant at which ``LEAST_RATIO`` of its requests fail to the last one
          before all is well, gaps of less than ``GAP_S`` left out; where ``GROWTH`` times as many
          fail as ever before in it, it is over and another one begins: news of its own
found     when the watch first said problem within the episode, and the page something other than
          that it works; what was still said from the one before counts from its begin: 0
culprit   what it may rightly be called depends on what else fails at the same time, and on what
          fails at least ``ALIKE_RATIO`` as much: a model that stands out from its failing kin
          may be blamed alone
right     found as a problem, and its culprit among those expected. Within ``GOAL_S`` where the
          study of the detector holds it to that: a model of which at least ``SHARE_GOAL`` fails,
          and a surface, which nothing but probes look at, that fails as a whole. What fails less
          or for a shorter time and is not found is not judged (None), nor is whom it blames
          within less than that: what else fails is still to be seen. Who never failed is right
          unless called a problem; a web chat whose models fail answers late, whatever carries
          it, and nobody comes in anew where log-in fails: that it has a problem that is theirs is
          not judged either

Pure: sightings are what somebody saw at the page, in order of time.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from penstock.sim.drills import front_door
from penstock.sim.drills.played_time import unix_s
from penstock.sim.drills.shapes import Seen, Strike, Timetable
from penstock.watch.assessment import Culprit, Verdict
from penstock.watch.component import Layer, State

API: Final = "api"
LEAST_RATIO: Final = 0.01
GAP_S: Final = 5.0
GROWTH: Final = 2.0
ALIKE_RATIO: Final = 0.5
GOAL_S: Final = 60.0  # of a whole outage; the status page's own figure
SHARE_GOAL: Final = 0.3
SHARE_WHOLE: Final = 0.95
WEB: Final = "web"
LOGIN: Final = "login"
OF_MODELS: Final = frozenset({Culprit.PROVIDER.value, Culprit.MODEL.value})
TAIL_S: Final = 20.0  # what is found within it of an episode's end is still of that episode
PROVIDERS: Final = {"anthropic": "claude", "openai": "gpt", "google": "gemini"}
SURFACES: Final = {
    "web": front_door.CHAT,
    "login": front_door.LOGIN,
    "console": front_door.CONSOLE,
}
# What needs a log-in to be looked at fails with it.
NEEDS: Final = {front_door.CHAT: (front_door.CHAT, front_door.LOGIN)}
GOOD: Final = frozenset({State.OPERATIONAL.value, State.UNKNOWN.value, State.MAINTENANCE.value, ""})


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A component of the status page."""

    id: str
    name: str
    layer: str
    surface: str = ""
    provider: str = ""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a component from an instant on."""

    at_s: float
    component: str
    state: str  # that the page shows
    verdict: str  # of the watch
    culprit: str = ""
    culprit_name: str = ""


class Apart(NamedTuple):
    """Models by name that somebody else serves than the provider whose they are."""

    spared: frozenset[str] = frozenset()  # nobody else does: they do not fail with the provider
    shared: frozenset[str] = frozenset()  # the provider does, too: nothing is claimed of them


NOBODY: Final = Apart()


class Told(NamedTuple):
    """What was said and heard while it was played."""

    sightings: Sequence[Sighting]
    reports: Mapping[str, Sequence[float]] = {}  # surface -> when people reported it
    posts_unix_s: Sequence[float] = ()  # when the provider's own page spoke, in the outage's time
    apart: Apart = NOBODY


class Episode(NamedTuple):
    """A stretch in which a component fails."""

    from_s: float
    to_s: float
    share: float  # the largest
    told_until_s: float = math.inf  # what is said from then on is of another one


def striking(line: Line, strikes: Sequence[Strike], apart: Apart = NOBODY) -> list[Strike]:
    """Return the strikes that make a component fail."""
    if line.name in apart.spared and line.layer == Layer.MODEL.value:
        return []
    if line.layer == Layer.MODEL.value:
        provider = PROVIDERS.get(line.provider, line.provider)
        return [
            one
            for one in strikes
            if one.place == API and one.provider == provider and fnmatchcase(line.name, one.model)
        ]
    place = SURFACES.get(line.surface, "")
    return [one for one in strikes if one.place == place and one.kind not in front_door.NOT_HERE]


def episodes(strikes: Sequence[Strike], growth: float = GROWTH) -> list[Episode]:
    """Return the stretches in which strikes that add up fail more than a few; ``inf``: uncut."""
    edges = sorted({one.from_s for one in strikes} | {one.to_s for one in strikes})
    found: list[Episode] = []
    for low, high in pairwise(edges):
        share = min(1.0, sum(one.share for one in strikes if one.from_s <= low < one.to_s))
        if share < LEAST_RATIO:
            continue
        before = found[-1] if found and low - found[-1].to_s < GAP_S else None
        if before is None or share >= growth * before.share:
            found.append(Episode(low, high, share))
        else:
            found[-1] = Episode(before.from_s, high, max(share, before.share))
    nexts_s = (*(one.from_s for one in found[1:]), math.inf)
    return [
        one._replace(told_until_s=min(one.to_s + TAIL_S, next_s))
        for one, next_s in zip(found, nexts_s, strict=False)
    ]


def judged(line: Line, apart: Apart = NOBODY) -> bool:
    """Tell whether anything is claimed of a component."""
    if line.layer == Layer.MODEL.value:
        return line.name not in apart.shared
    return line.surface in SURFACES


def seen(lines: Sequence[Line], timetable: Timetable, told: Told) -> tuple[Seen, ...]:
    """Return what was seen of each component in each of its episodes."""
    strikes, apart = timetable.strikes, told.apart
    failing = {
        one.id: episodes(striking(one, strikes, apart)) for one in lines if judged(one, apart)
    }
    found: list[Seen] = []
    for line in lines:
        if line.id not in failing:
            continue
        said = [one for one in told.sightings if one.component == line.id]
        if not failing[line.id]:
            found.append(innocent(line, said, _suffered(line, lines, failing)))
        for episode in failing[line.id]:
            expected = _expected(line, episode, lines, failing)
            one = of_episode(line, episode, said, expected)
            reports = within(told.reports.get(line.surface, ()), episode.from_s, episode.to_s)
            posts = _posted(told.posts_unix_s, episode, timetable)
            found.append(msgspec.structs.replace(one, people_s=reports, provider_s=posts))
    return tuple(found)


def _posted(posts: Sequence[float], episode: Episode, timetable: Timetable) -> float | None:
    """Return when the provider spoke of an episode, in the outage's own time."""
    begin, end = (unix_s(timetable.windows, at_s) for at_s in (episode.from_s, episode.to_s))
    return within(posts, begin, end)


def _suffered(
    line: Line, lines: Sequence[Line], failing: Mapping[str, Sequence[Episode]]
) -> frozenset[str]:
    """Return whose fault may stand at a component that did not fail itself."""
    if line.surface != WEB:
        return frozenset()
    hit = [one for one in lines if failing.get(one.id)]
    models = OF_MODELS if any(one.layer == Layer.MODEL.value for one in hit) else frozenset[str]()
    return models | {Culprit.LOGIN.value for one in hit if one.surface == LOGIN}


def innocent(line: Line, told: Sequence[Sighting], suffered: frozenset[str]) -> Seen:
    """Return what was said of a component that did not fail; ``suffered``: of whom it may be."""
    worst = max(told, key=lambda one: _rank(one.verdict), default=None)
    return Seen(
        component=line.id,
        name=line.name,
        failed_at_s=None,
        verdict=worst.verdict if worst else "",
        culprit=worst.culprit if worst else "",
        is_right=_is_rightly_blamed(worst, suffered),
    )


def _is_rightly_blamed(worst: Sighting | None, suffered: frozenset[str]) -> bool | None:
    if worst is None or _rank(worst.verdict) < Verdict.PROBLEM:
        return True
    return None if worst.culprit in suffered else False


def of_episode(
    line: Line, episode: Episode, told: Sequence[Sighting], expected: Sequence[str]
) -> Seen:
    """Return what was said of a component while it failed."""
    said = list(_during(told, episode))
    worst = max(said, key=lambda one: _rank(one.verdict), default=None)
    watch_s = _first(
        [one.at_s for one in said if _rank(one.verdict) >= Verdict.PROBLEM], episode.from_s
    )
    page_s = _first([one.at_s for one in said if one.state not in GOOD], episode.from_s)
    last = next((one for one in reversed(said) if _rank(one.verdict) > Verdict.NONE), worst)
    culprit = last.culprit if last else ""
    return Seen(
        component=line.id,
        name=line.name,
        failed_at_s=episode.from_s,
        ended_at_s=episode.to_s,
        watch_s=watch_s,
        page_s=page_s,
        verdict=worst.verdict if worst else "",
        culprit=culprit,
        expected=", ".join(expected),
        is_right=_is_right(line, episode, watch_s, is_culprit_right=culprit in expected),
    )


def _is_right(
    line: Line, episode: Episode, watch_s: float | None, *, is_culprit_right: bool
) -> bool | None:
    least = SHARE_GOAL if line.layer == Layer.MODEL.value else SHARE_WHOLE
    has_goal = episode.share >= least and episode.to_s - episode.from_s >= GOAL_S
    if watch_s is None:
        return False if has_goal else None
    if not is_culprit_right and episode.to_s - episode.from_s < GOAL_S:
        return None
    return is_culprit_right and (watch_s <= GOAL_S or not has_goal)


def _during(told: Sequence[Sighting], episode: Episode) -> Iterator[Sighting]:
    """Yield what was said while it lasted, and what stood when it began."""
    before = [one for one in told if one.at_s < episode.from_s]
    if before:
        yield msgspec.structs.replace(before[-1], at_s=episode.from_s)
    for one in told:
        if episode.from_s <= one.at_s < episode.told_until_s:
            yield one


def _first(instants: Sequence[float], from_s: float) -> float | None:
    return max(0.0, min(instants) - from_s) if instants else None


def within(instants: Sequence[float], from_s: float, to_s: float) -> float | None:
    """Return how long after the begin of a span the first instant in it was; None: none was."""
    return _first([one for one in instants if from_s <= one < to_s], from_s)


def _rank(verdict: str) -> Verdict:
    return next((one for one in Verdict if one.word == verdict), Verdict.NONE)


def _expected(
    line: Line, episode: Episode, lines: Sequence[Line], failing: Mapping[str, Sequence[Episode]]
) -> tuple[str, ...]:
    """Return whose fault it may rightly be called, of what fails within the same stretch."""
    shares = {one.id: _share(failing.get(one.id, ()), episode) for one in lines}
    others = [one for one in lines if shares[one.id]]
    models = [one for one in others if one.layer == Layer.MODEL.value]
    surfaces = [one for one in others if one.layer != Layer.MODEL.value]
    if line.layer != Layer.MODEL.value:
        found = _of_surface(surfaces, has_models=bool(models))
    else:
        alike = [one for one in models if shares[one.id] >= ALIKE_RATIO * episode.share]
        found = tuple(
            dict.fromkeys(
                culprit
                for hit in (models, alike)
                for culprit in _of_model(line, hit, lines, has_surfaces=bool(surfaces))
            )
        )
    return tuple(one.value for one in found)


def _share(episodes: Sequence[Episode], episode: Episode) -> float:
    """Return how much of a component fails at most within a stretch."""
    return max(
        (one.share for one in episodes if one.from_s < episode.to_s and episode.from_s < one.to_s),
        default=0.0,
    )


def _of_surface(surfaces: Sequence[Line], *, has_models: bool) -> tuple[Culprit, ...]:
    names = {one.surface for one in surfaces}
    login = SURFACES["login"]
    more = (Culprit.PROVIDER, Culprit.SHARED) if has_models else ()
    if names == {login}:
        return (Culprit.LOGIN, *more)
    ours = (Culprit.US, Culprit.LOGIN) if login in names else (Culprit.US,)
    return (*ours, *more)


def _of_model(
    line: Line, models: Sequence[Line], lines: Sequence[Line], *, has_surfaces: bool
) -> tuple[Culprit, ...]:
    mine = [one for one in lines if one.provider == line.provider and one.layer == line.layer]
    hit = [one for one in models if one.provider == line.provider]
    shared = (Culprit.SHARED,) if has_surfaces or len(hit) < len(models) else ()
    if len(hit) == len(mine):
        alone = (Culprit.MODEL,) if len(mine) == 1 else ()
        return (Culprit.PROVIDER, *alone, *shared)
    several = (Culprit.PROVIDER,) if len(hit) > 1 else ()
    return (Culprit.MODEL, *several, *shared)
