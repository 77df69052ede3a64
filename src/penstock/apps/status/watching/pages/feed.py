"""RSS and Atom: which entries are open, by the words that providers close them with.

shape      a feed or rss element that is closed; an entry has a title
status     of an entry, by the first of these that it has:
           1  <strong>Word</strong> - ...    Statuspage: the newest that is not "Update"
           2  Status: Word                   incident.io, Better Stack, Rootly
           3  words of the title             [RESOLVED], Service disruption: (AWS)
trouble    an entry that is open, and not older than OPEN_S: feeds forget to close
good       all others, unless one of the last day has a status that we do not know: then the feed is
           unreadable, because that one may be open
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from penstock.apps.status.watching.pages import markup, reading
from penstock.apps.status.watching.pages.markup import Tag
from penstock.apps.status.watching.pages.reading import Line, Reading, word

OPEN_S: Final = 3 * 86_400.0
RECENT_S: Final = 86_400.0
ENTRIES_MAX: Final = 200
TEXT_MAX: Final = 20_000  # of an entry's words that are looked at
ROOTS: Final = frozenset({"feed", "rss", "rdf"})
ENTRIES: Final = frozenset({"entry", "item"})
BODIES: Final = frozenset({"content", "description", "summary", "encoded"})
BEGUN: Final = ("published", "issued")  # pubDate is moved by some with each update
MOVED: Final = ("updated", "pubdate", "date", "modified")
STRONG: Final = re.compile(r"<strong>\s{0,4}([^<>]{1,40})</strong>\s{0,4}(?:-|\u2013|:)")
STATUS: Final = re.compile(r"\bstatus\s{0,4}:\s{0,4}([a-z ]{1,40})", re.IGNORECASE)
OPEN: Final = frozenset({"investigating", "identified", "monitoring", "degraded", "downtime"})
CLOSED: Final = frozenset(
    {"resolved", "completed", "postmortem", "scheduled", "inprogress", "verifying", "mitigated",
     "operational", "closed", "fixed", "maintenance"}
)  # fmt: skip
CLOSED_TITLE: Final = re.compile(
    r"\b(?:resolved|operating normally|completed|mitigated|recovered|scheduled|maintenance|"
    r"closed)\b",
    re.IGNORECASE,
)
OPEN_TITLE: Final = re.compile(
    r"^(?:service (?:impact|disruption|degradation|outage|issue)|performance issues?|"
    r"investigating|identified|monitoring|\[?active\]?)\b",
    re.IGNORECASE,
)


class Entry(msgspec.Struct):
    """One entry as it stands in the feed."""

    texts: dict[str, str] = {}
    link: str = ""


def read(document: str, now_unix_s: float) -> Reading:
    """Return what a feed says."""
    found = _entries(document)
    if found is None:
        return reading.unreadable("it is not a whole feed")
    lines: list[Line] = []
    for one in found:
        status, moved_unix_s = _status(one), _moved(one)
        age_s = now_unix_s - moved_unix_s
        if status is None and moved_unix_s and age_s < RECENT_S:
            title = reading.short(one.texts.get("title", ""))
            return reading.unreadable(f"the status of its entry {title!r} cannot be told")
        if status and (not moved_unix_s or age_s < OPEN_S):
            lines.append(reading.line(one.texts.get("title", ""), (), _posted(one), one.link))
    return reading.of(lines, is_good=True)


def _posted(one: Entry) -> str:
    return next((one.texts[name] for name in (*BEGUN, *MOVED) if name in one.texts), "")


def _moved(one: Entry) -> float:
    return max((reading.instant(one.texts.get(name)) for name in (*MOVED, *BEGUN)), default=0.0)


def _status(one: Entry) -> bool | None:
    """Tell whether an entry is open; None: it cannot be told."""
    body = next((one.texts[name] for name in sorted(BODIES) if one.texts.get(name)), "")[:TEXT_MAX]
    title = one.texts.get("title", "")[:TEXT_MAX]
    for said in STRONG.findall(body):
        if word(said) in OPEN | CLOSED:
            return word(said) in OPEN
    for said in STATUS.findall(markup.words(body)):
        first = word(str(said).split()[0]) if str(said).split() else ""
        if first in OPEN | CLOSED:
            return first in OPEN
    if CLOSED_TITLE.search(title):
        return False
    return True if OPEN_TITLE.search(title.strip()) else None


def _entries(document: str) -> list[Entry] | None:
    """Return the entries of a feed that is whole; None if it is none."""
    root, found, is_whole = "", list[Entry](), False
    inside: Entry | None = None
    for tag, content in _elements(document):
        if not root:
            if tag.name not in ROOTS:
                return None
            root = tag.name
        elif tag.name in ENTRIES and not tag.is_end:
            inside = Entry({}) if len(found) < ENTRIES_MAX else None
            found += [inside] if inside is not None else []
        elif tag.name in ENTRIES:
            inside = None
        elif inside is not None and not tag.is_end:
            _take(inside, tag, content)
        is_whole = tag.is_end and tag.name == root
    return found if root and is_whole else None


def _take(entry: Entry, tag: Tag, content: str) -> None:
    entry.texts.setdefault(tag.name, content.strip())
    if tag.name == "link" and not entry.link:
        entry.link = tag.attribute("href") or content.strip()


def _elements(document: str) -> Iterator[tuple[Tag, str]]:
    """Yield each tag with the text that follows it, as far as the next tag."""
    current: Tag | None = None
    content: list[str] = []
    for one in markup.tokens(document):
        if isinstance(one, str):
            content.append(one)
            continue
        if current is not None:
            yield current, "".join(content)
        current, content = one, []
    if current is not None:
        yield current, "".join(content)
