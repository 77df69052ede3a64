"""Jobs: the rows that say which answers are under way, and what is written of them.

``load`` is for one that has just been made; ``load_all`` for a start: the text of each is its
message's, with what the log has of it behind that. Both block.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from penstock.apps.chat.answering.growing import folded
from penstock.apps.chat.answering.log import Change
from penstock.apps.chat.shapes import Delta, Mark
from penstock.ledger.store import Store

_ROWS: Final = (
    "SELECT j.message, j.account, j.conversation, j.model, j.tier, j.idempotency_key, j.tries, "
    "j.base_units, j.created_unix_s, j.asked_unix_s, m.parent, m.text, m.reasoning, m.marks, "
    "m.upstream, m.answered_model, m.created_unix_s AS message_unix_s, m.first_unix_s, "
    "m.input_tokens, m.output_tokens, coalesce(nullif(p.person, ''), j.account) AS person "
    "FROM jobs j JOIN messages m ON m.id = j.message "
    "LEFT JOIN memberships p ON p.account = j.account"
)
_DELTAS: Final = (
    "SELECT message, kind, data FROM events WHERE kind IN ('delta', 'reasoning') "
    "AND message IN (SELECT message FROM jobs WHERE asked_unix_s > 0) ORDER BY seq"
)
_COLUMNS: Final = (
    "state", "text", "reasoning", "answered_model", "upstream", "marks", "error", "finish",
    "input_tokens", "output_tokens", "first_unix_s", "ended_unix_s",
)  # fmt: skip
_SO_FAR: Final = (
    "UPDATE messages SET state = coalesce(?, state), text = coalesce(?, text), "
    "reasoning = coalesce(?, reasoning), answered_model = coalesce(?, answered_model), "
    "upstream = coalesce(?, upstream), marks = coalesce(?, marks), error = coalesce(?, error), "
    "finish = coalesce(?, finish), input_tokens = coalesce(?, input_tokens), "
    "output_tokens = coalesce(?, output_tokens), first_unix_s = coalesce(?, first_unix_s), "
    "ended_unix_s = coalesce(?, ended_unix_s) WHERE id = ?"
)
_DELTA: Final = msgspec.json.Decoder(Delta)
_MARKS: Final = msgspec.json.Decoder(tuple[Mark, ...])


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that is to be made, and what is there of it."""

    message: str
    account: str
    conversation: str
    parent: str
    model: str
    tier: str
    person: str
    key: str  # under which the gateway keeps it
    tries: int = 0
    base_units: int = 0  # of the text that was there when it was asked for under this key
    created_unix_s: float = 0.0
    asked_unix_s: float = 0.0  # 0: it has not been asked for yet
    text: str = ""
    reasoning: str = ""
    marks: tuple[Mark, ...] = ()
    upstream: str = ""
    answered_model: str = ""
    message_unix_s: float = 0.0
    first_unix_s: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def was_begun(self) -> bool:
        """Whether the gateway had begun to answer it."""
        return self.asked_unix_s > 0 and self.first_unix_s > 0


def load(store: Store, message: str) -> Job | None:
    """Return the job of an answer; None if there is none."""
    with store.reading() as connection:
        row = connection.exec_driver_sql(_ROWS + " WHERE j.message = ?", (message,)).first()
    return _job(row) if row is not None else None


def load_all(store: Store) -> list[Job]:
    """Return all jobs, those that have been asked for already first, each with its text so far."""
    with store.reading() as connection:
        rows = connection.exec_driver_sql(
            _ROWS + " ORDER BY j.asked_unix_s = 0, j.created_unix_s, j.message"
        ).all()
        deltas = connection.exec_driver_sql(_DELTAS).all() if rows else ()
    told: dict[tuple[str, str], list[Delta]] = {}
    for message, kind, data in deltas:
        told.setdefault((message, kind), []).append(_DELTA.decode(data))
    return [_with_told(_job(row), told) for row in rows]


def _with_told(job: Job, told: dict[tuple[str, str], list[Delta]]) -> Job:
    return msgspec.structs.replace(
        job,
        text=folded(job.text, told.get((job.message, "delta"), [])),
        reasoning=folded(job.reasoning, told.get((job.message, "reasoning"), [])),
    )


def _job(row: Any) -> Job:
    return Job(
        message=row.message,
        account=row.account,
        conversation=row.conversation,
        parent=row.parent,
        model=row.model,
        tier=row.tier or "free",
        person=row.person,
        key=row.idempotency_key,
        tries=row.tries,
        base_units=row.base_units,
        created_unix_s=row.created_unix_s,
        asked_unix_s=row.asked_unix_s,
        text=row.text,
        reasoning=row.reasoning,
        marks=_MARKS.decode(row.marks) if row.marks else (),
        upstream=row.upstream,
        answered_model=row.answered_model,
        message_unix_s=row.message_unix_s,
        first_unix_s=row.first_unix_s,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
    )


# --- what is written


def asked(message: str, key: str, base_units: int, tries: int, now_unix_s: float) -> Change:
    """Write under which key it is asked for, and from where on."""
    return Change(
        "UPDATE jobs SET idempotency_key = ?, base_units = ?, tries = ?, asked_unix_s = ? "
        "WHERE message = ?",
        (key, base_units, tries, now_unix_s, message),
    )


def so_far(message: str, values: dict[str, object]) -> Change:
    """Write what is known of an answer; columns that are not named stay as they are."""
    given = (*(values.get(name) for name in _COLUMNS), message)
    return Change(_SO_FAR, given)


def over(message: str, conversation: str, now_unix_s: float) -> Sequence[Change]:
    """Write that there is nothing more to do."""
    return (
        Change("DELETE FROM jobs WHERE message = ?", (message,)),
        Change(
            "UPDATE conversations SET updated_unix_s = max(updated_unix_s, ?) WHERE id = ?",
            (now_unix_s, conversation),
        ),
    )
