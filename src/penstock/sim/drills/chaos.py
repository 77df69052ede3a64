"""Chaos: our own parts killed, frozen and starved, one after another, and what must hold of it.

    act       one blow to one part. It is played in a window of its own: ``LEAD_S`` of quiet, the
              blow for as long as it lasts, then ``AFTER_S`` to come back
    capacity  one provider is out all the while, so that there is never enough for all tiers
    hold      beside what always holds (no silent truncation, ledger and counted drops are all
              exchanges, no tier put off for one below it):
      not felt   a blow to what does not carry traffic: no call of a contract fails at the API
      felt       a blow to what does: calls of a contract that begin ``AGAIN_S`` after its end
                 complete; before that they may fail, in words
      back       the part is there again: another process answers, or the same one does
      charges    what bills add up is what exchanges were charged: nothing twice

How each blow is dealt is the shell's. Times are played seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from penstock.core.errors import ConfigError, Problem
from penstock.sim.drills import shapes
from penstock.sim.drills.shapes import Call, Check, Strike, Struct, Timetable, Window

LEAD_S: Final = 4.0
AFTER_S: Final = 16.0
AGAIN_S: Final = 8.0  # a breaker that has opened tries again after seconds
OURS: Final = "ours"  # the place of a strike at a part of ours
CONTRACTS: Final = ("enterprise", "standard")
WORDS_MAX: Final = 3
SHOWN_S: Final = 1.0  # of a blow that takes no time

How = Literal["kill", "freeze", "lock", "full", "slow_names", "gone", "silent", "cut"]
SQLITE: Final = "sqlite"  # the ledger's database
POSTGRESQL: Final = "postgresql"


class Act(Struct, frozen=True, kw_only=True):
    """One blow."""

    name: str
    part: str  # a process of ``penstock up``; of a blow to a database, whose it is
    how: How
    for_s: float
    words: str
    is_felt: bool = False  # by callers of the API, while it lasts
    of: str = ""  # the database that it is a blow to; empty: it makes no difference


ACTS: Final[tuple[Act, ...]] = (
    Act(name="kill-gateway", part="gateway-1", how="kill", for_s=0.0, is_felt=True,
        words="one of two gateway workers is killed with -9"),
    Act(name="freeze-gateway", part="gateway-2", how="freeze", for_s=6.0, is_felt=True,
        words="one of two gateway workers is frozen"),
    Act(name="kill-limiter", part="limiter", how="kill", for_s=0.0,
        words="the limiter is killed with -9: workers go on with their share"),
    Act(name="freeze-limiter", part="limiter", how="freeze", for_s=6.0,
        words="the limiter is frozen"),
    Act(name="kill-control", part="control", how="kill", for_s=0.0,
        words="control is killed with -9"),
    Act(name="freeze-control", part="control", how="freeze", for_s=6.0,
        words="control is frozen"),
    Act(name="kill-status", part="status", how="kill", for_s=0.0,
        words="the status page is killed with -9"),
    Act(name="freeze-status", part="status", how="freeze", for_s=6.0,
        words="the status page is frozen"),
    Act(name="kill-chat", part="chat", how="kill", for_s=0.0,
        words="the chat is killed with -9"),
    Act(name="freeze-chat", part="chat", how="freeze", for_s=6.0,
        words="the chat is frozen"),
    Act(name="lock-database", part="control", how="lock", for_s=8.0, of=SQLITE,
        words="the ledger's database is locked by somebody else"),
    Act(name="kill-database", part="control", how="gone", for_s=8.0, of=POSTGRESQL,
        words="the ledger's database is gone: connections end, and new ones are refused"),
    Act(name="freeze-database", part="control", how="silent", for_s=8.0, of=POSTGRESQL,
        words="the ledger's database takes connections and says nothing"),
    Act(name="cut-database", part="control", how="cut", for_s=0.0, of=POSTGRESQL,
        words="all connections to the ledger's database end at once"),
    Act(name="full-disk", part="control", how="full", for_s=8.0, of=SQLITE,
        words="the disk under the ledger is full"),
    Act(name="full-spool", part="gateway-1", how="full", for_s=6.0,
        words="the disk under one worker's spool is full: what it cannot write is counted"),
    Act(name="slow-names", part="gateway-1", how="slow_names", for_s=8.0, is_felt=True,
        words="names of upstreams take three seconds to resolve"),
)  # fmt: skip


class Dealt(Struct, frozen=True, kw_only=True):
    """A blow as it was dealt."""

    act: Act
    from_s: float
    to_s: float
    back_s: float | None = None  # after its end, until the part answered; None: it never did
    trouble: str = ""  # it could not be dealt, and why


def chosen(names: Sequence[str], database: str = SQLITE) -> tuple[Act, ...]:
    """Return the acts of these names, in their order here; none: all. Raises ConfigError.

    Blows to another database than that of the play are left out, and may not be named.
    """
    strange = sorted(set(names) - {one.name for one in ACTS})
    if strange:
        known = ", ".join(one.name for one in ACTS)
        raise ConfigError(
            [Problem("chaos", f"there is no {', '.join(strange)}", f"one of {known}")]
        )
    found = [one for one in ACTS if not names or one.name in names]
    other = [one.name for one in found if one.of not in {"", database}]
    if names and other:
        told = f"{', '.join(other)} cannot be dealt: the ledger is in {database}"
        raise ConfigError([Problem("chaos", told, "--database URL puts it into PostgreSQL")])
    return tuple(one for one in found if one.of in {"", database})


def timetable(
    acts: Sequence[Act], out: str = "claude", after_s: float = AFTER_S, began_unix_s: float = 0.0
) -> Timetable:
    """Return when each blow is to fall; ``out`` is the provider that is out all the while."""
    planned: list[Dealt] = []
    at_s = 0.0
    for act in acts:
        from_s = at_s + LEAD_S
        planned.append(Dealt(act=act, from_s=from_s, to_s=from_s + act.for_s))
        at_s = from_s + act.for_s + after_s
    return as_dealt(planned, at_s, out, began_unix_s)


def as_dealt(
    dealt: Sequence[Dealt], played_s: float, out: str, began_unix_s: float = 0.0
) -> Timetable:
    """Return the timetable of blows as they fell: a window lasts until the next one's quiet."""
    begins = [0.0, *(one.from_s - LEAD_S for one in dealt[1:])]
    ends = [*begins[1:], played_s]
    windows = [
        Window(
            from_s=from_s,
            to_s=to_s,
            from_unix_s=began_unix_s + from_s,
            to_unix_s=began_unix_s + to_s,
            changes=(one.act.words,),
        )
        for one, from_s, to_s in zip(dealt, begins, ends, strict=True)
    ]
    strikes = [
        Strike(
            place=OURS,
            kind=one.act.how,
            share=1.0,
            from_s=one.from_s,
            to_s=max(one.to_s, one.from_s + SHOWN_S),
            surface=one.act.part,
        )
        for one in dealt
    ]
    if out:
        strikes.append(_out(out, played_s))
    return Timetable(
        windows=tuple(windows),
        strikes=tuple(strikes),
        notes=(f"{out} is out all the while: there is not enough for all tiers",) if out else (),
        played_s=played_s,
        true_s=played_s,
    )


