"""How live drills ended, in the audit log: what the gateway did itself, noted once.

over       no worker says any more that it is on; or one does, has said nothing new in
           ``QUIET_LOOKS`` looks, and the drill is none of ``run/`` now, or past its end
a line     action ``end`` by the actor ``gateway``: over, stopped or refused, why, since when,
           and how many were struck. What was asked of control has its own lines beside it
once       a drill that has such a line gets no other, whoever looks, and however often: who
           notes it holds the line of its begin
from       ``run/gateway*.live``: what each worker said last lies there, whether we lived or
           not. So it is noted when we are back, and before another drill is begun
database   that is away: nothing is lost, the next look tries again
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from penstock.apps.control.parts import Parts
from penstock.core.errors import StoreError
from penstock.ledger.tables import audit
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import KIND, ON, End, LiveDrill, Told, end_of
from penstock.telemetry import log
from penstock.web.keeping_up import pause

ACTOR: Final = "gateway"
ROLE: Final = "process"
ACTION: Final = "end"
BEGUN: Final = "begin"
LOOK_S: Final = 1.0
QUIET_LOOKS: Final = 10  # a worker that lives says something new each second

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class LiveEnds:
    """Looks at what workers say, until it is cancelled. One thread at a time."""

    def __init__(self, parts: Parts, blocking: Blocking) -> None:
        self._parts = parts
        self._blocking = blocking
        self._last: dict[str, Told] = {}
        self._quiet: dict[str, int] = {}  # worker -> looks in which it has said nothing new
        self._noted: set[str] = set()  # of those that workers still speak of
        self._error = ""

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            await self._blocking(self.look)
            await pause(LOOK_S)

    def look(self) -> None:
        """Look once; note what has ended since."""
        state_dir, now_unix_s = self._parts.state_dir, self._parts.now_unix_s()
        said = live_drill.told(state_dir)
        self._listen(said)
        groups = by_drill(said)
        self._noted &= groups.keys()
        try:
            for drill, workers in groups.items():
                if drill not in self._noted and self._is_over(drill, workers, now_unix_s):
                    with self._parts.store.writing(is_durable=True) as connection:
                        note(connection, end_of(drill, workers), now_unix_s)
                    self._noted.add(drill)
        except StoreError as error:
            if error.message != self._error:
                log.warn("live_drill_end_not_noted", reason=error.message)
            self._error = error.message
        else:
            self._error = ""

    def _listen(self, said: Sequence[Told]) -> None:
        new = {one.worker for one in said if self._last.get(one.worker) != one}
        self._quiet = {
            one.worker: 0 if one.worker in new else self._quiet.get(one.worker, 0) + 1
            for one in said
        }
        self._last = {one.worker: one for one in said}

    def _is_over(self, drill: str, workers: Sequence[Told], now_unix_s: float) -> bool:
        silent = [one for one in workers if one.state == ON]
        if not silent:
            return True
        if any(self._quiet[one.worker] < QUIET_LOOKS for one in silent):
            return False
        lying = _lying(self._parts.state_dir)
        return lying is None or lying.id != drill or now_unix_s >= lying.ends_unix_s


def note_all(connection: Connection, state_dir: Path, now_unix_s: float) -> None:
    """Note all that workers speak of, before they are told of another drill; raises StoreError."""
    for drill, workers in by_drill(live_drill.told(state_dir)).items():
        note(connection, end_of(drill, workers), now_unix_s)


def note(connection: Connection, end: End, now_unix_s: float) -> None:
    """Write the line of a drill's end, unless there is one."""
    mine = select(audit.c.seq).where(audit.c.kind == KIND, audit.c.object == end.drill)
    connection.execute(mine.where(audit.c.action == BEGUN).with_for_update())
    if connection.execute(mine.where(audit.c.action == ACTION)).first() is not None:
        return
    connection.execute(
        insert(audit).values(
            at_unix_s=now_unix_s,
            actor=ACTOR,
            role=ROLE,
            address="",
            action=ACTION,
            kind=KIND,
            object=end.drill,
            before="",
            after=live_drill.encoded(end),
        )
    )


def by_drill(said: Sequence[Told]) -> dict[str, list[Told]]:
    """Return what workers say, by the drill that they speak of."""
    found: defaultdict[str, list[Told]] = defaultdict(list)
    for one in said:
        found[one.drill].append(one)
    return dict(found)


def _lying(state_dir: Path) -> LiveDrill | None:
    try:
        return live_drill.read(state_dir)
    except StoreError:  # the gateway refuses it
        return None
