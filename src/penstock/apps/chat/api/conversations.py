"""Conversations: listing, making, opening, changing, deleting.

list     pinned first, then by the last message; a page goes on where the one before ended
open     the end of the shown branch; ``before`` asks for what is older
leaf     which branch is shown: the one through a message, to its newest end
delete   rows, files, events and jobs; an answer under way is ended first
"""

from typing import Annotated, Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select, tuple_, update
from sqlalchemy.engine import Row

from penstock.apps.chat.api.fields import FullError, Prompt, TakenError
from penstock.apps.chat.call import Call
from penstock.apps.chat.queries import branch, removal, rows
from penstock.apps.chat.shapes import Conversation, Gone, Id, Thread
from penstock.apps.chat.tables import conversations, messages
from penstock.apps.chat.titles import title_of
from penstock.web.endpoint import (
    Endpoint,
    InvalidError,
    MissingError,
    Page,
    PageQuery,
    Role,
    Text,
)

THREAD_MAX: Final = 200  # messages in a page; each may be a chapter
THREAD: Final = 50
THREAD_CHARS_MAX: Final = 1_000_000  # of a page, beyond its newest message
SEPARATOR: Final = "~"
KEY_PARTS: Final = 3
TAG: Final = "conversations"


class NewConversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a conversation is made from."""

    id: Id
    model: Text = ""
    system_prompt: Prompt = ""
    title: Text = ""


class ChangedConversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be another; an empty title is made from the first message again."""

    title: Text | msgspec.UnsetType = msgspec.UNSET
    is_pinned: bool | msgspec.UnsetType = msgspec.UNSET
    model: Text | msgspec.UnsetType = msgspec.UNSET
    system_prompt: Prompt | msgspec.UnsetType = msgspec.UNSET


class ShownLeaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of the branch that is to be shown."""

    message: Id


class ThreadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a branch."""

    before: Text = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=THREAD_MAX)] = THREAD


def list_conversations(call: Call) -> Page[Conversation]:
    """Return conversations: pinned ones first, then by their last message."""
    query: PageQuery = call.query
    account = call.actor.account
    c = conversations.c
    statement = select(conversations).where(c.account == account)
    if query.after:
        key = tuple_(c.pinned_unix_s, c.updated_unix_s, c.id)
        statement = statement.where(key < tuple_(*_key(query.after)))
    order = (c.pinned_unix_s.desc(), c.updated_unix_s.desc(), c.id.desc())
    with call.parts.store.reading() as connection:
        found = connection.execute(statement.order_by(*order).limit(query.limit + 1)).all()
        running = rows.running(connection, account)
    items = found[: query.limit]
    return Page(
        [rows.conversation(row, is_running=row.id in running) for row in items],
        _after(items[-1]) if len(found) > query.limit else "",
    )


def make(call: Call) -> Conversation:
    """Make a conversation; the same id again is the same one."""
    given: NewConversation = call.body
    account, parts = call.actor.account, call.parts
    with parts.store.writing(is_durable=True) as connection:
        c = conversations.c
        owner = connection.execute(select(c.account).where(c.id == given.id)).scalar()
        if owner is not None and owner != account:
            raise TakenError(f"the id {given.id!r} is taken")
        if owner is None:
            _room_for_one(connection, account, parts.config.chat.conversations_max)
            connection.execute(
                insert(conversations).values(
                    id=given.id,
                    account=account,
                    title=given.title.strip(),
                    is_titled=int(bool(given.title.strip())),
                    model=given.model,
                    system_prompt=given.system_prompt,
                    created_unix_s=call.now_unix_s,
                    updated_unix_s=call.now_unix_s,
                )
            )
        made = rows.told(connection, account, given.id)
    if owner is None:
        parts.log.tell(account, "conversation", made)
    return made


def show(call: Call) -> Thread:
    """Return the end of the shown branch, or what is before a message of it."""
    query: ThreadQuery = call.query
    return thread(call, query.before, query.limit)


def change(call: Call) -> Conversation:
    """Rename, pin, or choose another model or system prompt."""
    account, name = call.actor.account, call.path["id"]
    with call.parts.store.writing(is_durable=True) as connection:
        row = rows.own_conversation(connection, account, name)
        values = _changed(connection, row, call.body, call.now_unix_s)
        if values:
            mine = conversations.c.number == row.number
            connection.execute(update(conversations).where(mine).values(**values))
        changed = rows.told(connection, account, name)
    if values:
        call.parts.log.tell(account, "conversation", changed)
    return changed


def show_branch(call: Call) -> Thread:
    """Show the branch through a message, to its newest end."""
    account, name = call.actor.account, call.path["id"]
    given: ShownLeaf = call.body
    with call.parts.store.writing() as connection:
        row = rows.own_conversation(connection, account, name)
        leaf = branch.latest_end(connection, name, given.message)
        if not leaf:
            raise MissingError("there is no such message in this conversation")
        mine = conversations.c.number == row.number
        connection.execute(update(conversations).where(mine).values(leaf=leaf))
        changed = rows.told(connection, account, name)
    if leaf != row.leaf:
        call.parts.log.tell(account, "conversation", changed)
    return thread(call, "", THREAD)


