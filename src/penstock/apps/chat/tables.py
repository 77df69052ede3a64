"""The chat's own database: SQLite, nobody else's. Accounts and sessions are ``identity``'s tables.

    conversations    of whom, how it is called, which message is its last
    messages         a tree: an edited message and an answer made anew are siblings
    jobs             answers that are not there yet, waiting or running: what a restart goes on with
    events           what browsers are told, in order: the durable log behind every stream
    files            images and PDFs; their bytes lie in ``chat-files/`` of the state directory
    memberships      what is known of an account beyond log-in: tier, guest, day's count
    kept             small documents by name

Times are Unix time in seconds; 0 is never. Text is never NULL. Documents are JSON. Ids are made by
whoever makes the row, also by browsers: what is sent twice is there once.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text

metadata: Final = MetaData()


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _times(*names: str) -> list[Column[float]]:
    return [Column(name, Float(53), nullable=False, server_default="0") for name in names]


def _counts(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in names]


conversations: Final = Table(
    "conversations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # of full-text search
    Column("id", Text, nullable=False, unique=True),
    *_text("account", "title", "model", "system_prompt"),
    *_text("leaf"),  # the last message of the branch that is shown
    *_counts("is_titled"),  # by its person; else by its first message
    *_times("pinned_unix_s", "created_unix_s", "updated_unix_s"),
    Index("conversations_list", "account", "pinned_unix_s", "updated_unix_s", "id"),
)

messages: Final = Table(
    "messages",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # of full-text search
    Column("id", Text, nullable=False, unique=True),
    *_text("conversation", "account", "parent"),  # parent: empty for the first
    *_text("role"),  # user, assistant
    *_text("state"),  # of an answer: waiting, streaming, done, stopped, broken, refused
    *_text("text", "reasoning"),
    *_text("model", "answered_model", "upstream"),  # asked for; who answered
    *_text("marks"),  # JSON: list of shapes.Mark: failover, continuation, what was taken away
    *_text("error"),  # JSON: shapes.Trouble, of one that is broken or refused
    *_text("finish"),  # stop, length, content_filter
    *_counts("input_tokens", "output_tokens"),
    *_times("created_unix_s", "first_unix_s", "ended_unix_s"),
    Index("messages_conversation", "conversation", "parent"),
    Index("messages_account", "account"),
)

jobs: Final = Table(
    "jobs",
    metadata,
    Column("message", Text, primary_key=True),  # the answer's id
    *_text("account", "conversation", "model", "tier"),
    *_text("idempotency_key"),  # under which the gateway keeps this answer
    *_counts("tries"),
    *_counts("base_units"),  # of the text that was there when it was asked for, in UTF-16 units
    *_times("created_unix_s", "asked_unix_s", "retry_unix_s"),
    Index("jobs_created", "created_unix_s"),
    Index("jobs_account", "account", "conversation"),
)

events: Final = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),  # of the whole process
    *_text("account", "message", "kind", "data"),  # data: JSON, as it goes out
    *_times("at_unix_s"),
    # No index by message: it would triple what a row costs, and only a restart looks for one.
    Index("events_account", "account", "seq"),
)

files: Final = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account", "conversation", "message", "name", "kind", "sha256"),
    *_counts("bytes", "pages", "width", "height", "position"),
    *_times("created_unix_s"),
    Index("files_account", "account"),
    Index("files_message", "message"),
    Index("files_conversation", "conversation"),
)

memberships: Final = Table(
    "memberships",
    metadata,
    Column("account", Text, primary_key=True),
    *_text("tier"),  # free, standard
    *_text("person"),  # opaque: what the gateway and the status page know of this person
    *_text("settings"),  # JSON: what the person has chosen
    *_counts("is_guest", "day", "day_messages"),
    *_times("created_unix_s"),
)

kept: Final = Table(
    "kept",
    metadata,
    Column("name", Text, primary_key=True),
    *_text("document"),
    *_times("updated_unix_s"),
)
