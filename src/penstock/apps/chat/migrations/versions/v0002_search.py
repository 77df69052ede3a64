"""Full-text search: an index of what has been said and of titles, kept in step by triggers.

The index keeps no copy of the text. ``search_words`` is a function of the process (``store.py``):
another program that writes to this file must not change texts. What an answer says is indexed when
it has ended, not with each delta.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

MESSAGES = ("message_words", "messages", "text")
CONVERSATIONS = ("conversation_words", "conversations", "title")
ENDED = "{row}.state NOT IN ('waiting', 'streaming')"
ALWAYS = "1"


def _make(index: str, table: str, column: str, which: str) -> None:
    taken = (
        f"INSERT INTO {index}({index}, rowid, words) "
        f"SELECT 'delete', old.number, search_words(old.account, old.{column}) "
        f"WHERE {which.format(row='old')};"
    )
    put = (
        f"INSERT INTO {index}(rowid, words) "
        f"SELECT new.number, search_words(new.account, new.{column}) "
        f"WHERE {which.format(row='new')};"
    )
    watched = f"{column}, account" + (", state" if which == ENDED else "")
    op.execute(
        f"CREATE VIRTUAL TABLE {index} USING fts5(words, content='', columnsize=0, "
        "tokenize='unicode61 remove_diacritics 2')"
    )
    op.execute(f"CREATE TRIGGER {index}_made AFTER INSERT ON {table} BEGIN {put} END")
    op.execute(f"CREATE TRIGGER {index}_gone AFTER DELETE ON {table} BEGIN {taken} END")
    op.execute(
        f"CREATE TRIGGER {index}_changed AFTER UPDATE OF {watched} ON {table} "
        f"BEGIN {taken} {put} END"
    )


def upgrade() -> None:
    """Make the indexes and their triggers."""
    _make(*MESSAGES, ENDED)
    _make(*CONVERSATIONS, ALWAYS)
