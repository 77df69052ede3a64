"""The tree of a conversation: the branch to a message, and where a branch ends.

A message's number grows with time, so a child's is above its parent's: the newest message of a part
of the tree is an end.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from penstock.apps.chat.queries.rows import CHUNK
from penstock.apps.chat.tables import messages

DEPTH_MAX: Final = 100_000  # more than a conversation may hold

UP: Final = text("""
WITH RECURSIVE branch(number, parent, steps) AS (
  SELECT number, parent, 1 FROM messages WHERE id = :start AND conversation = :conversation
  UNION ALL
  SELECT m.number, m.parent, branch.steps + 1 FROM branch JOIN messages m ON m.id = branch.parent
  WHERE branch.steps < :steps AND branch.parent != '' AND m.conversation = :conversation
)
SELECT number FROM branch ORDER BY steps
""")
DOWN: Final = text("""
WITH RECURSIVE part(number, id) AS (
  SELECT number, id FROM messages WHERE id = :start AND conversation = :conversation
  UNION ALL
  SELECT m.number, m.id FROM part JOIN messages m
  ON m.conversation = :conversation AND m.parent = part.id
)
SELECT id FROM part ORDER BY number DESC LIMIT 1
""")


def upwards(connection: Connection, name: str, start: str, steps: int) -> Sequence[Row[Any]]:
    """Return the rows from a message towards the beginning, the given one first."""
    if not start:
        return ()
    values = {"start": start, "conversation": name, "steps": min(steps, DEPTH_MAX)}
    numbers = connection.execute(UP, values).scalars().all()
    found: dict[int, Row[Any]] = {}
    for at in range(0, len(numbers), CHUNK):
        some = select(messages).where(messages.c.number.in_(numbers[at : at + CHUNK]))
        found.update((row.number, row) for row in connection.execute(some))
    return [found[number] for number in numbers]


def latest_end(connection: Connection, name: str, start: str) -> str:
    """Return the newest message behind this one, or itself; empty if it is not there."""
    return connection.execute(DOWN, {"start": start, "conversation": name}).scalar() or ""
