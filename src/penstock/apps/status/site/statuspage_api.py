"""Statuspage's public API, v2, as files: monitors switch to us by changing a URL.

    /api/v2/summary.json                             what is open, and everything else but history
    /api/v2/status.json                              one word for everything together
    /api/v2/components.json                          all components and groups
    /api/v2/incidents.json                           the NEWEST, in any state
    /api/v2/incidents/unresolved.json                investigating, identified, monitoring
    /api/v2/scheduled-maintenances.json              the NEWEST, in any state
    /api/v2/scheduled-maintenances/upcoming.json     scheduled
    /api/v2/scheduled-maintenances/active.json       in_progress, verifying

JSON, for scripts of any site, kept by caches for API_AGE_S. Drafts are not in a view, so not here.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from penstock.apps.status.site import overall, statuspage
from penstock.apps.status.site.files import API_AGE_S, JSON, File
from penstock.apps.status.view import IncidentView, View

PREFIX: Final = "/api/v2"
NEWEST: Final = 50  # as Statuspage has it
UNRESOLVED: Final = ("investigating", "identified", "monitoring")
UPCOMING: Final = ("scheduled",)


def files(view: View) -> dict[str, File]:
    """Return all endpoints by path."""
    return {f"{PREFIX}/{name}.json": file(found) for name, found in documents(view).items()}


def file(document: Any) -> File:
    """Return a document as a file that scripts of any site may read."""
    return File(msgspec.json.encode(document), JSON, API_AGE_S, is_for_all=True)


def documents(view: View) -> dict[str, dict[str, Any]]:
    """Return what each endpoint says."""
    page, status = {"page": statuspage.page(view)}, {"status": statuspage.status(view)}
    components = {"components": [statuspage.component(view, one) for one in view.components]}
    planned = (*UPCOMING, *overall.ACTIVE)
    return {
        "summary": {
            **page,
            **components,
            **_incidents(view, _in(view.incidents, UNRESOLVED)),
            **_maintenances(view, _in(view.maintenances, planned)),
            **status,
        },
        "status": {**page, **status},
        "components": {**page, **components},
        "incidents": {**page, **_incidents(view, view.incidents[:NEWEST])},
        "incidents/unresolved": {**page, **_incidents(view, _in(view.incidents, UNRESOLVED))},
        "scheduled-maintenances": {**page, **_maintenances(view, view.maintenances[:NEWEST])},
        "scheduled-maintenances/upcoming": {
            **page,
            **_maintenances(view, _in(view.maintenances, UPCOMING)),
        },
        "scheduled-maintenances/active": {
            **page,
            **_maintenances(view, _in(view.maintenances, overall.ACTIVE)),
        },
    }


def _in(found: Iterable[IncidentView], statuses: tuple[str, ...]) -> list[IncidentView]:
    return [one for one in found if one.status in statuses]


def _incidents(view: View, found: Iterable[IncidentView]) -> dict[str, Any]:
    return {"incidents": [statuspage.incident(view, one) for one in found]}


def _maintenances(view: View, found: Iterable[IncidentView]) -> dict[str, Any]:
    return {"scheduled_maintenances": [statuspage.maintenance(view, one) for one in found]}
