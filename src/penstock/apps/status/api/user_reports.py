"""What people reported: counts by component, and their words, for moderation.

A hidden report keeps its vote; its words are shown to nobody. Who sent it and from where is not
told: the words for that are opaque, and gone after a day.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection, func, select, update

from penstock.apps.status.api.fields import Seq
from penstock.apps.status.call import Call
from penstock.apps.status.tables import components, report_hours, reports
from penstock.web.endpoint import Endpoint, Limit, MissingError, Role, Text

HOUR_S: Final = 3600
HOURS: Final = 24
KIND: Final = "report"


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One report."""

    id: int
    component: str
    name: str  # of the component
    at_unix_s: float
    category: str
    words: str
    version: str
    region: str
    source: str  # page, surface
    is_counted: bool
    is_hidden: bool


class ReportsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which reports."""

    component: Text = ""
    has_words: bool = False  # only those with words
    before: Seq = 0  # below this number; 0: from the newest
    limit: Limit = 100


class ReportsPage(msgspec.Struct, frozen=True):
    """A part of the list."""

    items: list[ReportRow]
    next: int = 0  # to be given as ``before``; 0: this is the end


class ReportCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many reports a component had."""

    component: str
    name: str
    votes_hour: int  # in the last hour
    networks_hour: int
    by_category: dict[str, int]  # of the last hour
    votes_by_hour: list[int]  # of the last 24 hours of the clock, the oldest first


def list_reports(call: Call) -> ReportsPage:
    """Return reports, the newest first."""
    query: ReportsQuery = call.query
    with call.parts.store.reading() as connection:
        found = latest(connection, query)
    items = found[: query.limit]
    return ReportsPage(items, items[-1].id if len(found) > query.limit else 0)


def count_reports(call: Call) -> list[ReportCount]:
    """Return how many reports each component had."""
    with call.parts.store.reading() as connection:
        return counted(connection, call.now_unix_s)


def hide(call: Call) -> ReportRow:
    """Show a report's words to nobody."""
    return _hidden(call, "hide", is_hidden=True)


def show(call: Call) -> ReportRow:
    """Let a report's words be shown again."""
    return _hidden(call, "show", is_hidden=False)


def latest(connection: Connection, query: ReportsQuery) -> list[ReportRow]:
    """Return reports, the newest first: one more than wanted, if there is more."""
    r = reports.c
    name = func.coalesce(components.c.name, "").label("name")
    statement = select(reports, name).join(components, components.c.id == r.component, isouter=True)
    if query.component:
        statement = statement.where(r.component == query.component)
    if query.has_words:
        statement = statement.where(r.words != "")
    if query.before:
        statement = statement.where(r.id < query.before)
    rows = connection.execute(statement.order_by(r.id.desc()).limit(query.limit + 1))
    return [
        ReportRow(
            id=row.id,
            component=row.component,
            name=row.name,
            at_unix_s=row.at_unix_s,
            category=row.category,
            words=row.words,
            version=row.version,
            region=row.region,
            source=row.source,
            is_counted=bool(row.is_counted),
            is_hidden=bool(row.is_hidden),
        )
        for row in rows
    ]


def counted(connection: Connection, now_unix_s: float) -> list[ReportCount]:
    """Return how many reports each component had, in the order of the page."""
    c, r, h = components.c, reports.c, report_hours.c
    recent = (r.is_counted == 1, r.at_unix_s > now_unix_s - HOUR_S)
    distinct = select(r.component, func.count(func.distinct(r.network))).where(*recent)
    by_component = connection.execute(distinct.group_by(r.component))
    networks: dict[str, int] = {row[0]: row[1] for row in by_component}
    categories: dict[str, dict[str, int]] = {}
    by_category = select(r.component, r.category, func.count()).where(*recent)
    for component, category, count in connection.execute(
        by_category.group_by(r.component, r.category)
    ):
        categories.setdefault(component, {})[category or "none"] = count
    hour = int(now_unix_s // HOUR_S) * HOUR_S
    first = hour - (HOURS - 1) * HOUR_S
    hours: dict[str, dict[int, int]] = {}
    for row in connection.execute(select(report_hours).where(h.start_unix_s >= first)):
        hours.setdefault(row.component, {})[row.start_unix_s] = row.votes
    shown = select(c.id, c.name).where(c.is_gone == 0, c.is_group == 0).order_by(c.position)
    return [
        ReportCount(
            component=row.id,
            name=row.name,
            votes_hour=sum(categories.get(row.id, {}).values()),
            networks_hour=networks.get(row.id, 0),
            by_category=categories.get(row.id, {}),
            votes_by_hour=[
                hours.get(row.id, {}).get(at, 0) for at in range(first, hour + 1, HOUR_S)
            ],
        )
        for row in connection.execute(shown)
    ]


def _hidden(call: Call, action: str, *, is_hidden: bool) -> ReportRow:
    text = call.path["id"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len("9" * 15) else 0
    with call.parts.store.writing(is_durable=True) as connection:
        mine = reports.c.id == number
        connection.execute(update(reports).where(mine).values(is_hidden=int(is_hidden)))
        found = latest(connection, ReportsQuery(before=number + 1, limit=1))
        if not found or found[0].id != number:
            raise MissingError(f"there is no report {text[:64]!r}")
        call.audit(connection, action, (KIND, text), not is_hidden, is_hidden)
    call.parts.touch()
    return found[0]


def _step(name: str, summary: str, *, is_hiding: bool) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"/user-reports/{{id}}/{name}",
        summary=summary,
        tag="user reports",
        role=Role.OPERATOR,
        handler=hide if is_hiding else show,
        answer=ReportRow,
        raises=(MissingError,),
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/user-reports",
        summary="List what people reported, the newest first",
        tag="user reports",
        role=Role.VIEWER,
        handler=list_reports,
        query=ReportsQuery,
        answer=ReportsPage,
    ),
    Endpoint(
        method="GET",
        path="/user-reports/counts",
        summary="Count what people reported, by component",
        tag="user reports",
        role=Role.VIEWER,
        handler=count_reports,
        answer=list[ReportCount],
    ),
    _step("hide", "Show a report's words to nobody; its vote stays", is_hiding=True),
    _step("show", "Let a report's words be shown again", is_hiding=False),
)
