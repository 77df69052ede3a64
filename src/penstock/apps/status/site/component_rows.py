"""Components as the page lists them: state, why, 90 days of bars, figures; by group.

A component that is only shown while it is not well is left out while it is; so is a group of which
nothing is left.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.apps.status.site.wording import SHAPES, WORDS, bars, day_state, share_of_time
from penstock.apps.status.view import ComponentView, View
from penstock.watch.component import State
from penstock.web.charts import days
from penstock.web.charts.drawing import Drawn

FOLDED_FROM: Final = 12  # members of a group that is well are folded away, from so many on
BARS_MAX: Final = 60  # components with bars on one page; of more, groups that are well have none


class Row(NamedTuple):
    """One component."""

    one: ComponentView
    shape: str
    word: str
    why: str  # empty: there is nothing to say
    bars: Drawn
    span: str  # of the bars: "90 days"
    clear: str
    weighted: str
    exchanges: str
    known: str

    @property
    def href(self) -> str:
        """Where all of it is told."""
        return f"/components/{self.one.id}"


class Section(NamedTuple):
    """A group with its members; those without a group stand in one without a name."""

    name: str
    id: str
    shape: str
    word: str
    is_open: bool
    has_bars: bool
    rows: Sequence[Row]


def row(one: ComponentView) -> Row:
    """Return one component as it is shown."""
    figures = one.figures
    span = f"{len(one.days)} days"
    clear = share_of_time(figures.clear_ratio)
    weighted = share_of_time(figures.weighted_ratio)
    troubled = sum(day_state(day) in ("bad", "partial", "degraded") for day in one.days)
    label = (
        f"{one.name}, {span}: {clear} of the time without outage, {weighted} weighted;"
        f" {troubled} {'day' if troubled == 1 else 'days'} with trouble"
    )
    return Row(
        one=one,
        shape=SHAPES[one.state],
        word=WORDS[one.state],
        why=why(one),
        bars=days.bars(bars(one.days), label),
        span=span,
        clear=clear,
        weighted=weighted,
        exchanges=share_of_time(figures.exchanges_ratio),
        known=share_of_time(figures.known_ratio),
    )


def why(one: ComponentView) -> str:
    """Return what is to be said beside a component's state."""
    if one.state in (State.MAJOR, State.PARTIAL, State.DEGRADED) and one.carried_by:
        return f"Served by {one.carried_by} meanwhile"
    if one.verdict == "possible" and one.state is State.OPERATIONAL:
        return "Reports are rising; nothing that we measure fails"
    return ""


def sections(view: View, rows: Mapping[str, Row]) -> list[Section]:
    """Return the components by group, in the order of the page."""
    found: list[Section] = []
    alone = [row for row in rows.values() if not row.one.group_id]
    if alone:
        found.append(Section("", "", "", "", is_open=True, has_bars=True, rows=alone))
    for one in view.components:
        members = [rows[name] for name in one.members if name in rows]
        if members:
            is_well = one.state is State.OPERATIONAL
            section = Section(
                name=one.name,
                id=one.id,
                shape=SHAPES[one.state],
                word=WORDS[one.state],
                is_open=len(members) < FOLDED_FROM or not is_well,
                has_bars=len(rows) <= BARS_MAX or not is_well,
                rows=members,
            )
            found.append(section)
    return found


def shown(view: View) -> dict[str, Row]:
    """Return what is shown, by id, in the order of the page."""
    return {
        one.id: row(one)
        for one in view.components
        if not one.is_group and not (one.only_show_if_degraded and one.state is State.OPERATIONAL)
    }
