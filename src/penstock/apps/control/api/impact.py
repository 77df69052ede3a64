"""What an incident cost: for the status process, which drafts post-mortems, and for people."""

from typing import Annotated, Final

import msgspec

from penstock.apps.control.call import Call
from penstock.apps.control.reports import impact
from penstock.apps.control.reports.impact import SPAN_MAX_S, Impact
from penstock.config.model import Config
from penstock.web.endpoint import REPORT_WITHIN_S, Endpoint, InvalidError, Role

Instant = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]  # the year 9999


class SpanQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when to when, in Unix seconds."""

    since: Instant = msgspec.field(name="from")
    until: Instant = msgspec.field(name="to")


def show(call: Call) -> Impact:
    """Return what a span cost; raises InvalidError."""
    query: SpanQuery = call.query
    if not query.since < query.until <= query.since + SPAN_MAX_S:
        words = f"a span ends after it begins, and within {SPAN_MAX_S // 86_400} days"
        raise InvalidError(words, "query.to")
    if query.since > call.now_unix_s:
        raise InvalidError("this span has not begun", "query.from")
    plan = call.parts.publisher.plan()
    config = plan.config if plan is not None else Config()
    until = min(query.until, call.now_unix_s)
    with call.parts.store.reading() as connection:
        return impact.report(connection, (query.since, until), config, call.now_unix_s)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/reports/impact",
        summary="What an incident cost: by tier, upstream and objective, with credits",
        tag="reports",
        within_s=REPORT_WITHIN_S,
        role=Role.VIEWER,
        handler=show,
        answer=Impact,
        query=SpanQuery,
        raises=(InvalidError,),
    ),
)
