"""A conversation as a file that people keep: Markdown to read, JSON to go on with elsewhere.

    markdown, branch   headings for who speaks, one message after the other
    markdown, whole    all messages by age, each with its number and the one that it answers
    json               everything that the API tells of the conversation; ``messages`` are the
                       branch, or the whole tree by age

Text goes into Markdown as it was said; names and notes of ours are escaped, one line each.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.chat.queries import branch, rows
from penstock.apps.chat.shapes import Conversation, Message
from penstock.apps.chat.tables import conversations, messages

VERSION: Final = 1
NAME_MAX: Final = 60
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|!])")
_PLAIN: Final = re.compile(r"[^A-Za-z0-9]+")


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation."""

    version: int = VERSION
    conversation: Conversation
    is_whole: bool  # the tree; else the branch that is shown
    messages: list[Message]


def exported(connection: Connection, account: str, name: str, *, is_whole: bool) -> Exported:
    """Return a conversation of an account; raises MissingError."""
    told = rows.told(connection, account, name)
    if is_whole:
        m = messages.c
        mine = select(messages).where(m.conversation == name, m.account == account)
        found = connection.execute(mine.order_by(m.number)).all()
    else:
        found = list(reversed(branch.upwards(connection, name, told.leaf, branch.DEPTH_MAX)))
    shown = rows.shown(connection, found)
    return Exported(conversation=told, is_whole=is_whole, messages=shown)


def names_of(connection: Connection, account: str) -> list[str]:
    """Return the ids of an account's conversations, by age."""
    c = conversations.c
    mine = select(c.id).where(c.account == account).order_by(c.number)
    return list(connection.execute(mine).scalars())


def file_name(told: Conversation, ending: str) -> str:
    """Return what a file is called: letters and digits that every system takes."""
    words = _PLAIN.sub("-", told.title).strip("-")[:NAME_MAX].strip("-")
    return f"{words or 'conversation'}.{ending}"


def markdown(found: Exported) -> str:
    """Return a conversation to read."""
    return "\n\n".join(_parts(found)) + "\n"


def _parts(found: Exported) -> Iterator[str]:
    told = found.conversation
    yield f"# {_escaped(told.title) or 'Conversation'}"
    if told.system_prompt:
        yield "## System prompt"
        yield told.system_prompt
    numbers = {one.id: at for at, one in enumerate(found.messages, 1)}
    for one in found.messages:
        yield _heading(one, numbers if found.is_whole else {})
        if one.files:
            yield "\n".join(f"- File: {_escaped(file.name)}" for file in one.files)
        if one.text:
            yield one.text
        if one.error is not None:
            yield f"*{_escaped(one.error.message)}*"


def _heading(one: Message, numbers: dict[str, int]) -> str:
    model = _escaped(one.answered_model or one.model)
    who = "You" if one.role == rows.USER else f"Answer ({model})" if model else "Answer"
    at = datetime.fromtimestamp(one.created_unix_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if not numbers:
        return f"## {who}, {at}"
    behind = f", behind {numbers[one.parent]}" if one.parent in numbers else ""
    return f"## {numbers[one.id]}. {who}, {at}{behind}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
