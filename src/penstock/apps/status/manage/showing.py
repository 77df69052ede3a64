"""Shapes and words that the operators' pages share, and what forms of theirs have in common."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from penstock.apps.status.site import wording
from penstock.watch.component import State
from penstock.web.endpoint import InvalidError

FAILING: Final = ("bad", "partial", "degraded")  # the worse before the better
NAMED_MAX: Final = 3
VERDICTS: Final = {"none": "good", "possible": "degraded", "problem": "bad"}
CHOICES: Final = tuple(
    (one.value, wording.WORDS[one])
    for one in (
        State.OPERATIONAL,
        State.DEGRADED,
        State.PARTIAL,
        State.MAJOR,
        State.MAINTENANCE,
    )
)
IMPACTS: Final = (
    ("", "found from the components"),
    *((one, one) for one in ("none", "minor", "major", "critical")),
)
STATUSES: Final = (
    ("investigating", "Investigating"),
    ("identified", "Identified"),
    ("monitoring", "Monitoring"),
)
PREFIX: Final = "state-"  # of the fields that name a component's state
AS_IS: Final = ""


def state(word: str) -> tuple[str, str]:
    """Return the shape and the words of a component's state."""
    found = wording.state_of(word) or State.UNKNOWN
    return wording.SHAPES[found], wording.WORDS[found]


def impact(word: str) -> tuple[str, str]:
    """Return the shape and the words of an incident's impact."""
    return wording.IMPACTS.get(word, ("unknown", word))


def status(word: str) -> str:
    """Return a status for people."""
    return wording.status(word)


def headline(found: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the shape and the words of the first line, from names and shapes."""
    failing = [name for name, shape in found if shape in FAILING]
    if failing:
        worst = min((shape for _, shape in found if shape in FAILING), key=FAILING.index)
        verb = "fails" if len(failing) == 1 else "fail"
        return worst, f"{wording.joined(failing, NAMED_MAX)} {verb}"
    unknown = sum(shape == "unknown" for _, shape in found)
    if found and unknown == len(found):
        return "unknown", "Nothing is known yet"
    if unknown:
        return "good", f"All that is known works; of {unknown} nothing is known"
    return "good", "All components work"


def states(form: Mapping[str, str]) -> dict[str, str]:
    """Return the states that a form names, by component."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in form.items()
        if name.startswith(PREFIX) and value
    }


def instant(text: str, param: str) -> float:
    """Return an instant from a form's field of UTC; raises InvalidError."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"{text!r} is no time such as 2026-03-02T14:00", param) from error
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()


def field_of(at_unix_s: float) -> str:
    """Return an instant as a form's field has it, in UTC."""
    return f"{dt.datetime.fromtimestamp(at_unix_s, dt.UTC):%Y-%m-%dT%H:%M}" if at_unix_s else ""


def listed(names: Iterable[str]) -> str:
    """Return names in a line."""
    return ", ".join(names)
