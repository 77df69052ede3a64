"""The picture of ``penstock top``: figures in, lines of text out, for any width.

    headline    what is happening, in words
    tiers       who has slots and who waits, how fast it goes; their shades are the legend of bars
    upstreams   a bar of slots each: taken by tier, free, withheld by the limiter; and why not more
    refusals    by reason and tier
    consumers   the ladder, if there is one

Columns come in the order of their rank while there is room; the bar takes what is left. Shades tell
tiers apart without colours too. Pure.
"""

import datetime as dt
import textwrap
from collections.abc import Callable, Mapping
from typing import Final

from rich.text import Text

from penstock.cli.columns import DIM, Column, bar, table
from penstock.cli.terminal import SHAPES
from penstock.exchange.statistics import ConsumerStatistics
from penstock.web.headline import LEVEL_MAX
from penstock.web.live import CONDITIONS, Figures, TierFigures, UpstreamFigures
from penstock.web.quantities import UNKNOWN, number, seconds

WIDTH_MIN: Final = 40
NEARLY: Final = 0.8  # full
QUEUE_SCALE_MIN: Final = 10  # exchanges: a queue shorter than that fills no bar
# shade, colour: one for each tier, here and in every bar
SHADES: Final[dict[str, tuple[str, str]]] = {
    "control": ("#", "magenta"),
    "enterprise": ("█", "cyan"),
    "standard": ("▓", "blue"),
    "free": ("▒", "green"),
    "batch": ("░", "yellow"),
}
UNSHADED: Final = ("█", "white")  # where it is not known whose slots they are
FREE: Final = ("·", DIM)
WITHHELD: Final = ("-", DIM)  # between the limit and the most it may be
LADDER: Final = (
    "nothing is taken from them",
    "no retries",
    "answers are short",
    "answers are shorter, by a smaller model",
    "answers are shorter, and a wait is told",
    "new users are turned away",
)


def render(figures: Figures, width: int) -> list[Text]:
    """Return the lines of one picture; none is longer than ``width`` or 40, if that is more."""
    width = max(WIDTH_MIN, width)
    lines = [_headline(figures, width)] if figures.is_up else _down(figures, width)
    lines.append(_status(figures, width))
    if figures.is_up:
        lines += [Text(), *_tiers(figures, width), Text(), *_upstreams(figures, width)]
        lines += [Text(), *_refusals(figures, width)]
    if figures.consumers is not None:
        lines.append(_consumers(figures.consumers, width))
    for line in lines:
        line.truncate(width)
        line.rstrip()
    return lines


# --- cells


def _plain(words: str, style: str = "") -> Text:
    return Text(words, style=DIM if words in ("0", UNKNOWN) else style)


def _count(value: int, style: str = "") -> Text:
    return _plain(number(value), style)


def _rate(value: float | None, style: str = "") -> Text:
    return _plain(number(value), style)


def _time(value: float | None, style: str = "") -> Text:
    return _plain(seconds(value or None), style)


def _ratio(value: float | None) -> Text:
    if value is None:
        return _plain("-")
    return Text(f"{value:.0%}", "red" if value >= 1.0 else "yellow" if value >= NEARLY else "")


# --- parts


def _headline(figures: Figures, width: int) -> Text:
    """Say what there is room for, the most important first, and how many parts are left out."""
    words = figures.said[0]
    left = len(figures.said) - 1
    for part in figures.said[1:]:
        more = f"; {left - 1} more" if left > 1 else ""
        for said in (part, part.partition(" (")[0]):
            if len(f"{words}; {said}{more}") <= width - 2:
                words += f"; {said}"
                left -= 1
                break
    words += f"; {left} more" if left else ""
    return Text.assemble(SHAPES[figures.severity], " ", (words, "bold"), overflow="ellipsis")


def _down(figures: Figures, width: int) -> list[Text]:
    """Say all of it: there is nothing else to show."""
    first, *rest = textwrap.wrap(figures.headline, width - 2)
    head = Text.assemble(SHAPES[figures.severity], " ", (first, "bold"))
    return [head, *(Text(f"  {words}", "bold") for words in rest)]


