"""Objectives: which are kept, what is left of their budgets, what burns, and who is told.

    /objectives                       all of them, alerts, receivers
    /objectives/NAME                  one: its budget burning down, its rules, its alerts
    POST /objectives/alerts/ID        acknowledge an alert
    POST /objectives/receivers/NAME   send a test message

State of an objective: bad if a page burns or the budget is spent, degraded if a ticket burns or
less than a quarter is left, unknown if nothing was measured, else good.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.responses import Response

from penstock.apps.control import examples, telling
from penstock.apps.control.alerting import FIRING, Alert, configured
from penstock.apps.control.api import alerts as alerts_api
from penstock.apps.control.api.alerts import AlertQuery
from penstock.apps.control.api.objectives import named
from penstock.apps.control.console import links, story
from penstock.apps.control.console.view import Page, View, see_other
from penstock.apps.control.queries import standing
from penstock.apps.control.queries.standing import History, Standing
from penstock.config.operations import Objective, Sli
from penstock.web.endpoint import Role

LOW: Final = 0.25  # of the budget: from here on it is worth a look
SHOWN_MAX: Final = 50  # alerts
WIDE: Final = 1000.0  # units of the plane that the budget burns down in
HIGH: Final = 100.0
WORDS: Final = {"good": "kept", "degraded": "watch", "bad": "burning", "unknown": "not measured"}
KINDS: Final = {
    "opened": "The alert began",
    "raised": "It got worse",
    "lowered": "It eased",
    "acknowledged": "Somebody looks after it",
    "resolved": "It is over",
    "removed": "The objective was taken away",
}
DAY_S: Final = 86_400
HOUR_S: Final = 3_600  # an alert is about what came before it


class Row(msgspec.Struct, frozen=True):
    """One objective as the page shows it."""

    standing: Standing
    state: str
    words: str
    covers: str
    burn: float | None  # of the long window that burns fastest


def objectives(view: View) -> str:
    """Return the page of all objectives."""
    config = configured(view.parts.publisher)
    with view.parts.store.reading() as connection:
        found = standing.standings(connection, config.objectives, view.now_unix_s)
    rows = sorted((_row(one) for one in found), key=_urgency)
    told = alerts_api.list_alerts(view.call(query=AlertQuery(limit=SHOWN_MAX)))
    return view.page(
        "objectives.html",
        title="Objectives",
        rows=rows,
        headline=_headline(rows),
        alerts=told.alerts,
        outbox=told.outbox,
        receivers=config.alerts.receivers,
        may_act=view.actor.role >= Role.OPERATOR,
        example=examples.OBJECTIVES,
        receiver=examples.RECEIVER,
        outcomes=story.OUTCOMES,
        behind=_behind_alert,
    )


def objective(view: View) -> str:
    """Return the page of one objective."""
    name = view.path["name"]
    config = configured(view.parts.publisher)
    found = named(config, name)
    with view.parts.store.reading() as connection:
        (now,) = standing.standings(connection, [found], view.now_unix_s)
        past = standing.history(connection, found, view.now_unix_s)
    told = alerts_api.list_alerts(view.call(query=AlertQuery(limit=alerts_api.LIMIT_MAX)))
    row = _row(now)
    return view.page(
        "objective.html",
        title=name,
        row=row,
        behind=_behind(found, int(view.now_unix_s) - found.window_days * DAY_S),
        bad_words=telling.bad_words(found),
        past=past,
        zero_y=_y(0.0, _low(past)),
        line=burn_down(past),
        events=[
            (
                _state_of(event.kind, alert),
                event.at_unix_s,
                KINDS.get(event.kind, event.kind),
                event.title,
            )
            for alert in told.alerts
            if alert.objective == name
            for event in reversed(alert.detail.events)
        ][:SHOWN_MAX],
    )


def acknowledge(view: View) -> Response:
    """Acknowledge an alert, and go back."""
    alert = alerts_api.acknowledge_alert(view.call())
    who = alert.detail.acknowledged_by
    told = f"{who} looks after it: no more reminders" if who else "That alert is over"
    return see_other("/objectives", told)


def try_receiver(view: View) -> Response:
    """Send a test message, and go back with what became of it."""
    told = alerts_api.try_receiver(view.call())
    words = f"{told.receiver} has taken a test message"
    return see_other("/objectives", words if told.is_sent else f"{told.receiver}: {told.error}")


def burn_down(past: History) -> str:
    """Return a path of what is left of the budget, in a plane of WIDE by HIGH."""
    if not past.points:
        return ""
    low = _low(past)
    step = WIDE / len(past.points)
    places = [
        f"{(at + 1) * step:.1f} {_y(one.budget_left_ratio, low):.1f}"
        for at, one in enumerate(past.points)
    ]
    return f"M0 {_y(1.0, low):.1f} L" + " L".join(places)


def _behind(one: Objective, since_s: int) -> str:
    """Return where the exchanges of an objective are: the bad ones, where a fate says so.

    Of an upstream's objective attempts are measured: its exchanges are those that it answered.
    """
    only = {name: getattr(one, name) for name in ("tenant", "tier", "route", "upstream")}
    is_by_fate = one.sli is Sli.AVAILABILITY and not one.upstream
    return links.since(since_s, {**only, "fate": "failed" if is_by_fate else ""})


def _behind_alert(alert: Alert) -> str:
    return _behind(alert.detail.objective, int(alert.opened_unix_s) - HOUR_S)


def _low(past: History) -> float:
    """Return where the plane ends below: at nothing left, or as far as it was overspent."""
    return min(0.0, min((one.budget_left_ratio for one in past.points), default=0.0))


def _y(left_ratio: float, low: float) -> float:
    return HIGH * (1.0 - left_ratio) / (1.0 - low)


def _row(one: Standing) -> Row:
    severities = {burn.severity for burn in one.burns if burn.is_burning}
    state = "good"
    if "page" in severities or one.budget_left_ratio < 0:
        state = "bad"
    elif severities or one.budget_left_ratio < LOW:
        state = "degraded"
    elif one.sli_ratio is None:
        state = "unknown"
    words = "spent" if state == "bad" and not severities else WORDS[state]
    known = [burn.long_burn for burn in one.burns if burn.long_burn is not None]
    covers = telling.covers(one.objective)
    return Row(one, state, words, covers, max(known, default=None))


def _urgency(row: Row) -> tuple[int, float]:
    order = ("bad", "degraded", "unknown", "good")
    return order.index(row.state), row.standing.budget_left_ratio


def _headline(rows: Sequence[Row]) -> tuple[str, str, str]:
    """Return state, the answer, and what is behind it."""
    bad = [row.standing.objective.name for row in rows if row.state == "bad"]
    watch = [row for row in rows if row.state == "degraded"]
    unknown = sum(row.state == "unknown" for row in rows)
    more = f"{unknown} could not be measured: no traffic that counts." if unknown else ""
    if bad:
        named = ", ".join(bad[:3]) + (" and others" if len(bad) > len(bad[:3]) else "")
        return "bad", f"{named}: the error budget burns or is spent", more
    if watch:
        return "degraded", f"{len(watch)} of {len(rows)} objectives need a look", more
    if unknown == len(rows):
        return "unknown", "Nothing was measured yet", more
    return "good", "All objectives are kept", more


def _state_of(kind: str, alert: Alert) -> str:
    if kind in {"resolved", "removed"}:
        return "good"
    if kind == "acknowledged":
        return "work"
    return "bad" if alert.severity == "page" and alert.state == FIRING else "degraded"


PAGES: Final = (
    Page(path="/objectives", handler=objectives),
    Page(path="/objectives/{name}", handler=objective, marks="/objectives"),
    Page(
        path="/objectives/alerts/{id}",
        handler=acknowledge,
        method="POST",
        role=Role.OPERATOR,
        marks="/objectives",
    ),
    Page(
        path="/objectives/receivers/{name}",
        handler=try_receiver,
        method="POST",
        role=Role.OPERATOR,
        marks="/objectives",
    ),
)
