"""What is told of an answer that has passed is what is told of the whole."""

import json
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialects import samples

from penstock.core.errors import UpstreamError
from penstock.core.outcome import FailureKind
from penstock.dialects.contract import Dialect
from penstock.dialects.half_answer import content_bytes
from penstock.dialects.long_answer import LongAnswer
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.registry import DIALECTS, ENDPOINTS

BYTES_MAX: Final = 1 << 20
SIZES: Final = st.lists(st.integers(1, 70_000), min_size=1, max_size=4)
USAGE: Final = Usage(50, 40_000, 10, 0, 700, is_known=True)
ANSWER: Final = Answer(
    id="a1",
    model="m-real",
    parts=(
        Text('Ünd "so" {weiter}\n' * 6000),
        ToolCall("c1", "draw", '{"of":"%s"}' % ("x" * 9999)),
    ),
    stop=StopReason.TOOL,
    usage=USAGE,
)


def whole(dialect: Dialect) -> bytes:
    """Return some 150 KB in the words of a dialect."""
    return dialect.write_answer(ANSWER, samples.inquiry(dialect), 1_700_000_000)


def passed(dialect: Dialect, body: bytes, sizes: list[int]) -> LongAnswer:
    """Let an answer pass in pieces; every byte of it goes on."""
    reader = LongAnswer(dialect.survey, body[: sizes[0]], BYTES_MAX)
    out, at, turn = b"", 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        out += reader.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    assert out == body
    assert not reader.is_complete
    return reader


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=20)
@given(sizes=SIZES)
def test_it_tells_what_the_whole_tells(name: str, sizes: list[int]) -> None:
    dialect = DIALECTS[name]
    body = whole(dialect)
    reader = passed(dialect, body, sizes)
    assert reader.finish() == b""
    told = dialect.survey(body)
    assert told.usage.is_known
    assert reader.failure is None
    assert reader.is_complete
    assert (reader.usage, reader.finish_reason, reader.model) == (
        told.usage,
        told.finish_reason,
        told.model,
    )


@pytest.mark.parametrize("form", ["float", "base64"])
@settings(max_examples=10)
@given(sizes=SIZES)
def test_of_vectors_it_tells_what_they_took(form: str, sizes: list[int]) -> None:
    dialect = ENDPOINTS["openai_embeddings"].dialect
    vector = [at / 7 for at in range(1536)] if form == "float" else "q83v" * 2048
    data = [{"object": "embedding", "index": at, "embedding": vector} for at in range(9)]
    counted = {"prompt_tokens": 90, "total_tokens": 90}
    body = json.dumps({"object": "list", "data": data, "model": "e", "usage": counted}).encode()
    reader = passed(dialect, body, sizes)
    reader.finish()
    assert reader.failure is None
    assert reader.usage == dialect.survey(body).usage
    assert reader.usage.input_tokens == 90


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("cut", [1, 40, 3000])
def test_an_answer_without_an_end_is_broken_and_its_content_is_estimated(
    name: str, cut: int
) -> None:
    dialect = DIALECTS[name]
    body = whole(dialect)[:-cut]
    reader = passed(dialect, body, [64 * 1024])
    assert reader.output_bytes == pytest.approx(content_bytes(body), rel=0.2)
    assert reader.finish() == b""
    assert reader.failure is not None
    assert reader.failure.kind is FailureKind.BROKEN_STREAM
    assert not reader.is_complete
    assert reader.broken(UpstreamError(reader.failure)) == b""


def test_an_error_at_its_end_is_one() -> None:
    dialect = DIALECTS["openai_chat"]
    body = msgspec.json.encode({"text": "x" * 9000, "error": {"message": "oops", "code": "x"}})
    reader = passed(dialect, body, [1000])
    reader.finish()
    assert reader.failure is not None
    assert not reader.is_complete


def test_what_is_never_long_and_never_ends_is_given_up() -> None:
    reader = LongAnswer(DIALECTS["openai_chat"].survey, b"", 100_000)
    piece = b'{"a":[' + b'{"b":"c"},' * 5000
    passed_on = piece
    while reader.failure is None:
        assert passed_on == piece
        passed_on = reader.feed(piece)
    assert passed_on == b""
    assert reader.failure.kind is FailureKind.BROKEN_STREAM
    assert "100000 bytes" in reader.failure.detail
