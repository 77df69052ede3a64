"""The overview: what goes through the gateway now, and what stands in the way.

/                 the page; ?span= 1h, 24h, 7d
/overview/now     its inside, which the page fetches again every few seconds

The sentence is made of the last minutes' sums and of the gateway's own words, the worst first:

    nothing came                    unknown   the gateway's state, if it says one
    some fail                       bad       how many, and who fails; few: degraded
    an upstream fails, all served   degraded  who fails, and who carries its traffic
    some are shed                   partial   how many
    the gateway does not answer     degraded  since when; the figures are the ledger's
    nothing of this                 good
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from penstock.apps.control.console import links, story
from penstock.apps.control.console.view import Page, View
from penstock.apps.control.queries import exchanges as newest
from penstock.apps.control.queries import now as asked_for
from penstock.apps.control.queries.now import UpstreamSums, Window
from penstock.core.tier import WORDS
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.over_time import Look, Series, Span, stacked
from penstock.web.live import CONDITIONS, Figures, UpstreamFigures
from penstock.web.quantities import number, share

SPANS: Final = {"1h": (60, 60), "24h": (300, 288), "7d": (3600, 168)}  # grain, intervals
NAMES: Final = {"1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days"}
MINUTES: Final = 5  # that the sentence looks at
FAILING_RATIO: Final = 0.1  # of attempts
FAILING_MIN: Final = 5  # attempts that failed: fewer are chance
ENOUGH_RATIO: Final = 0.999  # served of what counts: then all is served
COUNTED: Final = ("served", "failed", "shed", "lost")


class Row(NamedTuple):
    """One upstream: live, and what it did in the span."""

    name: str
    state: str
    word: str
    live: UpstreamFigures | None
    sums: UpstreamSums | None
    answers_ratio: float | None

    @property
    def failures_ratio(self) -> float | None:
        """The share of attempts that failed."""
        sums = self.sums
        return sums.failures / sums.attempts if sums is not None and sums.attempts else None

    @property
    def ttft_s(self) -> tuple[float | None, float | None]:
        """Median and 99th percentile of the time to the first token."""
        counts = self.sums.ttft if self.sums is not None else ()
        return asked_for.quantile_s(0.5, counts), asked_for.quantile_s(0.99, counts)

    @property
    def breaker(self) -> str:
        """The worst of its models' breakers; one that nobody has asked yet is closed."""
        words = {one.breaker for one in self.live.targets} if self.live is not None else set[str]()
        return min(words, key=lambda word: (word == "closed", word != "open"), default="closed")


class Event(msgspec.Struct, frozen=True):
    """What became of an alert; the page needs its title."""

    title: str


class Told(msgspec.Struct, frozen=True):
    """What is stored of an alert."""

    events: tuple[Event, ...] = ()


class Now(NamedTuple):
    """What the sentence is made of."""

    fates: Mapping[str, int]
    upstreams: Sequence[UpstreamSums]
    figures: Figures


def overview(view: View) -> str:
    """Return the page."""
    return view.page("overview.html", title="Overview", **_values(view))


def overview_now(view: View) -> str:
    """Return its inside."""
    return view.page("overview_now.html", **_values(view))


def sentence(now: Now) -> tuple[str, str]:
    """Return a state, and what goes on in a sentence."""
    counted = sum(now.fates.get(one, 0) for one in COUNTED)
    served = now.fates.get("served", 0)
    lost = now.fates.get("failed", 0) + now.fates.get("lost", 0)
    failing = [
        one
        for one in now.upstreams
        if one.failures >= FAILING_MIN and one.failures > FAILING_RATIO * one.attempts
    ]
    if not counted:
        return _quiet(now.figures)
    who = f"; {_failing(failing)}" if failing else ""
    state, words = "good", "All is served"
    if lost / counted > 1 - ENOUGH_RATIO:
        state = "bad" if lost >= FAILING_MIN else "degraded"
        words = f"{number(lost)} of {number(counted)} exchanges failed in {MINUTES} minutes{who}"
    elif now.fates.get("shed", 0) and served / counted < ENOUGH_RATIO:
        state, words = "partial", f"{share(now.fates['shed'] / counted)} of exchanges are shed{who}"
    elif failing:
        state, words = "degraded", f"All is served{who}{_carried(failing, now.upstreams)}"
    elif not now.figures.is_up:
        state = "degraded"
        words = "All was served, as far as the ledger knows; the gateway does not answer"
    return state, words