def _out(provider: str, played_s: float) -> Strike:
    return Strike(
        place="api",
        kind="http_529",
        share=1.0,
        from_s=0.0,
        to_s=played_s,
        surface="api",
        provider=provider,
        is_assumed=True,
    )


def blow_at_s(table: Timetable, act: Act) -> float:
    """Return when an act's blow falls."""
    return next(
        one.from_s for one in table.strikes
        if one.place == OURS and (one.surface, one.kind) == (act.part, act.how)
    )  # fmt: skip


def checks(dealt: Iterable[Dealt], calls: Sequence[Call], played_s: float) -> Iterator[Check]:
    """Yield what had to hold of each blow, and whether it did."""
    listed = list(dealt)
    for at, one in enumerate(listed):
        until_s = listed[at + 1].from_s if at + 1 < len(listed) else played_s
        if one.trouble:
            yield Check(name=f"{one.act.name}: dealt", is_kept=None, words=one.trouble)
            continue
        yield _callers(one, calls, until_s)
        yield _back(one)


def charges(billed_microusd: int, charged_microusd: int) -> Check:
    """Return whether what bills add up is what exchanges were charged."""
    return Check(
        name="nothing is charged twice",
        is_kept=billed_microusd == charged_microusd,
        words=f"bills have {billed_microusd} millionths of a dollar, exchanges {charged_microusd}",
    )


def _callers(one: Dealt, calls: Sequence[Call], until_s: float) -> Check:
    from_s = one.to_s + AGAIN_S if one.act.is_felt else one.from_s
    begun = [
        call for call in calls
        if call.place == "api" and call.tier in CONTRACTS and from_s <= call.at_s < until_s
        and call.end != shapes.UNFINISHED
    ]  # fmt: skip
    hurt = [call for call in begun if call.end != shapes.COMPLETE]
    name = f"{one.act.name}: {'served again' if one.act.is_felt else 'not felt at the API'}"
    if not begun:
        return Check(name=name, is_kept=None, words="no call of a contract was made then")
    words = f"{len(begun) - len(hurt)} of {len(begun)} calls of enterprise and standard completed"
    told = ", ".join(
        f"{call.tier} {call.end} {call.status} {call.code}" for call in hurt[:WORDS_MAX]
    )
    return Check(name=name, is_kept=not hurt, words=f"{words}: {told}" if told else words)


def _back(one: Dealt) -> Check:
    name = f"{one.act.name}: back"
    if one.back_s is None:
        return Check(name=name, is_kept=False, words=f"{one.act.part} did not come back in time")
    return Check(name=name, is_kept=True, words=f"{one.act.part} after {one.back_s:.1f} s")