def _status(figures: Figures, width: int) -> Text:
    at = dt.datetime.fromtimestamp(figures.at_unix_s, dt.UTC)
    words = [f"{at:%H:%M:%S} UTC"]
    if figures.is_up:
        words += [
            f"{figures.in_flight} under way, {figures.waiting} wait",
            f"up {seconds(figures.up_s)}",
            f"snapshot {figures.snapshot_version}",
            *(["emulated"] if figures.is_emulated else []),
        ]
    if figures.interval_s is not None:
        words.append(f"over {seconds(figures.interval_s)}")
    words.append(figures.url if figures.is_up else "trying again")
    while len(words) > 1 and sum(len(word) + 2 for word in words) > width:
        words.pop()
    return Text(f"  {'  '.join(words)}", DIM)


def _tiers(figures: Figures, width: int) -> list[Text]:
    longest = max([QUEUE_SCALE_MIN, *(one.waiting for one in figures.tiers)])

    def name(one: TierFigures, _: int) -> Text:
        shade = SHADES.get(one.tier, UNSHADED)
        is_used = one.in_flight or one.waiting or one.exchanges_per_s
        return Text.assemble(shade, " ", (one.tier, "" if is_used else DIM))

    def queue(one: TierFigures, size: int) -> Text:
        return bar([(one.waiting, SHADES.get(one.tier, UNSHADED))], longest, size)

    column = Column[TierFigures]
    columns = [
        column("  TIER", 12, 0, name, is_left=True),
        column("SLOTS", 5, 2, lambda one, _: _count(one.in_flight)),
        column("WAIT", 5, 1, lambda one, _: _count(one.waiting, "yellow")),
        column("QUEUE", 0, 4, queue),
        column("OLDEST", 6, 3, lambda one, _: _time(one.oldest_wait_s)),
        column("EXCH/S", 6, 6, lambda one, _: _rate(one.exchanges_per_s)),
        column("TOK/S", 6, 3, lambda one, _: _rate(one.output_tokens_per_s, "bold")),
        column("SHED/S", 6, 3, lambda one, _: _rate(one.shed_per_s, "red")),
        column("FAIL/S", 6, 8, lambda one, _: _rate(one.failed_per_s, "red")),
        column("TTFT", 6, 5, lambda one, _: _time(one.ttft_p50_s)),
        column("p99", 6, 7, lambda one, _: _time(one.ttft_p99_s)),
        column("WAITED", 6, 9, lambda one, _: _time(one.wait_p50_s)),
        column("p99", 6, 9, lambda one, _: _time(one.wait_p99_s)),
        column("IN TOK/S", 8, 10, lambda one, _: _rate(one.input_tokens_per_s)),
        column("CUT/S", 6, 11, lambda one, _: _rate(one.degraded_per_s, "yellow")),
        column("MOVED/S", 7, 12, lambda one, _: _rate(one.moved_per_s, "yellow")),
    ]
    return table(columns, figures.tiers, width)


