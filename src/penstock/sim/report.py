"""The report: one page, its plots as files, and all measures as JSON.

The page says what each tier got, what was the best possible, and what stood in the way:

    in short      how many targets are met, and which are not
    targets       each with goal, what was measured (median, worst seed), ideal, and if it is met
    a scenario    what it is; over X or over time; what each policy gave each tier; all figures;
                  which limit was the bottleneck under Penstock

What comes out is the inside of the page; ``web/templates/report.html`` makes it one that needs
nothing else: no script, no font, no network.
"""

import html
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from penstock.sim.run import Result
from penstock.sim.scenario import Scenario
from penstock.sim.table import Row, seconds, share, whole
from penstock.sim.tally import Phase
from penstock.sim.targets import Verdict
from penstock.web.charts.bars import Bar, BarPlot, Mark
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.frame import Frame, Line, ticks_of

OURS: Final = "penstock"
COLOURS: Final[Mapping[str, tuple[str, str]]] = {  # and dash
    "penstock": ("series-1", ""),
    "penstock-plain": ("series-2", "6 3"),
    "priority": ("series-3", "2 3"),
    "partition": ("series-4", "8 3 2 3"),
    "rate": ("series-5", "4 2"),
    "fifo": ("series-7", "1 3"),
    "oracle": ("series-6", "10 4"),
}
TIERS: Final = ("control", "enterprise", "standard", "free", "batch")
TIER_COLOURS: Final = tuple(f"tier-{tier}" for tier in TIERS)
TABLE: Final = '<div class="table" tabindex="0" role="region" aria-label="Figures">'
BODY: Final = "body.html"
WAITS_S: Final = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
BUSY: Final = 0.9  # of the capacity: then it is what is short
UNMET: Final = 0.01  # of requests: fewer are no shortage
POINTS_MAX: Final = 400  # of a plot over time

Plot = Frame | BarPlot


def pages(
    chosen: Sequence[Scenario],
    shown: Sequence[Result],
    rows: Sequence[Row],
    verdicts: Sequence[Verdict],
    style: str,
) -> dict[str, str]:
    """Return the files of the report by name; ``body.html`` is the inside of its page.

    ``style`` is what plots need that stand by themselves.
    """
    files: dict[str, str] = {}
    parts = [_head(chosen, shown, verdicts)]
    for one in chosen:
        mine = [row for row in rows if row.scenario == one.name]
        results = [result for result in shown if result.scenario == one.name]
        drawn = figures(one, mine, results)
        for name, plot in drawn.items():
            files[f"{one.name}-{name}.svg"] = plot.alone(style)
        parts.append(_section(one, mine, results, drawn))
    files[BODY] = Drawn("\n".join(parts))
    told = {"rows": rows, "targets": verdicts}
    files["measures.json"] = msgspec.json.format(msgspec.json.encode(told), indent=1).decode()
    return files


# --- words


def _head(chosen: Sequence[Scenario], shown: Sequence[Result], verdicts: Sequence[Verdict]) -> str:
    seeds = len({one.seed for one in shown})
    exchanges = sum(one.exchanges for one in shown)
    breaches = sum(one.breaches for one in shown)
    met = sum(one.is_met is True for one in verdicts)
    judged = [one for one in verdicts if one.is_met is not None]
    missed = [one for one in judged if not one.is_met]
    short = f"<p>{met} of {len(judged)} targets are met."
    if missed:
        names = "; ".join(_escape(f"{one.what}{_x(one.x)}: {one.measured}") for one in missed)
        short += f' <span class="alarm">Missed:</span> {names}.'
    links = " ".join(f'<a href="#{_escape(one.name)}">{_escape(one.name)}</a>' for one in chosen)
    kept = (
        "every invariant held"
        if not breaches
        else f'<span class="alarm">invariants were broken {breaches} times</span>'
    )
    return (
        '<p class="muted">What each tier got, what was the best possible, and what stood in the'
        f" way. {exchanges:,} exchanges in {len(shown)} runs, {seeds} seeds each; {kept}. Admission"
        " is the gateway's own code in virtual time; clients and upstreams are modelled. The same"
        " seed gives every policy the same arrivals.</p>"
        + (f"{short}</p>{_targets(verdicts)}" if verdicts else "")
        + f"<nav><p>{links}</p></nav>"
    )


