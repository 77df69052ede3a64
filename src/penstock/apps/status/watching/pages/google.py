"""Google Cloud's incidents.json: a list of incidents, of which one without an end is open.

shape      a list with at least one incident in it; it holds the history too, so it is never empty
trouble    no end, and the latest word is an outage or a disruption; information is no trouble
good       every incident there has an end, or is information
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.apps.status.watching.pages import reading
from penstock.apps.status.watching.pages.reading import Line, Reading, table, tables, text, word

BAD: Final = frozenset({"serviceoutage", "servicedisruption"})
FINE: Final = frozenset({"serviceinformation", "available"})
LINK: Final = "https://status.cloud.google.com/"


def read(document: Any) -> Reading:
    """Return what the list says."""
    found = [one for one in tables(document) if _is_incident(one)]
    if not isinstance(document, list) or not found:
        return reading.unreadable("it is not a list of incidents of Google Cloud")
    is_known = all(_is_over(one) or _status(one) in BAD | FINE for one in found)
    return reading.of(_lines(found), is_good=is_known)


def _is_incident(one: Mapping[str, Any]) -> bool:
    is_timed = reading.instant(one.get("begin")) > 0
    return is_timed and any(key in one for key in ("affected_products", "service_name"))


def _is_over(one: Mapping[str, Any]) -> bool:
    return bool(text(one.get("end")))


def _status(one: Mapping[str, Any]) -> str:
    latest = table(one.get("most_recent_update")).get("status")
    return word(latest or one.get("status_impact"))


def _lines(found: list[Mapping[str, Any]]) -> Iterator[Line]:
    for one in found:
        if _is_over(one) or _status(one) not in BAD:
            continue
        names = [text(each.get("title")) for each in tables(one.get("affected_products"))]
        where = text(one.get("uri"))
        yield reading.line(
            text(one.get("external_desc")),
            names or [text(one.get("service_name"))],
            one.get("created") or one.get("begin"),
            where if where.startswith("https://") else LINK + where.lstrip("/"),
        )
