"""Banners and reports, as endpoints. Both are for whoever comes: log-in may be what fails."""

from typing import Final

from sqlalchemy import select

from penstock.apps.chat.call import Call
from penstock.apps.chat.shapes import Notices, ReportAnswer, ReportBody
from penstock.apps.chat.tables import memberships
from penstock.core.errors import StoreError
from penstock.web.endpoint import Endpoint, Role


def _notices(call: Call) -> Notices:
    return Notices(call.parts.notices())


def _report(call: Call) -> ReportAnswer:
    body: ReportBody = call.body
    room = call.parts.room
    if room is None:
        raise StoreError("reports are not taken yet")
    return room.report(body, _person(call), call.actor.address)


def _person(call: Call) -> str:
    account = call.actor.account
    if not account:
        return ""
    query = select(memberships.c.person).where(memberships.c.account == account)
    try:
        with call.parts.store.reading() as connection:
            return connection.execute(query).scalar() or account
    except StoreError:
        return account  # a report is worth more than the name that it comes under


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/notices",
        summary="The banners of now, the gravest first.",
        tag="notices",
        role=Role.NOBODY,
        handler=_notices,
        answer=Notices,
        needs_store=False,
    ),
    Endpoint(
        method="POST",
        path="/reports",
        summary="Say that it fails for you; it is filed at the status page.",
        tag="notices",
        role=Role.NOBODY,
        handler=_report,
        body=ReportBody,
        answer=ReportAnswer,
        status=202,
    ),
)
