"""Requests are read strictly: any body gives an answer's worth or an error with a status."""

import json
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.answer import compose
from penstock.apps.emulate.ask import Ask, TroubleError
from penstock.apps.emulate.claude import Claude
from penstock.apps.emulate.dialect import Dialect, FrameKind, Query, Said
from penstock.apps.emulate.gemini import Gemini
from penstock.apps.emulate.gpt import Chat, CompatibleChat
from penstock.apps.emulate.responses import Responses
from penstock.apps.emulate.responses_request import ResponsesRequest

HEADERS = {b"anthropic-version": b"2026-10-21"}
GEMINI_PATH = "/v1beta/models/gemini-3.7-flash:streamGenerateContent"
DIALECTS: list[tuple[Dialect, str, str]] = [
    (Claude(), "/v1/messages", "claude-sonnet-5-5"),
    (Chat(), "/chat/completions", "gpt-5.6"),
    (Responses(), "", "gpt-5.6"),
    (CompatibleChat(), "/chat/completions", "gemini-3.7-flash"),
    (Gemini(), GEMINI_PATH, "gemini-3.7-flash"),
]
NAMES = (
    "role", "content", "type", "text", "parts", "tools", "name", "function", "input_schema",
    "functionDeclarations", "tool_choice", "stop", "stop_sequences", "thinking", "n", "id",
    "input", "call_id", "output", "reasoning", "summary", "include", "encrypted_content", "schema",
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        [
            "user",
            "assistant",
            "tool",
            "text",
            "function",
            "auto",
            "any",
            "model",
            "message",
            "reasoning",
            "function_call",
            "json_schema",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=15,
)
FIELDS = st.dictionaries(st.sampled_from([*NAMES, "stream", "contents", "messages"]), VALUES)


def read(dialect: Dialect, query: Query) -> Ask | TroubleError:
    """Return what a dialect makes of a request."""
    try:
        return dialect.read(query)
    except TroubleError as trouble:
        return trouble


@given(st.sampled_from(DIALECTS), FIELDS | VALUES | st.binary(max_size=30))
def test_any_body_is_answered_or_refused(where: tuple[Dialect, str, str], body: Any) -> None:
    dialect, path, model = where
    if isinstance(body, dict):
        fields = cast("dict[str, Any]", body)
        usual: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
        if isinstance(dialect, Responses):  # it refuses fields that it does not know
            known = ResponsesRequest.__struct_fields__
            fields = {name: value for name, value in fields.items() if name in known}
            usual = {"input": "hi"}
        body = usual | fields | {"model": model}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    ask = read(dialect, Query("POST", path, {"alt": "sse"}, HEADERS, content))
    if isinstance(ask, TroubleError):
        assert 400 <= ask.status < 500
        assert json.loads(dialect.error(ask, "req"))
        return
    said = Said(ask=ask, answer=compose(ask, 1), nonce="f" * 24, created_unix_s=1)
    assert json.loads(dialect.whole(said))
    frames = list(dialect.frames(said))
    assert sum(frame.tokens for frame in frames) == said.answer.output_tokens
    assert any(frame.kind is FrameKind.FINISH for frame in frames)


@pytest.mark.parametrize("where", DIALECTS)
def test_a_deep_body_is_refused(where: tuple[Dialect, str, str]) -> None:
    dialect, path, _ = where
    body = b'{"messages":' + b"[" * 100_000
    with pytest.raises(TroubleError) as caught:
        dialect.read(Query("POST", path, {"alt": "sse"}, HEADERS, body))
    assert caught.value.status == 400


def test_ids_differ_and_are_of_the_providers_shape() -> None:
    nonces = [f"{Random(seed).getrandbits(96):024x}" for seed in range(2)]
    assert len({Claude().request_id(nonce) for nonce in nonces}) == 2
    assert Claude().request_id(nonces[0]).startswith("req_01")
    assert Chat().request_id(nonces[0]).startswith("req_")
