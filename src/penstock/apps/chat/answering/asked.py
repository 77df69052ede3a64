"""One answer under way: between its connection to the gateway and what is told of it.

asked with its key   nothing has come yet: the same words, the same key
asked again          something has come: first it asks, under the same key, to go on from the
                     text that is there. A gateway that has the answer refuses that, since it
                     knows the key by other words; then the first words are asked again, and it
                     is replayed. One that has forgotten goes on. So nothing is made twice
afresh               under another key, on from the text that is there
"""

from typing import Final, Protocol

import msgspec

from penstock.apps.chat.answering import hearing
from penstock.apps.chat.answering.answer import Answer, Step
from penstock.apps.chat.answering.client import Connection
from penstock.apps.chat.answering.growing import cut
from penstock.apps.chat.answering.hearing import Failed, Hearing, Queued
from penstock.apps.chat.answering.jobs import Job
from penstock.apps.chat.answering.verdict import SPENT
from penstock.apps.chat.shapes import Mark
from penstock.dialects.seam import Manner, Seam

OK: Final = 200
REFUSAL_BYTES_MAX: Final = 64 * 1024
REUSED: Final = "idempotency_key_reused"


class Desk(Protocol):
    """Who decides what follows."""

    def on_step(self, one: "Asked", step: Step) -> None:
        """Something was said."""
        ...

    def on_refused(self, one: "Asked", failed: Failed) -> None:
        """The request was refused."""
        ...

    def on_broken(self, one: "Asked") -> None:
        """The connection has ended before the answer."""
        ...

    def now_unix_s(self) -> float:
        """Return the time."""
        ...


class Asked:
    """One answer and its present request. Owned by one event loop."""

    def __init__(self, job: Job, desk: Desk) -> None:
        self.answer = Answer(job)
        self.job = job
        self.key = job.key
        self.base_units = job.base_units
        self.tries = job.tries
        self.is_asked = job.asked_unix_s > 0  # the gateway may know the key
        self.is_probing = False
        self.in_line = False
        self.is_let_in = False
        self.is_over = False
        self.downs = 0  # in a row, without a gateway
        self.reason = ""  # why it waits
        self.queued: Queued | None = None
        self.connection: Connection | None = None
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._desk = desk
        self._hearing = Hearing()
        self._refusal = bytearray()
        self._knows_key = False  # a probe was refused: the gateway has the answer
        self._is_heard = False
        self._is_seam = False  # the gateway has forgotten what it said before

    @property
    def asks_from_units(self) -> int:
        """From which place of the text on the next request asks."""
        if self.is_asked and self._knows_key:
            return self.base_units
        return self.answer.units

    def job_now(self) -> Job:
        """Return the job with the text as it is now."""
        return msgspec.structs.replace(self.job, text=self.answer.text)

    def begin(self) -> None:
        """Be asked now: expect a stream from there on."""
        from_units = self.asks_from_units
        self.is_probing = self.is_asked and from_units != self.base_units
        text = self.answer.text
        if not self.is_probing:
            self.base_units = from_units
        seam = Seam(cut(text, from_units), Manner.ANCHOR) if from_units else None
        self.answer.rewind(from_units, seam)
        self.is_asked = True
        self.tries += 1
        self.status = 0
        self.headers = {}
        self._hearing = Hearing()
        self._refusal.clear()
        self._is_heard = False

    def afresh(self, key: str) -> None:
        """Ask under another key next time."""
        self.key = key
        self.is_asked = self._knows_key = False
        self._is_seam = True

    def let_go(self) -> None:
        """End the present request; nothing more comes of it."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    # the connection calls these

    def on_head(self, status: int, headers: dict[bytes, bytes]) -> None:
        """See whether there will be an answer, and whose."""
        self.status, self.headers = status, headers
        if status != OK:
            return
        self.downs = 0
        if self.is_probing:  # it has forgotten, and goes on from here
            self.is_probing = False
            self.base_units = self.answer.units
            self._is_seam = True
        if self._is_seam and self.answer.units:
            self._is_seam = False
            self.answer.mark(Mark("resumed", self.answer.units))
        attempts = headers.get(b"x-penstock-attempts", b"")
        self.answer.answered_by(
            headers.get(b"x-penstock-upstream", b"").decode("latin-1"),
            headers.get(b"x-penstock-model", b"").decode("latin-1"),
            int(attempts) if attempts.isdigit() else 1,
        )

    def on_chunk(self, chunk: bytes) -> bool:
        """Take what was said; return whether it brought something to tell."""
        if self.status != OK:
            self._refusal += chunk[: REFUSAL_BYTES_MAX - len(self._refusal)]
            return False
        words = self._hearing.feed(chunk)
        if not words:
            return False
        step = self.answer.hear(words, self._desk.now_unix_s())
        self._is_heard = self._is_heard or step.is_done or step.failed is not None
        self._desk.on_step(self, step)
        return bool(step.text or step.reasoning)

    def on_end(self, reason: str) -> None:
        """Nothing more comes."""
        del reason
        self.connection = None
        if self.status == OK:
            if not self._is_heard:
                self._desk.on_broken(self)
        elif self.status:
            failed = hearing.refusal(self.status, bytes(self._refusal))
            if self.is_probing and failed.code in SPENT:
                self._knows_key = failed.code == REUSED
            self._desk.on_refused(self, failed)
        else:
            self._desk.on_broken(self)
