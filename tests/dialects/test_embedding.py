"""Vectors keep their numbers in base64, and their count in any case; in every pair of siblings."""

import contextlib
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import CallerError, DialectError
from penstock.dialects import embedding
from penstock.dialects.capability import of
from penstock.dialects.concepts import Verdict
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.embedding import EmbedAnswer
from penstock.dialects.message import Usage
from penstock.dialects.operation import Operation
from penstock.dialects.pairs import rows, verdict
from penstock.dialects.registry import EMBEDDERS, ENDPOINTS, ONE_BY_ONE, VECTORS

SIBLINGS = [one.dialect for one in ENDPOINTS.values() if one.operation is Operation.EMBED]
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)
every_sibling = pytest.mark.parametrize("sibling", SIBLINGS, ids=lambda one: one.name)


def asked(sibling: Dialect, texts: list[str], dimensions: int | None = None) -> Inquiry:
    """Return a request of a caller."""
    size = {} if dimensions is None else {"outputDimensionality": dimensions}
    contents = [{"content": {"parts": [{"text": text}]}} | size for text in texts]
    if sibling is EMBEDDERS["openai_chat"]:
        size = {} if dimensions is None else {"dimensions": dimensions}
        return sibling.inquire(msgspec.json.encode({"model": "m", "input": texts} | size))
    if sibling is ONE_BY_ONE["gemini_generate"]:
        return sibling.inquire(msgspec.json.encode(contents[0]), b"/v1/models/m:embedContent")
    body = msgspec.json.encode({"requests": contents})
    return sibling.inquire(body, b"/v1/models/m:batchEmbedContents")


@given(st.lists(SINGLES))
def test_base64_keeps_single_precision(values: list[float]) -> None:
    assert embedding.unpacked(embedding.packed(tuple(values))) == tuple(values)


def test_base64_is_what_openais_sdk_reads() -> None:
    assert embedding.packed((1.0, -2.0)) == "AACAPwAAAMA="
    assert struct.unpack("<2f", bytes.fromhex("0000803f000000c0")) == (1.0, -2.0)


@given(st.text(max_size=40))
def test_what_is_no_vector_is_refused(text: str) -> None:
    with contextlib.suppress(DialectError):
        assert len(embedding.unpacked(text)) * 4 <= len(text)
    with pytest.raises(DialectError):
        embedding.unpacked("AAA=")
    with pytest.raises(DialectError, match="too large"):
        embedding.packed((1e300,))


@every_sibling
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1),
    dimensions=st.none() | st.integers(1),
)
def test_texts_reach_every_other(
    sibling: Dialect, texts: list[str], dimensions: int | None
) -> None:
    texts = texts[:1] if sibling is ONE_BY_ONE["gemini_generate"] else texts
    request = sibling.read_request(asked(sibling, texts, dimensions))
    assert embedding.request_of(request).inputs == tuple(texts)
    for other in (EMBEDDERS["openai_chat"], EMBEDDERS["gemini_generate"]):
        body, dropped = other.write_request(request, "m", of("openai_chat", "m"))
        assert dropped == ()
        path = b"/v1/models/m:batchEmbedContents"
        again = embedding.request_of(other.read_request(other.inquire(body, path)))
        assert (again.inputs, again.dimensions) == (tuple(texts), dimensions)


@every_sibling
@given(values=st.lists(SINGLES, min_size=1, max_size=5), count=st.integers(1, 4))
def test_vectors_come_back_in_order(sibling: Dialect, values: list[float], count: int) -> None:
    count = 1 if sibling is ONE_BY_ONE["gemini_generate"] else count
    vectors = tuple((*values, float(at)) for at in range(count))
    answer = EmbedAnswer(vectors=vectors, usage=Usage(input_tokens=7, is_known=True))
    body = sibling.write_answer(answer, asked(sibling, ["x"] * count), 0)
    again = sibling.read_answer(body)
    assert embedding.answer_of(again, count).vectors == vectors
    assert sibling.survey(body).usage == answer.usage == again.usage


@every_sibling
def test_a_vector_too_few_or_too_many_is_no_answer(sibling: Dialect) -> None:
    answer = EmbedAnswer(vectors=((1.0,), (2.0,), (3.0,)), usage=Usage())
    for count in (1, 2, 4):
        with pytest.raises(DialectError, match="3 vectors"):
            sibling.write_answer(answer, asked(sibling, ["x"] * count), 0)
        if sibling is ONE_BY_ONE["gemini_generate"]:
            break


@every_sibling
@given(
    body=st.binary()
    | st.from_regex(rb'\{"(data|embeddings?|usage|usageMetadata|error)":[\[\]{}\d"n]{0,6}\}')
)
def test_any_bytes_raise_only_what_they_may(sibling: Dialect, body: bytes) -> None:
    for read in (sibling.survey, sibling.read_answer):
        with contextlib.suppress(DialectError):
            read(body)
    path = sibling.path("m", is_stream=False)
    with contextlib.suppress(DialectError, CallerError):
        inquiry = sibling.inquire(body, path)
        sibling.forward(inquiry, "n", asks_usage=False)
        sibling.read_request(inquiry)


# --- the tables

ROWS: dict[str, dict[str, dict[str, Any]]] = {
    "openai_embeddings": {
        "model": {},
        "inputs": {"input": ["a", "b"]},
        "tokens": {"input": [1, 2]},
        "dimensions": {"dimensions": 8},
        "encoding": {"encoding_format": "base64"},
        "user": {"user": "u"},
    },
    "gemini_batch_embed": {
        "model": {"model": "models/m"},
        "inputs": {},
        "parts": {"content": {"parts": [{"text": "a"}, {"text": "b"}]}},
        "media": {"content": {"parts": [{"inlineData": {"mimeType": "image/png"}}]}},
        "dimensions": {"outputDimensionality": 8},
        "task_type": {"taskType": "RETRIEVAL_QUERY"},
        "title": {"title": "T"},
    },
}
CASES = [(caller, concept, name) for caller in VECTORS for concept, name in rows(caller, VECTORS)]


@pytest.mark.parametrize(("caller", "concept", "name"), CASES)
def test_each_row_is_what_the_code_does(caller: str, concept: str, name: str) -> None:
    (other,) = set(VECTORS) - {caller}
    fields = ROWS[caller][concept]
    body = {"model": "m", "input": "a"} | fields
    if caller == "gemini_batch_embed":
        body = {"requests": [{"content": {"parts": [{"text": "a"}]}} | fields]}
    path = b"/v1/models/m:batchEmbedContents"
    inquiry = VECTORS[caller].inquire(msgspec.json.encode(body), path)
    given = verdict(concept, other, VECTORS)
    if given is Verdict.REFUSED:
        with pytest.raises(CallerError) as caught:
            VECTORS[caller].read_request(inquiry)
        assert caught.value.param.partition("[")[0] in (name.partition(" ")[0], "requests")
        return
    request = VECTORS[caller].read_request(inquiry)
    _, dropped = VECTORS[other].write_request(request, "m", of("openai_chat", "m"))
    assert list(dropped) == ([] if given is Verdict.CARRIED else [name])


def test_both_tables_have_the_same_concepts() -> None:
    first, second = (list(dialect.concepts) for dialect in VECTORS.values())
    assert first == second
