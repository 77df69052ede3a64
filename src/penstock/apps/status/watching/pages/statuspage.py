"""Statuspage's summary.json, as Statuspage, incident.io and Rootly serve it.

shape      an object with ``page`` and one of ``status``, ``components``, ``incidents``
trouble    an incident that is investigated or identified, or monitored with an impact; then each
           component in a bad state that no such incident names; then a bad indicator alone
good       an indicator that says so, or components that all do
tolerated  ids of any kind, keys that are missing or null, words that we do not know, incidents that
           name no components; maintenance is no trouble
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.apps.status.watching.pages import reading
from penstock.apps.status.watching.pages.reading import Line, Reading, table, tables, text, word

OPEN: Final = frozenset({"investigating", "identified"})
BAD: Final = frozenset(
    {"degradedperformance", "degraded", "partialoutage", "minoroutage", "majoroutage", "fulloutage"}
)
FINE: Final = frozenset({"operational", "undermaintenance"})
BAD_INDICATORS: Final = frozenset({"minor", "major", "critical"})
FINE_INDICATORS: Final = frozenset({"none", "maintenance"})


def read(document: Any) -> Reading:
    """Return what a summary says."""
    found = table(document)
    parts = [found.get(key) for key in ("status", "components", "incidents")]
    if not table(found.get("page")) or not any(isinstance(one, dict | list) for one in parts):
        return reading.unreadable("it is not the summary of a status page")
    components = [one for one in tables(found.get("components")) if one.get("group") is not True]
    indicator = table(found.get("status")).get("indicator")
    lines = list(_incidents(found))
    named = {name for one in lines for name in one.components}
    lines += [one for one in _components(components) if one.components[0] not in named]
    if not lines and word(indicator) in BAD_INDICATORS:
        said = text(table(found.get("status")).get("description"))
        lines.append(reading.line(said, posted=table(found["page"]).get("updated_at")))
    states = {word(one.get("status")) for one in components}
    is_fine = word(indicator) in FINE_INDICATORS or (bool(states) and states <= FINE)
    return reading.of(lines, is_good=is_fine)


def _incidents(found: Mapping[str, Any]) -> Iterator[Line]:
    for one in tables(found.get("incidents")):
        status, impact = word(one.get("status")), word(one.get("impact"))
        is_watched = status == "monitoring" and impact in BAD_INDICATORS
        if impact == "maintenance" or not (status in OPEN or is_watched):
            continue
        posted = one.get("created_at") or one.get("started_at")
        yield reading.line(text(one.get("name")), _names(one), posted, _link(found, one))


def _names(incident: Mapping[str, Any]) -> list[str]:
    """Return the components that an incident names, or its updates do."""
    named = [text(one.get("name")) for one in tables(incident.get("components"))]
    if any(named):
        return named
    return [
        text(one.get("name"))
        for update in tables(incident.get("incident_updates"))
        for one in tables(update.get("affected_components"))
    ]


def _link(found: Mapping[str, Any], incident: Mapping[str, Any]) -> str:
    given = text(incident.get("shortlink")) or text(incident.get("url"))
    page, id_ = text(table(found.get("page")).get("url")), text(incident.get("id"))
    return given or (f"{page.rstrip('/')}/incidents/{id_}" if page and id_ else page)


def _components(components: list[Mapping[str, Any]]) -> Iterator[Line]:
    for one in components:
        name = reading.short(one.get("name"))
        if name and word(one.get("status")) in BAD:
            said = text(one.get("status")).replace("_", " ")
            yield reading.line(f"{name}: {said}", [name])
