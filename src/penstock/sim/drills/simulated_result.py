"""From arms that were played in virtual time to a result, in the words of its scale.

    scale      people x what each asks in a day, over the calls that were simulated a second
    slots      of providers, by scale, over the answers that one GPU gives at once (chosen)
    waits      of fewer, larger pieces are longer: the larger installation waits less, not more
    checks     that of every drill, and what is true of the gate at every instant

Queues, ladder and limits were the gateway's own. What was not simulated is said.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.sim.drills import capacity, measuring, shapes
from penstock.sim.drills.judging import Stated, judged
from penstock.sim.drills.measuring import Joined
from penstock.sim.drills.shapes import Arm, Check, Outage, Result, Room, Seen, Struct
from penstock.sim.drills.simulated import Played
from penstock.sim.drills.simulated_set_up import STREAMS_PER_GPU, USE_RATIO, SetUp
from penstock.sim.drills.simulated_time import DAY_S, Times
from penstock.web.quantities import number

PEOPLE: Final = 50_000_000
CALLS_A_DAY: Final = 10.0  # that a person asks for, by chat, programs and agents together
KEPT_MAX: Final = 5  # words of broken invariants

CUT: Final = (
    "Time is cut between changes, never sped up; what is left out is as what was played before it."
)
UNREAD: Final = (
    "Simulated: wrong and corrupt answers are counted as complete, since nobody reads them; the "
    "console is not asked for; everybody logs in at the begin of a conversation; ledger, dialects "
    "and continuing across them are of emulated drills alone."
)


class Scale(Struct, frozen=True, kw_only=True):
    """For how many each exchange stands."""

    people: float
    calls_per_s: float  # of all of them
    factor: float
    slots: float
    gpus: float

    @property
    def words(self) -> str:
        """What the report says of it."""
        return (
            f"Each exchange stands for {number(round(self.factor))}: {number(round(self.people))} "
            f"people who ask {CALLS_A_DAY:g} times a day, {number(round(self.calls_per_s))} calls "
            f"a second, and providers with {number(round(self.slots))} answers under way at once, "
            f"about {number(round(self.gpus))} GPUs at {STREAMS_PER_GPU} each. People, their "
            "questions and GPUs are chosen, and scaled from a smaller run; a larger installation "
            "pools better, and waits less."
        )


def scaled(set_up: SetUp, rate_per_s: float, people: float) -> Scale:
    """Return for how many each exchange stands."""
    calls_per_s = people * CALLS_A_DAY / DAY_S
    factor = max(1.0, calls_per_s / rate_per_s)
    slots = set_up.slots * factor
    return Scale(
        people=factor * rate_per_s * DAY_S / CALLS_A_DAY,
        calls_per_s=factor * rate_per_s,
        factor=factor,
        slots=slots,
        gpus=slots / STREAMS_PER_GPU,
    )


class Known(Struct, frozen=True, kw_only=True):
    """What a simulation knows of itself."""

    name: str
    began_unix_s: float
    took_s: float
    seed: int
    version: str
    outage: Outage
    times: Times
    set_up: SetUp
    scale: Scale


def result_of(
    known: Known, played: Sequence[Played], stated: Stated, uncut: Sequence[Seen] = ()
) -> Result:
    """Return the result; ``uncut`` is what the watch would have said of the whole outage."""
    table = known.times.timetable
    notes = (*table.notes, *(() if known.times.is_whole else (CUT,)), UNREAD)
    timetable = msgspec.structs.replace(table, notes=notes)
    arms = [_arm(one, known.set_up) for one in played]
    shares = [
        capacity.possible(capacity.loads(timetable, arms, one.rooms), timetable) for one in arms
    ]
    made = Result(
        name=known.name,
        mode=shapes.SIMULATED,
        began_unix_s=known.began_unix_s,
        took_s=known.took_s,
        seed=known.seed,
        version=known.version,
        set_up=_words(known.set_up),
        scale=known.scale.words,
        outage=known.outage,
        timetable=timetable,
        arms=tuple(
            capacity.with_possible(one, share) for one, share in zip(arms, shares, strict=True)
        ),
        customer=tuple(_customer(one) for one in played),
        checks=tuple(check for one in played for check in _checks(one)),
        uncut=tuple(uncut),
    )
    elsewhere = [call for one in played for call in one.recorder.elsewhere(one.arm)]
    return measuring.completed(judged(made, elsewhere, stated), Joined())


def _arm(played: Played, set_up: SetUp) -> Arm:
    titled = next(one for one in measuring.TITLES if one.name == played.arm)
    return Arm(
        name=played.arm,
        title=titled.title,
        words=titled.words,
        rooms=tuple(
            Room(provider=one.name, calls_per_s=one.calls_per_s) for one in set_up.providers
        ),
        counts=played.recorder.counts(played.arm),
        series=played.recorder.series(played.arm),
    )


def _customer(played: Played) -> Arm:
    titled = next(one for one in measuring.TITLES if one.name == played.arm)
    counts = played.recorder.customer(played.arm)
    return Arm(name=played.arm, title=titled.title, words=titled.words, counts=counts)


def _checks(played: Played) -> tuple[Check, ...]:
    if played.arm == shapes.BOUND:
        return ()
    told = "; ".join(played.breaches[:KEPT_MAX])
    gate = Check(
        name=f"the gate kept its own rules, {played.arm}",
        is_kept=not played.breach_count,
        words=told or "no more out than may be, and nobody of the first tier beside a free slot",
    )
    if played.arm != shapes.PENSTOCK:
        return (gate,)
    sheds = played.contract_sheds
    kept = Check(
        name="nobody within a contract is refused",
        is_kept=not sheds,
        words=f"{number(sheds)} were" if sheds else "nobody was",
    )
    return (gate, kept)


def _words(set_up: SetUp) -> str:
    slots = ", ".join(f"{one.name} {number(one.slots)}" for one in set_up.providers)
    return (
        f"Modelled: callers are bound to {set_up.home} unless they say, whose slots are used to "
        f"{USE_RATIO:.0%}; the others have slots for all of enterprise and standard besides their "
        f"own ({slots}, before scaling)."
    )
