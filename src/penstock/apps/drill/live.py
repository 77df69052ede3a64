"""The report of a live drill, from the ledger: the same as of any other, with one arm.

from the ledger   every exchange from ``before_s`` before the drill to ``after_s`` after its end, as
                  its caller was told of it
added             first content less what the upstream took that gave it; unknown where the drill
                  itself made that one slow
sessions          of callers who send a trace with their requests: what has one trace is a session,
                  complete if its last exchange is. Who sends none has none that is known
strikes           the drill's faults, as they stood until it ended or was stopped; their shares are
                  of whom they aim at, and no more than the blast radius was struck
seen              what the status page said beside what callers felt: ``sim/drills/felt.py``
id                results of the same outage, or of the same faults, are runs of the same drill
not known         said in the notes: tries of a caller that are one to it, truncation, time between
                  tokens, the providers' own counts, what a provider's page said
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from sqlalchemy import select

import penstock
from penstock.apps.drill.joining import added_s, first_giver
from penstock.apps.drill.live_seeing import Looked
from penstock.exchange.record import Record
from penstock.ledger import tables
from penstock.ledger.rows import COLUMNS, US, entry_of
from penstock.ledger.store import Store
from penstock.sim.drills import felt, measuring, shapes
from penstock.sim.drills.felt import Felt
from penstock.sim.drills.measuring import TITLES, Drilled, Joined
from penstock.sim.drills.shapes import (
    PENSTOCK,
    Call,
    Outage,
    Result,
    Seen,
    Strike,
    Timetable,
    Window,
)
from penstock.snapshot.live_drill import LiveDrill

BEFORE_S: Final = 60.0  # what is usual, to be seen beside it
AFTER_S: Final = 30.0
EXCHANGES_MAX: Final = 200_000  # some 200 a second over the longest; the rest is told as left out
ENDS: Final = {
    "complete": shapes.COMPLETE,
    "refused": shapes.REFUSED,
    "failed": shapes.FAILED,
    "broken": shapes.BROKEN,
    "hung_up": shapes.LEFT,
    "lost": shapes.FAILED,
}
SESSIONS: Final = "a session is complete here if its last exchange is"
DOORS: Final = (
    "chat, console and log-in are not struck: a live drill strikes at the providers alone"
)
TRIES: Final = "what a caller tried several times is told as several calls"
CUT: Final = "whether a text was cut that ended as if whole, only its caller can know"
LEDGER: Final = "the ledger has neither the time between tokens nor the providers' own counts"
OURS_ALONE: Final = (
    "the gateway made these failures: no provider failed, and who blames one is wrong"
)
UNSEEN: Final = (TRIES, CUT, LEDGER, OURS_ALONE)
UNWATCHED: Final = "nobody looked at the status page: what it showed is not known"
ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")
NAMED_MAX: Final = 3  # faults in a drill's id
OURS: Final = ("success", "ignored")


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that is over."""

    drill: LiveDrill
    at_unix_s: float
    why: str = ""  # it was stopped
    struck: int = 0
    seen: int = 0
    before_s: float = BEFORE_S  # of what is usual; shorter where another drill was on until then
    after_s: float = AFTER_S  # for which the report goes on
    is_quiet: bool = True  # no provider failed by itself meanwhile

    @property
    def began_unix_s(self) -> float:
        """Where the report begins."""
        return self.drill.began_unix_s - self.before_s


def records(store: Store, ended: Ended) -> list[Record]:
    """Return the exchanges that the report is of; raises StoreError."""
    there = tables.exchanges.c
    query = (
        select(*(there[name] for name in COLUMNS))
        .where(
            there.at_us >= int(ended.began_unix_s * US),
            there.at_us < int((ended.at_unix_s + ended.after_s) * US),
        )
        .order_by(there.at_us)
        .limit(EXCHANGES_MAX)
    )
    with store.reading() as connection:
        return [entry_of(row).record for row in connection.execute(query)]


def calls(found: Iterable[Record], ended: Ended) -> list[Call]:
    """Return the exchanges as calls."""
    made = [_call(one, one.at_unix_s - ended.began_unix_s) for one in found]
    last = {one.session: at for at, one in enumerate(made) if one.session}
    return [
        one if last.get(one.session, at) == at else msgspec.structs.replace(one, session="")
        for at, one in enumerate(made)
    ]


def result(ended: Ended, made: list[Call], looked: Looked | None = None) -> Result:
    """Return the drill's result; ``looked``: what was seen of the status page, if anybody did."""
    drill = ended.drill
    drilled = Drilled(
        name=drill.id,
        mode=shapes.LIVE,
        began_unix_s=ended.began_unix_s,
        took_s=ended.at_unix_s - ended.began_unix_s + ended.after_s,
        seed=0,
        version=penstock.__version__,
        set_up=f"this installation; begun by {drill.by}: {drill.reason}",
        outage=Outage(id=outage_id(drill), title=drill.reason, provider="live drill"),
        timetable=timetable_of(ended, _notes(ended, made, looked)),
        arms=tuple(one for one in TITLES if one.name == PENSTOCK),
    )
    return measuring.measured(drilled, made, Joined(seen=_seen(ended, made, looked)))


