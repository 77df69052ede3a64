"""Rows of the database and what browsers know of them: an answer's columns, a conversation."""

import msgspec

from penstock.apps.chat.answering.answer import Answer
from penstock.apps.chat.shapes import Conversation
from penstock.ledger.store import Store


def streaming(answer: Answer) -> dict[str, object]:
    """Return what is written of an answer that has begun; its text is in the log."""
    return {
        "state": answer.state.value,
        "answered_model": answer.answered_model,
        "upstream": answer.upstream,
        "marks": msgspec.json.encode(answer.marks).decode() if answer.marks else "",
        "first_unix_s": answer.first_unix_s,
    }


def whole(answer: Answer) -> dict[str, object]:
    """Return all that is written of an answer that is over."""
    return {
        **streaming(answer),
        "text": answer.text,
        "reasoning": answer.reasoning,
        "error": msgspec.json.encode(answer.error).decode() if answer.error else "",
        "finish": answer.finish,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "ended_unix_s": answer.ended_unix_s,
    }


def conversation(store: Store, name: str) -> Conversation | None:
    """Return a line of the list. Blocks."""
    with store.reading() as connection:
        row = connection.exec_driver_sql(
            "SELECT c.*, EXISTS (SELECT 1 FROM jobs j WHERE j.conversation = c.id) AS running "
            "FROM conversations c WHERE c.id = ?",
            (name,),
        ).first()
    if row is None:
        return None
    return Conversation(
        id=row.id,
        title=row.title,
        is_titled=bool(row.is_titled),
        is_pinned=row.pinned_unix_s > 0,
        is_running=bool(row.running),
        model=row.model,
        system_prompt=row.system_prompt,
        leaf=row.leaf,
        created_unix_s=row.created_unix_s,
        updated_unix_s=row.updated_unix_s,
    )
