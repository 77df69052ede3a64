"""Now: what is broken, why and whose fault; drafts to decide on; incidents that are open.

/manage   first the answer in a line; then drafts, open incidents, and what the watch says
"""

from typing import Final

import msgspec

from penstock.apps.status.api import components, incidents, verdicts
from penstock.apps.status.api.components import ComponentRow
from penstock.apps.status.api.incident_bodies import IncidentsQuery
from penstock.apps.status.api.verdicts import VerdictRow
from penstock.apps.status.manage import showing
from penstock.apps.status.manage.view import HOME, Page, View

FULL: Final = 1.0  # the weight that says "problem" alone
FAULTS: Final = {
    "nobody": "-",
    "client": "outside",
    "us": "ours",
    "login": "log-in only",
    "shared": "shared",
    "unknown": "not known",
}


class Line(msgspec.Struct, frozen=True):
    """A component with what the watch says of it."""

    row: ComponentRow
    said: VerdictRow
    shape: str
    words: str
    fault: str


def now(view: View) -> str:
    """Return the page."""
    said = {one.component: one for one in verdicts.list_verdicts(view.call())}
    rows = components.list_components(view.call())
    lines = [_line(row, said[row.id]) for row in rows if row.id in said]
    query = IncidentsQuery(state="open", limit=100)
    found = incidents.list_incidents(view.call(query=query))
    failing = [one for one in lines if one.shape in showing.FAILING]
    return view.page(
        "manage_now.html",
        title="Status page: now",
        headline=showing.headline([(one.row.name, one.shape) for one in lines]),
        drafts=[one for one in found if one.is_draft],
        opened=[one for one in found if not one.is_draft],
        broken=[one for one in lines if one.said.verdict != "none" or one in failing],
        rest=[one for one in lines if one.said.verdict == "none" and one not in failing],
        showing=showing,
    )


def _line(row: ComponentRow, said: VerdictRow) -> Line:
    shape, words = showing.state(row.state)
    fault = said.culprit_name or FAULTS.get(said.culprit, said.culprit)
    return Line(row, said, shape, words, fault if said.verdict != "none" else "-")


PAGES: Final = (Page(path=HOME, handler=now),)