def delete(call: Call) -> None:
    """Delete a conversation, and all that belongs to it."""
    account, name, parts = call.actor.account, call.path["id"], call.parts
    with parts.store.reading() as connection:
        rows.own_conversation(connection, account, name)
        under_way = removal.under_way(connection, name)
    for one in under_way:
        parts.answers.stop(one)
    with parts.store.writing(is_durable=True) as connection:
        rows.own_conversation(connection, account, name)
        lost = removal.conversation(connection, account, name)
    removal.bytes_of(parts.state_dir, lost)
    parts.log.tell(account, "conversation_gone", Gone(name))


def thread(call: Call, before: str, limit: int) -> Thread:
    """Return a page of the shown branch."""
    account, name = call.actor.account, call.path["id"]
    seq = call.parts.log.seq  # before the rows: what is told meanwhile can be told again
    with call.parts.store.reading() as connection:
        row = rows.own_conversation(connection, account, name)
        running = name in rows.running(connection, account)
        start = row.leaf
        if before:
            start = rows.own_message(connection, account, before).parent
        found = _bounded(branch.upwards(connection, name, start, limit + 1), limit)
        newest_last = list(reversed(found))
        shown = rows.shown(connection, newest_last)
    is_beginning = not newest_last or not newest_last[0].parent
    return Thread(
        conversation=rows.conversation(row, is_running=running),
        messages=rows.caught_up(call.parts, shown),
        before="" if is_beginning else newest_last[0].id,
        seq=seq,
    )


def _bounded(found: Any, limit: int) -> list[Row[Any]]:
    """Return the newest of a branch: so many, and not much more text than a page may have."""
    chars, kept = 0, list[Row[Any]]()
    for row in found[:limit]:
        chars += len(row.text) + len(row.reasoning)
        if kept and chars > THREAD_CHARS_MAX:
            break
        kept.append(row)
    return kept


def _changed(
    connection: Connection, row: Any, given: ChangedConversation, now_unix_s: float
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if given.title is not msgspec.UNSET:
        title = given.title.strip()
        values["is_titled"] = int(bool(title))
        values["title"] = title or title_of(_first_words(connection, row.id))
    if given.is_pinned is not msgspec.UNSET and given.is_pinned != (row.pinned_unix_s > 0):
        values["pinned_unix_s"] = now_unix_s if given.is_pinned else 0.0
    if given.model is not msgspec.UNSET:
        values["model"] = given.model
    if given.system_prompt is not msgspec.UNSET:
        values["system_prompt"] = given.system_prompt
    return values


def _first_words(connection: Connection, name: str) -> str:
    m = messages.c
    first = select(m.text).where(m.conversation == name, m.parent == "").order_by(m.number)
    return connection.execute(first.limit(1)).scalar() or ""


def _room_for_one(connection: Connection, account: str, conversations_max: int) -> None:
    mine = select(func.count()).where(conversations.c.account == account)
    if (connection.execute(mine).scalar() or 0) >= conversations_max:
        raise FullError(f"you have {conversations_max} conversations: more are not kept here")


def _after(row: Any) -> str:
    return SEPARATOR.join((repr(row.pinned_unix_s), repr(row.updated_unix_s), row.id))


def _key(after: str) -> tuple[float, float, str]:
    """Return the place in the list that a page has ended at."""
    found = after.split(SEPARATOR)
    try:
        pinned_unix_s, updated_unix_s, name = float(found[0]), float(found[1]), found[2]
    except (ValueError, IndexError) as error:
        raise InvalidError("this is no end of a page", "query.after") from error
    return pinned_unix_s, updated_unix_s, name


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/conversations",
        summary="List conversations: pinned ones first, then the newest",
        tag=TAG,
        role=Role.VIEWER,
        handler=list_conversations,
        query=PageQuery,
        answer=Page[Conversation],
    ),
    Endpoint(
        method="POST",
        path="/conversations",
        summary="Make a conversation; the same id again is the same one",
        tag=TAG,
        role=Role.VIEWER,
        handler=make,
        body=NewConversation,
        answer=Conversation,
        raises=(TakenError, FullError),
    ),
    Endpoint(
        method="GET",
        path="/conversations/{id}",
        summary="Open a conversation at the end of its shown branch",
        tag=TAG,
        role=Role.VIEWER,
        handler=show,
        query=ThreadQuery,
        answer=Thread,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PATCH",
        path="/conversations/{id}",
        summary="Rename or pin a conversation, or choose another model or system prompt",
        tag=TAG,
        role=Role.VIEWER,
        handler=change,
        body=ChangedConversation,
        answer=Conversation,
        raises=(MissingError,),
    ),
    Endpoint(
        method="DELETE",
        path="/conversations/{id}",
        summary="Delete a conversation and all that belongs to it",
        tag=TAG,
        role=Role.VIEWER,
        handler=delete,
        answer=None,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PUT",
        path="/conversations/{id}/leaf",
        summary="Show the branch through a message, to its newest end",
        tag=TAG,
        role=Role.VIEWER,
        handler=show_branch,
        body=ShownLeaf,
        answer=Thread,
        raises=(MissingError,),
    ),
)
