"""Only content counts, whole or cut anywhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects import half_answer
from penstock.dialects.half_answer import content_bytes

CHAT = {"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "x" * 50}}]}
CLAUDE = {"id": "msg_1", "content": [{"type": "text", "text": "x" * 50}], "model": "claude"}
RESPONSES = {"output": [{"content": [{"type": "output_text", "text": "x" * 50}], "id": "m"}]}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "x" * 50}], "role": "model"}}]}


@pytest.mark.parametrize("answer", [CHAT, CLAUDE, RESPONSES, GEMINI])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_the_content_of_each_dialect_is_counted(
    answer: dict[str, object], separators: tuple[str, str]
) -> None:
    assert content_bytes(json.dumps(answer, separators=separators).encode()) == 50


@given(st.text(max_size=60), st.text(max_size=60), st.data())
def test_a_cut_never_adds_and_the_whole_is_all_of_it(
    text: str, arguments: str, data: st.DataObject
) -> None:
    body = json.dumps({"text": text, "id": "z" * 9, "arguments": arguments}).encode()
    whole = len(json.dumps(text)) + len(json.dumps(arguments)) - 4
    assert content_bytes(body) == whole
    at = data.draw(st.integers(0, len(body)))
    assert content_bytes(body[:at]) <= min(at, whole)


def test_what_is_beyond_the_bound_is_taken_as_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_answer, "SCANNED_BYTES_MAX", 1000)
    body = b"[" + b",".join([b'{"text":"12345678"}'] * 500)
    assert content_bytes(body) == pytest.approx(4000, rel=0.03)
    assert content_bytes(b"") == 0
