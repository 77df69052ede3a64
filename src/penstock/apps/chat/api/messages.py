"""Messages: sending, another answer, going on, stopping.

What is sent has its ids from the browser, so sending twice is sending once: the second time, what
there is comes back, and nothing is asked again. An id that names anything else is refused, in the
same words whoever's it is. A message, its answer and the answer's job are one transaction; then
browsers are told, and the engine looks at the job.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select, update

from penstock.apps.chat.api import sending
from penstock.apps.chat.api.fields import (
    AnsweringError,
    CrowdedError,
    Files,
    FullError,
    Parent,
    TakenError,
    TooManyError,
    Words,
)
from penstock.apps.chat.call import Call
from penstock.apps.chat.queries import rows
from penstock.apps.chat.rates import SENDS, TooFastError
from penstock.apps.chat.shapes import AnswerState, Id, Message, Sent
from penstock.apps.chat.tables import conversations, messages
from penstock.apps.chat.titles import title_of
from penstock.web.endpoint import ConflictError, Endpoint, InvalidError, MissingError, Role, Text

SIBLINGS_MAX: Final = 100  # each message names all of its siblings
MESSAGES_MAX: Final = 50_000  # of a conversation
TAG: Final = "messages"
LENGTH: Final = "length"


class NewMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says; an edit has the parent of what it replaces."""

    id: Id
    answer: Id  # the id that its answer is to have
    text: Words
    parent: Parent = ""
    files: Files = []
    model: Text = ""


class NewAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another answer to a message."""

    id: Id
    model: Text = ""


def send(call: Call) -> Sent:
    """Take a person's message, and ask for its answer."""
    given: NewMessage = call.body
    account, name, parts = call.actor.account, call.path["id"], call.parts
    _check_words(given, parts.config.chat.message_chars_max, parts.config.chat.files_message_max)
    parts.rates.charge(SENDS, account, call.actor.address, call.now_unix_s)
    with parts.store.writing(is_durable=True) as connection:
        conversation = rows.own_conversation(connection, account, name)
        there = _sent_before(connection, call, given)
        if there is None:
            _check_place(connection, name, given.parent)
            order = sending.Order(
                account=account,
                conversation=name,
                answer=given.answer,
                model=sending.model_of(parts.config, given.model, conversation.model),
                now_unix_s=call.now_unix_s,
            )
            sending.admit(connection, order, parts.config.chat)
            sending.add_user(connection, order, given.id, given.parent, given.text)
            names = sending.attach(connection, parts.state_dir, order, given.id, given.files)
            sending.add_answer(connection, order, given.id)
            _note_sent(connection, conversation, given, names)
        sent = _sent(connection, call, given.answer, given.id)
    return _announced(call, sent, is_new=there is None)


def answer_again(call: Call) -> Sent:
    """Ask for another answer to a message."""
    given: NewAnswer = call.body
    account, parts = call.actor.account, call.parts
    parts.rates.charge(SENDS, account, call.actor.address, call.now_unix_s)
    with parts.store.writing(is_durable=True) as connection:
        row = rows.own_message(connection, account, call.path["id"])
        if row.role != rows.USER:
            raise ConflictError("only a person's message has answers")
        there = sending.owner_of(connection, given.id)
        if there is None:
            _check_siblings(connection, row.conversation, row.id)
            order = sending.Order(
                account=account,
                conversation=row.conversation,
                answer=given.id,
                model=sending.model_of(parts.config, given.model, row.model),
                now_unix_s=call.now_unix_s,
            )
            sending.admit(connection, order, parts.config.chat)
            sending.add_answer(connection, order, row.id)
            _show(connection, row.conversation, given.id, call.now_unix_s)
        elif (there.account, there.parent) != (account, row.id):
            raise TakenError(f"the id {given.id!r} is taken")
        sent = _sent(connection, call, given.id)
    return _announced(call, sent, is_new=there is None)


def go_on(call: Call) -> Sent:
    """Let an answer that was stopped, broken or cut go on in the same message."""
    account, parts = call.actor.account, call.parts
    parts.rates.charge(SENDS, account, call.actor.address, call.now_unix_s)
    with parts.store.writing(is_durable=True) as connection:
        row = rows.own_message(connection, account, call.path["id"])
        is_new = row.state not in rows.RUNNING
        if is_new:
            _check_open(row)
            order = sending.Order(
                account=account,
                conversation=row.conversation,
                answer=row.id,
                model=sending.model_of(parts.config, "", row.model),
                now_unix_s=call.now_unix_s,
            )
            sending.admit(connection, order, parts.config.chat)
            sending.reopen(connection, order, row.text)
            mine = conversations.c.id == row.conversation
            moved = update(conversations).where(mine).values(updated_unix_s=call.now_unix_s)
            connection.execute(moved)
        sent = _sent(connection, call, row.id)
    return _announced(call, sent, is_new=is_new)


def stop(call: Call) -> Message:
    """End an answer; what has come stays."""
    before = _show_one(call)
    if before.state.value not in rows.RUNNING:
        return before
    call.parts.answers.stop(before.id)
    return _show_one(call)


def show(call: Call) -> Message:
    """Return a message, whole."""
    return _show_one(call)


def _show_one(call: Call) -> Message:
    with call.parts.store.reading() as connection:
        row = rows.own_message(connection, call.actor.account, call.path["id"])
        found = rows.message(connection, row)
    return rows.caught_up(call.parts, [found])[0]


def _sent(connection: Connection, call: Call, answer: str, user: str = "") -> Sent:
    account = call.actor.account
    row = rows.own_message(connection, account, answer)
    return Sent(
        conversation=rows.told(connection, account, row.conversation),
        user=rows.message(connection, rows.own_message(connection, account, user))
        if user
        else None,
        answer=rows.message(connection, row),
    )


