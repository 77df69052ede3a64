"""What the chat reads of the status page: ``/api/status.json``, the few keys that it needs.

The page's own words and links are shown as they are; they are never made up or guessed. What is
not known of a component stays unknown.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.apps.chat.shapes import Notice

TEXT_MAX: Final = 300  # of a notice: the page takes longer names, a banner does not
INCIDENTS_MAX: Final = 3  # newest of the gravest; the page has the others
SURFACE: Final = "surface"
ROUTE: Final = "route"
GOOD: Final = frozenset({"operational", "unknown", ""})
OVER: Final = frozenset({"resolved", "postmortem", "completed", "scheduled"})
GRAVITY: Final = {"critical": 3, "major": 2, "minor": 1}
BAD_FROM: Final = 2
STATE_WORDS: Final = {
    "degraded_performance": "works worse than usual",
    "partial_outage": "fails for some",
    "major_outage": "fails",
    "under_maintenance": "is being worked on",
}


class Page(msgspec.Struct, frozen=True):
    """Whose page it is."""

    url: str = ""


class Component(msgspec.Struct, frozen=True):
    """One component, as far as the chat is concerned."""

    id: str
    name: str
    layer: str | None = None
    surface: str | None = None
    state: str = ""


class Incident(msgspec.Struct, frozen=True):
    """One incident or maintenance."""

    id: str
    name: str
    url: str = ""
    is_maintenance: bool = False
    status: str = ""
    impact: str = ""
    components: tuple[str, ...] = ()


class Document(msgspec.Struct, frozen=True):
    """The status page at some moment."""

    page: Page = Page()
    components: tuple[Component, ...] = ()
    incidents: tuple[Incident, ...] = ()


def decoded(raw: bytes) -> Document | None:
    """Return the document; None if it is none."""
    try:
        return msgspec.json.decode(raw, type=Document)
    except (msgspec.MsgspecError, RecursionError):
        return None


def notices(document: Document) -> list[Notice]:
    """Return what the page says is wrong now, in its words."""
    open_now = [one for one in document.incidents if one.status not in OVER]
    open_now.sort(key=lambda one: -_gravity(one))
    found = [_of_incident(one) for one in open_now[:INCIDENTS_MAX]]
    told = {component for one in open_now for component in one.components}
    for one in document.components:
        if one.layer == SURFACE and one.state not in GOOD and one.id not in told:
            words = STATE_WORDS.get(one.state, one.state.replace("_", " "))
            found.append(
                Notice(
                    id=f"component-{one.id}-{one.state}",
                    level="bad" if one.state == "major_outage" else "degraded",
                    text=f"The status page says: {one.name} {words}."[:TEXT_MAX],
                    href=document.page.url,
                    component=one.id,
                )
            )
    return found


def states(document: Document) -> Mapping[str, str]:
    """Return the state of each route, by name."""
    return {one.name: one.state for one in document.components if one.layer == ROUTE}


def component_of(document: Document, named: str) -> str:
    """Return the id of what a report is about: a surface, or a route; empty if there is none."""
    for one in document.components:
        if named in (one.surface if one.layer == SURFACE else None, one.id) or (
            one.layer == ROUTE and named == one.name
        ):
            return one.id
    return ""


def _gravity(one: Incident) -> int:
    return 0 if one.is_maintenance else GRAVITY.get(one.impact, 0)


def _of_incident(one: Incident) -> Notice:
    gravity = _gravity(one)
    level = "bad" if gravity >= BAD_FROM else "degraded" if gravity else "info"
    return Notice(
        id=f"incident-{one.id}-{one.status}",
        level=level,
        text=one.name[:TEXT_MAX],
        href=one.url,
        component=one.components[0] if one.components else "",
    )
