"""Names in a configuration that must be names of something in it. Pure."""

import difflib
from collections.abc import Iterator, Sequence

from penstock.core.errors import Problem


def all_known(
    place: str, what: str, given: Sequence[str], known: Sequence[str]
) -> Iterator[Problem]:
    """Yield which of these there are not; where none are known, they are made at the start."""
    for name in given if known else ():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
            yield Problem(place, f"no {what} is named {name!r}", remedy)
