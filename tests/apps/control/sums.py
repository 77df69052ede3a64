"""Write events into the sums of all grains, as the reader of the spool would."""

from typing import Any

from sqlalchemy import Table

from penstock.ledger.store import Store
from penstock.ledger.tables import GRAINS_S


def put(store: Store, table: Table, at_unix_s: float, **values: Any) -> None:
    """Add numbers to the sums of one instant; texts are the key."""
    key = [column.name for column in table.primary_key.columns]
    with store.writing() as connection:
        for grain_s in GRAINS_S:
            start_s = int(at_unix_s // grain_s * grain_s)
            row = dict.fromkeys(key, "") | {"status": 0} | {"grain_s": grain_s, "start_s": start_s}
            row = {name: value for name, value in row.items() if name in key} | values
            statement = store.insert(table).values(**row)
            added = {
                name: table.c[name] + statement.excluded[name] for name in values if name not in key
            }
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=added))
