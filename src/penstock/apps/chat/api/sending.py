"""What a send writes: rows of the message, of its answer, and of the answer's job.

admit    the waiting room has ``answers_waiting_max`` places, a person ``OPEN_MAX`` of them; a guest
         may send so many messages a day
attach   files are the sender's own. One that belongs to a message already, as of an edited one, is
         taken anew: a row of its own, and a second name of the same bytes
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from penstock.apps.chat import memberships
from penstock.apps.chat.api.fields import CrowdedError, TooManyError
from penstock.apps.chat.api.me import models
from penstock.apps.chat.parts import FILES
from penstock.apps.chat.queries import rows
from penstock.apps.chat.shapes import AUTO, AnswerState
from penstock.apps.chat.tables import files, jobs, messages
from penstock.apps.chat.tables import memberships as members
from penstock.config.chatting import Chat
from penstock.config.model import Config
from penstock.core.errors import StoreError
from penstock.identity.rows import new_id, new_secret
from penstock.web.endpoint import InvalidError

OPEN_MAX: Final = 50  # answers that one person may have waiting or running
DAY_S: Final = 86_400


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that is wanted."""

    account: str
    conversation: str
    answer: str
    model: str
    now_unix_s: float


def model_of(config: Config, wanted: str, usual: str) -> str:
    """Return the model to ask for; what is usual may be gone by now. Raises InvalidError."""
    offered = {one.id for one in models(config)}
    if wanted and wanted not in offered:
        raise InvalidError(f"there is no model {wanted!r} here", "body.model")
    return wanted or (usual if usual in offered else AUTO)


def owner_of(connection: Connection, name: str) -> Any:
    """Return whose message an id is, and under which parent; None if it is free."""
    which = select(messages.c.account, messages.c.parent).where(messages.c.id == name)
    return connection.execute(which).one_or_none()


def admit(connection: Connection, order: Order, limits: Chat) -> None:
    """Count one more answer; raises CrowdedError or TooManyError."""
    if (connection.execute(select(func.count()).select_from(jobs)).scalar() or 0) >= (
        limits.answers_waiting_max
    ):
        raise CrowdedError("the waiting room is full: too many people wait for answers")
    mine = select(func.count()).where(jobs.c.account == order.account)
    if (connection.execute(mine).scalar() or 0) >= OPEN_MAX:
        raise TooManyError(f"{OPEN_MAX} of your answers are under way already")
    _count_day(connection, order, limits.guest_messages_day)


def add_user(connection: Connection, order: Order, name: str, parent: str, text: str) -> None:
    """Write a person's message."""
    connection.execute(
        insert(messages).values(
            id=name,
            conversation=order.conversation,
            account=order.account,
            parent=parent,
            role=rows.USER,
            state=AnswerState.DONE.value,
            text=text,
            model=order.model,
            created_unix_s=order.now_unix_s,
            ended_unix_s=order.now_unix_s,
        )
    )


def add_answer(connection: Connection, order: Order, parent: str) -> None:
    """Write an answer that waits, and its job."""
    connection.execute(
        insert(messages).values(
            id=order.answer,
            conversation=order.conversation,
            account=order.account,
            parent=parent,
            role=rows.ASSISTANT,
            state=AnswerState.WAITING.value,
            model=order.model,
            created_unix_s=order.now_unix_s,
        )
    )
    _add_job(connection, order)


def reopen(connection: Connection, order: Order, text: str) -> None:
    """Let an answer wait again, behind the text that it has."""
    values = {"state": AnswerState.WAITING.value, "error": "", "finish": "", "ended_unix_s": 0.0}
    mine = messages.c.id == order.answer
    connection.execute(update(messages).where(mine).values(**values))
    _add_job(connection, order, rows.units(text))


def attach(
    connection: Connection, state_dir: Path, order: Order, name: str, wanted: Sequence[str]
) -> list[str]:
    """Make files part of a message; return their names. Raises InvalidError."""
    f = files.c
    names: list[str] = []
    for position, one in enumerate(wanted):
        which = select(files).where(f.id == one, f.account == order.account)
        row = connection.execute(which).mappings().one_or_none()
        if row is None:
            raise InvalidError("there is no such file of yours", f"body.files[{position}]")
        values = {"conversation": order.conversation, "message": name, "position": position}
        if row["message"]:
            again = new_id("fi-")
            _name_again(state_dir / FILES / row["id"], state_dir / FILES / again)
            copied = {**row, **values, "id": again, "created_unix_s": order.now_unix_s}
            connection.execute(insert(files).values(**copied))
        else:
            connection.execute(update(files).where(f.id == one).values(**values))
        names.append(row["name"])
    return names


def _add_job(connection: Connection, order: Order, base_units: int = 0) -> None:
    connection.execute(
        insert(jobs).values(
            message=order.answer,
            account=order.account,
            conversation=order.conversation,
            model=order.model,
            tier=memberships.of(connection, order.account).tier,
            idempotency_key=new_secret("chat-"),
            base_units=base_units,
            created_unix_s=order.now_unix_s,
        )
    )


def _count_day(connection: Connection, order: Order, guest_max: int) -> None:
    member = memberships.of(connection, order.account)
    today = int(order.now_unix_s // DAY_S)
    sent = member.day_messages if member.day == today else 0
    if member.is_guest and sent >= guest_max:
        error = TooManyError(f"a guest may ask {guest_max} times a day: that is done for today")
        error.remedy = "Make an account, or come back tomorrow."
        raise error
    mine = members.c.account == order.account
    connection.execute(update(members).where(mine).values(day=today, day_messages=sent + 1))


def _name_again(old: Path, new: Path) -> None:
    """Give bytes a second name; a copy where the file system has no such thing."""
    try:
        os.link(old, new)
    except FileNotFoundError as error:
        raise InvalidError("the bytes of this file are gone", "body.files") from error
    except OSError:
        try:
            shutil.copyfile(old, new)
        except OSError as error:
            raise StoreError(f"a file cannot be written: {error.strerror}") from error
