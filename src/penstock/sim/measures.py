"""Measures: what a run has shown, per tier, in a phase or in all.

    waits        added by the gate, over all tries; those refused have none, those that wait at the
                 end count with what they have waited
    good         answered, the first token within the tier's goal since the first try
    ideal        what is left of the capacity for the tier when those above had all they asked for;
                 ``work_ratio`` is good over ideal in slot-seconds, ``count_ratio`` in requests
    truncated    capped by the ladder, over all answers: what capped answers save goes to others, so
                 that more of them, and of sessions, can be answered than the ideal says
    sessions     whole ones over the ideal share of those that began
    wasted       tokens of attempts that came to nothing or began too late after their own try was
                 sent, over all tokens
    honesty      answered when they came back as told, over all that did
    estimate     reserved over actual tokens, summed
    fairness     Jain's index over the classes of a tier, of work by weight in each minute; the mean

Quantiles are exact: the smallest value that at least this share does not exceed.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from penstock.core.reserve import jain, max_min
from penstock.core.tier import WORDS, Tier
from penstock.sim.run import Class, Result
from penstock.sim.tally import Phase, Sample, Tally

WHOLE: Final = "all"
WINDOW_S: Final = 60.0
STAYS_S: Final = 10.0
CLASSES_MAX: Final = 4  # of a tier that are shown one by one


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A tier, or a class of it, in one phase of one run. Seconds; a ratio to ideal may exceed 1."""

    scenario: str
    policy: str
    x: float
    seed: int
    phase: str
    tier: str
    who: str  # the tier, or a class of it
    offered: int
    load_ratio: float
    wait_p50_s: float
    wait_p90_s: float
    wait_p99_s: float
    wait_p999_s: float
    ttft_p50_s: float
    ttft_p99_s: float
    answered_ratio: float
    truncated_ratio: float
    good: int
    late: int  # first token after the goal
    refused: int
    failed: int
    ideal_ratio: float
    count_ratio: float
    work_ratio: float
    sessions: int
    session_ratio: float
    wasted_ratio: float
    honesty_ratio: float
    quota_ratio: float  # attempts that a provider's quota refused
    estimate_ratio: float
    fairness: float
    moved: int
    sheds: dict[str, int]


