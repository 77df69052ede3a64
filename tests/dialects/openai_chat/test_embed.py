"""Embeddings in OpenAI's shape: what passes, what is refused, and how vectors are packed."""

from typing import Any

import msgspec
import pytest

from penstock.core.errors import CallerError, DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects import embedding
from penstock.dialects.capability import of
from penstock.dialects.contract import Inquiry
from penstock.dialects.embedding import EmbedAnswer, EmbedRequest
from penstock.dialects.message import Usage
from penstock.dialects.openai_chat.embed import OpenAIEmbeddings

EMBED = OpenAIEmbeddings()


def inquiry_of(**fields: object) -> Inquiry:
    return EMBED.inquire(msgspec.json.encode({"model": "route", "input": "weir"} | fields))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"model":"m"}', "input is missing"),
        (b'{"model":"m","input":7}', "input must be"),
        (b'{"input":"x"}', "model is missing"),
        (b"[]", "not a JSON object"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, message: str) -> None:
    with pytest.raises(DialectError, match=message):
        EMBED.inquire(body)


@pytest.mark.parametrize("given", ["weir", ["a", "b"], [1, 2], [[1], [2]]])
def test_the_same_dialect_changes_the_model_only(given: object) -> None:
    inquiry = inquiry_of(input=given, encoding_format="base64", future=1)
    assert EMBED.forward(inquiry, "route", asks_usage=False) is inquiry.body
    sent: dict[str, Any] = msgspec.json.decode(EMBED.forward(inquiry, "m", asks_usage=False))
    assert sent == msgspec.json.decode(inquiry.body) | {"model": "m"}


@pytest.mark.parametrize("given", [[1, 2], [[1], [2]], ["a", 1]])
def test_tokens_go_nowhere_else(given: object) -> None:
    with pytest.raises(CallerError, match="tokens") as caught:
        EMBED.read_request(inquiry_of(input=given))
    assert caught.value.param == "input"


@pytest.mark.parametrize("encoding", ["hex", 7])
def test_another_encoding_is_refused(encoding: object) -> None:
    with pytest.raises(CallerError, match="float or base64"):
        EMBED.read_request(inquiry_of(encoding_format=encoding))


def test_what_is_lost_is_named() -> None:
    request = EMBED.read_request(inquiry_of(user="u", future={"x": 1}, nothing=None))
    assert (request.user, request.dropped) == ("u", ("future",))


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_vectors_are_packed_as_asked(encoding: str | None) -> None:
    answer = EmbedAnswer(vectors=((1.0, -2.0),), usage=Usage(input_tokens=3, is_known=True))
    body: dict[str, Any] = msgspec.json.decode(
        EMBED.write_answer(answer, inquiry_of(encoding_format=encoding), 0)
    )
    assert body["data"][0]["embedding"] == ("AACAPwAAAMA=" if encoding == "base64" else [1.0, -2.0])
    assert body["model"] == "route"
    assert body["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_usage_is_estimated_where_nobody_gave_it() -> None:
    answer = EmbedAnswer(vectors=((1.0,),), usage=Usage())
    body = EMBED.write_answer(answer, inquiry_of(input="x" * 398), 0)
    assert msgspec.json.decode(body)["usage"]["prompt_tokens"] == 100


def test_vectors_are_read_in_the_order_of_their_index() -> None:
    body = b'{"data":[{"index":1,"embedding":"AAAAwA=="},{"index":0,"embedding":[1]}]}'
    made = embedding.answer_of(EMBED.read_answer(body), 2)
    assert made.vectors == ((1.0,), (-2.0,))
    assert not made.usage.is_known


def test_others_ask_for_floats() -> None:
    request = EmbedRequest(dialect="x", model="m", inputs=("a",), dimensions=8, dropped=("title",))
    body, dropped = EMBED.write_request(request, "n", of("openai_chat", "n"))
    assert msgspec.json.decode(body) == {
        "model": "n", "input": ["a"], "dimensions": 8, "encoding_format": "float",
    }  # fmt: skip
    assert dropped == ("title",)


def test_an_error_under_200_is_a_failure() -> None:
    failure = EMBED.survey(b'{"error":{"message":"busy","code":"server_error"}}').failure
    assert failure is not None
    assert failure.kind is FailureKind.SERVER_ERROR
    with pytest.raises(DialectError):
        EMBED.survey(b'{"object":"list"}')
