"""Reports: a month's SLAs, and how load was managed; each opens as a page to print.

/reports                 the months that the ledger knows, and the periods of load reports
/reports/sla.html        ?month= tenant=
/reports/sla.csv, /reports/evidence.csv, /reports/load.html, /reports/load.csv, /reports/load.json
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from starlette.responses import Response

from penstock.apps.control.api import reports
from penstock.apps.control.call import Call
from penstock.apps.control.console.view import Page, View
from penstock.apps.control.reports import words
from penstock.apps.control.reports.month import Month, month, named
from penstock.core.calendar import DAY_S, month_of
from penstock.ledger.tables import traffic
from penstock.web.endpoint import REPORT_WITHIN_S, InvalidError
from penstock.web.http import file, json

MONTHS_MAX: Final = 24  # five-minute sums are kept for 14 months by default


class Listed(msgspec.Struct, frozen=True):
    """A month in the list."""

    month: Month
    name: str


def index(view: View) -> str:
    """Return the list."""
    own = reports.upstreams(view.call())
    return view.page(
        "reports.html",
        title="Reports",
        months=_months(view),
        claims=[one.name for one in own if one.sla],
        today=view.now_unix_s,
    )


def _months(view: View) -> list[Listed]:
    """Return the months since the first exchange, the newest first."""
    query = select(func.min(traffic.c.start_s)).where(traffic.c.grain_s == DAY_S)
    with view.parts.store.reading() as connection:
        first_s = connection.execute(query).scalar()
    if first_s is None:
        return []
    last = month_of(int(view.now_unix_s) // DAY_S).month
    since = max(month_of(int(first_s) // DAY_S).month, last - MONTHS_MAX + 1)
    found = [month(named(number), view.now_unix_s) for number in range(last, since - 1, -1)]
    return [Listed(one, words.month_name(one.name)) for one in found]


def _answers(kind: type[msgspec.Struct], handler: Callable[[Call], Any]) -> Callable[..., Response]:
    """Return the page that answers what the endpoint does."""

    def answer(view: View) -> Response:
        try:
            query = msgspec.convert(dict(view.query), kind, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidError(str(error), "query") from error
        found = handler(view.call(query=query))
        return file(found) if hasattr(found, "text") else json(found)

    return answer


PAGES: Final = (
    Page(path="/reports", handler=index),
    *(
        Page(
            path=f"/reports/{name}",
            handler=_answers(kind, handler),
            within_s=REPORT_WITHIN_S,
            marks="/reports",
        )
        for name, kind, handler in (
            ("sla.html", reports.MonthQuery, reports.sla_page),
            ("sla.csv", reports.MonthQuery, reports.sla_table),
            ("evidence.csv", reports.EvidenceQuery, reports.evidence),
            ("load.html", reports.PeriodQuery, reports.load_page),
            ("load.csv", reports.PeriodQuery, reports.load_table),
            ("load.json", reports.PeriodQuery, reports.load_report),
        )
    ),
)
