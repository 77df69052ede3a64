"""Embedding at Gemini: one text or several, and what other dialects cannot take of it."""

from typing import Any

import msgspec
import pytest

from penstock.core.errors import CallerError, DialectError
from penstock.dialects import embedding
from penstock.dialects.capability import of
from penstock.dialects.contract import Inquiry
from penstock.dialects.embedding import EmbedRequest
from penstock.dialects.gemini_generate.embed import GeminiBatchEmbed, GeminiEmbed

ONE, BATCH = GeminiEmbed(), GeminiBatchEmbed()
TEXT: dict[str, Any] = {"content": {"parts": [{"text": "weir"}]}}


def one_of(**fields: object) -> Inquiry:
    return ONE.inquire(msgspec.json.encode(TEXT | fields), b"/v1/models/route:embedContent")


def batch_of(*requests: object) -> Inquiry:
    body = msgspec.json.encode({"requests": requests})
    return BATCH.inquire(body, b"/v1beta/models/route:batchEmbedContents")


def test_the_path_names_the_model() -> None:
    assert one_of().model == batch_of(TEXT).model == "route"
    assert ONE.path("m", is_stream=False) == b"/models/m:embedContent"
    assert BATCH.path("m", is_stream=False) == b"/models/m:batchEmbedContents"
    with pytest.raises(DialectError, match="requests must be a list"):
        BATCH.inquire(b'{"requests":{}}', b"/v1/models/m:batchEmbedContents")
    with pytest.raises(DialectError, match="content is missing"):
        ONE.inquire(b"{}", b"/v1/models/m:embedContent")


def test_the_same_dialect_changes_the_model_only() -> None:
    more = {"taskType": "X", "title": "T", "outputDimensionality": 8}
    plain = one_of(**more)
    assert ONE.forward(plain, "m", asks_usage=False) is plain.body
    named = ONE.forward(one_of(model="models/route", **more), "m", asks_usage=False)
    assert msgspec.json.decode(named) == TEXT | more | {"model": "models/m"}
    batch = BATCH.forward(batch_of(TEXT | more, TEXT), "m", asks_usage=False)
    assert msgspec.json.decode(batch) == {
        "requests": [TEXT | more | {"model": "models/m"}, TEXT | {"model": "models/m"}]
    }
    broken = batch_of(7)
    assert BATCH.forward(broken, "m", asks_usage=False) is broken.body


def test_what_is_lost_is_named_once() -> None:
    more = {"task_type": "X", "title": "T"}
    request = embedding.request_of(BATCH.read_request(batch_of(TEXT | more, TEXT | more)))
    assert request.dropped == ("taskType", "title")
    assert request.inputs == ("weir", "weir")
    parts = {"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "output_dimensionality": 3}
    request = embedding.request_of(BATCH.read_request(batch_of(parts)))
    assert (request.inputs, request.dimensions) == (("a\nb",), 3)
    assert request.dropped == ("content.parts",)


SOUND: dict[str, Any] = {"content": {"parts": [{"inlineData": {}}]}}
EMPTY: dict[str, Any] = {"content": {"parts": []}}


@pytest.mark.parametrize(
    ("requests", "param"),
    [
        ([SOUND], "requests[0].content.parts"),
        ([TEXT, EMPTY], "requests[1].content.parts"),
        ([TEXT, TEXT | {"outputDimensionality": 8}], "requests.outputDimensionality"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(requests: list[object], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        BATCH.read_request(batch_of(*requests))
    assert caught.value.param == param


@pytest.mark.parametrize("request_", [7, {}, {"content": 7}])
def test_what_is_not_understood_is_the_callers_fault(request_: object) -> None:
    with pytest.raises(CallerError, match="not understood"):
        BATCH.read_request(batch_of(request_))


def test_others_send_a_batch() -> None:
    request = EmbedRequest(dialect="x", model="r", inputs=("a", "b"), dimensions=8, user="u")
    body, dropped = BATCH.write_request(request, "m", of("gemini_generate", "m"))
    shared = {"model": "models/m", "outputDimensionality": 8}
    assert msgspec.json.decode(body) == {
        "requests": [shared | {"content": {"parts": [{"text": text}]}} for text in "ab"]
    }
    assert dropped == ("user",)


def test_usage_may_be_missing() -> None:
    body = b'{"embedding":{"values":[1,2]}}'
    assert not ONE.survey(body).usage.is_known
    usage = ONE.survey(b'{"embedding":{},"usageMetadata":{"totalTokenCount":4}}').usage
    assert (usage.input_tokens, usage.is_known) == (4, True)
    assert ONE.survey(b'{"error":{"code":503,"status":"UNAVAILABLE"}}').failure is not None
