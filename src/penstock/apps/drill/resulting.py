"""From what was played to a result: joined with the ledgers, measured and reckoned."""

from collections.abc import Mapping, Sequence

import msgspec

import penstock
from penstock.apps.drill.joining import counted, joined
from penstock.apps.drill.playing import Play, Played
from penstock.apps.drill.reckoning import reckoned
from penstock.sim.drills import measuring, shapes
from penstock.sim.drills.drill_file import Drill, Phase
from penstock.sim.drills.measuring import TITLES, Drilled, Joined
from penstock.sim.drills.shapes import BOUND, Call, Outage, Reckoning, Result, Seen, Timetable
from penstock.web.quantities import seconds


def calls_of(played: Played) -> list[Call]:
    """Return all calls, with what ledgers and providers know of them."""
    found: list[Call] = []
    for arm, ledger in played.ledgers.items():
        mine = [one for one in played.calls if one.arm == arm]
        found += counted(mine, played.attempts[arm]) if arm == BOUND else joined(mine, ledger.known)
    return sorted(found, key=lambda one: one.at_s)


def result_of(asked: Play, played: Played, calls: list[Call], took_s: float) -> Result:
    """Return the result, not yet judged."""
    made = asked.set_up
    drilled = Drilled(
        name=asked.folder.name,
        mode=shapes.EMULATED,
        began_unix_s=played.began_unix_s,
        took_s=took_s,
        seed=asked.seed,
        version=penstock.__version__,
        set_up=made.words,
        partial=partial(asked.timetable, played.stopped_at_s),
        outage=outage(asked.drill),
        timetable=_told(asked, played),
        arms=tuple(one._replace(rooms=made.rooms) for one in TITLES),
        providers=made.providers,
    )
    found = Joined(
        seen=_named(made.names, played.seen),
        uncut=played.uncut,
        reckonings=_reckonings(played, calls),
    )
    return measuring.measured(drilled, calls, found)


def outage(drill: Drill) -> Outage:
    """Return what is known of an outage, and what is not."""
    return Outage(
        id=drill.id,
        title=drill.title,
        provider=drill.provider,
        confidence=drill.confidence,
        sources=drill.sources,
        published=tuple(_published(one) for one in drill.phases),
        assumed=tuple(
            f"{_when(one)} {', '.join(one.surfaces)}: {kind} {share:.0%}"
            for one in drill.phases
            for kind, share in one.assumed.items()
        ),
    )


def _published(phase: Phase) -> str:
    shares = [f"{kind} {share:.0%}" for kind, share in phase.faults.items() if share is not None]
    kinds = [f"{kind}, no share" for kind, share in phase.faults.items() if share is None]
    return f"{_when(phase)} {', '.join(phase.surfaces)}: {'; '.join([*shares, *kinds])}"


def _when(phase: Phase) -> str:
    return f"{phase.start:%Y-%m-%d %H:%M} to {phase.end:%H:%M}"


def partial(planned: Timetable, stopped_at_s: float | None) -> str:
    """Return how much of it was played, if it was stopped."""
    if stopped_at_s is None:
        return ""
    return (
        f"Stopped by hand after {seconds(stopped_at_s)} of the {seconds(planned.played_s)} that "
        "were to be played: these figures are of that part alone."
    )


def _told(asked: Play, played: Played) -> Timetable:
    """Return the timetable with what has to be said of the set-up and of the play."""
    table = played.timetable
    notes = (*table.notes, *asked.set_up.notes, *played.words)
    return msgspec.structs.replace(table, notes=notes)


def _named(names: Mapping[str, str], seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Return what was seen with models by the names that their owner knows."""
    return tuple(
        msgspec.structs.replace(one, name=names[one.name]) if one.name in names else one
        for one in seen
    )


def _reckonings(played: Played, calls: list[Call]) -> list[Reckoning]:
    return [
        reckoned(arm, ledger, played.attempts[arm], calls)
        for arm, ledger in played.ledgers.items()
        if arm != BOUND
    ]
