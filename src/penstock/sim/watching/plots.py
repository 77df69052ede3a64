"""The report of a study: the inside of one page, its plots as files, all measures as JSON.

    in short   how many goals are met, and which are not
    goals      what was to be shown, what was, what was possible
    plots      delay over share beside the oracle's; what each part is worth; drills against their
               providers' own posts
    tables     faults, drills, arms; and what was assumed

The page needs nothing else: no script, no font, no network.
"""

import html
from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.sim.watching import arms, figures, summary
from penstock.sim.watching.goals import Goal
from penstock.sim.watching.study import SEED_REPORT
from penstock.sim.watching.summary import Rows, Study
from penstock.sim.watching.trial import Finding
from penstock.watch.assessment import Verdict
from penstock.web.charts.bars import Bar, BarPlot
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.frame import Frame, Line

BODY: Final = "body.html"
TABLE: Final = '<div class="table" tabindex="0" role="region" aria-label="Figures">'
PERCENTS: Final = (2.0, 5.0, 10.0, 30.0, 50.0, 100.0)
DELAYS_S: Final = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
DELAY_WORDS: Final = ("10 s", "30 s", "100 s", "5 min", "17 min", "50 min")
ASSUMED: Final = (
    "No provider has published its error rates over time, and no public series of user reports"
    " exists. The installation is assumed: some ten exchanges a second with the rhythm of a week,"
    " four probes a minute of each component (a bad one is followed by others at once), failures in"
    " bursts (a Gamma factor of shape 0.7 each minute; of probes 5 s on the average), reports"
    " overdispersed. Waves of reports go through the published points: 1 to 40 in"
    " 15 minutes, a handful to 12,000 in 30, teens to 1,700 to 5,000 in about 65; what lies"
    " between is assumed. Innocent components get 2 to 8 % of a wave each. Shares of drills that"
    " nobody published are those of the drills' file, which calls them assumed."
)

Plot = Frame | BarPlot


def pages(study: Study, style: str) -> dict[str, str]:
    """Return the files of the report by name; ``body.html`` is the inside of its page."""
    drawn = plots(study)
    files = {f"{name}.svg": plot.alone(style) for name, plot in drawn.items()}
    shown = "".join(f'<div class="card">{one.figure()}</div>' for one in drawn.values())
    parts = [
        _head(study),
        _goals(study.goals),
        f'<div class="plots">{shown}</div>',
        "<h2>Faults by chance</h2>",
        _table(summary.FAULT_HEAD, summary.faults(study)),
        "<h2>Real outages</h2>",
        _table(summary.DRILL_HEAD, summary.drills(study)),
    ]
    if study.reports_only:
        parts += [
            "<h2>What each part is worth</h2>",
            _table(summary.ARM_HEAD, summary.by_arm(study)),
        ]
    parts.append(f"<h2>What is assumed</h2><p>{html.escape(ASSUMED)}</p>")
    files[BODY] = Drawn("\n".join(parts))
    files["measures.json"] = measures(study)
    return files


def measures(study: Study) -> str:
    """Return all measures as JSON."""
    told = {
        "seeds": study.seeds,
        "first_seed": study.first_seed,
        "goals": study.goals,
        "faults": _named(summary.FAULT_HEAD, summary.faults(study)),
        "drills": _named(summary.DRILL_HEAD, summary.drills(study)),
        "arms": _named(summary.ARM_HEAD, summary.by_arm(study)) if study.reports_only else [],
        "findings": study.findings,
        "quiet": study.quiets,
        "reports_only": study.reports_only,
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=1).decode()


def _named(head: Sequence[str], rows: Rows) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    of = ""
    for row in rows:
        if len(row) == 1:
            of = row[0]
        else:
            found.append(({"of": of} if of else {}) | dict(zip(head, row, strict=True)))
    return found


def _head(study: Study) -> str:
    judged = [one for one in study.goals if one.is_met is not None]
    missed = [one for one in judged if not one.is_met]
    short = f"<p>{len(judged) - len(missed)} of {len(judged)} goals are met."
    if missed:
        names = "; ".join(html.escape(f"{one.what}: {one.measured}") for one in missed)
        short += f' <span class="alarm">Missed:</span> {names}.'
    last = study.first_seed + study.seeds - 1
    is_tuning = study.first_seed < SEED_REPORT
    use = "these set parameters" if is_tuning else "parameters were set on other seeds"
    return (
        '<p class="muted">How well the detector finds what is broken, and whose fault it is:'
        f" {len(study.findings):,} trials, seeds {study.first_seed} to {last}; {use}."
        " The watch is the status process's own code in virtual time;"
        " installation, faults and people are modelled.</p>"
        f"{short}</p>"
    )


