"""The pages that people see, by path.

    /                   front.py: the answer, and everything else in order of importance
    /incidents/ID       incident_pages.py, also for maintenance
    /history, /history/YYYY-MM
    /uptime, /components/ID
    /maintenance, /report, /subscribe, /api
    /404.html           what a file server shows for what is not there
    /favicon-STATE.svg, /api/now.json

All are made from the view alone: the same view gives the same bytes.
"""

from typing import Final

from penstock.apps.status.site import (
    component_pages,
    component_rows,
    favicon,
    front,
    history,
    incident_pages,
    incident_rows,
    messages,
    now,
)
from penstock.apps.status.site.files import PAGE, File
from penstock.apps.status.site.shell import Shell, page, shell_of
from penstock.apps.status.view import View

PAST_MAX: Final = 50  # of maintenance
MISSING: Final = (
    "Nothing is at this address. Incidents keep theirs; components that are gone from the"
    " configuration lose theirs."
)


def files(view: View) -> dict[str, File]:
    """Return all pages by path."""
    shell = shell_of(view)
    rows = component_rows.shown(view)
    missing = messages.message_page(view, "There is no such page", MISSING, "unknown")
    found = {
        "/": front.front(view, shell, rows),
        "/maintenance": _maintenance(view, shell),
        "/api": _api(view, shell),
        "/404.html": File(missing.encode(), PAGE),
        now.PATH: now.file(view),
        **favicon.files(),
        **incident_pages.files(view, shell),
        **history.files(view, shell),
        **component_pages.files(view, shell, rows),
    }
    choices = front.choices(view)
    if view.takes_reports:
        found["/report"] = page(
            "report",
            shell,
            "/report",
            view=view,
            choices=choices,
            categories=front.CATEGORIES,
            reported=front.reported(view),
        )
    if view.takes_subscriptions:
        found["/subscribe"] = page("subscribe", shell, "/subscribe", choices=choices)
    return found


def _maintenance(view: View, shell: Shell) -> File:
    names = {one.id: one.name for one in view.components}
    running = [one for one in view.maintenances if one.status in ("in_progress", "verifying")]
    over = [one for one in view.maintenances if not one.is_open]
    return page(
        "maintenance",
        shell,
        "/maintenance",
        running=[incident_rows.brief(one, names) for one in running],
        planned=front.planned(view, names),
        past=[incident_rows.brief(one, names) for one in over[:PAST_MAX]],
    )


def _api(view: View, shell: Shell) -> File:
    example = next((one.id for one in view.components if not one.is_group), "COMPONENT")
    return page("api", shell, "/api", example=example)
