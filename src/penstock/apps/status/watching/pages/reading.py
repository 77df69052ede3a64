"""What was read of a provider's page.

good         the page says so, in words that we know; silence, HTML or half a document are not that
trouble      something is open: one ``Line`` for each incident, or for a component without one
unreadable   everything else: no outage, and no word that all is well either

Everything from there is cut short, and a link is one of the web or none: both are shown to people.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import msgspec

from penstock.watch.evidence import PageState

LINES_MAX: Final = 50  # open at once; a page with more has a fault of its own
NAMES_MAX: Final = 50  # components of one line
WORDS_MAX: Final = 200
LINK_MAX: Final = 500
UNTIL_UNIX_S: Final = 4_102_444_800.0  # the year 2100: a later time is none


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, as the page has it."""

    title: str
    components: tuple[str, ...] = ()  # in the page's words; none: it does not say
    posted_unix_s: float = 0.0  # when it says that it posted; 0: it does not
    link: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one document says."""

    state: PageState
    lines: tuple[Line, ...] = ()  # of trouble
    why: str = ""  # it cannot be read


def unreadable(why: str) -> Reading:
    """Return that nothing was read."""
    return Reading(state=PageState.UNREADABLE, why=why[:WORDS_MAX])


def of(lines: Iterable[Line], *, is_good: bool) -> Reading:
    """Return trouble if there are lines; good only where the document says so itself."""
    found = tuple(lines)[:LINES_MAX]
    if found:
        return Reading(state=PageState.TROUBLE, lines=found)
    if is_good:
        return Reading(state=PageState.GOOD)
    return unreadable("it says nothing that we know the meaning of")


def line(title: str, names: Iterable[str] = (), posted: Any = None, link: Any = None) -> Line:
    """Return a line, with all that came from outside cut short."""
    return Line(
        title=short(title) or "without a title",
        components=tuple(dict.fromkeys(told for one in names if (told := short(one))))[:NAMES_MAX],
        posted_unix_s=instant(posted),
        link=web_link(link),
    )


def table(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one where there is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def tables(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list; none where there is no list."""
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [table(one) for one in found if isinstance(one, dict)]


def text(value: Any) -> str:
    """Return a text; empty where there is none."""
    return value if isinstance(value, str) else ""


def word(value: Any) -> str:
    """Return a word of a vocabulary as small letters alone: MAJOROUTAGE, major_outage: one."""
    return "".join(filter(str.isalpha, text(value)[:WORDS_MAX])).lower()


def short(value: Any) -> str:
    """Return a text in one line, cut short, without what cannot be printed."""
    said = text(value)[: 4 * WORDS_MAX]
    return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:WORDS_MAX]


def web_link(value: Any) -> str:
    """Return a link of the web; empty if it is anything else."""
    found = text(value).strip()
    is_web = found.startswith(("https://", "http://"))
    is_plain = found.isascii() and found.isprintable() and not set(found) & set(" \"'<>\\")
    return found if is_web and is_plain and len(found) <= LINK_MAX else ""


def instant(value: Any) -> float:
    """Return a time in any of the spellings that pages have; 0 if it is none of them."""
    said = text(value).strip()[:WORDS_MAX]
    for parse in (dt.datetime.fromisoformat, parsedate_to_datetime, _instatus):
        try:
            found = parse(said)
            found = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
            unix_s = found.timestamp()
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        return unix_s if 0 < unix_s < UNTIL_UNIX_S else 0.0
    return 0.0


def _instatus(said: str) -> dt.datetime:
    return dt.datetime.strptime(said.partition(" (")[0], "%a %b %d %Y %H:%M:%S GMT%z")
