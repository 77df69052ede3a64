"""The tables of all dialects, side by side: what becomes of a concept from one in another.

The page ``docs/reference/dialects.md`` is ``render()``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from penstock.dialects.concepts import Verdict
from penstock.dialects.contract import Dialect
from penstock.dialects.registry import DIALECTS, VECTORS

Family = Mapping[str, Dialect]

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

A count of tokens is translated as the request for an answer would be, as far as it is counted. No
upstream of `openai_chat` can be asked for one: where a route has no other, the answer is an
estimate, with the header `x-penstock-estimated: true`. Vectors have tables of their own, at the
end.
"""


def verdict(concept: str, upstream: str, family: Family = DIALECTS) -> Verdict:
    """Return what becomes of a concept on its way to a dialect, whichever it comes from."""
    return family[upstream].concepts[concept].verdict


def rows(caller: str, family: Family = DIALECTS) -> Iterator[tuple[str, str]]:
    """Yield the concepts that callers of a dialect can use, each with its name there."""
    for concept, own in family[caller].concepts.items():
        if own.name:
            yield concept, own.name


def render() -> str:
    """Return the tables as a page of the reference, one for each dialect that callers speak."""
    families: tuple[Family, ...] = (DIALECTS, VECTORS)
    tables = [_table(caller, family) for family in families for caller in family]
    return "\n".join([PAGE, *tables])


def _table(caller: str, family: Family) -> str:
    others = [name for name in family if name != caller]
    lines = [
        _line(
            [
                f"`{name}`",
                *(verdict(concept, other, family).value for other in others),
                _notes(concept, caller, family),
            ]
        )
        for concept, name in rows(caller, family)
    ]
    head = [_line(["Field", *(f"to `{other}`" for other in others), "Note"])]
    head.append("|---" * (len(others) + 2) + "|")
    return "\n".join([f"## From `{caller}`\n", *head, *lines, ""])


def _notes(concept: str, caller: str, family: Family) -> str:
    """Return what those say to whom it goes, by name unless there is only one.

    Of what is lost everywhere, the caller's own dialect may say why.
    """
    said: dict[str, list[str]] = {}
    others = [name for name in family if name != caller]
    own = family[caller].concepts[concept]
    for name in others:
        note = family[name].concepts[concept].note
        if note:
            said.setdefault(note, []).append(f"`{name}`")
    if not said:
        is_lost = all(verdict(concept, name, family) is own.verdict for name in others)
        return own.note if is_lost and own.verdict in LOST else ""
    if len(others) == 1:
        return "".join(said)
    return " ".join(f"To {', '.join(names)}: {note}" for note, names in said.items())


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
