"""Results of drills, kept: the newest ``KEPT_MAX``, never changed once they are here.

A result comes whole. Its digest stands beside it, so that a list reads no whole ones; it is
compressed, for nine tenths of it are figures over time.
"""

import zlib
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select

from penstock.ledger.tables import drills
from penstock.sim.drills import sound
from penstock.sim.drills.digest import Digest, digest
from penstock.sim.drills.shapes import Result

KEPT_MAX: Final = 500  # a year and more of nightly drills, at some 30 KB each
RESULT_BYTES_MAX: Final = 64 * 1024 * 1024  # uncompressed; what a body may have is far below


class Kept(msgspec.Struct, frozen=True):
    """A line of the history, who sent it, and when."""

    digest: Digest
    actor: str
    kept_unix_s: float


def keep(connection: Connection, result: Result, raw: bytes, actor: str, now_unix_s: float) -> Kept:
    """Store a result of which there is none by its name; the oldest beyond the bound go."""
    short = digest(result)
    connection.execute(
        insert(drills).values(
            name=result.name,
            drill=short.drill,
            mode=short.mode,
            actor=actor,
            is_passed=int(short.is_passed),
            began_unix_s=result.began_unix_s,
            kept_unix_s=now_unix_s,
            digest=msgspec.json.encode(short).decode(),
            document=zlib.compress(raw),
        )
    )
    order = (drills.c.kept_unix_s.desc(), drills.c.name)
    oldest = select(drills.c.name).order_by(*order).offset(KEPT_MAX).limit(KEPT_MAX)
    gone = [row.name for row in connection.execute(oldest)]
    if gone:
        connection.execute(delete(drills).where(drills.c.name.in_(gone)))
    return Kept(short, actor, now_unix_s)


def is_kept(connection: Connection, name: str) -> bool:
    """Return whether there is a result by this name."""
    found = connection.execute(select(drills.c.name).where(drills.c.name == name))
    return found.first() is not None


def listed(
    connection: Connection, limit: int, *, drill: str = "", mode: str = "", before: str = ""
) -> list[Kept]:
    """Return results, those that began last first; ``before``: those that come after this one."""
    wanted = select(drills.c.digest, drills.c.actor, drills.c.kept_unix_s)
    wanted = wanted.order_by(drills.c.began_unix_s.desc(), drills.c.name.desc()).limit(limit)
    if drill:
        wanted = wanted.where(drills.c.drill == drill)
    if mode:
        wanted = wanted.where(drills.c.mode == mode)
    if before:
        at = select(drills.c.began_unix_s).where(drills.c.name == before).scalar_subquery()
        is_same = (drills.c.began_unix_s == at) & (drills.c.name < before)
        wanted = wanted.where((drills.c.began_unix_s < at) | is_same)
    return [_kept(row) for row in connection.execute(wanted)]


def played(connection: Connection) -> list[str]:
    """Return the ids of the drills of which there are results."""
    found = connection.execute(select(drills.c.drill).distinct().order_by(drills.c.drill))
    return [str(row.drill) for row in found]


def whole(connection: Connection, name: str) -> Result | None:
    """Return a result; None if there is none by this name."""
    if not sound.NAME.fullmatch(name):
        return None
    found = connection.execute(select(drills.c.document).where(drills.c.name == name)).scalar()
    if found is None:
        return None
    raw = zlib.decompressobj().decompress(found, RESULT_BYTES_MAX)
    return msgspec.json.decode(raw, type=Result)


def _kept(row: Row[Any, Any, Any]) -> Kept:
    return Kept(msgspec.json.decode(row.digest, type=Digest), row.actor, row.kept_unix_s)
