"""Reports: a month's SLAs in both directions, and how load was managed in a period."""

from typing import Final

import msgspec

from penstock.apps.control.call import Call
from penstock.apps.control.reports import load, load_csv, pages, sla, sla_csv, spans
from penstock.apps.control.reports.load import LoadReport
from penstock.apps.control.reports.month import month
from penstock.apps.control.reports.sla import SlaReport
from penstock.config.model import Upstream
from penstock.web.endpoint import (
    REPORT_WITHIN_S,
    Endpoint,
    File,
    InvalidError,
    MissingError,
    Role,
    Text,
)

EVIDENCE_MAX: Final = 50_000  # lines in one answer, about 8 MB; the command writes all
HTML: Final = "text/html"
CSV: Final = "text/csv"


class MonthQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which month, as 2026-11; empty: the last whole one. ``tenant``: of one alone."""

    month: Text = ""
    tenant: Text = ""


class EvidenceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which claim."""

    upstream: Text
    month: Text = ""


class PeriodQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when to when: days or times of UTC; without any the last seven days."""

    since: Text = msgspec.field(default="", name="from")
    until: Text = msgspec.field(default="", name="to")
    names: bool = False  # of tenants; else they are numbered


def sla_report(call: Call) -> SlaReport:
    """Return a month's SLAs."""
    when = month(call.query.month, call.now_unix_s)
    with call.parts.store.reading() as connection:
        return sla.report(connection, when, upstreams(call), call.now_unix_s, call.query.tenant)


def sla_table(call: Call) -> File:
    """Return a month's SLAs as CSV."""
    report = sla_report(call)
    return File(f"sla-{report.month}.csv", CSV, sla_csv.report_csv(report))


def sla_page(call: Call) -> File:
    """Return a month's SLAs as a page."""
    report = sla_report(call)
    return File(f"sla-{report.month}.html", HTML, pages.sla_page(report))


def evidence(call: Call) -> File:
    """Return the failed attempts that a claim is about; raises MissingError."""
    when = month(call.query.month, call.now_unix_s)
    own = [one for one in upstreams(call) if one.name == call.query.upstream]
    with call.parts.store.reading() as connection:
        found = sla.providers(connection, when, own)
        if not found:
            raise MissingError(f"no upstream {call.query.upstream!r} has a plan of its provider's")
        told = "".join(sla_csv.evidence(connection, when.period, found[0], EVIDENCE_MAX))
    return File(f"evidence-{when.name}.csv", CSV, told)


def load_report(call: Call) -> LoadReport:
    """Return how load was managed."""
    query: PeriodQuery = call.query
    asked = spans.asked(query.since, query.until, call.now_unix_s, has_names=query.names)
    with call.parts.store.reading() as connection:
        return load.report(connection, asked, upstreams(call), call.now_unix_s)


def load_table(call: Call) -> File:
    """Return the tiers of a period as CSV."""
    return File("load.csv", CSV, load_csv.tiers_csv(load_report(call)))


def load_page(call: Call) -> File:
    """Return how load was managed as a page."""
    return File("load.html", HTML, pages.load_page(load_report(call)))


def upstreams(call: Call) -> tuple[Upstream, ...]:
    """Return the upstreams of the configuration; none while there is no plan."""
    plan = call.parts.publisher.plan()
    return plan.config.upstreams if plan is not None else ()


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/reports/sla",
        summary="A month's SLAs in both directions",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=sla_report,
        answer=SlaReport,
        query=MonthQuery,
        raises=(InvalidError,),
    ),
    Endpoint(
        method="GET",
        path="/reports/sla.csv",
        summary="A month's SLAs, a line for each party and formula",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=sla_table,
        answer=File,
        query=MonthQuery,
        raises=(InvalidError,),
    ),
    Endpoint(
        method="GET",
        path="/reports/sla.html",
        summary="A month's SLAs as a page to print",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=sla_page,
        answer=File,
        query=MonthQuery,
        raises=(InvalidError,),
    ),
    Endpoint(
        method="GET",
        path="/reports/sla/evidence.csv",
        summary="The failed attempts that a claim is about",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=evidence,
        answer=File,
        query=EvidenceQuery,
        raises=(InvalidError, MissingError),
    ),
    Endpoint(
        method="GET",
        path="/reports/load",
        summary="How load was managed in a period",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=load_report,
        answer=LoadReport,
        query=PeriodQuery,
        raises=(InvalidError,),
    ),
    Endpoint(
        method="GET",
        path="/reports/load.csv",
        summary="The tiers of a period, a line each",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=load_table,
        answer=File,
        query=PeriodQuery,
        raises=(InvalidError,),
    ),
    Endpoint(
        method="GET",
        path="/reports/load.html",
        summary="How load was managed, as a page to publish",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=load_page,
        answer=File,
        query=PeriodQuery,
        raises=(InvalidError,),
    ),
)
