"""The first line of the page: the answer, in one sentence, for the worst that is true.

    nothing is watched          unknown
    down                        bad, partial, degraded: what fails, the worst first, then what works
    fails, but is carried       degraded: "Claude fails; your traffic is served by GPT"
    an incident is open         its impact, while no component is said to fail; whether what it
                                harmed works just now
    planned work                work
    nothing is known            unknown
    reports rise                good, and says so calmly: reports alone are no outage
    all works                   good

Components of a group that are all in the same state are told by the group's name. Pure.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from penstock.apps.status.site.wording import SHAPES, impact, joined
from penstock.apps.status.view import ComponentView, IncidentView, View
from penstock.watch.component import State

NAMES_MAX: Final = 3  # that are told of one kind; the list beneath has all
NAME_MAX: Final = 90  # characters of an incident's name
CLAUSES_MAX: Final = 2  # of what fails: a longer sentence is no answer
HARMED: Final = ("major_outage", "partial_outage", "degraded_performance")
FAILING: Final = (State.MAJOR, State.PARTIAL, State.DEGRADED)
VERBS: Final = {
    State.MAJOR: ("is down", "are down"),
    State.PARTIAL: ("is partly down", "are partly down"),
    State.DEGRADED: ("is slow or unreliable", "are slow or unreliable"),
    State.MAINTENANCE: ("is under maintenance", "are under maintenance"),
}


class Said(NamedTuple):
    """The sentence and the shape that stands before it."""

    state: str  # of web/shapes.py
    words: str


def leaves(components: Iterable[ComponentView]) -> list[ComponentView]:
    """Return the components that are no groups."""
    return [one for one in components if not one.is_group]


def said(view: View) -> Said:
    """Return the first line of the page."""
    found = leaves(view.components)
    if not found:
        return Said("unknown", "Nothing is watched yet")
    failing = [one for one in found if one.state in FAILING]
    if failing:
        return _failing(view, found, failing)
    return _open(view) or _well(view, found)


def _well(view: View, found: list[ComponentView]) -> Said:
    """Return what is said while nothing fails."""
    works = [one for one in found if one.state is State.MAINTENANCE]
    if works:
        told = _clause(State.MAINTENANCE, _named(view, works))
        return Said("work", f"{told}{_rest(found, works)}")
    dark = [one for one in found if one.state is State.UNKNOWN]
    if len(dark) == len(found):
        return Said("unknown", "We cannot tell right now: nothing is measured")
    rising = [one for one in found if one.verdict == "possible"]
    if rising:
        names = joined([one.name for one in rising], NAMES_MAX)
        return Said("good", f"{_all(dark)}; reports of trouble with {names} are rising")
    if dark:
        return Said("good", f"{_all(dark)}; nothing is known of {_words(_named(view, dark))}")
    return Said("good", "All systems work")


def _failing(view: View, found: list[ComponentView], failing: list[ComponentView]) -> Said:
    if all(one.state is State.MAJOR and not one.carried_by for one in found):
        return Said("bad", "Everything is down")
    carried = [one for one in failing if one.carried_by]
    lost = [one for one in failing if not one.carried_by]
    clauses = [
        _clause(state, _named(view, those))
        for state in FAILING
        if (those := [one for one in lost if one.state is state])
    ]
    if carried:
        names = _named(view, carried)
        verb = "fail" if len(names) > 1 else "fails"
        by = joined(sorted({one.carried_by for one in carried}), NAMES_MAX)
        clauses.append(f"{_words(names)} {verb}, your traffic is served by {by}")
    worst = next((state for state in FAILING if any(one.state is state for one in lost)), None)
    shape = SHAPES[worst] if worst is not None else "degraded"
    if len(clauses) > CLAUSES_MAX:
        return Said(shape, f"{'; '.join(clauses[:CLAUSES_MAX])}; more has trouble")
    return Said(shape, f"{'; '.join(clauses)}{_rest(found, failing)}")


def _open(view: View) -> Said | None:
    """Return what an open incident says that no component's state does."""
    for one in view.incidents:
        shape, _ = impact(one)
        if one.is_open and shape != "unknown":
            name = one.name if len(one.name) <= NAME_MAX else one.name[: NAME_MAX - 1] + "\u2026"
            is_watched = one.status == "monitoring"
            words = "Works again, and is being watched" if is_watched else "An incident is open"
            if not is_watched and _works_again(view, one):
                words = "Works just now, but the incident is still open"
            return Said("good" if is_watched else shape, f"{words}: {name}")
    return None


def _works_again(view: View, one: IncidentView) -> bool:
    """Tell whether what an incident has harmed works, all of it."""
    harmed = {
        part.code for update in one.updates for part in update.affected if part.new_status in HARMED
    }
    working = {part.id for part in view.components if part.state is State.OPERATIONAL}
    return bool(harmed) and working.issuperset((*harmed, *one.components))


def _clause(state: State, names: Sequence[str]) -> str:
    one, many = VERBS[state]
    return f"{_words(names)} {many if len(names) > 1 else one}"


def _rest(found: list[ComponentView], told: list[ComponentView]) -> str:
    """Return what the others do, as the end of a sentence."""
    ids = {one.id for one in told}
    others = [one for one in found if one.id not in ids]
    good = [one for one in others if one.state is State.OPERATIONAL]
    if not good:
        return "; of the rest nothing is known" if others else ""
    if len(good) == len(others):
        return f"; {good[0].name} works" if len(good) == 1 else "; everything else works"
    if len(good) <= NAMES_MAX:
        names = joined([one.name for one in good], NAMES_MAX)
        return f"; {names} {'works' if len(good) == 1 else 'work'}"
    return "; most of the rest works"


def _named(view: View, those: Sequence[ComponentView]) -> list[str]:
    """Return names, a group's where all its members are among those."""
    ids = {one.id for one in those}
    whole = {
        group.id: group
        for group in view.components
        if group.is_group and len(group.members) > 1 and ids.issuperset(group.members)
    }
    names: dict[str, str] = {}
    for one in those:
        group = whole.get(one.group_id)
        told = group or one
        names.setdefault(told.id, told.name)
    return list(names.values())


def _words(names: Sequence[str]) -> str:
    return joined(names, NAMES_MAX)


def _all(dark: Sequence[ComponentView]) -> str:
    return "All that is measured works" if dark else "All systems work"
