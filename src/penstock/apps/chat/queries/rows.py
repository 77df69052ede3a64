"""From rows to shapes. Every question names the account: there is no other way to ask.

A running answer's row holds what was written last; ``Answers.said`` knows the rest. What has ended
between both looks is read again, with a connection that sees what has been committed since.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from penstock.apps.chat.parts import Parts, Said
from penstock.apps.chat.shapes import (
    AnswerState,
    Conversation,
    File,
    Mark,
    Message,
    Trouble,
)
from penstock.apps.chat.tables import conversations, files, jobs, messages
from penstock.web.endpoint import MissingError

RUNNING: Final = (AnswerState.WAITING.value, AnswerState.STREAMING.value)
ASSISTANT: Final = "assistant"
USER: Final = "user"
CHUNK: Final = 500  # values in one question; SQLite takes 32,766


def units(text: str) -> int:
    """Return the length that browsers count: UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def conversation(row: Any, *, is_running: bool, snippet: str = "") -> Conversation:
    """Return a conversation's line."""
    return Conversation(
        id=row.id,
        title=row.title,
        is_titled=bool(row.is_titled),
        is_pinned=row.pinned_unix_s > 0,
        is_running=is_running,
        model=row.model,
        system_prompt=row.system_prompt,
        leaf=row.leaf,
        created_unix_s=row.created_unix_s,
        updated_unix_s=row.updated_unix_s,
        snippet=snippet,
    )


def own_conversation(connection: Connection, account: str, name: str) -> Row[Any]:
    """Return the row of an account's conversation; raises MissingError."""
    c = conversations.c
    mine = select(conversations).where(c.id == name, c.account == account)
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise MissingError("there is no such conversation of yours")
    return row


def told(connection: Connection, account: str, name: str) -> Conversation:
    """Return a conversation as it is now; raises MissingError."""
    row = own_conversation(connection, account, name)
    return conversation(row, is_running=name in running(connection, account))


def running(connection: Connection, account: str) -> set[str]:
    """Return the conversations that have an answer under way."""
    which = select(jobs.c.conversation).where(jobs.c.account == account).distinct()
    return set(connection.execute(which).scalars())


def own_message(connection: Connection, account: str, name: str) -> Row[Any]:
    """Return the row of an account's message; raises MissingError."""
    m = messages.c
    mine = select(messages).where(m.id == name, m.account == account)
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise MissingError("there is no such message of yours")
    return row


def message(connection: Connection, row: Any) -> Message:
    """Return one message, as its row has it."""
    return shown(connection, [row])[0]


def shown(connection: Connection, rows: Sequence[Any]) -> list[Message]:
    """Return messages of one conversation, as their rows have them."""
    if not rows:
        return []
    siblings = siblings_of(connection, rows[0].conversation, {row.parent for row in rows})
    attached = files_of(connection, [row.id for row in rows if row.role == USER])
    return [
        _shape(
            row,
            siblings=tuple(siblings.get((row.parent, row.role), ())),
            attached=tuple(attached.get(row.id, ())),
        )
        for row in rows
    ]


def siblings_of(
    connection: Connection, name: str, parents: Iterable[str]
) -> Mapping[tuple[str, str], list[str]]:
    """Return the children of messages by parent and role, by age."""
    m = messages.c
    found: dict[tuple[str, str], list[str]] = {}
    for some in chunks(list(parents)):
        which = select(m.id, m.parent, m.role).where(m.conversation == name, m.parent.in_(some))
        for row in connection.execute(which.order_by(m.number)):
            found.setdefault((row.parent, row.role), []).append(row.id)
    return found


def files_of(connection: Connection, names: Sequence[str]) -> dict[str, list[File]]:
    """Return the files of messages, in their order."""
    f = files.c
    found: dict[str, list[File]] = {}
    for some in chunks(names):
        which = select(files).where(f.message.in_(some), f.message != "")
        for row in connection.execute(which.order_by(f.position, f.id)):
            found.setdefault(row.message, []).append(file(row))
    return found


def file(row: Any) -> File:
    """Return what is told of a file."""
    return File(
        id=row.id,
        name=row.name,
        kind=row.kind,
        bytes=row.bytes,
        width=row.width,
        height=row.height,
        pages=row.pages,
    )


def chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """Return values in portions that one question takes."""
    return (values[at : at + CHUNK] for at in range(0, len(values), CHUNK))


def caught_up(parts: Parts, found: Sequence[Message]) -> tuple[Message, ...]:
    """Return messages with the texts that running answers have by now. Outside of connections."""
    said = {one.id: parts.answers.said(one.id) for one in found if one.state.value in RUNNING}
    ended = [name for name, text in said.items() if text is None]
    again: dict[str, Message] = {}
    if ended:
        with parts.store.reading() as connection:
            rows = connection.execute(select(messages).where(messages.c.id.in_(ended))).all()
            again = {one.id: one for one in shown(connection, rows)}
    return tuple(_with(again.get(one.id, one), said.get(one.id)) for one in found)


def _with(one: Message, said: Said | None) -> Message:
    if said is None:
        return one
    text, reasoning = said.text, said.reasoning
    return msgspec.structs.replace(one, text=text, text_units=units(text), reasoning=reasoning)


def _shape(row: Any, *, siblings: tuple[str, ...], attached: tuple[File, ...]) -> Message:
    error, marks = row.error, row.marks
    return Message(
        id=row.id,
        conversation=row.conversation,
        parent=row.parent,
        role=row.role,
        state=AnswerState(row.state),
        text=row.text,
        text_units=units(row.text),
        reasoning=row.reasoning,
        model=row.model,
        answered_model=row.answered_model,
        upstream=row.upstream,
        marks=msgspec.json.decode(marks, type=tuple[Mark, ...]) if marks else (),
        error=msgspec.json.decode(error, type=Trouble) if error else None,
        finish=row.finish,
        files=attached,
        siblings=siblings,
        created_unix_s=row.created_unix_s,
        first_unix_s=row.first_unix_s,
        ended_unix_s=row.ended_unix_s,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
    )
