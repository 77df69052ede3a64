"""From calls to figures: how they ended, and what was measured of them, by place, tier and window.

    counts     of a place; of each tier in it, and of all together (tier empty); of the whole drill
               (window -1) and of each window. A call belongs to the window it began in
    success    complete / those that ended by themselves: a drill that is over is nobody's failure
    refusals   code -> tries that were refused; of a call that was refused every time, all its
               tries, else those before the last
    added      what the way to the answer cost, of calls whose wait had nothing of the
               ``SETTLING_S`` after a change in it
    sessions   of one user; complete if every call of it was and the last one was made. Those that
               the drill's end cut off are not counted
    continued  a call with a seam that is complete; ``substituted`` one without, which another
               provider than its own answered

Quantiles are of calls that are complete or broken (they had a first token), nearest rank.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from penstock.core.tier import NAMED
from penstock.sim.drills import moments, shapes
from penstock.sim.drills.shapes import Arm, Call, Counts, Room, Series, Timetable
from penstock.sim.measures import quantile

MEDIAN: Final = 0.5
TAIL: Final = 0.99
STEPS_MAX: Final = 100  # of a series: what a plot can show
STEPS_S: Final = (5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
PLACES: Final = ("api", "chat")
WAITED_S: Final = 1.0  # at the gate: what a person begins to notice
BY: Final = "by:"  # before a provider, in the name of a series
NO_TIER: Final = len(NAMED)
SPOILING: Final = frozenset({"wrong_content", "corrupt_tokens"})  # with status 200, to the end


class Titled(NamedTuple):
    """An arm, and how people call it."""

    name: str
    title: str
    words: str = ""
    rooms: tuple[Room, ...] = ()  # of its providers


class Told(NamedTuple):
    """What figures need beside calls."""

    timetable: Timetable
    providers: Mapping[str, str] = {}  # upstream -> provider, where its name does not say it


def arm(titled: Titled, calls: Sequence[Call], told: Told) -> Arm:
    """Return an arm with all of its figures."""
    mine = [one for one in calls if one.arm == titled.name]
    return Arm(
        name=titled.name,
        title=titled.title,
        words=titled.words,
        rooms=titled.rooms,
        counts=tuple(counts(titled.name, mine, told)),
        series=tuple(series(titled.name, mine, told)),
    )


def customer(titled: Titled, calls: Sequence[Call], told: Told) -> Arm:
    """Return an arm as a customer of the API saw it: its calls that began while the API failed."""
    failing = moments.struck(told.timetable, "api")
    mine = [
        one
        for one in calls
        if one.arm == titled.name and one.place == "api" and moments.is_within(one.at_s, failing)
    ]
    whole = [one for one in counts(titled.name, mine, told) if one.window < 0]
    return Arm(name=titled.name, title=titled.title, words=titled.words, counts=tuple(whole))


def counts(name: str, calls: Sequence[Call], told: Told) -> list[Counts]:
    """Return the counts of one arm's calls."""
    windows = told.timetable.windows
    groups: dict[tuple[str, str, int], list[Call]] = defaultdict(list)
    for one in calls:
        window = moments.window_of(one.at_s, windows)
        for tier in ("", one.tier):
            groups[one.place, tier, -1].append(one)
            if window >= 0:
                groups[one.place, tier, window].append(one)
    changed = moments.changes(told.timetable)
    return [
        _counts(Counts(arm=name, place=place, tier=tier, window=window), group, changed, told)
        for (place, tier, window), group in sorted(groups.items(), key=_rank)
    ]


