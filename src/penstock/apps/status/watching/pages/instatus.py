"""Instatus's summary.json. Rootly's status.json is read here too: it has Statuspage's shape.

shape      ``page`` with a status of ours to know
trouble    an incident that is not resolved; HASISSUES alone, too. Impact OPERATIONAL is none
good       the page is UP or under maintenance, and no incident is open
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.apps.status.watching.pages import reading, statuspage
from penstock.apps.status.watching.pages.reading import Line, Reading, table, tables, text, word

OPEN: Final = frozenset({"investigating", "identified", "monitoring"})
FINE: Final = frozenset({"up", "undermaintenance", "allundermaintenance", "someundermaintenance"})
BAD: Final = frozenset({"hasissues", "somehasissues", "allhasissues"})


def read(document: Any) -> Reading:
    """Return what a summary says."""
    found = table(document)
    page = table(found.get("page"))
    status = word(page.get("status"))
    if not status:
        return statuspage.read(document)
    if status not in FINE | BAD:
        return reading.unreadable(f"its state is {reading.short(page.get('status'))!r}")
    lines = list(_incidents(found))
    if not lines and status in BAD:
        lines.append(reading.line("The page says that there are issues", link=page.get("url")))
    return reading.of(lines, is_good=status in FINE)


def _incidents(found: Mapping[str, Any]) -> Iterator[Line]:
    for one in tables(found.get("activeIncidents")):
        if word(one.get("status")) not in OPEN or word(one.get("impact")) == "operational":
            continue
        names = [text(each.get("name")) for each in tables(one.get("components"))]
        posted = one.get("started") or one.get("createdAt")
        yield reading.line(text(one.get("name")), names, posted, one.get("url"))