def _targets(verdicts: Sequence[Verdict]) -> str:
    lines: list[str] = []
    for one in verdicts:
        met = {True: ("good", "● met"), False: ("bad", "■ missed"), None: ("unknown", "○ not run")}
        kind, word = met[one.is_met]
        worst = f" <span class=muted>({_escape(one.worst)})</span>" if one.worst else ""
        lines.append(
            f'<tr><td class=n>{_escape(one.number)}</td><td class="words">{_escape(one.what)}'
            f"{_x(one.x)}</td><td>{_escape(one.goal)}</td><td>{_escape(one.measured)}{worst}</td>"
            f'<td class="words">{_escape(one.ideal)}</td><td class="state-{kind}">{word}</td></tr>'
        )
    return (
        TABLE + "<table><thead><tr><th class=n></th><th>target</th><th>goal</th>"
        "<th>measured: median (worst seed)</th><th>ideal or baseline</th><th></th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _section(
    one: Scenario, rows: Sequence[Row], results: Sequence[Result], drawn: Mapping[str, Plot]
) -> str:
    figures_html = "".join(f'<div class="card">{plot.figure()}</div>' for plot in drawn.values())
    return (
        f'<h2 id="{_escape(one.name)}">{_escape(one.title)}</h2>'
        f'<p class="muted">{_escape(one.name)}</p><p>{_escape(one.about.strip())}</p>'
        f"<p><b>What stood in the way:</b> {_escape(bottleneck(rows, results))}</p>"
        f'<div class="plots">{figures_html}</div>'
        f"<details><summary>All figures</summary>{_table(rows)}</details>"
    )


def bottleneck(rows: Sequence[Row], results: Sequence[Result]) -> str:
    """Return which limit was short under Penstock, or whatever was run, in each phase."""
    policies = [one.policy for one in rows]
    policy = OURS if OURS in policies else next(iter(policies), "")
    x = max((one.x for one in rows), default=0.0)
    run = next((one for one in results if one.policy == policy and one.x == x), None)
    if run is None:
        return "nothing was run."
    sentences: list[str] = []
    for phase in run.phases:
        here = [
            one
            for one in rows
            if (one.policy, one.x, one.phase) == (policy, x, phase.name) and one.who == one.tier
        ]
        span = "" if len(run.phases) == 1 else f"{phase.name}: "
        sentences.append(span + _shortage(here, phase, run))
    told = "; ".join(sentences)
    return f"{told} ({policy}{_x(x)})."


def _shortage(rows: Sequence[Row], phase: Phase, run: Result) -> str:
    """Return what was short in one phase."""
    offered = sum(one.total("offered") for one in rows)
    unmet = sum(one.total("refused") + one.total("failed") for one in rows)
    if not offered or unmet < UNMET * offered:
        return f"nothing, all were served with {share(rows[0].use_ratio)} of the capacity"
    if phase.capacity_s <= 0:
        return "there was no upstream"
    if rows[0].use_ratio >= BUSY:
        return f"capacity itself, {share(rows[0].use_ratio)} in use"
    return _own_shortage(rows, phase, run)


def _own_shortage(rows: Sequence[Row], phase: Phase, run: Result) -> str:
    """Return what kept capacity from being used."""
    quota = max(one.median("quota_ratio") for one in rows)
    if quota > 0:
        return f"a provider's quota, which refused {share(quota)} of the attempts"
    ratios = [
        one.limit / one.capacity
        for one in run.samples
        if one.capacity > 0 and phase.from_s <= one.at_s < phase.to_s
    ]
    limit = sum(ratios) / max(1, len(ratios))
    used = f"{share(rows[0].use_ratio)} of the capacity in use"
    if limit < BUSY:
        return f"the gate's limit, {share(limit)} of what there was; {used}"
    return f"the gate itself: breaker, ladder or bounds on waiting; {used}"


