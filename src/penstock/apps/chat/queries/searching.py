"""Full-text search in one account's conversations: in titles, then in what was said, newest first.

``FOUND_MAX`` messages are looked at, the newest ones: who finds more than that asks for too little.
A conversation comes once, with the newest message that has all of the words.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select, text

from penstock.apps.chat.queries import rows
from penstock.apps.chat.shapes import Conversation
from penstock.apps.chat.tables import conversations, messages
from penstock.apps.chat.words import pieces_of, question, snippet

FOUND_MAX: Final = 1_000  # messages of one search
TITLES_MAX: Final = 200

SAID: Final = text("""
SELECT m.number, m.conversation FROM message_words JOIN messages m ON m.number = message_words.rowid
WHERE message_words MATCH :question AND m.account = :account
ORDER BY message_words.rowid DESC LIMIT :most
""")
CALLED: Final = text("""
SELECT c.id FROM conversation_words JOIN conversations c ON c.number = conversation_words.rowid
WHERE conversation_words MATCH :question AND c.account = :account
ORDER BY conversation_words.rowid DESC LIMIT :most
""")


class Hits(msgspec.Struct, frozen=True):
    """A part of what was found."""

    items: list[Conversation]
    is_more: bool


def search(connection: Connection, account: str, asked: str, skip: int, limit: int) -> Hits:
    """Return conversations that have all words of a question, from a place in the list on."""
    pieces = pieces_of(asked)
    if not pieces:
        return Hits([], is_more=False)
    asking = {"question": question(account, pieces), "account": account}
    called = connection.execute(CALLED, {**asking, "most": TITLES_MAX}).scalars()
    found = dict[str, int].fromkeys(called, 0)  # by conversation: the number of its message
    for row in connection.execute(SAID, {**asking, "most": FOUND_MAX}):
        found[row.conversation] = found.get(row.conversation) or row.number
    wanted = list(found.items())[skip : skip + limit]
    items = _shown(connection, account, wanted, pieces)
    return Hits(items, is_more=len(found) > skip + limit)


def _shown(
    connection: Connection, account: str, wanted: list[tuple[str, int]], pieces: list[list[str]]
) -> list[Conversation]:
    c, m = conversations.c, messages.c
    which = select(conversations).where(c.account == account, c.id.in_([one for one, _ in wanted]))
    lines: dict[str, Any] = {row.id: row for row in connection.execute(which)}
    said = select(m.number, m.text).where(m.number.in_([number for _, number in wanted]))
    texts: dict[int, str] = {row.number: row.text for row in connection.execute(said)}
    running = rows.running(connection, account)
    return [
        rows.conversation(
            lines[name],
            is_running=name in running,
            snippet=snippet(texts.get(number) or lines[name].title, pieces),
        )
        for name, number in wanted
        if name in lines
    ]
