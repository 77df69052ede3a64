"""Where the recordings are, and what cuts them."""

import re
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from penstock.core.outcome import FailureKind
from penstock.dialects.contract import AnswerReader, Dialect, Inquiry

_EVENT: Final = re.compile(rb".*?(?:\r\n\r\n|\n\n)", re.DOTALL)
SAMPLES: Final = Path(__file__).parent.parent / "data" / "dialect-samples"
REQUESTS: Final = {
    "openai_chat": b'{"model":"m","stream":true,"stream_options":{"include_usage":true},'
    b'"messages":[{"role":"user","content":"hi"}]}',
    "openai_responses": b'{"model":"m","stream":true,"input":"hi"}',
    "anthropic_messages": b'{"model":"m","stream":true,"max_tokens":9,'
    b'"messages":[{"role":"user","content":"hi"}]}',
    "gemini_generate": b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}',
}
# Where the model stands in the path, there is none in the body.
IN_PATH: Final = frozenset({"gemini_generate"})
# The last event with content, which a test damages.
LAST_CONTENT: Final = {
    "openai_chat": -4,
    "openai_responses": -4,
    "anthropic_messages": -4,
    "gemini_generate": -2,
}
# Its streams begin with content: there is no head that says nothing.
NO_HEAD: Final = frozenset({"gemini_generate"})
# It does not tell what was written into the prompt's cache.
NO_CACHE_WRITES: Final = frozenset({"gemini_generate"})
# Whoever reads it is told by no event that the stream has ended.
NO_END: Final = frozenset({"gemini_generate"})
# A dialect that is not here has no terminator.
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
    "gemini_generate": FailureKind.OVERLOADED,
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
    return _EVENT.findall(stream)


def path(dialect: Dialect, model: str = "m") -> bytes:
    """Return the path of a caller who wants a stream."""
    return b"/v1" + dialect.path(model, is_stream=True)


def inquiry(dialect: Dialect) -> Inquiry:
    return dialect.inquire(REQUESTS[dialect.name], path(dialect))


def read_all(reader: AnswerReader, chunks: list[bytes]) -> bytes:
    """Return all that comes out, the end included."""
    return b"".join(reader.feed(chunk) for chunk in chunks) + reader.finish()


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Return the stream in pieces, cut at the places."""
    at = sorted({place % (len(stream) + 1) for place in places})
    return [stream[start:end] for start, end in zip([0, *at], [*at, len(stream)], strict=True)]


PLACES: Final = st.lists(st.integers(0, 1 << 20), max_size=40)
