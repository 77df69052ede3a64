"""The tables of all dialects, side by side: what becomes of a concept from one in another.

The page ``docs/reference/dialects.md`` is ``render()``.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from penstock.dialects.concepts import Verdict
from penstock.dialects.registry import DIALECTS

LOST: Final = (Verdict.DROPPED, Verdict.REFUSED)
PAGE: Final = """# Translation between dialects

Where caller and upstream speak the same dialect, bytes pass unchanged. Where they do not, each
field has a verdict:

- **carried**: with the same meaning
- **approximated**: in other words, and named in the response header `x-penstock-dropped`
- **dropped**: left out, and named in `x-penstock-dropped`
- **refused**: 400 that names the field, unless another upstream of the route can do it

Fields that are not listed are dropped. A name with a dot lies deeper in the body, or in a part of
a message.
"""


def verdict(concept: str, upstream: str) -> Verdict:
    """Return what becomes of a concept on its way to a dialect, whichever it comes from."""
    return DIALECTS[upstream].concepts[concept].verdict


def rows(caller: str) -> Iterator[tuple[str, str]]:
    """Yield the concepts that callers of a dialect can use, each with its name there."""
    for concept, own in DIALECTS[caller].concepts.items():
        if own.name:
            yield concept, own.name


def render() -> str:
    """Return the tables as a page of the reference, one for each dialect that callers speak."""
    return "\n".join([PAGE, *(_table(caller) for caller in DIALECTS)])


def _table(caller: str) -> str:
    others = [name for name in DIALECTS if name != caller]
    lines = [
        _line(
            [
                f"`{name}`",
                *(verdict(concept, other).value for other in others),
                _notes(concept, caller),
            ]
        )
        for concept, name in rows(caller)
    ]
    head = [_line(["Field", *(f"to `{other}`" for other in others), "Note"])]
    head.append("|---" * (len(others) + 2) + "|")
    return "\n".join([f"## From `{caller}`\n", *head, *lines, ""])


def _notes(concept: str, caller: str) -> str:
    """Return what those say to whom it goes, by name unless there is only one.

    Of what is lost everywhere, the caller's own dialect may say why.
    """
    said: dict[str, list[str]] = {}
    others = [name for name in DIALECTS if name != caller]
    own = DIALECTS[caller].concepts[concept]
    for name in others:
        note = DIALECTS[name].concepts[concept].note
        if note:
            said.setdefault(note, []).append(f"`{name}`")
    if not said:
        is_lost = all(verdict(concept, name) is own.verdict for name in others)
        return own.note if is_lost and own.verdict in LOST else ""
    if len(others) == 1:
        return "".join(said)
    return " ".join(f"To {', '.join(names)}: {note}" for note, names in said.items())


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
