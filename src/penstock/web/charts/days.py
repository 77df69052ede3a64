"""Uptime bars: one a day, the oldest first; the worse the day, the taller and redder its bar.

A day is told by its height too, so that colour says nothing alone; what is pointed at tells its
day in words. Days that were good are one path: a page of 200 components stays small. Who does not
see the bars has the days that were not good as a list.
"""

from collections.abc import Sequence
from typing import Final

from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn

HEIGHT: Final = 28
STEP: Final = 4
WIDTH: Final = 3
HEIGHTS: Final = {"good": 18, "work": 18, "degraded": 21, "partial": 25, "bad": 28, "unknown": 5}

Day = tuple[str, str, str]  # date, state, words


def bars(days: Sequence[Day], label: str) -> Drawn:
    """Return the bars and their list; states are those of ``web/shapes.py``."""
    good, others = "", ""
    for at, (date, state, words) in enumerate(days):
        height = HEIGHTS.get(state, HEIGHTS["unknown"])
        if state == "good":
            good += f"M{at * STEP} {HEIGHT - height}h{WIDTH}v{height}h-{WIDTH}z"
            continue
        others += (
            f'<rect class="day {drawing.escape(state)}" x="{at * STEP}" y="{HEIGHT - height}"'
            f' width="{WIDTH}" height="{height}"><title>{drawing.escape(f"{date}: {words}")}'
            "</title></rect>"
        )
    path = f'<path class="day" d="{good}"/>' if good else ""
    return Drawn(
        f'<svg class="uptime" role="img" aria-label="{drawing.escape(label)}"'
        f' preserveAspectRatio="none" viewBox="0 0 {max(1, len(days)) * STEP - 1} {HEIGHT}">'
        f"{path}{others}</svg>{_told(days)}"
    )


def _told(days: Sequence[Day]) -> str:
    """Return the days that were not good as a list, those of the same words that follow as one."""
    spans: list[list[str]] = []
    before = ""
    for date, state, words in days:
        if state != "good":
            if state + words == before:
                spans[-1][1] = date
            else:
                spans.append([date, date, words])
        before = state + words if state != "good" else ""
    told = "".join(
        f"<li>{drawing.escape(since if since == until else f'{since} to {until}')}:"
        f" {drawing.escape(words)}</li>"
        for since, until, words in spans
    )
    return f'<ul class="sr">{told}</ul>' if told else ""
