"""Write events into the sums of all grains, as the reader of the spool would."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table

from penstock.ledger.store import Store
from penstock.ledger.tables import GRAINS_S


def put(store: Store, table: Table, at_unix_s: float, **values: Any) -> None:
    """Add numbers to the sums of one instant; texts are the key."""
    put_all(store, table, [at_unix_s], **values)


def put_all(store: Store, table: Table, instants: Iterable[float], **values: Any) -> None:
    """Add the same numbers at several instants."""
    key = [column.name for column in table.primary_key.columns]
    blank = {name: 0 if name == "status" else "" for name in key}
    counts = {name: value for name, value in values.items() if name not in key}
    sums: dict[tuple[int, int], int] = {}
    for at_unix_s in instants:
        for grain_s in GRAINS_S:
            slot = (grain_s, int(at_unix_s // grain_s * grain_s))
            sums[slot] = sums.get(slot, 0) + 1
    rows = [
        blank
        | values
        | {name: value * times for name, value in counts.items()}
        | {"grain_s": grain_s, "start_s": start_s}
        for (grain_s, start_s), times in sums.items()
    ]
    statement = store.insert(table)
    added = {name: table.c[name] + statement.excluded[name] for name in counts}
    with store.writing() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=added), rows)
