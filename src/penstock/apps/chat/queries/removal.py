"""Deleting: what belongs to a conversation goes with it, in one transaction; then bytes of files.

Events name what they tell of in their JSON; those of a conversation hold its title and prompt, so
they go too. The text of messages leaves the index of search by its trigger.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, select, text

from penstock.apps.chat.parts import FILES
from penstock.apps.chat.tables import conversations, files, jobs, messages
from penstock.telemetry import log

EVENTS: Final = text("""
DELETE FROM events WHERE account = :account AND (
  message IN (SELECT id FROM messages WHERE conversation = :conversation)
  OR message = :conversation
  OR json_extract(data, '$.conversation') = :conversation
  OR (kind = 'conversation' AND json_extract(data, '$.id') = :conversation)
)
""")


def under_way(connection: Connection, name: str) -> list[str]:
    """Return the answers of a conversation that are under way."""
    which = select(jobs.c.message).where(jobs.c.conversation == name)
    return list(connection.execute(which).scalars())


def conversation(connection: Connection, account: str, name: str) -> list[str]:
    """Delete an account's conversation; return the files whose bytes are to go."""
    lost = list(
        connection.execute(select(files.c.id).where(files.c.conversation == name)).scalars()
    )
    connection.execute(EVENTS, {"account": account, "conversation": name})
    for table in (jobs, files, messages):
        connection.execute(delete(table).where(table.c.conversation == name))
    connection.execute(
        delete(conversations).where(conversations.c.id == name, conversations.c.account == account)
    )
    return lost


def bytes_of(state_dir: Path, names: Iterable[str]) -> None:
    """Remove the bytes of files; what cannot be removed now is found by the daily look."""
    for name in names:
        try:
            (state_dir / FILES / name).unlink(missing_ok=True)
        except OSError as error:
            log.warn("file_not_removed", file=name, reason=str(error))