def outage_id(drill: LiveDrill) -> str:
    """Return what a drill is a run of: the outage that it rehearses, or else its faults."""
    if drill.outage:
        return drill.outage
    named = {f"{one.kind.value}-{one.upstream}".rstrip("-*") for one in drill.faults}
    told = [*sorted(named)[:NAMED_MAX], *(["more"] if len(named) > NAMED_MAX else [])]
    return ODD.sub("_", "-".join(("live", *told)))


def _seen(ended: Ended, made: Sequence[Call], looked: Looked | None) -> tuple[Seen, ...]:
    if looked is None:
        return ()
    zero = ended.began_unix_s
    early_s = zero - looked.zero_unix_s
    said = [
        msgspec.structs.replace(one, at_s=max(0.0, one.at_s - early_s)) for one in looked.sightings
    ]
    known = Felt(
        made,
        ended.drill.began_unix_s - zero,
        ended.at_unix_s - zero,
        ended.is_quiet,
        {name: [at_s - early_s for at_s in found] for name, found in looked.reports.items()},
    )
    return felt.seen(looked.lines, said, known)


def _notes(ended: Ended, made: Sequence[Call], looked: Looked | None) -> tuple[str, ...]:
    radius = f"no more than {ended.drill.blast_radius_ratio:.1%} of all exchanges were to be struck"
    sessions = sum(bool(one.session) for one in made)
    found = [
        f"{radius}: {ended.struck:,} of {ended.seen:,} were",
        f"it was stopped before its end: {ended.why}" if ended.why else "",
        f"only the first {EXCHANGES_MAX:,} exchanges are counted"
        if len(made) >= EXCHANGES_MAX
        else "",
        f"{sessions:,} sessions are known, of callers who send a trace with each request",
        SESSIONS,
        DOORS,
        *UNSEEN,
        looked.words if looked is not None else UNWATCHED,
    ]
    return tuple(one for one in found if one)


def timetable_of(ended: Ended, notes: tuple[str, ...] = ()) -> Timetable:
    """Return the drill as a timetable of the report's seconds."""
    zero = ended.began_unix_s
    long_s = ended.at_unix_s - zero + ended.after_s
    window = Window(
        from_s=0.0,
        to_s=long_s,
        from_unix_s=zero,
        to_unix_s=zero + long_s,
        changes=("the drill begins", "the drill is stopped" if ended.why else "the drill ends"),
    )
    return Timetable(
        windows=(window,),
        strikes=tuple(_strikes(ended)),
        notes=notes,
        played_s=long_s,
        true_s=long_s,
    )


def _strikes(ended: Ended) -> Iterable[Strike]:
    for one in ended.drill.faults:
        from_unix_s = max(one.starts_unix_s, ended.drill.began_unix_s)
        to_unix_s = min(one.ends_unix_s, ended.at_unix_s)
        if from_unix_s < to_unix_s:
            yield Strike(
                place="api",
                kind=one.kind.value,
                share=min(one.share_ratio, ended.drill.blast_radius_ratio),
                from_s=from_unix_s - ended.began_unix_s,
                to_s=to_unix_s - ended.began_unix_s,
                surface=f"upstream {one.upstream}",
                model=one.model,
            )


def is_quiet(found: Iterable[Record]) -> bool:
    """Return whether no provider failed by itself; what was tried in vain says nothing."""
    return not any(
        one.outcome not in OURS and not one.drill for record in found for one in record.attempts
    )


def _call(record: Record, at_s: float) -> Call:
    last = record.attempts[-1] if record.attempts else None
    call = Call(
        arm=PENSTOCK,
        tier=record.tier,
        tenant=record.tenant,
        traffic="struck" if any(one.drill for one in record.attempts) else "others",
        session=_session(record.trace),
        route=record.route,
        dialect=record.dialect,
        is_stream=record.is_stream,
        at_s=at_s,
        end=ENDS.get(record.outcome, shapes.FAILED),
        status=record.status,
        code=record.code,
        ttft_s=record.ttft_s,
        took_s=record.duration_s,
        waited_s=record.queued_s,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        upstream=last.upstream if last is not None else "",
        continued=record.hops,
        request_ids=(record.id,),
    )
    giver = first_giver(record)
    if giver is None or giver.drill:
        return call
    return msgspec.structs.replace(call, added_s=added_s(call, giver))


def _session(trace: str) -> str:
    """Return the trace that an exchange belongs to; the rest of its header is of this one alone."""
    parts = trace.split("-")
    return parts[1] if parts[1:] else ""