def series(name: str, calls: Sequence[Call], told: Told) -> list[Series]:
    """Return the figures over time of one arm's calls, by place and tier."""
    step_s = step_of(told.timetable.played_s)
    steps = max(1, -int(-told.timetable.played_s // step_s))
    groups: dict[tuple[str, str], list[list[Call]]] = {}
    for one in calls:
        at = min(steps - 1, max(0, int(one.at_s // step_s)))
        for tier in ("", one.tier):
            groups.setdefault((one.place, tier), [[] for _ in range(steps)])[at].append(one)
    told_of = [
        Series(
            arm=name,
            place=place,
            tier=tier,
            what=what,
            step_s=step_s,
            values=tuple(figure(one) for one in made),
        )
        for (place, tier), made in sorted(groups.items(), key=lambda one: tier_rank(one[0][1]))
        for what, figure in SERIES.items()
    ]
    return told_of + _by_provider(name, groups.get(("api", ""), []), step_s, told.providers)


def _by_provider(
    name: str, steps: Sequence[Sequence[Call]], step_s: float, providers: Mapping[str, str]
) -> list[Series]:
    """Return how many calls each provider answered, over time."""
    made = [_answered(one, providers) for one in steps]
    return [
        Series(
            arm=name,
            tier="",
            what=f"{BY}{provider}",
            step_s=step_s,
            values=tuple(float(one.get(provider, 0)) for one in made),
        )
        for provider in sorted({provider for one in made for provider in one})
    ]


def step_of(played_s: float) -> float:
    """Return how long an interval of a series is."""
    return next((one for one in STEPS_S if played_s / one <= STEPS_MAX), STEPS_S[-1])


def find(arm: Arm, tier: str = "", place: str = "api", window: int = -1) -> Counts:
    """Return the counts of an arm; of nothing, if there are none."""
    for one in arm.counts:
        if (one.tier, one.place, one.window) == (tier, place, window):
            return one
    return Counts(arm=arm.name, place=place, tier=tier, window=window)


def tiers(arms: Iterable[Arm], place: str = "api") -> list[str]:
    """Return the tiers that made calls at a place, the most urgent first."""
    found = {one.tier for arm in arms for one in arm.counts if one.place == place and one.tier}
    return sorted(found, key=tier_rank)


def tier_rank(tier: str) -> tuple[int, str]:
    """Return where a tier stands among others; all together stand first."""
    return (-1, "") if not tier else (NAMED.get(tier, NO_TIER), tier)


def provider_of(upstream: str, providers: Mapping[str, str]) -> str:
    """Return whose an upstream is; its own name, if nobody said."""
    return providers.get(upstream, upstream)


# --- one group


def _rank(one: tuple[tuple[str, str, int], list[Call]]) -> tuple[object, ...]:
    (place, tier, window), _ = one
    return (place, window, tier_rank(tier))


def _counts(empty: Counts, calls: Sequence[Call], changed: Sequence[float], told: Told) -> Counts:
    ends = Counter(one.end for one in calls)
    sessions, sessions_complete = _sessions(calls)
    elsewhere = [one for one in calls if _is_elsewhere(one, told.providers)]
    ttft_s, itl_s, added_s = _measured(calls, changed)
    return Counts(
        arm=empty.arm,
        place=empty.place,
        tier=empty.tier,
        window=empty.window,
        calls=len(calls),
        complete=ends[shapes.COMPLETE],
        refused=ends[shapes.REFUSED],
        failed=ends[shapes.FAILED],
        spoilt=sum(_is_spoilt(one, told) for one in calls),
        broken=ends[shapes.BROKEN],
        truncated=ends[shapes.TRUNCATED],
        left=ends[shapes.LEFT],
        unfinished=ends[shapes.UNFINISHED],
        tries=sum(one.tries for one in calls),
        continued=sum(one.continued > 0 and one.end == shapes.COMPLETE for one in calls),
        substituted=len(elsewhere),
        waited=sum(one.waited_s > WAITED_S for one in calls),
        refusals=_refusals(calls),
        answered=_answered(calls, told.providers),
        ttft_p50_s=at(ttft_s, MEDIAN),
        ttft_p99_s=at(ttft_s, TAIL),
        itl_p50_s=at(itl_s, MEDIAN),
        itl_p99_s=at(itl_s, TAIL),
        took_mean_s=_mean(x.took_s - x.waited_s for x in calls if x.end == shapes.COMPLETE),
        added_p50_s=at(added_s, MEDIAN),
        added_p99_s=at(added_s, TAIL),
        sessions=sessions,
        sessions_complete=sessions_complete,
        input_tokens=sum(one.input_tokens for one in calls),
        output_tokens=sum(one.output_tokens for one in calls),
        cost_microusd=sum(one.cost_microusd for one in calls),
    )


def _is_spoilt(one: Call, told: Told) -> bool:
    """Return whether who answered was struck so that it says wrong words, to the end."""
    provider = provider_of(one.upstream or one.provider, told.providers)
    return one.code == shapes.WRONG_WORDS and any(
        strike.kind in SPOILING
        and strike.provider == provider
        and strike.from_s <= one.at_s + one.took_s
        and one.at_s < strike.to_s
        for strike in told.timetable.strikes
    )


def at(values: Iterable[float], share: float) -> float | None:
    """Return a quantile; None of nothing."""
    ordered = sorted(values)
    return quantile(ordered, share) if ordered else None


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def _is_elsewhere(one: Call, providers: Mapping[str, str]) -> bool:
    """Return whether another provider answered from the start."""
    is_answer = one.end == shapes.COMPLETE and not one.continued
    if not (is_answer and one.provider and one.upstream):
        return False
    return provider_of(one.upstream, providers) != one.provider


def _measured(
    calls: Iterable[Call], changed: Sequence[float]
) -> tuple[list[float], list[float], list[float]]:
    """Return times to the first token, between tokens, and added."""
    begun = [one for one in calls if one.ttft_s > 0]
    added = [
        one.added_s
        for one in begun
        if one.added_s is not None and moments.is_settled(one.at_s, one.at_s + one.ttft_s, changed)
    ]
    itl = [one.itl_p50_s for one in begun if one.itl_p50_s > 0]
    return [one.ttft_s for one in begun], itl, added


def _refusals(calls: Iterable[Call]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in calls:
        if one.code and one.end in {shapes.REFUSED, shapes.FAILED}:
            found[one.code] += one.tries
    return dict(found.most_common())


def _answered(calls: Iterable[Call], providers: Mapping[str, str]) -> dict[str, int]:
    found = Counter(
        provider_of(one.upstream or one.provider, providers)
        for one in calls
        if one.end == shapes.COMPLETE and (one.upstream or one.arm == shapes.BOUND)
    )
    return dict(found.most_common())


def _sessions(calls: Iterable[Call]) -> tuple[int, int]:
    """Return how many sessions there were, and how many of them are complete."""
    found: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for one in calls:
        if one.session:
            found[one.user, one.session].append(one)
    ended = complete = 0
    for turns in found.values():
        is_whole = all(one.end == shapes.COMPLETE for one in turns)
        is_cut = any(one.end == shapes.UNFINISHED for one in turns)
        is_over = any(one.is_last for one in turns)
        if is_cut or (is_whole and not is_over):
            continue
        ended += 1
        complete += is_whole
    return ended, complete


def _success(calls: Sequence[Call]) -> float | None:
    ended = [one for one in calls if one.end != shapes.UNFINISHED]
    return sum(one.end == shapes.COMPLETE for one in ended) / len(ended) if ended else None


SERIES: Final[dict[str, Callable[[Sequence[Call]], float | None]]] = {
    "calls": lambda calls: float(len(calls)),
    "more_attempts": lambda calls: float(sum(max(0, one.attempts - 1) for one in calls)),
    "success_ratio": _success,
    "added_p99_s": lambda calls: at((x.added_s for x in calls if x.added_s is not None), TAIL),
    "ttft_p50_s": lambda calls: at((x.ttft_s for x in calls if x.ttft_s > 0), MEDIAN),
    "itl_p50_s": lambda calls: at((x.itl_p50_s for x in calls if x.itl_p50_s > 0), MEDIAN),
}