def _goals(told: Sequence[Goal]) -> str:
    kinds = {True: ("good", "● met"), False: ("bad", "■ missed"), None: ("unknown", "○ told")}
    lines: list[str] = []
    for one in told:
        kind, word = kinds[one.is_met]
        lines.append(
            f'<tr><td class="state-{kind}">{word}</td>'
            f'<td class="words">{html.escape(one.what)}</td>'
            f'<td class="words">{html.escape(one.measured)}</td>'
            f"<td>{html.escape(one.goal)}</td><td>{html.escape(one.ideal)}</td></tr>"
        )
    return (
        f"{TABLE}<table><thead><tr><th></th><th></th><th>measured</th><th>goal</th><th>ideal</th>"
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _table(head: Sequence[str], rows: Rows) -> str:
    top = _cells("th", head)
    lines = "".join(
        f'<tr><th colspan="{len(head)}">{html.escape(row[0])}</th></tr>'
        if len(row) == 1
        else f"<tr>{_cells('td', row)}</tr>"
        for row in rows
    )
    return f"{TABLE}<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"


def _cells(kind: str, row: Sequence[str]) -> str:
    """Return words first, then figures, which stand to the right."""
    return "".join(
        f"<{kind}{' class=n' if at else ''}>{html.escape(cell)}</{kind}>"
        for at, cell in enumerate(row)
    )


# --- plots


def plots(study: Study) -> dict[str, Plot]:
    """Return the plots by name."""
    alarms = figures.rate(study.quiets, Verdict.PROBLEM).comparable
    drawn: dict[str, Plot] = {}
    for group, words in (
        ("share", "delay to 'problem': telemetry and probes"),
        ("probes", "delay to 'problem': probes alone"),
        ("wrong", "delay to 'problem': wrong content, by canaries"),
    ):
        mine = study.of(arms.FULL, group)
        if mine:
            drawn[f"delay-{group}"] = _delays(words, mine, alarms)
    if study.of(arms.FULL, "drill"):
        drawn["drills"] = _leads(study)
    if study.reports_only:
        drawn["arms"] = _worth(study)
    return drawn


def _delays(words: str, mine: Sequence[Finding], alarms: float) -> Frame:
    frame = Frame(words, 260, "mean, seconds; both axes logarithmic")
    told = [f"{one:g} %" for one in PERCENTS]
    frame.scale_x(PERCENTS, "share that fails", is_log=True, words=told)
    frame.scale_y(DELAYS_S, DELAY_WORDS, is_log=True)
    shares = sorted({one.share for one in mine})
    ours: list[tuple[float, float]] = []
    ideal: list[tuple[float, float]] = []
    for share in shares:
        here = [one for one in mine if one.share == share]
        others = [one for one in (figures.oracle_s(f, alarms) for f in here) if one is not None]
        ours.append((100 * share, figures.mean([figures.problem_s(one) for one in here])))
        if others:
            ideal.append((100 * share, figures.mean(others)))
    lines = [
        Line("watch", "series-1", ours, "", "thick"),
        Line("oracle", "series-6", ideal, "10 4"),
    ]
    for line in lines:
        if line.points:
            frame.draw(line)
            frame.dots(line)
    frame.names([(one.points[0][1], one.name, one.colour) for one in lines if one.points])
    return frame


def _leads(study: Study) -> BarPlot:
    bars: list[Bar] = []
    for one in study.of(arms.FULL, "drill"):
        if one.seed != study.first_seed:
            continue
        for found in one.found:
            if found.lead_s is not None:
                words = f"{summary.span(found.lead_s)} before the provider"
                bars.append(Bar(one.name, "series-1", found.lead_s, words))
    return BarPlot("how long before the provider's own first post", bars)


def _worth(study: Study) -> BarPlot:
    seeds = {one.seed for one in study.findings if one.arm != arms.FULL}
    bars: list[Bar] = []
    for arm in arms.ARMS:
        mine = [one for one in study.of(arm, "sympathy") if one.seed in seeds]
        raised = figures.mean([float(len(one.murmurs)) for one in mine])
        quiet = figures.rate(study.reports_only.get(arm, []), Verdict.POSSIBLE)
        bars.append(Bar(arm, "series-1", raised, f"{raised:.1f} a wave"))
        bars.append(
            Bar("", "series-2", quiet.per_month, f"{quiet.per_month:.1f} a month, false possible")
        )
    return BarPlot("innocent components raised: by a wave elsewhere, and in quiet months", bars)
