"""What went wrong in a drill, worst first, each with the arithmetic and what would close it.

    1  an answer was silently truncated; a contract's calls (enterprise, standard) were not all
       complete
    2  an invariant was broken that nothing else here explains
    3  an expectation of the user was not met, or one of ours of a tier without a contract
    4  a component's failure was not seen, was told of the wrong one, or late
    5  other tiers waited or were turned away: which quota was too small, and by how much
    6  a contract's added wait was longer than ``ADDED_S``; its answers broke off with an error that
       says so, where none may be continued; its provider said wrong words with status 200
    7  the chat's own front door failed

It is about the last arm that was played: with everything on, if that was one of them. What has no
remedy of its own has that of what lies behind it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from penstock.core.tier import NAMED
from penstock.sim.drills import figures, shapes, strips, words
from penstock.sim.drills.shapes import Arm, Check, Counts, Finding, Result, Seen
from penstock.sim.drills.shortage import shortages
from penstock.web.quantities import seconds, sentence

CONTRACTS: Final = ("enterprise", "standard")
ADDED_S: Final = 0.25  # of p99, for enterprise
LATE_S: Final = 60.0  # a fault that half of all requests show is known by then
TRUNCATION, COMPLETES, WAITS, WATCH = "truncation", "call completes", "waits at most", "watch was"
DEFECT: Final = (
    "This is a defect, of Penstock or of the set-up: the drill's folder has all calls and the logs "
    "of all processes."
)
FINDINGS_MAX: Final = 12


class Found(NamedTuple):
    """A finding before it has its place: by rank, the larger the size the worse."""

    rank: int
    size: float
    words: str
    remedy: str = ""
    tier: str = ""  # that found no room
    explains: str = ""  # checks whose names have these words in them
    details: str = ""  # of a check: they stand before the remedy


def findings(result: Result) -> tuple[Finding, ...]:
    """Return what went wrong, worst first."""
    found = [*_unmet(result.checks), *_blind((*result.seen, *result.uncut))]
    if result.arms:
        arm = result.arms[-1]
        found += [*_truncated(arm), *_lost(arm)]
        if result.mode != shapes.CHAOS:  # there too little room is part of the play
            found += [*_slow(arm), *_waited(result, arm), *_door(result, arm)]
    found += list(_broken(result.checks, found))
    found.sort(key=lambda one: (one.rank, -one.size))
    found = list(_explained(found))
    return tuple(
        Finding(rank=at, words=one.words, remedy=_remedy(one))
        for at, one in enumerate(found[:FINDINGS_MAX], 1)
    )


def _remedy(one: Found) -> str:
    details = f"{sentence(words.plain(one.details.rstrip('.')))}. " if one.details else ""
    return f"{details}{one.remedy}".strip()


def _explained(found: Sequence[Found]) -> Iterator[Found]:
    """Yield findings; what has no remedy of its own has that of what lies behind it.

    An expectation of a tier was not met because that tier found no room.
    """
    causes = {one.tier: one for one in found if one.tier}
    for one in found:
        cause = next((causes[tier] for tier in causes if tier in one.words), None)
        if one.remedy or cause is None:
            yield one
        else:
            yield one._replace(remedy=f"{cause.words}. {cause.remedy}")


# --- 1 and 3: checks


def _broken(checks: Sequence[Check], found: Sequence[Found]) -> Iterator[Found]:
    """Yield invariants that were broken and that no finding explains."""
    known = {one.explains for one in found if one.explains}
    for one in checks:
        if one.is_kept is not False or one.is_expectation:
            continue
        told = f"This did not hold: {one.name}"
        if any(words in one.name for words in known):
            continue
        is_of_a_tier = one.name.partition(" ")[0] in NAMED
        rank, cure = (3, "") if is_of_a_tier else (2, DEFECT)
        yield Found(rank, 1.0, told, cure, details=one.words)


def _unmet(checks: Sequence[Check]) -> Iterator[Found]:
    for one in checks:
        if one.is_kept is False and one.is_expectation:
            told = f"An expectation was not met: {one.name}"
            yield Found(3, 0.0, told, details=one.words)


# --- 1, 2, 6, 7: an arm's counts


def _truncated(arm: Arm) -> Iterator[Found]:
    for place in figures.PLACES:
        one = figures.find(arm, "", place)
        if one.truncated:
            yield Found(
                1,
                2.0,
                f"{words.count(one.truncated, 'answer')} ended as if whole, and were not",
                "Nobody may do this. Look the exchanges up by their ids in calls.jsonl.",
                explains=TRUNCATION,
            )


def _lost(arm: Arm) -> Iterator[Found]:
    for tier in CONTRACTS:
        one = figures.find(arm, tier)
        ended = one.calls - one.unfinished
        lost = lost_of(one)
        if lost:
            told = f"{words.part(lost, ended)} {tier} calls did not complete: {ways(one)}"
            yield Found(1, lost / ended, told, _cure(one), explains=f"{tier} {COMPLETES}")
        if one.spoilt:
            told = f"{words.part(one.spoilt, ended)} {tier} answers were whole, in wrong words"
            cure = (
                "A provider that says wrong things with status 200 is found by whoever knows what "
                "it should say: probes with canaries do, and the status page tells when they fail."
            )
            yield Found(6, one.spoilt / ended, told, cure)
        if not lost and one.broken:
            told = f"{words.part(one.broken, ended)} {tier} answers were broken off"
            yield Found(
                6,
                one.broken / ended,
                f"{told}, each with an error that says so",
                "Half a tool call, bound JSON and thinking cannot be gone on with by another "
                "provider; a client that asks again gets an answer.",
                explains=f"{tier} {COMPLETES}",
            )


def lost_of(one: Counts) -> int:
    """Return the calls that were lost; broken with an error, and spoilt, are counted apart."""
    return one.calls - one.unfinished - one.complete - one.broken - one.spoilt


def ways(one: Counts) -> str:
    """Return how calls that were not complete ended, the most frequent first."""
    kinds = {
        "turned away": one.refused,
        "failed": one.failed - one.spoilt,
        "silently truncated": one.truncated,
        "left by a person who lost patience": one.left,
    }
    told = sorted(((size, name) for name, size in kinds.items() if size), reverse=True)
    ends = ", ".join(f"{size:,} {name}" for size, name in told)
    return f"{ends}; {one.broken:,} more broke off with an error" if one.broken else ends


def _cure(one: Counts) -> str:
    most = max(one.refusals, key=lambda code: one.refusals[code], default="")
    if one.broken > one.refused + one.failed:
        return "Set on_break to continue on the routes, or stay with one dialect per route."
    if most in {"upstream_failed", "upstream_timeout"}:
        return "Give the routes one more provider: all that were asked failed at once."
    if one.refused or "capacity" in most:
        return "Size the surviving providers for these tiers, or add an engine of your own."
    return "calls.jsonl has each of them, with its error."


def _slow(arm: Arm) -> Iterator[Found]:
    one = figures.find(arm, CONTRACTS[0])
    if one.added_p99_s is not None and one.added_p99_s > ADDED_S:
        yield Found(
            6,
            one.added_p99_s,
            f"Enterprise waited up to {seconds(one.added_p99_s)} longer (p99), where "
            f"{seconds(ADDED_S)} is the aim",
            "Lower the time after which a second provider is tried, or keep more room free.",
            explains=WAITS,
        )


def _door(result: Result, arm: Arm) -> Iterator[Found]:
    one = figures.find(arm, "", "chat")
    lost = one.calls - one.unfinished - one.complete
    if lost and strips.rows(result.timetable, ("chat", "login")):
        yield Found(
            7,
            lost / one.calls,
            f"{words.part(lost, one.calls - one.unfinished)} chat calls were lost while the "
            "chat's own front door or log-in failed",
            "No failover between providers can mend a front door: a second one can, and the "
            "status page says meanwhile that the API works.",
        )


# --- 4: who knew


def _blind(seen: Sequence[Seen]) -> Iterator[Found]:
    for one in seen:
        if one.is_right is False:
            size, told, remedy = _wrong(one)
            yield Found(4, size, told, remedy, explains=WATCH)


def _wrong(one: Seen) -> tuple[float, str, str]:
    """Return how bad it is that the watch was wrong, how it was, and what helps."""
    if one.failed_at_s is None:
        told = f"{one.name} worked, and the status page called it {one.verdict or 'failing'}"
        return 1.0, told, "See what it was called so for on the status page's incident."
    if one.watch_s is None:
        told = f"{one.name} failed, and the watch never saw it"
        return 3.0, told, "Give it a probe, or send some traffic its way: nothing looked at it."
    if one.watch_s > LATE_S:
        told = f"{one.name} failed, and it took {seconds(one.watch_s)} until that was known"
        return 2.0, told, f"Probe it more often: {seconds(LATE_S)} is the aim."
    told = f"{one.name} failed, and the watch blamed {words.culprits(one.culprit)}"
    if one.expected:
        told += f", where {words.culprits(one.expected)} would be right"
    return 1.5, told, "More traffic or a probe of each would part the two."


# --- 5: room


def _waited(result: Result, arm: Arm) -> Iterator[Found]:
    for one in shortages(result, arm):
        rank = 2 if one.tier in CONTRACTS else 5
        yield Found(rank, one.ratio, one.words, one.remedy, one.tier)
