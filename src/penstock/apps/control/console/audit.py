"""Audit: who changed what, the newest first.

/audit   ?actor= action= kind= object= since= until= (days of UTC) before= (a number)
"""

from typing import Final

import msgspec

from penstock.apps.control.console import difference, links, periods
from penstock.apps.control.console.difference import Line
from penstock.apps.control.console.view import Page, View
from penstock.apps.control.queries import changes
from penstock.apps.control.queries.changes import Change, Only

FILTERS: Final = ("actor", "kind", "action", "object", "since", "until")
DIGITS_MAX: Final = 18  # fits 64 bits
LINES_SHOWN: Final = 6  # without opening the entry


class Entry(msgspec.Struct, frozen=True):
    """A change, and what differs."""

    change: Change
    lines: list[Line]
    href: str  # the page of what was changed; empty: it has none


def audit(view: View) -> str:
    """Return the page."""
    query = view.query
    period = periods.period({"until": "", **query}, view.now_unix_s)
    is_by_days = bool(query.get("since") or query.get("until")) and not period.errors
    only = Only(
        **{name: query.get(name, "") for name in ("actor", "action", "kind", "object")},
        since_unix_s=period.span.since_s if is_by_days and query.get("since") else 0.0,
        until_unix_s=period.span.until_s if is_by_days and query.get("until") else 0.0,
        before=_number(query.get("before", "")),
    )
    with view.parts.store.reading() as connection:
        found = changes.changes(connection, only)
        choices = {one: changes.choices(connection, one) for one in ("actor", "kind", "action")}
    page = found[: changes.PAGE]
    params = {name: query.get(name, "") for name in FILTERS}
    older = {**params, "before": str(page[-1].seq)} if len(found) > len(page) else {}
    return view.page(
        "audit.html",
        title="Audit",
        entries=[_entry(one) for one in page],
        choices=choices,
        params=params,
        errors=period.errors,
        is_filtered=any(params.values()),
        older=links.href("/audit", older) if older else "",
        newest=links.href("/audit", params) if only.before else "",
        lines_shown=LINES_SHOWN,
    )


def _entry(change: Change) -> Entry:
    is_there = change.after or change.action in {"create", "update"}
    href = links.tenant(change.object) if change.kind == "tenant" and is_there else ""
    return Entry(change, difference.of_json(change.before, change.after), href)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else 0


PAGES: Final = (Page(path="/audit", handler=audit),)