def rows(figures: Figures, sums: Sequence[UpstreamSums]) -> list[Row]:
    """Return a row for each upstream, in the configuration's order; unknown ones at the end."""
    by_name = {one.upstream: one for one in sums}
    answers = sum(one.answers for one in sums)
    live = {one.upstream: one for one in figures.upstreams}
    found: list[Row] = []
    for name in [*live, *(name for name in by_name if name not in live)]:
        state = live.get(name)
        counts = by_name.get(name)
        word = state.condition if state is not None else "unknown"
        found.append(
            Row(
                name,
                CONDITIONS.get(word, "unknown"),
                word,
                state,
                counts,
                counts.answers / answers if counts is not None and answers else None,
            )
        )
    return found


def chart(part: Window, tiers: Mapping[str, Sequence[int]], name: str) -> Drawn:
    """Return traffic by tier."""
    named = [*(one for one in WORDS if one in tiers), *(one for one in tiers if one not in WORDS)]
    series = [
        Series(
            one or "no tier",
            f"tier-{one}" if one in WORDS else "unknown",
            [count / part.grain_s for count in tiers[one]],
        )
        for one in named
    ]
    look = Look(f"Traffic by tier, {name}", "exchanges a second", has_table=True)
    return stacked(look, Span(part.since_s, part.grain_s, part.steps), series)


def _values(view: View) -> dict[str, Any]:
    span = view.query.get("span", "1h")
    span = span if span in SPANS else "1h"
    part = asked_for.window(view.now_unix_s, *SPANS[span])
    recent = asked_for.window(view.now_unix_s, 60, MINUTES)
    figures, silent_since_unix_s = view.gateway.figures()
    with view.parts.store.reading() as connection:
        tiers = asked_for.by_tier(connection, part)
        fates = asked_for.fates(connection, part)
        sums = asked_for.upstreams(connection, part)
        now = Now(
            asked_for.fates(connection, recent),
            asked_for.upstreams(connection, recent),
            figures,
        )
        refused = asked_for.refused(connection, part)
        alerts = asked_for.alerts(connection)
        newest_unix_s = newest.newest_us(connection) / newest.US
        try:
            backlog = asked_for.backlog(connection, view.parts.state_dir / "spool")
        except OSError:
            backlog = None
    state, words = sentence(now)
    counted = sum(fates[one] for one in COUNTED)
    return {
        "span": span,
        "spans": NAMES,
        "since_unix_s": part.since_s,
        "state": state,
        "words": words,
        "figures": figures,
        "silent_since_unix_s": silent_since_unix_s,
        "is_empty": not newest_unix_s and not figures.in_flight,
        "fates": fates,
        "served_ratio": fates["served"] / counted if counted else None,
        "exchanges": sum(fates.values()),
        "per_s": number(sum(fates.values()) / (part.until_s - part.since_s)),
        "chart": chart(part, tiers, NAMES[span]) if tiers else "",
        "rows": rows(figures, sums),
        "refused": refused,
        "refusals": [
            (one, story.reason(one.code, one.status), links.refused(part.since_s, one))
            for one in refused
        ],
        "refused_most": max((one.exchanges for one in refused), default=1),
        "alerts": [_alert(one) for one in alerts],
        "fated": {one: links.since(part.since_s, {"fate": one}) for one in fates},
        "asked": {
            one.upstream: links.since(part.since_s, {"upstream": one.upstream}) for one in sums
        },
        "newest_unix_s": newest_unix_s,
        "backlog": backlog,
    }


def _alert(row: Any) -> tuple[Any, str]:
    """Return an open alert, and what was last said of it."""
    told = msgspec.json.decode(row.document, type=Told).events
    return row, told[-1].title if told else f"{row.objective} burns"


def _quiet(figures: Figures) -> tuple[str, str]:
    if not figures.is_up:
        return "unknown", "Nothing came in the last minutes, and the gateway does not answer"
    if figures.severity == "good":
        return "good", "All is ready; nothing came in the last minutes"
    return figures.severity, figures.headline


def _failing(failing: Sequence[UpstreamSums]) -> str:
    verb = "is" if len(failing) == 1 else "are"
    return f"{_and([one.upstream for one in failing])} {verb} failing"


def _carried(failing: Sequence[UpstreamSums], upstreams: Sequence[UpstreamSums]) -> str:
    """Return who answers most in their place, if anybody does."""
    well = [one for one in upstreams if one not in failing and one.answers]
    if not well:
        return ""
    return f", {max(well, key=lambda one: one.answers).upstream} answers most"


def _and(names: Sequence[str]) -> str:
    *most, last = names or [""]
    return f"{', '.join(most)} and {last}" if most else last


PAGES: Final = (
    Page(path="/", handler=overview),
    Page(path="/overview/now", handler=overview_now, marks="/"),
)
