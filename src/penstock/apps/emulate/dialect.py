"""What a dialect is to the emulator: reading requests, writing answers, streams and errors.

Frames are what a stream is made of. A generator makes them one by one, so that a thousand streams
hold no text of events in memory; faults cut in between (``spoil``), and the runner writes them.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from penstock.apps.emulate.answer import Answer
from penstock.apps.emulate.ask import Ask, Reason, TroubleError
from penstock.apps.emulate.catalogue import Model, find
from penstock.apps.emulate.limits import Standing

encode: Final = msgspec.json.Encoder().encode
JSON_TYPE: Final = b"content-type: application/json\r\n"
SSE_TYPE: Final = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
Parsed = TypeVar("Parsed")


class FrameKind(enum.Enum):
    """What a piece of a stream is for."""

    STRUCTURE = enum.auto()  # what stands around content: message_start, role, ends of blocks
    CONTENT = enum.auto()  # one token; waits its turn in the pace
    PIECE = enum.auto()  # the rest of a frame that goes out in several writes
    FINISH = enum.auto()  # says why the model stopped
    USAGE = enum.auto()  # usage in an event of its own
    CLOSING = enum.auto()  # the terminator
    END = enum.auto()  # a clean end of HTTP; the three below are endings too
    ABORT = enum.auto()  # the connection is dropped
    SILENCE = enum.auto()  # nothing more, ever


class Frame(NamedTuple):
    """One write of a stream; ``wait_s`` is a silence before it, on top of the pace.

    ``tokens`` are what the caller has been told, or will be billed for, once it is out.
    """

    kind: FrameKind
    data: bytes = b""
    tokens: int = 0
    wait_s: float = 0.0
    tells_usage: bool = False  # the final one


ENDINGS: Final = frozenset((FrameKind.END, FrameKind.ABORT, FrameKind.SILENCE))


class Query(NamedTuple):
    """A request as it came: path without the provider's prefix, query parameters, body."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: dict[bytes, bytes]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer on its way out. ``nonce`` makes its ids; usage may be left out by a fault."""

    ask: Ask
    answer: Answer
    nonce: str
    created_unix_s: int
    has_usage: bool = True


class Dialect(Protocol):
    """One wire format of one provider."""

    @property
    def name(self) -> str:
        """The wire format."""
        ...

    @property
    def provider(self) -> str:
        """The company whose part is played."""
        ...

    def authenticate(self, query: Query) -> str:
        """Return the caller's credential; raises ``TroubleError``."""
        ...

    def look_up(self, query: Query) -> bytes | None:
        """Answer what needs no model (lists, counts); None if it is a request for an answer."""
        ...

    def read(self, query: Query) -> Ask:
        """Read a request as the provider would; raises ``TroubleError``."""
        ...

    def whole(self, said: Said) -> bytes:
        """Return the body of an answer that is no stream."""
        ...

    def frames(self, said: Said) -> Iterator[Frame]:
        """Yield a stream, up to and without its ending."""
        ...

    def error(self, trouble: TroubleError, request_id: str) -> bytes:
        """Return the body of an error."""
        ...

    def error_event(
        self, trouble: TroubleError, said: Said, sent: int, *, is_failure: bool
    ) -> bytes:
        """Return an error inside a stream that began as a success, after so many frames.

        With ``is_failure`` it is the terminal event of a failed answer, where there is one.
        """
        ...

    def request_id(self, nonce: str) -> str:
        """Return the id under which the provider would file this request."""
        ...

    def head(self, request_id: str, standing: Standing, now_unix_s: float) -> bytes:
        """Return the provider's own header lines, rate limits included."""
        ...


def parse(body: bytes, into: type[Parsed]) -> Parsed:
    """Decode a body; whatever is wrong with it is a 400 that names the place."""
    try:
        return msgspec.json.decode(body, type=into)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        param = place.strip("`").removeprefix("$").removeprefix(".") or None
        raise TroubleError(400, f"{param or 'body'}: {message}", param=param) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise TroubleError(
            400, f"We could not parse the JSON body of your request: {error}"
        ) from error


def model_named(provider: str, name: str) -> Model:
    """Return a model that speaks, or raise the 404 for one that does not exist."""
    model = find(provider, name)
    if model is None or model.dimensions_max:
        raise _no_model(name)
    return model


def embedder_named(provider: str, name: str) -> Model:
    """Return a model that makes vectors, or raise the 404 for one that does not exist."""
    model = find(provider, name)
    if model is None or not model.dimensions_max:
        raise _no_model(name)
    return model


def any_named(provider: str, name: str) -> Model:
    """Return a model of either sort, or raise the 404."""
    model = find(provider, name)
    if model is None:
        raise _no_model(name)
    return model


def _no_model(name: str) -> TroubleError:
    return TroubleError(404, f"model: {name}", reason=Reason.NO_MODEL, param="model")


def check_context(model: Model, input_tokens: int) -> None:
    """Refuse what does not fit into the model's context."""
    if input_tokens > model.context_tokens:
        raise context_exceeded(model, input_tokens)


def context_exceeded(model: Model, input_tokens: int) -> TroubleError:
    """Return the error for a prompt that is too long; each dialect words it anew."""
    return TroubleError(
        400,
        f"prompt is too long: {input_tokens} tokens > {model.context_tokens} maximum",
        reason=Reason.CONTEXT_LENGTH,
        param="messages",
    )


def bearer(headers: dict[bytes, bytes]) -> str:
    """Return the token of an Authorization header, or nothing."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
