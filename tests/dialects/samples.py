"""Where the recordings are, and what cuts them."""

from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from penstock.core.outcome import FailureKind
from penstock.dialects.contract import AnswerReader, Dialect, Inquiry

SAMPLES: Final = Path(__file__).parent.parent / "data" / "dialect-samples"
REQUESTS: Final = {
    "openai_chat": b'{"model":"m","stream":true,"stream_options":{"include_usage":true},'
    b'"messages":[{"role":"user","content":"hi"}]}',
    "openai_responses": b'{"model":"m","stream":true,"input":"hi"}',
    "anthropic_messages": b'{"model":"m","stream":true,"max_tokens":9,'
    b'"messages":[{"role":"user","content":"hi"}]}',
}
TERMINATORS: Final = {
    "openai_chat": b"data: [DONE]\n\n",
    "anthropic_messages": b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
}
# What a complete stream gets that lacks only this. The others end with what completes them.
SUPPLIED: Final = {
    name: terminator.replace(b'": "', b'":"') for name, terminator in TERMINATORS.items()
}
TOLD: Final = {
    "openai_chat": FailureKind.OVERLOADED,
    "openai_responses": FailureKind.SERVER_ERROR,
    "anthropic_messages": FailureKind.OVERLOADED,
}


def sample(dialect: str, name: str) -> bytes:
    return (SAMPLES / dialect / f"{name}.sse").read_bytes()


def names(*prefixes: str) -> list[tuple[str, str]]:
    """Return the dialect and name of every recording that begins so."""
    return [
        (path.parent.name, path.stem)
        for path in sorted(SAMPLES.glob("*/*.sse"))
        if path.stem.startswith(prefixes)
    ]


def whole_events(stream: bytes) -> list[bytes]:
    return [event + b"\n\n" for event in stream.split(b"\n\n")[:-1]]


def inquiry(dialect: Dialect) -> Inquiry:
    return dialect.inquire(REQUESTS[dialect.name])


def read_all(reader: AnswerReader, chunks: list[bytes]) -> bytes:
    """Return all that comes out, the end included."""
    return b"".join(reader.feed(chunk) for chunk in chunks) + reader.finish()


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Return the stream in pieces, cut at the places."""
    at = sorted({place % (len(stream) + 1) for place in places})
    return [stream[start:end] for start, end in zip([0, *at], [*at, len(stream)], strict=True)]


PLACES: Final = st.lists(st.integers(0, 1 << 20), max_size=40)