def _announced(call: Call, sent: Sent, *, is_new: bool) -> Sent:
    """Tell browsers and the engine of what is new; say how far the rest is."""
    if not is_new:
        return msgspec.structs.replace(sent, answer=rows.caught_up(call.parts, [sent.answer])[0])
    account, log = call.actor.account, call.parts.log
    log.tell(account, "conversation", sent.conversation)
    if sent.user is not None:
        log.tell(account, "message", sent.user, sent.user.id)
    log.tell(account, "message", sent.answer, sent.answer.id)
    call.parts.answers.begin(sent.answer.id)
    return sent


def _check_words(given: NewMessage, chars_max: int, files_max: int) -> None:
    if len(given.text) > chars_max:
        words = f"the message has {len(given.text)} characters; {chars_max} are taken"
        raise InvalidError(words, "body.text")
    if len(given.files) > files_max:
        words = f"the message has {len(given.files)} files; {files_max} are taken"
        raise InvalidError(words, "body.files")
    if len(set(given.files)) < len(given.files):
        raise InvalidError("a file is named twice", "body.files")
    if not given.text.strip() and not given.files:
        raise InvalidError("the message says nothing", "body.text")
    if given.id == given.answer:
        raise InvalidError("a message and its answer need an id each", "body.answer")


def _sent_before(connection: Connection, call: Call, given: NewMessage) -> Any:
    """Return the answer that this message has already, if it has come before."""
    m = messages.c
    user = connection.execute(select(messages).where(m.id == given.id)).one_or_none()
    answer = connection.execute(select(messages).where(m.id == given.answer)).one_or_none()
    if user is None and answer is None:
        return None
    mine = (call.actor.account, call.path["id"])
    if user is None or answer is None or not _is_same(user, answer, mine, given):
        raise TakenError(f"the id {given.id!r} or {given.answer!r} is taken")
    return answer


def _is_same(user: Any, answer: Any, mine: tuple[str, str], given: NewMessage) -> bool:
    of_user = (user.account, user.conversation, user.role, user.parent)
    return of_user == (*mine, rows.USER, given.parent) and answer.parent == given.id


def _check_place(connection: Connection, name: str, parent: str) -> None:
    """See that a person's message may stand behind this one."""
    m = messages.c
    if parent:
        where = (m.id == parent, m.conversation == name)
        row = connection.execute(select(m.role, m.state).where(*where)).one_or_none()
        if row is None or row.role != rows.ASSISTANT:
            raise InvalidError("there is no such answer in this conversation", "body.parent")
        if row.state in rows.RUNNING:
            raise AnsweringError("the answer before this message has not ended")
    _check_siblings(connection, name, parent)


def _check_siblings(connection: Connection, name: str, parent: str) -> None:
    m = messages.c
    here = select(func.count()).where(m.conversation == name)
    if (connection.execute(here.where(m.parent == parent)).scalar() or 0) >= SIBLINGS_MAX:
        raise FullError(f"there are {SIBLINGS_MAX} versions of this already")
    if (connection.execute(here).scalar() or 0) >= MESSAGES_MAX:
        raise FullError(f"a conversation has at most {MESSAGES_MAX} messages: begin another")


def _check_open(row: Any) -> None:
    """See that an answer can go on."""
    is_ended = row.state in (AnswerState.STOPPED.value, AnswerState.BROKEN.value)
    is_cut = row.state == AnswerState.DONE.value and row.finish == LENGTH
    if row.role != rows.ASSISTANT or not (is_ended or is_cut):
        raise ConflictError("only an answer that was stopped, broken or cut can go on")


def _note_sent(
    connection: Connection, conversation: Any, given: NewMessage, names: list[str]
) -> None:
    """Show the new branch; a first message gives the title, until its person does."""
    values: dict[str, Any] = {}
    if not given.parent and not conversation.is_titled:
        values["title"] = title_of(given.text, names)
    if given.model:
        values["model"] = given.model
    if values:
        mine = conversations.c.number == conversation.number
        connection.execute(update(conversations).where(mine).values(**values))
    now = select(messages.c.created_unix_s).where(messages.c.id == given.answer).scalar_subquery()
    _show(connection, conversation.id, given.answer, now)


def _show(connection: Connection, name: str, leaf: str, now_unix_s: Any) -> None:
    values = {"leaf": leaf, "updated_unix_s": now_unix_s}
    connection.execute(update(conversations).where(conversations.c.id == name).values(**values))


REFUSALS: Final = (MissingError, TooFastError, TooManyError, CrowdedError)

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/conversations/{id}/messages",
        summary="Send a message, and ask for its answer; sending twice is sending once",
        tag=TAG,
        role=Role.VIEWER,
        handler=send,
        body=NewMessage,
        answer=Sent,
        raises=(*REFUSALS, TakenError, AnsweringError, FullError),
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/answers",
        summary="Ask for another answer to a message",
        tag=TAG,
        role=Role.VIEWER,
        handler=answer_again,
        body=NewAnswer,
        answer=Sent,
        raises=(*REFUSALS, TakenError, ConflictError, FullError),
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/continue",
        summary="Let an answer that was stopped, broken or cut go on",
        tag=TAG,
        role=Role.VIEWER,
        handler=go_on,
        answer=Sent,
        raises=(*REFUSALS, ConflictError),
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/stop",
        summary="End an answer; what has come stays",
        tag=TAG,
        role=Role.VIEWER,
        handler=stop,
        answer=Message,
        raises=(MissingError,),
    ),
    Endpoint(
        method="GET",
        path="/messages/{id}",
        summary="Show a message, whole",
        tag=TAG,
        role=Role.VIEWER,
        handler=show,
        answer=Message,
        raises=(MissingError,),
    ),
)
