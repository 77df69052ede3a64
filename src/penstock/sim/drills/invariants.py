"""Invariants: what every drill must show, whoever asks; about the arm with everything on.

    truncation   no answer of a gateway's ended as if it were whole and was not; of any arm with one
    contracts    API calls of enterprise and standard complete. A stream that broke with an error
                 that says so is counted apart: some cannot be gone on with, but those are few. So
                 is what a struck provider said in wrong words, to the end and with status 200
    added        p99 of enterprise, outside the first seconds of a change. Not judged where a
                 provider hangs: that is known only when a time-out has passed
    left alone   while a provider fails nearly all, calls do not all go to it first: less than half
                 as many attempts too many as there were calls then
    sessions     free sessions completed, of those that capacity allowed, at each place
    ledger       equal to the providers' own counts, nothing missing, nothing twice
    watch        right in time and place about all that failed, played and uncut
    inversion    in no window was a tier put off (refused, or kept waiting) more than one below it,
                 beyond what chance does: their 95 % intervals do not touch

A figure that was not to be had is not judged, and the check says so. Of a live drill contracts,
inversion and watch alone are told.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final

from penstock.core.interval import Interval, wilson
from penstock.sim.drills import figures, shapes
from penstock.sim.drills.moments import Stretch, joined
from penstock.sim.drills.shapes import (
    Arm,
    Check,
    Counts,
    Reckoning,
    Result,
    Seen,
    Series,
    Strike,
)

CONTRACTS: Final = ("enterprise", "standard")
ORDER: Final = ("enterprise", "standard", "free")  # batch may wait for minutes by its nature
PLACES: Final = ("api", "chat")
ADDED_P99_S: Final = 0.25
POSSIBLE_RATIO: Final = 0.85
# Streams that nobody may go on with (half a call, JSON, thinking) are rare; and of few calls, one.
BROKEN_RATIO: Final = 0.01
HANGS: Final = frozenset({"hang", "slow_ttft"})
# A breaker opens at half. What fails less than this may look well for long enough to be asked.
HARD_SHARE: Final = 0.8
HARD_S: Final = 10.0  # less is over before a breaker has seen its five failures for each model
TRIED_RATIO: Final = 0.5  # usual are 0.2: five a model, and a probe now and then
WORDS_MAX: Final = 5  # of a kind in one check: a board reads no more


def invariants(result: Result) -> tuple[Check, ...]:
    """Return what was to hold, and whether it did."""
    if result.mode == shapes.LIVE:
        return observed(result)
    arm = next((one for one in result.arms if one.name == shapes.PENSTOCK), None)
    found = [*_truncation(result.arms)]
    if arm is not None:
        found += [*_contracts(arm), _added(result, arm), *_left_alone(result, arm)]
        found += [*_sessions(arm), _inversion(result, arm)]
    found += [_ledger(one) for one in result.reckonings]
    found += _watch("the watch was right, of what was played", result.seen)
    found += _watch("the watch was right, of the whole outage", result.uncut)
    return tuple(found)


def observed(result: Result) -> tuple[Check, ...]:
    """Return what a ledger can show: its callers, and what they could read, nobody has seen."""
    arm = next((one for one in result.arms if one.name == shapes.PENSTOCK), None)
    told = _watch("the watch was right, of what callers felt", result.seen)
    return (*_contracts(arm), _inversion(result, arm), *told) if arm is not None else tuple(told)


def lasting(result: Result) -> tuple[Check, ...]:
    """Return what holds even while parts of ours are killed: truncation, ledger, order of tiers."""
    found = [*_truncation(result.arms), *(_ledger(one) for one in result.reckonings)]
    arm = next((one for one in result.arms if one.name == shapes.PENSTOCK), None)
    return (*found, _inversion(result, arm)) if arm is not None else tuple(found)


def _truncation(arms: Iterable[Arm]) -> Iterator[Check]:
    behind = [one for one in arms if one.name != shapes.BOUND]
    if not behind:
        return
    cut = {one.name: sum(x.truncated for x in one.counts if _is_all(x)) for one in behind}
    told = ", ".join(f"{number} with {name}" for name, number in cut.items() if number)
    words = f"ended as if whole, and were not: {told}" if told else "every end told the truth"
    yield Check(name="no silent truncation", is_kept=not told, words=words)


def _contracts(arm: Arm) -> Iterator[Check]:
    for tier in CONTRACTS:
        one = figures.find(arm, tier)
        ended = one.calls - one.unfinished
        name = f"every {tier} call completes"
        if not ended:
            yield Check(name=name, is_kept=None, words="none was made")
            continue
        lost = ended - one.complete - one.broken - one.spoilt
        broken = f"{one.broken} broke with an error that says so, at most {_broken_max(ended)}"
        words = f"{one.complete} of {ended}; {lost} refused, failed, cut or given up; {broken}"
        if one.spoilt:
            words += f"; {one.spoilt} in wrong words of the provider's, with status 200"
        is_kept = not lost and one.broken <= _broken_max(ended)
        yield Check(name=name, is_kept=is_kept, words=words)


def _broken_max(ended: int) -> int:
    return max(1, int(ended * BROKEN_RATIO))


def _added(result: Result, arm: Arm) -> Check:
    name = f"enterprise waits at most {ADDED_P99_S:g} s longer"
    value = figures.find(arm, CONTRACTS[0]).added_p99_s
    if value is None:
        return Check(name=name, is_kept=None, words="added wait was not measured")
    words = f"p99 was {value:.3f} s, outside the first seconds of a change"
    hangs = {one.kind for one in result.timetable.strikes if one.place == "api"} & HANGS
    if value > ADDED_P99_S and hangs:
        told = f"{words}; but a provider hung, which is known only when a time-out has passed"
        return Check(name=name, is_kept=None, words=told)
    return Check(name=name, is_kept=value <= ADDED_P99_S, words=words)


def _left_alone(result: Result, arm: Arm) -> Iterator[Check]:
    hard = [
        Stretch(one.from_s, one.to_s)
        for one in result.timetable.strikes
        if one.place == "api" and one.model == "*" and _is_hard(one)
    ]
    spans = joined(hard)
    calls = sum(_within(one, spans) for one in arm.series if _is_of_all(one, "calls"))
    more = [_within(one, spans) for one in arm.series if _is_of_all(one, "more_attempts")]
    if not calls or not more:  # in virtual time nobody counts them
        return
    words = f"{sum(more):.0f} attempts too many, while {calls:.0f} calls were made"
    is_kept = sum(more) <= TRIED_RATIO * calls
    yield Check(name="who fails is left alone", is_kept=is_kept, words=words)


def _is_hard(one: Strike) -> bool:
    is_long = one.to_s - one.from_s >= HARD_S
    return one.share >= HARD_SHARE and is_long and one.kind not in HANGS


def _is_of_all(one: Series, what: str) -> bool:
    return one.what == what and not one.tier


def _within(one: Series, spans: Sequence[Stretch]) -> float:
    """Return how many of what is counted fell into some spans."""
    found = 0.0
    for at, value in enumerate(one.values):
        begin, end = at * one.step_s, (at + 1) * one.step_s
        within = sum(max(0.0, min(end, x.to_s) - max(begin, x.from_s)) for x in spans)
        found += (value or 0.0) * min(1.0, within / one.step_s)
    return found


def _sessions(arm: Arm) -> Iterator[Check]:
    for place in PLACES:
        one = figures.find(arm, "free", place)
        if not one.sessions:
            continue
        name = f"free sessions complete as capacity allows, {place}"
        told = f"{one.sessions_complete} of {one.sessions} were completed"
        if not one.possible_ratio:
            words = f"{told}; what capacity allowed is not known"
            yield Check(name=name, is_kept=None, words=words)
            continue
        share = one.sessions_complete / one.sessions / one.possible_ratio
        words = f"{told}, {share:.2f} of what was possible; at least {POSSIBLE_RATIO:g}"
        yield Check(name=name, is_kept=share >= POSSIBLE_RATIO, words=words)


def _ledger(one: Reckoning) -> Check:
    told = (
        f"{one.exchanges} exchanges and {one.dropped} counted drops, {one.missing} missing, "
        f"{one.twice} twice; of {one.attempts} attempts {one.differing} differ that should not"
    )
    is_kept = one.is_equal and not (one.missing or one.twice or one.differing)
    words = "; ".join((told, *one.words[:WORDS_MAX]))
    return Check(name=f"the ledger is right, {one.arm}", is_kept=is_kept, words=words)


def _watch(name: str, seen: Sequence[Seen]) -> Iterator[Check]:
    failed = [one for one in seen if one.failed_at_s is not None or one.is_right is False]
    if not failed:
        return
    wrong = [one for one in failed if one.is_right is False]
    known = [one for one in failed if one.is_right is not None]
    told = ", ".join(_told(one) for one in wrong[:WORDS_MAX])
    words = f"wrong about {told}" if wrong else f"about {len(known)} of {len(failed)} that failed"
    if len(known) < len(failed):
        words += f"; {len(failed) - len(known)} failed too little or too briefly to be judged"
    yield Check(name=name, is_kept=not wrong if known else None, words=words)


def _told(one: Seen) -> str:
    said = one.culprit or one.verdict or "nothing"
    return f"{one.name} (said {said}, right is {one.expected or 'that nothing failed'})"


# --- who was put off for whom


def _inversion(result: Result, arm: Arm) -> Check:
    name = "no tier is put off for one below it"
    windows = range(-1, len(result.timetable.windows))
    told = [words for place in PLACES for at in windows for words in _inverted(arm, place, at)]
    words = "; ".join(told[:WORDS_MAX]) or "in no window"
    return Check(name=name, is_kept=not told, words=words)


def _inverted(arm: Arm, place: str, window: int) -> Iterator[str]:
    counts = [figures.find(arm, tier, place, window) for tier in ORDER]
    for higher, lower in combinations((one for one in counts if one.calls - one.unfinished), 2):
        if _put_off(higher).low > _put_off(lower).high:
            when = "in the whole" if window < 0 else f"in window {window + 1}"
            yield (
                f"{place}, {when}: {higher.refused + higher.waited} of {higher.calls} "
                f"{higher.tier}, {lower.refused + lower.waited} of {lower.calls} {lower.tier}"
            )


def _put_off(one: Counts) -> Interval:
    ended = one.calls - one.unfinished
    return wilson(min(1.0, (one.refused + one.waited) / ended), ended)


def _is_all(one: Counts) -> bool:
    return not one.tier and one.window < 0