def _upstreams(figures: Figures, width: int) -> list[Text]:
    column = Column[UpstreamFigures]
    longest = max([len("UPSTREAM"), *(len(one.upstream) for one in figures.upstreams)])
    columns = [
        column("  UPSTREAM", min(longest + 2, width // 4 + 2), 0, _name, is_left=True),
        column("STATE", 14, 2, _state, is_left=True),
        column("SLOTS", 0, 3, _slots),
        column("TAKEN", 9, 1, _taken),
        column("WAIT", 5, 4, lambda one, _: _count(sum(one.waiting.values()), "yellow")),
        column("ATT/S", 6, 7, lambda one, _: _rate(one.attempts_per_s)),
        column("FAIL/S", 6, 5, lambda one, _: _rate(_failures(one), "red")),
        column("TOK/S", 6, 6, lambda one, _: _rate(one.output_tokens_per_s, "bold")),
        column("TTFT", 6, 8, lambda one, _: _time(one.ttft_p50_s)),
        column("p99", 6, 10, lambda one, _: _time(one.ttft_p99_s)),
        column("QUOTA", 5, 9, lambda one, _: _ratio(one.quota_usage_ratio)),
        column("ENGINE", 6, 12, lambda one, _: _ratio(one.saturation_ratio)),
        column("RESERVE", 7, 11, lambda one, _: _count(one.reserve)),
        column("HELD", 6, 11, lambda one, _: _time(one.held_s)),
        column("IN TOK/S", 8, 13, lambda one, _: _rate(one.input_tokens_per_s)),
    ]
    lines = table(columns, figures.upstreams, width)
    for one in figures.upstreams:
        lines += _shut(one)
    return lines


def _name(one: UpstreamFigures, _: int) -> Text:
    return Text.assemble(SHAPES[CONDITIONS[one.condition]], " ", one.upstream)


def _state(one: UpstreamFigures, _: int) -> Text:
    words = one.condition
    if one.rest_s and one.condition in ("resting", "broken"):
        words = f"{words} {seconds(one.rest_s)}"
    return Text(words, SHAPES[CONDITIONS[one.condition]][1])


def _slots(one: UpstreamFigures, size: int) -> Text:
    total = max(one.limit_max, one.limit, one.in_flight, 1)
    parts = [(n, SHADES.get(tier, UNSHADED)) for tier, n in one.slots.items()]
    unknown = max(0, one.in_flight - sum(one.slots.values()))
    free = max(0, one.limit - one.in_flight)
    withheld = total - max(one.limit, one.in_flight)
    return bar([*parts, (unknown, UNSHADED), (free, FREE), (withheld, WITHHELD)], total, size)


def _taken(one: UpstreamFigures, _: int) -> Text:
    style = "yellow" if one.in_flight >= one.limit else ""
    return Text(f"{one.in_flight}/{one.limit}", style if one.in_flight else DIM)


def _failures(one: UpstreamFigures) -> float | None:
    return None if one.attempts_per_s is None else sum(one.failures_per_s.values())


def _shut(one: UpstreamFigures) -> list[Text]:
    """Name the models that are left alone where the rest of the upstream is not."""
    shut = [target for target in one.targets if target.breaker != "closed" or target.rest_s]
    if not shut or len(one.targets) == 1:
        return []
    words = [
        f"{target.model} {'rests' if target.breaker == 'closed' else target.breaker}"
        + (f" {seconds(target.rest_s)}" if target.rest_s else "")
        for target in shut
    ]
    return [Text(f"  {one.upstream}: {', '.join(words)}", "yellow")]


def _refusals(figures: Figures, width: int) -> list[Text]:
    rows: dict[str, dict[str, float]] = {}
    for tier in figures.tiers:
        for reason, rate in tier.refusals_per_s.items():
            rows.setdefault(reason, {})[tier.tier] = rate
    for reason, rate in figures.refusals_per_s.items():
        rows.setdefault(reason, {})[""] = rate
    if figures.interval_s is None:
        return [Text("  refusals: known after the next read", DIM)]
    if not rows:
        return [Text("  nobody is refused", DIM)]
    ordered = sorted(rows.items(), key=lambda row: -sum(row[1].values()))
    most = max(sum(row.values()) for row in rows.values())

    def share(row: tuple[str, dict[str, float]], size: int) -> Text:
        parts = [(rate, SHADES.get(tier, UNSHADED)) for tier, rate in row[1].items()]
        return bar(parts, most, size)

    column = Column[tuple[str, dict[str, float]]]
    columns = [
        column("  REFUSED", 22, 0, lambda row, _: Text(f"  {row[0]}"), is_left=True),
        column("ALL/S", 6, 1, lambda row, _: _rate(sum(row[1].values()), "red")),
        *(
            column(one.tier, max(6, len(one.tier)), 2 + at, _of(one.tier))
            for at, one in enumerate(figures.tiers)
            if one.refusals_per_s
        ),
        column("", 0, 2 + len(figures.tiers), share),
    ]
    return table(columns, ordered, width)


def _of(tier: str) -> Callable[[tuple[str, Mapping[str, float]], int], Text]:
    return lambda row, _: _rate(row[1].get(tier, 0.0))


def _consumers(one: ConsumerStatistics, width: int) -> Text:
    shape = "good" if not one.level else "bad" if one.level == LEVEL_MAX else "degraded"
    words = [f"consumers at level {one.level} of {LEVEL_MAX}"]
    words += [LADDER[min(one.level, LEVEL_MAX)], f"{number(one.tickets)} are in"]
    if one.level == LEVEL_MAX:
        words += [f"{one.new_ratio:.0%} of new ones get in", f"{one.kept_ratio:.0%} may stay"]
    while len(", ".join(words)) > width - 2:
        words.pop()
    return Text.assemble(SHAPES[shape], " ", ", ".join(words))
