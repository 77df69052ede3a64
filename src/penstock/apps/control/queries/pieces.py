"""The condition that a table's sums lie in some pieces of time (``core.patches``)."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, and_, or_

from penstock.core.patches import Patch


def within(
    table: Table, pieces: Sequence[Patch], *also: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the condition on rows of ``traffic``, ``attempts`` or ``refusals``.

    ``also`` holds in each piece: said of each, SQLite looks both up in one index.
    """
    there = table.c
    return or_(
        *(
            and_(
                there.grain_s == one.grain_s,
                there.start_s >= one.since_s,
                there.start_s < one.until_s,
                *also,
            )
            for one in pieces
        )
    )
