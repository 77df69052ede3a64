"""What a dialect is: one wire format, read from callers and spoken to upstreams.

A dialect is one object without state. For the same dialect on both sides it only looks
(``inquire``, ``forward``, ``relay``, ``survey``): the bytes pass unchanged, unless a shorter answer
is to be asked for (``shorten``). For two dialects the caller's reads the request into the common
model and the upstream's writes it (``read_request``, ``write_request``); the answer goes back
through ``read_answer`` and ``write_answer``, or event by event through ``decoder`` and ``encoder``.
"""

from typing import Protocol, runtime_checkable

from penstock.core.errors import PenstockError
from penstock.core.limits_seen import LimitsSeen
from penstock.core.outcome import Failure
from penstock.core.standing import Standing
from penstock.dialects.capability import Capability
from penstock.dialects.concepts import Concepts
from penstock.dialects.events import Event
from penstock.dialects.inquiry import Inquiry, Survey
from penstock.dialects.message import Answer, Request, Usage

Headers = dict[bytes, bytes]  # by name, in lower case


class AnswerReader(Protocol):
    """Takes an upstream's stream and returns what goes to the caller.

    The attributes say what has been seen so far. After ``failure`` is set, nothing more comes out.
    """

    has_content: bool  # text, thinking, a tool call or a refusal has been returned
    is_complete: bool  # the model has said why it stopped
    is_ended: bool  # the dialect's terminator has been seen: nothing will follow
    failure: Failure | None
    usage: Usage
    finish_reason: str
    model: str
    events: int
    output_bytes: int  # of the content so far, for an estimate where usage never comes
    junk_lines: int

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes cut anywhere; return whole events for the caller, or nothing yet."""
        ...

    def finish(self) -> bytes:
        """The upstream has ended: return what a complete answer still lacks.

        Sets ``failure`` if the answer is not complete.
        """
        ...

    def broken(self, error: PenstockError) -> bytes:
        """Return the event that ends this stream as broken, where it must know what came before.

        Empty where the dialect's ``error_event`` says as much.
        """
        ...


class Decoder(Protocol):
    """Turns the bytes of an upstream's stream into common events."""

    junk_lines: int

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that are whole now; where the stream is malformed, Failed is last."""
        ...


class Encoder(Protocol):
    """Turns common events into the bytes of a caller's stream."""

    def encode(self, event: Event) -> bytes:
        """Return the bytes of one event; may be empty.

        Raises DialectError for an event that can no longer be told.
        """
        ...

    def finish(self) -> bytes:
        """Return the terminator, with everything that must stand before it."""
        ...


@runtime_checkable
class NumberedEncoder(Protocol):
    """An encoder whose error event depends on what it has encoded; others need not have it."""

    def broken(self, error: PenstockError) -> bytes:
        """Return the event that ends the stream as broken; never a terminator."""
        ...


class Dialect(Protocol):
    """One wire format."""

    @property
    def name(self) -> str:
        """The name in the configuration."""
        ...

    @property
    def concepts(self) -> Concepts:
        """What this dialect calls each concept, and what writing to it does with one."""
        ...

    @property
    def request_id_header(self) -> bytes:
        """The response header in which this dialect's SDKs look for an id to quote."""
        ...

    @property
    def keep_alive(self) -> bytes:
        """What can stand between two events of a stream and is read by nobody (DIALECTS 10)."""
        ...

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below an upstream's base URL, with its query."""
        ...

    def auth_headers(self, api_key: str, api_version: str, caller: Headers) -> bytes:
        """Return the header lines for an upstream: credential, version, the caller's betas."""
        ...

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs; raises DialectError that says where the body is wrong.

        ``path`` is the caller's, for a dialect that puts the model there.
        """
        ...

    def forward(
        self,
        inquiry: Inquiry,
        model: str,
        *,
        asks_usage: bool,
        capability: Capability | None = None,
    ) -> bytes:
        """Return the body for an upstream of the same dialect: another model, nothing else.

        ``asks_usage``: the upstream may be asked to count at the end of a stream. ``capability``:
        what it is known not to know is said in its older words.
        """
        ...

    def shorten(
        self, inquiry: Inquiry, model: str, capability: Capability, output_tokens_cap: int
    ) -> Inquiry:
        """Return what asks ``model`` for at most so many tokens; the same if it may not be.

        A cap never raises what the caller asks for (``dialects.shortening`` has the rules).
        """
        ...

    def comment(self, text: bytes) -> bytes:
        """Return one line for whoever watches a stream, which every client's reader skips.

        Without the words where clients bear none. It may stand before the first event.
        """
        ...

    def relay(self, inquiry: Inquiry) -> AnswerReader:
        """Return a reader that passes a stream of the same dialect on unchanged."""
        ...

    def retold(self, inquiry: Inquiry, body: bytes) -> bytes:
        """Return a whole answer of the same dialect, saying which tier has served it."""
        ...

    def survey(self, body: bytes) -> Survey:
        """Look at a whole answer; raises DialectError if it is not one."""
        ...

    def read_request(self, inquiry: Inquiry) -> Request:
        """Read the whole request; raises CallerError for what no translation can carry."""
        ...

    def write_request(
        self, request: Request, model: str, capability: Capability
    ) -> tuple[bytes, tuple[str, ...]]:
        """Return the body for ``model``, and the caller's fields that it changes or leaves out.

        ``capability`` is what the model accepts, as far as is known. Fields that the caller's
        dialect has dropped already are among those returned. Raises CallerError for what this
        model cannot do: another upstream may.
        """
        ...

    def read_answer(self, body: bytes) -> Answer:
        """Read a whole answer; raises DialectError if it is not one."""
        ...

    def write_answer(self, answer: Answer, inquiry: Inquiry, created_unix_s: int) -> bytes:
        """Return a whole answer in this dialect, for the caller who sent ``inquiry``."""
        ...

    def decoder(self) -> Decoder:
        """Return a decoder for one stream of an upstream."""
        ...

    def encoder(self, inquiry: Inquiry, created_unix_s: int) -> Encoder:
        """Return an encoder for one stream to the caller who sent ``inquiry``."""
        ...

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """Name the failure of an answer whose status is not 200, once and for everyone."""
        ...

    def limits_seen(self, headers: Headers, now_unix_s: float) -> LimitsSeen | None:
        """Return what the headers of an answer, good or bad, say of our account's limits.

        None where they say nothing, which is told by one look. ``now_unix_s`` is for resets that
        are told as instants.
        """
        ...

    def status_of(self, error: PenstockError) -> int:
        """Return the HTTP status of an error in this dialect."""
        ...

    def limit_lines(self, standing: Standing, now_unix_s: float) -> bytes:
        """Return the header lines that tell a caller how much of its own limits is left."""
        ...

    def error_body(self, error: PenstockError, request_id: str) -> bytes:
        """Return the envelope of an error."""
        ...

    def error_event(self, error: PenstockError, request_id: str) -> bytes:
        """Return the event that ends a broken stream; never a terminator."""
        ...
