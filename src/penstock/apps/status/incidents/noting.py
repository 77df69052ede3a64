"""What the watch says, kept: a row of ``verdicts`` for each change, never one a look.

changed    verdict, state, culprit, who carries it, or which kinds of evidence stand out: at once
           where the verdict changes, else CHANGE_S apart at the earliest
refreshed  while something stands out: EVERY_S after the last row, with the figures of now

A component's row names its last one: that is what the page shows of it.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from penstock.apps.status.tables import components, verdicts
from penstock.watch.assessment import Assessment, Verdict

CHANGE_S: Final = 15.0
EVERY_S: Final = 60.0


def note(connection: Connection, some: Sequence[Assessment], now_unix_s: float) -> bool:
    """Write what has changed; tell whether anything has."""
    statement = select(
        components.c.id.label("id"),
        verdicts.c.id.label("row"),
        verdicts.c.verdict,
        verdicts.c.at_unix_s,
        verdicts.c.document,
    ).outerjoin(verdicts, verdicts.c.id == components.c.verdict)
    last = {row.id: row for row in connection.execute(statement)}
    is_changed = False
    for said in some:
        before = last.get(said.component)
        if before is not None and _is_due(before, said, now_unix_s):
            _write(connection, said, now_unix_s)
            is_changed = True
    return is_changed


def _is_due(before: Any, said: Assessment, now_unix_s: float) -> bool:
    if before.row is None:
        return True
    if before.verdict != said.verdict.word:
        return True
    ago_s = now_unix_s - before.at_unix_s
    if said.verdict is not Verdict.NONE and ago_s >= EVERY_S:
        return True
    return ago_s >= CHANGE_S and _gist(_read(before.document)) != _gist(said)


def _read(document: str) -> Assessment | None:
    try:
        return msgspec.json.decode(document, type=Assessment)
    except msgspec.MsgspecError:
        return None


def _gist(said: Assessment | None) -> tuple[object, ...]:
    """Return what makes a difference to people; figures move all the time."""
    if said is None:
        return ()
    loud = tuple((sign.kind, sign.verdict, sign.is_silent) for sign in said.signs)
    return (said.state, said.culprit, said.culprit_name, said.carried_by, loud)


def _write(connection: Connection, said: Assessment, now_unix_s: float) -> None:
    row = connection.execute(
        insert(verdicts).values(
            component=said.component,
            verdict=said.verdict.word,
            state=said.state.value,
            culprit=said.culprit.value,
            culprit_name=said.culprit_name,
            at_unix_s=now_unix_s,
            document=msgspec.json.encode(said).decode(),
        )
    ).inserted_primary_key
    mine = components.c.id == said.component
    connection.execute(update(components).where(mine).values(verdict=row[0] if row else 0))
