"""One try at one upstream: what is sent, what came back, and when.

All instants are monotonic seconds; 0 means that it has not happened.
"""

from typing import Final, Protocol

from penstock.core.claim import MAX_TOKENS, MODEL
from penstock.core.estimate import tokens
from penstock.core.outcome import IGNORED, Failure, Outcome
from penstock.dialects.continuation import Continuation
from penstock.dialects.contract import AnswerReader, Dialect, Headers
from penstock.dialects.message import NO_USAGE, Usage
from penstock.dialects.operation import Operation
from penstock.dialects.splicing import Hop
from penstock.exchange.demand import Grant
from penstock.exchange.target import Target

GENERATE: Final = Operation.GENERATE


class AttemptOwner(Protocol):
    """Whom the dialer tells. Instants are monotonic seconds."""

    def on_sent(self, attempt: "Attempt", now_s: float) -> None:
        """There is a connection, and the request is on its way."""

    def on_head(
        self,
        attempt: "Attempt",
        status: int,
        headers: Headers,
        now_s: float,
    ) -> None:
        """The head of the answer has come; header names are in lower case."""

    def on_chunk(self, attempt: "Attempt", chunk: bytes, now_s: float) -> None:
        """More of the body has come, cut anywhere."""

    def on_complete(self, attempt: "Attempt", now_s: float) -> None:
        """The body has ended as HTTP says it should."""

    def on_failed(self, attempt: "Attempt", failure: Failure, now_s: float) -> None:
        """The connection failed, before or in the middle of the answer."""


class Attempt:
    """Owned by its exchange; the dialer only reads it."""

    __slots__ = (
        "body", "caller_headers", "connection", "continuation", "counted", "dialect",
        "dialled_at_s", "drill", "dropped", "ended_at_s", "first_token_at_s", "grant",
        "head_at_s", "hop", "is_assembled", "is_estimated", "is_reused", "is_shortened",
        "is_translated", "more_lines", "number", "operation", "outcome", "owner", "parts",
        "parts_bytes", "path", "progress_at_s", "reader", "response_headers", "sent_at_s",
        "status", "target", "usage", "was_moved",
    )  # fmt: skip

    def __init__(self, owner: AttemptOwner, grant: Grant, number: int, now_s: float) -> None:
        self.owner = owner
        self.grant = grant
        self.target: Target = grant.target
        self.number = number
        self.operation = GENERATE
        self.dialect: Dialect = grant.target.upstream.dialect  # or the sibling of it that is used
        self.path = b""  # below the upstream's base URL
        self.body = self.more_lines = b""  # and header lines: how urgent it is, and whose trace
        self.caller_headers: Headers = {}  # those that the upstream's dialect may pass on
        # Shortened: asked for a shorter answer than its caller has asked for.
        self.is_translated = self.is_shortened = False
        self.is_assembled = False  # streams, although its caller is to get a whole answer
        self.continuation: Continuation | None = None  # asked for the rest of an answer
        self.hop: Hop | None = None  # the reader, if another can go on after it
        self.dropped: tuple[str, ...] = ()
        self.dialled_at_s = now_s
        self.sent_at_s = self.head_at_s = self.first_token_at_s = self.ended_at_s = 0.0
        self.progress_at_s = now_s  # when something that counts last came
        self.status = 0
        self.response_headers: Headers = {}
        self.reader: AnswerReader | None = None
        self.parts: list[bytes] = []
        self.parts_bytes = 0
        self.outcome: Outcome | None = None
        self.usage: Usage | None = None
        self.counted = NO_USAGE  # when it has ended
        self.is_estimated = False
        self.connection: object = None  # the dialer's own
        self.is_reused = False
        self.was_moved = False  # put aside for one with a contract
        self.drill = ""  # the live drill that it has felt, and the kind of fault

    def end(self, outcome: Outcome, now_s: float) -> None:
        """Note what became of it; how long an answer took to begin is the target's load."""
        self.outcome = outcome
        self.ended_at_s = now_s
        if self.drill:
            return
        state = self.target.state
        if not self.is_translated:
            state.on_end(outcome)
        if self.first_token_at_s and self.operation is GENERATE:
            state.load.observe(self.first_token_at_s - self.dialled_at_s, now_s)

    @property
    def verdict(self) -> Outcome:
        """What it says of its upstream, once it has ended: nothing, if it failed on purpose."""
        return IGNORED if self.drill or self.outcome is None else self.outcome

    @property
    def degraded(self) -> tuple[str, ...]:
        """What load has taken from the answer, in the words of ``x-penstock-degraded``."""
        if not self.is_shortened and not self.target.is_degraded:
            return ()
        words = ((MAX_TOKENS, self.is_shortened), (MODEL, self.target.is_degraded))
        return tuple(word for word, is_taken in words if is_taken)

    @property
    def is_holding(self) -> bool:
        """Whether something has come that the caller does not have yet: calls, or all of it."""
        if self.is_assembled:
            return self.reader is not None and self.reader.output_bytes > 0
        return self.hop is not None and self.hop.is_holding

    @property
    def output_tokens(self) -> int:
        """About how many have come so far."""
        return 0 if self.reader is None else tokens(self.reader.output_bytes)

    @property
    def is_ended(self) -> bool:
        """Whether the dialect's terminator has been read."""
        return self.reader is not None and self.reader.is_ended
