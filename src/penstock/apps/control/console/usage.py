"""Usage and money: who used what, by day, and what it costs and earns.

/usage       ?span= since= until= by= show= tenant= route= model= key= upstream=
/usage.csv   the same, a line for each day and value, all figures
"""

import csv
import io
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from penstock.apps.control.console import links, periods
from penstock.apps.control.console.periods import Period
from penstock.apps.control.console.view import Page, View
from penstock.apps.control.queries import usage as asked_for
from penstock.apps.control.queries.usage import Figures, Group, Slice
from penstock.web.charts import over_time
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.over_time import Band, Look, Series
from penstock.web.quantities import money, number

NAMES: Final = {
    "tenant": "Tenant", "route": "Route", "model": "Model", "key": "Key", "upstream": "Upstream",
}  # fmt: skip
SHOWN: Final = {
    "charge_microusd": "Charge", "cost_microusd": "Cost", "tokens": "Tokens",
    "exchanges": "Exchanges",
}  # fmt: skip
PLAIN_CHANGE: Final = 0.1  # below it a change deserves a decimal
STACKED_MAX: Final = 6  # series that colours and labels can tell apart; the rest is "others"
UNNAMED: Final = {
    "tenant": "no tenant", "route": "no route", "model": "none asked", "key": "no key",
    "upstream": "none asked",
}  # fmt: skip


class Asked(msgspec.Struct, frozen=True):
    """What the page is asked to show."""

    period: Period
    by: str
    show: str
    only: dict[str, str]

    @property
    def part(self) -> Slice:
        """What the queries look at."""
        return Slice(self.period.span, self.only)

    def href(self, **changes: str) -> str:
        """Return this page's address with other values; an empty one is left out."""
        return links.href("/usage", {**self.params, **changes})

    @property
    def params(self) -> dict[str, str]:
        """The values as an address has them."""
        period = self.period
        span = (
            {"span": period.name} if period.name else {"since": period.since, "until": period.until}
        )
        return {**span, "by": self.by, "show": self.show, **self.only}

    @property
    def csv(self) -> str:
        """Where the same is as CSV."""
        return f"/usage.csv?{urlencode(self.params)}"

    def exchanges(self, name: str) -> str:
        """Return where the exchanges behind a line are."""
        return links.exchanges(self.period.span, {**self.only, self.by: name})


class Sums(msgspec.Struct, frozen=True):
    """All together, and how it compares."""

    asked: Asked
    total: Figures
    before: Figures

    def share(self, one: Group) -> float:
        """Return which share of the whole a line has."""
        whole: int = getattr(self.total, self.asked.show)
        return getattr(one.figures, self.asked.show) / whole if whole else 0.0

    def than(self, figure: str) -> str:
        """Return how a figure compares with the span before."""
        now, before = getattr(self.total, figure), getattr(self.before, figure)
        return than(now, before, self.asked.period)


def asked(query: Mapping[str, str], now_unix_s: float) -> Asked:
    """Read an address; what it does not say, or says wrongly, is as usual."""
    by = query.get("by", "tenant")
    show = query.get("show", "charge_microusd")
    return Asked(
        periods.period(query, now_unix_s),
        by if by in NAMES else "tenant",
        show if show in SHOWN else "charge_microusd",
        {name: query[name] for name in NAMES if query.get(name)},
    )


def usage(view: View) -> str:
    """Return the page."""
    told = asked(view.query, view.now_unix_s)
    with view.parts.store.reading() as connection:
        groups = asked_for.groups(connection, told.part, told.by, told.show)
        total = whole(one.figures for one in groups)
        if len(groups) >= asked_for.GROUPS_MAX:  # there are more than are listed
            total = whole(asked_for.by_day(connection, told.part).values())
        before = whole(
            asked_for.by_day(connection, Slice(told.period.span.before, told.only)).values()
        )
        names = [one.name for one in groups[:STACKED_MAX]]
        stacks = asked_for.stacks(connection, told.part, told.by, names, told.show)
    return view.page(
        "usage.html",
        title="Usage and money",
        asked=told,
        names=NAMES,
        shown=SHOWN,
        spans=periods.SPANS,
        total=total,
        groups=groups,
        groups_max=asked_for.GROUPS_MAX,
        chart=chart(told, names, stacks, view.now_unix_s) if told.period.span.days > 1 else "",
        unnamed=UNNAMED[told.by],
        sums=Sums(told, total, before),
    )


def usage_csv(view: View) -> Response:
    """Return the same as CSV; amounts are exact, money in micro-dollars."""
    told = asked(view.query, view.now_unix_s)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["day", told.by, *asked_for.FIGURES])
    with view.parts.store.reading() as connection:
        for row in connection.execute(asked_for.lines(told.part, told.by)):
            day_s, name, *figures = tuple[Any, ...](row)
            writer.writerow([periods.written(day_s), links.in_cell(name), *figures])
    name = f"usage-by-{told.by}-{told.period.since}-{told.period.until}.csv"
    return links.csv_response(text.getvalue(), name)


def chart(
    told: Asked, names: list[str], stacks: dict[str, dict[int, int]], now_unix_s: float
) -> Drawn:
    """Return the days as areas, the largest at the bottom, all others on top."""
    span = told.period.span
    days = range(span.since_s, span.until_s, periods.DAY_S)
    found = [
        Series(
            name or UNNAMED[told.by],
            f"series-{at + 1}",
            [stacks.get(name, {}).get(day, 0) for day in days],
        )
        for at, name in enumerate(names)
        if name in stacks
    ]
    if asked_for.OTHERS in stacks and asked_for.OTHERS not in names:
        rest = [stacks[asked_for.OTHERS].get(day, 0) for day in days]
        found.append(Series("others", f"series-{STACKED_MAX + 1}", rest))
    words = money if told.show.endswith("usd") else number
    look = Look(f"{SHOWN[told.show]} by day and {NAMES[told.by].lower()}", words=words)
    axis = over_time.Span(span.since_s, periods.DAY_S, span.days)
    today_s = now_unix_s // periods.DAY_S * periods.DAY_S
    open_day = Band(today_s, today_s + periods.DAY_S, "today so far")
    bands = [open_day] if span.since_s <= today_s < span.until_s else []
    return over_time.stacked(look, axis, found, bands)


def whole(found: Any) -> Figures:
    """Return all figures together."""
    total = Figures()
    for one in found:
        total = total.plus(one)
    return total


def than(now: int, before: int, period: Period) -> str:
    """Return how an amount compares with the span before."""
    days = period.span.days
    span = "the day before" if days == 1 else f"the {days} days before"
    if not before:
        return f"nothing in {span}" if now else ""
    change = now / before - 1
    sign = "+" if change >= 0 else "-"
    digits = 0 if abs(change) >= PLAIN_CHANGE else 1
    return f"{sign}{abs(change) * 100:,.{digits}f} % on {span}"


PAGES: Final = (
    Page(path="/usage", handler=usage),
    Page(path="/usage.csv", handler=usage_csv),
)
