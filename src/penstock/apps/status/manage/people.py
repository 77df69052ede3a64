"""What people report, with their words for moderation; and who wants to be told, without names."""

from typing import Final

from starlette.responses import Response

from penstock.apps.status.api import components, subscribers, user_reports
from penstock.apps.status.api.subscribers import SubscribersQuery
from penstock.apps.status.api.user_reports import ReportsQuery
from penstock.apps.status.manage import showing
from penstock.apps.status.manage.view import Page, View, done
from penstock.web.endpoint import Role

REPORTS: Final = "/manage/reports"
SUBSCRIBERS: Final = "/manage/subscribers"
SHOWN: Final = 50
DIGITS_MAX: Final = 15


def reports_page(view: View) -> str:
    """Return the latest reports, and how many there are."""
    before = view.query.get("before", "")
    query = ReportsQuery(
        has_words="words" in view.query,
        before=int(before)
        if before.isascii() and before.isdigit() and len(before) <= DIGITS_MAX
        else 0,
        limit=SHOWN,
    )
    found = user_reports.list_reports(view.call(query=query))
    words = "words&" if query.has_words else ""
    return view.page(
        "manage_reports.html",
        title="User reports",
        found=found.items,
        has_words=query.has_words,
        counts=[one for one in user_reports.count_reports(view.call()) if any(one.votes_by_hour)],
        older=f"{REPORTS}?{words}before={found.next}" if found.next else "",
        newest=f"{REPORTS}?{words}".rstrip("?&") if query.before else "",
    )


def moderate(view: View) -> Response:
    """Hide a report's words, or show them again."""
    is_hiding = view.form.get("step") == "hide"
    work = user_reports.hide if is_hiding else user_reports.show
    told = "Its words are hidden; its vote stays." if is_hiding else "Its words are shown again."
    return done(view, lambda: work(view.call()), REPORTS, told, reports_page)


def subscribers_page(view: View) -> str:
    """Return how many subscribers there are, and each without its address."""
    query = SubscribersQuery(after=view.query.get("after", "")[:64], limit=SHOWN)
    found = subscribers.list_subscribers(view.call(query=query))
    return view.page(
        "manage_subscribers.html",
        title="Subscribers",
        found=found.items,
        counts=subscribers.count_subscribers(view.call()),
        names={row.id: row.name for row in components.list_components(view.call())},
        may_remove=view.actor.role >= Role.OWNER,
        older=f"{SUBSCRIBERS}?after={found.next}" if found.next else "",
        newest=SUBSCRIBERS if query.after else "",
        showing=showing,
    )


def ask_to_remove(view: View) -> str:
    """Return the question before a subscription is ended."""
    return view.page(
        "manage_confirm.html",
        title="End this subscription?",
        words="Its address is erased, and what waits for it is not sent. Nobody tells them why.",
        action=f"{SUBSCRIBERS}/{view.path['id']}/remove",
        verb="End the subscription",
        back=SUBSCRIBERS,
    )


def remove(view: View) -> Response:
    """End a subscription."""
    told = "The subscription is ended, its address erased."
    return done(view, lambda: subscribers.remove(view.call()), SUBSCRIBERS, told, subscribers_page)


PAGES: Final = (
    Page(path=REPORTS, handler=reports_page),
    Page(
        path=f"{REPORTS}/{{id}}", handler=moderate, method="POST", role=Role.OPERATOR, marks=REPORTS
    ),
    Page(path=SUBSCRIBERS, handler=subscribers_page),
    Page(
        path=f"{SUBSCRIBERS}/{{id}}/remove",
        handler=ask_to_remove,
        role=Role.OWNER,
        marks=SUBSCRIBERS,
    ),
    Page(
        path=f"{SUBSCRIBERS}/{{id}}/remove",
        handler=remove,
        method="POST",
        role=Role.OWNER,
        marks=SUBSCRIBERS,
    ),
)
