"""Answers in each dialect, wherever their bytes are cut."""

import itertools
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.drill.driving.reading import LENGTH, STOP, Answer, trouble_in

WORDS = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=8)


def event(document: object, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(document)}\n\n".encode()


def openai(words: list[str], finish: str) -> bytes:
    def chunk(delta: dict[str, Any], why: str | None = None) -> bytes:
        return event({"choices": [{"index": 0, "delta": delta, "finish_reason": why}]})

    usage = event({"choices": [], "usage": {"completion_tokens": len(words)}})
    said = b"".join(chunk({"content": word}) for word in words)
    seam = b": penstock continued by gpt\n\n"
    head = chunk({"role": "assistant", "content": ""})
    return head + said + seam + chunk({}, finish) + usage + b"data: [DONE]\n\n"


def anthropic(words: list[str], finish: str) -> bytes:
    def delta(word: str) -> bytes:
        told = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": word}}
        return event(told, "content_block_delta")

    thought = {
        "type": "content_block_delta",
        "delta": {"type": "thinking_delta", "thinking": "hm"},
    }
    ended = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn" if finish == STOP else "max_tokens"},
        "usage": {"output_tokens": len(words)},
    }
    start = event({"type": "message_start", "message": {"content": []}}, "message_start")
    said = event({"type": "ping"}) + event(thought) + b"".join(delta(word) for word in words)
    return start + said + event(ended) + event({"type": "message_stop"})


def gemini(words: list[str], finish: str) -> bytes:
    def chunk(word: str, **more: str) -> bytes:
        parts = [{"text": "hm", "thought": True}, {"text": word}]
        return event({"candidates": [{"content": {"parts": parts}, **more}]})

    usage = event({"usageMetadata": {"candidatesTokenCount": len(words)}})
    said = b"".join(chunk(word) for word in words)
    return said + chunk("", finishReason="STOP" if finish == STOP else "MAX_TOKENS") + usage


MAKERS: Final = {"openai_chat": openai, "anthropic_messages": anthropic, "gemini_generate": gemini}


@given(
    dialect=st.sampled_from(sorted(MAKERS)),
    words=WORDS,
    finish=st.sampled_from([STOP, LENGTH]),
    cuts=st.lists(st.integers(0, 3000), max_size=6),
)
def test_the_same_wherever_it_is_cut(
    dialect: str, words: list[str], finish: str, cuts: list[int]
) -> None:
    data = MAKERS[dialect](words, finish)
    at = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    answer = Answer(dialect)
    pieces = sum(answer.feed(data[a:b]) for a, b in itertools.pairwise(at))
    assert answer.text == "".join(words)
    assert pieces == len(words)
    assert answer.finish == finish
    assert answer.output_tokens == len(words)
    assert answer.trouble is None
    assert answer.seams == (dialect == "openai_chat")


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (
            "openai_chat",
            {
                "choices": [{"message": {"content": "dam"}, "finish_reason": "stop"}],
                "usage": {"completion_tokens": 1},
            },
        ),
        (
            "anthropic_messages",
            {
                "type": "message",
                "content": [{"type": "thinking"}, {"type": "text", "text": "dam"}],
                "stop_reason": "end_turn",
                "usage": {"output_tokens": 1},
            },
        ),
        (
            "gemini_generate",
            {
                "candidates": [{"content": {"parts": [{"text": "dam"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"candidatesTokenCount": 1},
            },
        ),
    ],
)
def test_an_answer_in_one_piece(dialect: str, body: object) -> None:
    answer = Answer(dialect)
    answer.whole(json.dumps(body).encode())
    assert (answer.text, answer.finish, answer.output_tokens) == ("dam", STOP, 1)


@given(dialect=st.sampled_from(sorted(MAKERS)), data=st.binary(max_size=200))
def test_nothing_makes_it_fall(dialect: str, data: bytes) -> None:
    Answer(dialect).feed(b"data: " + data + b"\n\n")
    answer = Answer(dialect)
    answer.whole(data)
    assert answer.trouble is not None or answer.text == ""
    assert trouble_in(data).code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": "no_capacity", "type": "server_error"}}, "no_capacity"),
        ({"type": "error", "error": {"type": "overloaded_error"}}, "overloaded_error"),
        ([{"error": {"code": 503, "status": "UNAVAILABLE"}}], "UNAVAILABLE"),
        ({"error": "words"}, "error"),
    ],
)
def test_the_code_of_an_error(body: object, code: str) -> None:
    assert trouble_in(json.dumps(body).encode()).code == code


def test_an_error_event_is_kept_behind_the_words() -> None:
    answer = Answer("anthropic_messages")
    answer.feed(anthropic(["dam"], STOP).partition(b'data: {"type": "message_delta')[0])
    answer.feed(event({"type": "error", "error": {"type": "overloaded_error"}}, "error"))
    assert answer.text == "dam"
    assert answer.trouble is not None
    assert answer.trouble.code == "overloaded_error"