def _table(rows: Sequence[Row]) -> str:
    head = (
        "<th>policy</th><th class=n>X</th><th>phase</th><th>tier</th>"
        + "".join(
            f"<th class=n>{name}</th>"
            for name in (
                "offered", "wait p50", "p99", "p99.9 (worst)", "TTFT p99", "in time", "of ideal",
                "refused", "failed", "moved", "capped", "wasted", "honesty", "use",
            )
        )
    )  # fmt: skip
    return (
        TABLE + f"<table><thead><tr>{head}</tr></thead><tbody>"
        f"{''.join(_row(one) for one in rows)}</tbody></table></div>"
    )


def _row(one: Row) -> str:
    cells = (
        f"{one.total('offered'):,}",
        seconds(one.median("wait_p50_s")),
        seconds(one.median("wait_p99_s")),
        seconds(one.worst("wait_p999_s")),
        seconds(one.median("ttft_p99_s")),
        share(one.total("good") / max(1, one.total("offered"))),
        share(of_ideal(one)),
        f"{one.total('refused'):,}",
        f"{one.total('failed'):,}",
        f"{one.total('moved'):,}",
        share(one.median("truncated_ratio")),
        share(one.median("wasted_ratio")),
        share(one.median("honesty_ratio")),
        share(one.use_ratio),
    )
    kind = ' class="ours"' if one.policy == OURS else ""
    return (
        f"<tr{kind}><td>{_escape(one.policy)}</td><td class=n>{one.x:g}</td>"
        f"<td>{_escape(one.phase)}</td><td>{_escape(one.who)}</td>"
        + "".join(f"<td class=n>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def of_ideal(one: Row) -> float:
    """Return the smaller of requests and work in time, over what was possible."""
    return min(one.median("count_ratio"), one.median("work_ratio"))


def _escape(words: str) -> str:
    return html.escape(words)


def _x(x: float) -> str:
    return f" at X={x:g}" if x else ""


# --- figures


def figures(one: Scenario, rows: Sequence[Row], results: Sequence[Result]) -> dict[str, Plot]:
    """Return a scenario's plots by name."""
    drawn: dict[str, Plot] = {}
    totals = whole(rows)
    if len({row.x for row in rows}) > 1:
        drawn["wait"] = waits(totals)
        for tier in sorted({row.tier for row in totals}, key=TIERS.index):
            drawn[f"{tier}-share"] = shares_over_x(totals, tier)
    else:
        ours = [run for run in results if run.policy == OURS] or list(results)
        if ours:
            drawn["time"] = over_time(one, ours[0])
            drawn["waiting"] = waiting_over_time(one, ours[0])
    for tier in sorted({row.tier for row in totals}, key=TIERS.index):
        x = _middle([row.x for row in totals])
        mine = [row for row in totals if row.who == tier and row.x == x]
        if mine:
            drawn[f"{tier}-got"] = _bars(tier, x, mine)
    return drawn


def _middle(values: Sequence[float]) -> float:
    over = sorted({one for one in values if one > 1.0})
    return over[len(over) // 2] if over else max(values, default=0.0)


def _bars(tier: str, x: float, rows: Sequence[Row]) -> BarPlot:
    entries = [
        Bar(
            row.policy,
            COLOURS.get(row.policy, ("series-2", ""))[0],
            of_ideal(row),
            share(of_ideal(row)),
        )
        for row in rows
        if row.policy != "oracle"
    ]
    title = f"{tier}: answered in time, of what was possible{_x(x)}"
    return BarPlot(title, entries, 1.2, Mark(1.0, "the best possible"))


def waits(rows: Sequence[Row]) -> Frame:
    """Return the first tier's p99 wait over X, a line for each policy."""
    first = min((row.tier for row in rows), key=TIERS.index)
    frame = Frame(f"{first}: wait, p99 over seeds' median", 260)
    xs = sorted({row.x for row in rows})
    frame.scale_x(xs, "X: load over capacity", is_log=True)
    words = ["0.01 s", "0.1 s", "1 s", "10 s", "100 s", "1000 s"]
    frame.scale_y(WAITS_S, words, is_log=True)
    _lines(frame, [row for row in rows if row.who == first], "wait_p99_s")
    return frame


def shares_over_x(rows: Sequence[Row], tier: str) -> Frame:
    """Return a tier's goodput over ideal over X."""
    frame = Frame(f"{tier}: answered in time, of what was possible", 260)
    frame.scale_x(sorted({row.x for row in rows}), "X: load over capacity", is_log=True)
    levels = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
    frame.scale_y(levels, [share(one).replace(".0", "") for one in levels], is_log=False)
    _lines(frame, [row for row in rows if row.who == tier], "")
    return frame


def _lines(frame: Frame, rows: Sequence[Row], field: str) -> None:
    ends: list[tuple[float, str, str]] = []
    for policy, (colour, dash) in COLOURS.items():
        points = sorted(
            (row.x, row.median(field) if field else of_ideal(row))
            for row in rows
            if row.policy == policy
        )
        if points:
            one = Line(policy, colour, points, dash, "thick" if policy == OURS else "")
            frame.draw(one)
            frame.dots(one)
            ends.append((points[-1][1], policy, colour))
    frame.names(ends)


def _shade(frame: Frame, one: Scenario) -> None:
    spans = [(event.at_s, event.until_s or one.duration_s) for event in one.events]
    for from_s, to_s in sorted(set(spans)):
        words = ", ".join(
            event.what.value.replace("_", " ") for event in one.events if event.at_s == from_s
        )
        frame.shade(from_s, to_s, words)


def over_time(one: Scenario, run: Result) -> Frame:
    """Return what each tier had under way, with the limit and the true capacity."""
    frame = Frame(f"under way, by tier ({run.policy}, first seed)", 260)
    samples = run.samples[:: max(1, len(run.samples) // POINTS_MAX)]
    high = max(max(item.capacity, item.limit, sum(item.in_flight)) for item in samples)
    top = min(high, 2.0 * max(max(item.capacity, sum(item.in_flight)) for item in samples))
    _time_axes(frame, one, top)
    base = [0.0] * len(samples)
    ends: list[tuple[float, str, str]] = []
    for tier, name in enumerate(TIERS):
        level = [low + item.in_flight[tier] for low, item in zip(base, samples, strict=True)]
        if level != base:
            points = [(item.at_s, y) for item, y in zip(samples, level, strict=True)]
            frame.fill(TIER_COLOURS[tier], base, points)
            ends.append(((base[-1] + level[-1]) / 2, name, TIER_COLOURS[tier]))
        base = level
    limit = Line("limit", "series-4", [(item.at_s, item.limit) for item in samples], "", "thin")
    true = Line("capacity", "ink", [(item.at_s, item.capacity) for item in samples], "4 3", "thin")
    for item in (true, limit):
        frame.draw(item)
        ends.append((item.points[-1][1], item.name, item.colour))
    frame.names(ends)
    return frame


def waiting_over_time(one: Scenario, run: Result) -> Frame:
    """Return how many of each tier wait."""
    frame = Frame(f"waiting at the gate, by tier ({run.policy}, first seed)", 260)
    samples = run.samples[:: max(1, len(run.samples) // POINTS_MAX)]
    _time_axes(frame, one, float(max(max(item.waiting) for item in samples)))
    ends: list[tuple[float, str, str]] = []
    for tier, name in enumerate(TIERS):
        points = [(item.at_s, float(item.waiting[tier])) for item in samples]
        if any(sum(item.in_flight[tier : tier + 1]) + item.waiting[tier] for item in samples):
            frame.draw(Line(name, TIER_COLOURS[tier], points))
            ends.append((points[-1][1], name, TIER_COLOURS[tier]))
    frame.names(ends)
    return frame


def _time_axes(frame: Frame, one: Scenario, high: float) -> None:
    steps = ticks_of(one.duration_s)
    frame.scale_x([at for at in steps if at <= one.duration_s], "seconds", high=one.duration_s)
    ticks = ticks_of(max(1.0, high))
    frame.scale_y(ticks, [f"{at:g}" for at in ticks], is_log=False)
    _shade(frame, one)
