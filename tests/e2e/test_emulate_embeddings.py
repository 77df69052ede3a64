"""Embeddings through the official SDKs: vectors that repeat, in every form that is offered."""

import math
from typing import Any

import openai
import pytest
from google.genai import errors
from tests.e2e.emulator import RunningEmulator

SMALL, LARGE, GEMINI = "text-embedding-3-small", "text-embedding-3-large", "gemini-embedding-001"
TEXTS = ["What is a weir?", "What is a lock?"]


def test_vectors_repeat_in_both_encodings(gpt: Any) -> None:
    plain = gpt.embeddings.create(model=SMALL, input=TEXTS, encoding_format="float")
    packed = gpt.embeddings.create(model=SMALL, input=TEXTS)  # the SDK asks for base64
    assert [one.index for one in plain.data] == [0, 1]
    for one, other in zip(plain.data, packed.data, strict=True):
        assert len(one.embedding) == 1_536
        assert math.isclose(math.hypot(*one.embedding), 1.0, abs_tol=1e-5)
        assert one.embedding == pytest.approx(other.embedding, abs=1e-9)
    assert plain.data[0].embedding != plain.data[1].embedding
    assert (plain.usage.prompt_tokens, plain.usage.total_tokens) == (8, 8)
    assert plain.model == SMALL


@pytest.mark.parametrize(
    ("given", "count", "tokens"),
    [("one", 1, 1), (["one", "two"], 2, 2), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)],
)
def test_every_form_of_input_is_taken(gpt: Any, given: Any, count: int, tokens: int) -> None:
    made = gpt.embeddings.create(model=LARGE, input=given, dimensions=5)
    assert [len(one.embedding) for one in made.data] == [5] * count
    assert made.usage.prompt_tokens == tokens


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": "gpt-5.6"}, openai.NotFoundError),
        ({"input": []}, openai.BadRequestError),
        ({"input": ""}, openai.BadRequestError),
        ({"input": ["a", ""]}, openai.BadRequestError),
        ({"input": ["a", 1]}, openai.BadRequestError),
        ({"input": ["a"] * 2_049}, openai.BadRequestError),
        ({"input": "long " * 8_000}, openai.BadRequestError),
        ({"dimensions": 1_537}, openai.BadRequestError),
        ({"encoding_format": "hex"}, openai.BadRequestError),
    ],
)
def test_what_the_real_one_refuses_is_refused(
    gpt: Any, change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        gpt.embeddings.create(model=SMALL, input="hi", extra_body=change)


def test_an_embedder_does_not_speak(gpt: Any, gemini: Any) -> None:
    with pytest.raises(openai.NotFoundError):
        gpt.chat.completions.create(model=SMALL, messages=[{"role": "user", "content": "hi"}])
    assert SMALL in [model.id for model in gpt.models.list()]
    assert gpt.models.retrieve(SMALL).id == SMALL
    assert gemini.get(model=GEMINI).supported_actions == ["embedContent", "batchEmbedContents"]


def test_gemini_embeds_in_batches_and_one_by_one(emulator: RunningEmulator, gemini: Any) -> None:
    made = gemini.embed_content(
        model=GEMINI, contents=TEXTS, config={"output_dimensionality": 8, "task_type": "X"}
    )
    assert [len(one.values) for one in made.embeddings] == [8, 8]
    body = {"content": {"parts": [{"text": TEXTS[0]}]}, "outputDimensionality": 8}
    for version in ("v1", "v1beta"):
        path = f"/gemini/{version}/models/{GEMINI}:embedContent"
        received, _ = emulator.exchange(path, body)
        assert received.startswith(b"HTTP/1.1 200")
        assert b'"embedding":{"values":[%r' % made.embeddings[0].values[0] in received
    with pytest.raises(errors.ClientError):
        gemini.embed_content(model=GEMINI, contents=TEXTS, config={"output_dimensionality": 9_999})
    with pytest.raises(errors.ClientError):
        gemini.embed_content(model="gemini-3-pro", contents=TEXTS[0])


def test_gemini_embeds_at_its_compatible_endpoint(compatible: Any, gemini: Any) -> None:
    made = compatible.embeddings.create(model=GEMINI, input=TEXTS[0], dimensions=8)
    own = gemini.embed_content(model=GEMINI, contents=TEXTS[0], config={"output_dimensionality": 8})
    assert made.data[0].embedding == pytest.approx(own.embeddings[0].values, abs=1e-9)


def test_embeddings_are_attempts_that_faults_strike(emulator: RunningEmulator, gpt: Any) -> None:
    emulator.faults({"kind": "http_503", "model": "text-embedding-*"})
    with pytest.raises(openai.InternalServerError):
        gpt.embeddings.create(model=SMALL, input="hi")
    emulator.faults({"kind": "garbage_body"})
    with pytest.raises((openai.APIError, ValueError)):
        gpt.embeddings.create(model=SMALL, input="hi")
    emulator.faults()
    gpt.embeddings.create(model=SMALL, input="hi")
    outcomes = [attempt["outcome"] for attempt in emulator.attempts()]
    assert outcomes == ["faulted:http_503", "faulted:garbage_body", "complete"]
    last = emulator.attempts()[-1]
    assert (last["dialect"], last["model"], last["input_tokens"]) == ("openai_embeddings", SMALL, 1)
