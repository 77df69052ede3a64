"""/api/now.json: what the first line says, and what pages refresh by script: small, asked often.

``version`` changes with what the page shows beside its times and counts: who shows it knows whether
to show it anew. Everything else is in own_api.py's document. Shapes are the words of
``web/shapes.py``; times are Unix time in seconds.
"""

import hashlib
from typing import Final

import msgspec

from penstock.apps.status.site import sentence
from penstock.apps.status.site.files import API_AGE_S, JSON, File
from penstock.apps.status.view import IncidentView, View

PATH: Final = "/api/now.json"
VERSION_LENGTH: Final = 12


class ComponentNow(msgspec.Struct, frozen=True):
    """One component."""

    id: str
    name: str
    status: str
    verdict: str
    carried_by: str
    reports_hour: int


class IncidentNow(msgspec.Struct, frozen=True):
    """One incident, or one maintenance, that is not over."""

    id: str
    name: str
    status: str
    impact: str
    started_unix_s: float
    link: str


class Now(msgspec.Struct, frozen=True):
    """The document."""

    sentence: str
    state: str
    rendered_unix_s: float
    version: str
    is_emulated: bool
    reports_hour: int
    components: tuple[ComponentNow, ...]
    incidents: tuple[IncidentNow, ...]


def now(view: View) -> Now:
    """Return what is so now."""
    told = sentence.said(view)
    found = sentence.leaves(view.components)
    open_ones = [one for one in (*view.incidents, *view.maintenances) if one.is_open]
    return Now(
        sentence=told.words,
        state=told.state,
        rendered_unix_s=view.rendered_unix_s,
        version=version(view),
        is_emulated=view.is_emulated,
        reports_hour=sum(one.reports_hour for one in found),
        components=tuple(
            ComponentNow(
                one.id, one.name, one.state.value, one.verdict, one.carried_by, one.reports_hour
            )
            for one in found
        ),
        incidents=tuple(_incident(one, view.url) for one in open_ones),
    )


def version(view: View) -> str:
    """Return a tag of what the front page shows, without what moves all the time."""
    told = hashlib.sha256()
    for one in view.components:
        told.update(repr((one.id, one.name, one.state, one.verdict, one.carried_by)).encode())
    for one in (*view.incidents, *view.maintenances):
        told.update(repr((one.id, one.name, one.status, one.impact, len(one.updates))).encode())
    return told.hexdigest()[:VERSION_LENGTH]


def file(view: View) -> File:
    """Return the document as a file."""
    return File(msgspec.json.encode(now(view)), JSON, API_AGE_S, is_for_all=True)


def _incident(one: IncidentView, url: str) -> IncidentNow:
    return IncidentNow(
        id=one.id,
        name=one.name,
        status=one.status,
        impact=one.impact_override or one.impact,
        started_unix_s=one.started_unix_s,
        link=f"{url}/incidents/{one.id}",
    )
