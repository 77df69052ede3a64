"""That a drill is on: said on every page until its end, and then by itself no more.

announced   by an operator, with words for everybody and an end at most ``LASTS_S_MAX`` away; a
            second one stands in place of the first
over        at its end, or when an operator says so; nothing is left to be taken back
off         ``[status] shows_drills = false``: the page says nothing, whoever announces what
"""

from typing import Final

import msgspec
from sqlalchemy import Connection, delete

from penstock.apps.status import keeping
from penstock.apps.status.tables import kept
from penstock.web.endpoint import InvalidError

NAME: Final = "drill"
LASTS_S_MAX: Final = 4 * 3600.0  # half a working day; who drills for longer says so again
WORDS: Final = "We practise an outage, so some requests may fail on purpose."
WORDS_MAX: Final = 300


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that people are told of."""

    words: str
    from_unix_s: float
    until_unix_s: float
    author: str


def now(connection: Connection, now_unix_s: float) -> Announced | None:
    """Return the drill that is on; None once it has ended."""
    found = keeping.read(connection, NAME, Announced)
    return found if found is not None and now_unix_s < found.until_unix_s else None


def announce(
    connection: Connection, words: str, until_unix_s: float, author: str, now_unix_s: float
) -> Announced:
    """Say that a drill is on; raises InvalidError where its end is past, or too far away."""
    if not now_unix_s < until_unix_s <= now_unix_s + LASTS_S_MAX:
        told = f"a drill ends within {LASTS_S_MAX / 3600.0:g} hours, and not in the past"
        raise InvalidError(told, "until_unix_s")
    if len(words) > WORDS_MAX:
        raise InvalidError(f"has more than {WORDS_MAX} characters", "words")
    found = Announced(
        words=words.strip() or WORDS,
        from_unix_s=now_unix_s,
        until_unix_s=until_unix_s,
        author=author,
    )
    keeping.write(connection, NAME, found, now_unix_s)
    return found


def end(connection: Connection) -> None:
    """Say no more of it."""
    connection.execute(delete(kept).where(kept.c.name == NAME))


def turn(connection: Connection, now_unix_s: float) -> bool:
    """Take away what has ended; tell whether anything has."""
    is_there = keeping.read(connection, NAME, Announced) is not None
    if is_there and now(connection, now_unix_s) is None:
        end(connection)
        return True
    return False