class Overall(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to no tier."""

    phase: str
    use_ratio: float  # busy slots over slots, or work done over capacity
    wasted_ratio: float
    breaches: int
    contract_sheds: int


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of them do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def merged(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies."""
    total = Tally()
    for one in tallies:
        total.add(one)
    return total


def measure(result: Result) -> list[Measure]:
    """Return a measure per tier and phase, and per tier over all phases."""
    tiers = sorted({one.tier for one in result.classes})
    found: list[Measure] = []
    spans = [[at] for at in range(len(result.phases))]
    if len(spans) > 1:
        spans.insert(0, list(range(len(result.phases))))
    for span in spans:
        ideals = _ideals(result, tiers, span)
        for tier in tiers:
            classes = [one for one in result.classes if one.tier == tier]
            found.append(_measure(result, classes, span, ideals[tier]))
            if 1 < len(classes) <= CLASSES_MAX:
                parts = _parts(classes, span, ideals[tier])
                found.extend(
                    _measure(result, [one], span, part)
                    for one, part in zip(classes, parts, strict=True)
                )
    return found


def _parts(classes: Sequence[Class], span: Sequence[int], ideal_s: float) -> list[float]:
    """Return how a tier's ideal is divided: max-min by weight (TIERING 9)."""
    asked = [sum(one.tallies[at].offered_s for at in span) for one in classes]
    return max_min(asked, [one.weight for one in classes], ideal_s)


def overall(result: Result) -> list[Overall]:
    """Return what belongs to no tier, over all phases and per phase."""
    spans = [[at] for at in range(len(result.phases))]
    if len(spans) > 1:
        spans.insert(0, list(range(len(result.phases))))
    return [_overall(result, span) for span in spans]


def name_of(result: Result, span: Sequence[int]) -> str:
    """Return the name of a phase, or of all."""
    return result.phases[span[0]].name if len(span) == 1 else WHOLE


def _overall(result: Result, span: Sequence[int]) -> Overall:
    phases = [result.phases[at] for at in span]
    tally = merged(one.tallies[at] for one in result.classes for at in span)
    capacity_s = sum(one.capacity_s for one in phases)
    if result.is_slotted:
        use = sum(one.busy_s for one in phases) / max(1e-9, capacity_s * result.slots)
    else:
        use = tally.answered_s / max(1e-9, capacity_s)
    return Overall(
        phase=name_of(result, span),
        use_ratio=use,
        wasted_ratio=tally.wasted_tokens / max(1, tally.tokens),
        breaches=result.breaches,
        contract_sheds=result.contract_sheds,
    )


def _ideals(result: Result, tiers: Sequence[int], span: Sequence[int]) -> dict[int, float]:
    """Return the slot-seconds that each tier could have at best: those above come first."""
    ideals = dict.fromkeys(tiers, 0.0)
    for at in span:
        left = result.phases[at].capacity_s
        for tier in tiers:
            asked = sum(one.tallies[at].offered_s for one in result.classes if one.tier == tier)
            had = min(asked, left)
            ideals[tier] += had
            left -= had
    return ideals


def _measure(
    result: Result, classes: Sequence[Class], span: Sequence[int], ideal_s: float
) -> Measure:
    tier = classes[0].tier
    is_part = sum(one.tier == tier for one in result.classes) > len(classes)
    tally = merged(one.tallies[at] for one in classes for at in span)
    waits = sorted(tally.waits_s)
    ttft = sorted(tally.ttft_s)
    ideal_ratio = ideal_s / tally.offered_s if tally.offered_s else 1.0
    phases = [result.phases[at] for at in span]
    refused = tally.fates["refused"]
    return Measure(
        scenario=result.scenario,
        policy=result.policy,
        x=result.x,
        seed=result.seed,
        phase=name_of(result, span),
        tier=WORDS[Tier(tier)],
        who=classes[0].name if is_part else WORDS[Tier(tier)],
        offered=tally.offered,
        load_ratio=tally.offered_s / max(1e-9, sum(one.to_s - one.from_s for one in phases)),
        wait_p50_s=quantile(waits, 0.5),
        wait_p90_s=quantile(waits, 0.9),
        wait_p99_s=quantile(waits, 0.99),
        wait_p999_s=quantile(waits, 0.999),
        ttft_p50_s=quantile(ttft, 0.5),
        ttft_p99_s=quantile(ttft, 0.99),
        answered_ratio=tally.answered / max(1, tally.offered),
        truncated_ratio=_ratio(tally.truncated, tally.answered, 0.0),
        good=tally.good,
        late=sum(one > classes[0].goal_s for one in ttft),
        refused=refused,
        failed=tally.fates["failed"],
        ideal_ratio=ideal_ratio,
        count_ratio=_ratio(tally.good, tally.offered * ideal_ratio),
        work_ratio=_ratio(tally.good_s, ideal_s),
        sessions=tally.sessions,
        session_ratio=_session_ratio(result, classes, tally),
        wasted_ratio=_ratio(tally.wasted_tokens, tally.tokens, 0.0),
        honesty_ratio=_ratio(tally.retried_good, tally.retried),
        quota_ratio=_ratio(tally.quota_refused, tally.attempts, 0.0),
        estimate_ratio=_ratio(tally.reserved_tokens, tally.taken_tokens),
        fairness=fairness(classes, phases),
        moved=tally.moved,
        sheds=dict(tally.sheds),
    )


def _ratio(part: float, whole: float, empty: float = 1.0) -> float:
    return part / whole if whole else empty


def _session_ratio(result: Result, classes: Sequence[Class], tally: Tally) -> float:
    """Return whole sessions over the users that could be served whole at best."""
    if not tally.sessions:
        return 1.0
    tier = classes[0].tier
    above = sum(one.load_ratio for one in result.classes if one.tier < tier)
    own = sum(one.load_ratio for one in classes)
    share = min(1.0, max(0.0, 1.0 - above) / own)
    return tally.sessions_whole / (tally.sessions * share)


def fairness(classes: Sequence[Class], phases: Sequence[Phase]) -> float:
    """Return the mean of Jain's index over whole minutes, of work by weight."""
    if len(classes) == 1:  # nobody to be fair to
        return 1.0
    from_at = math.ceil(phases[0].from_s / WINDOW_S)
    to_at = int(phases[-1].to_s / WINDOW_S)
    found = [
        jain([one.minutes[at] / one.weight if at < len(one.minutes) else 0.0 for one in classes])
        for at in range(from_at, to_at)
    ]
    return sum(found) / len(found) if found else 1.0


# --- what samples show


def settling_s(samples: Sequence[Sample], at_s: float, within: float = 0.1) -> float:
    """Return how long after ``at_s`` the limit came and stayed near the true capacity for 10 s."""
    since_s = math.inf
    for one in samples:
        if one.at_s < at_s:
            continue
        if abs(one.limit - one.capacity) <= within * one.capacity + 0.5:
            since_s = min(since_s, one.at_s)
            if one.at_s - since_s >= STAYS_S:
                break
        else:
            since_s = math.inf
    return since_s - at_s


def variation(samples: Sequence[Sample], from_s: float, to_s: float) -> float:
    """Return the limit's standard deviation over its mean."""
    values = [one.limit for one in samples if from_s <= one.at_s < to_s]
    if not values:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((one - mean) ** 2 for one in values) / len(values)) / max(mean, 1e-9)


def use_from(samples: Sequence[Sample], at_s: float, ratio: float) -> float:
    """Return how long after ``at_s`` the use of the true capacity first reached ``ratio``."""
    for one in samples:
        if one.at_s >= at_s and one.capacity and sum(one.in_flight) >= ratio * one.capacity:
            return one.at_s - at_s
    return math.inf


def moves_max(samples: Sequence[Sample], span_s: float = 10.0) -> int:
    """Return the most moves of the ladder in any ``span_s``."""
    moves = [b.at_s for a, b in itertools.pairwise(samples) if a.level != b.level]
    return max((sum(at <= one < at + span_s for one in moves) for at in moves), default=0)


def median(values: Sequence[float]) -> float:
    """Return the middle one; of an even number the mean of the two."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
