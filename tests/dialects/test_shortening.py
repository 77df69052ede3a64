"""Shorter answers: what may be capped, in all dialects, with requests as clients send them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.samples import path as path_of

from penstock.dialects import capability as capabilities
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.message import Request, Role, Text, Tool, Turn
from penstock.dialects.registry import DIALECTS
from penstock.dialects.shortening import quiet_effort, shorten_request

CAP = 128
REQUESTS = Path(__file__).parent.parent / "data" / "requests"
FILES = sorted(REQUESTS.glob("*/*.json"))
# Models that do not think unless they are asked to, and one of each kind that does.
PLAIN = {
    "openai_chat": "gpt-4o",
    "openai_responses": "gpt-4o",
    "anthropic_messages": "claude-haiku-4-5",
    "gemini_generate": "gemini-2.0-flash",
}
LIMITS = {
    "openai_chat": ("max_completion_tokens", "max_tokens"),
    "openai_responses": ("max_output_tokens",),
    "anthropic_messages": ("max_tokens",),
    "gemini_generate": ("maxOutputTokens", "max_output_tokens"),
}
# Of the recorded requests those with a longer limit or none, without tools, JSON and thinking.
SHORTENED = {
    "openai_chat/cached", "openai_chat/instructions_midway", "openai_chat/picture_and_file",
    "openai_chat/plain", "openai_chat/refused_before",
    "openai_responses/handed_back", "openai_responses/instructions_midway",
    "openai_responses/picture_and_file", "openai_responses/plain",
    "openai_responses/refused_before",
    "anthropic_messages/plain",
    "gemini_generate/documents", "gemini_generate/plain",
}  # fmt: skip


def inquiry_of(dialect: Dialect, body: dict[str, Any]) -> Inquiry:
    """What the dialect sees of a body."""
    return dialect.inquire(json.dumps(body).encode(), path_of(dialect))


def shortened(dialect: Dialect, inquiry: Inquiry, model: str, cap: int = CAP) -> Inquiry:
    """A request for a shorter answer of a model."""
    return dialect.shorten(inquiry, model, capabilities.of(dialect.name, model), cap)


def limits_of(dialect: Dialect, body: bytes) -> list[object]:
    """The limits that stand in a body."""
    fields: dict[str, Any] = json.loads(body)
    if dialect.name == "gemini_generate":
        fields = fields.get("generationConfig") or fields.get("generation_config") or {}
    return [fields[name] for name in LIMITS[dialect.name] if name in fields]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_requests_of_clients(file: Path) -> None:
    dialect = DIALECTS[file.parent.name]
    inquiry = dialect.inquire(file.read_bytes(), path_of(dialect))
    shorter = shortened(dialect, inquiry, PLAIN[dialect.name])
    if f"{dialect.name}/{file.stem}" not in SHORTENED:
        assert shorter is inquiry
        return
    assert shorter is not inquiry
    body = dialect.forward(shorter, "other", asks_usage=False)
    assert limits_of(dialect, body) == [CAP]
    before, after = json.loads(inquiry.body), json.loads(shorter.body)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= {*LIMITS[dialect.name], "generationConfig"}
    assert inquiry.fields != shorter.fields
    assert json.loads(inquiry.body) == json.loads(file.read_bytes())  # the caller's is left alone


@pytest.mark.parametrize("name", DIALECTS)
@given(asked=st.integers(0, 400), cap=st.integers(16, 300))
def test_a_cap_never_raises_and_is_kept(name: str, asked: int, cap: int) -> None:
    dialect = DIALECTS[name]
    for limit in LIMITS[name]:
        inquiry = inquiry_of(dialect, limited(name, limit, asked))
        shorter = shortened(dialect, inquiry, PLAIN[name], cap)
        assert limits_of(dialect, shorter.body) == [min(asked, cap)]
        assert (shorter is inquiry) is (asked <= cap)


def limited(name: str, limit: str, tokens: object) -> dict[str, Any]:
    """A plain request with a limit."""
    if name == "gemini_generate":
        spelt = "generation_config" if "_" in limit else "generationConfig"
        return {"contents": [{"parts": [{"text": "hi"}]}], spelt: {limit: tokens, "topK": 3}}
    if name == "openai_responses":
        return {"model": "m", "input": "hi", limit: tokens}
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], limit: tokens}


@pytest.mark.parametrize("name", ["openai_chat", "openai_responses", "gemini_generate"])
@pytest.mark.parametrize("limit", [None, "many", 1.5, [1]])
def test_limits_that_are_none(name: str, limit: object) -> None:
    dialect = DIALECTS[name]
    inquiry = inquiry_of(dialect, limited(name, LIMITS[name][0], limit))
    shorter = shortened(dialect, inquiry, PLAIN[name])
    assert limits_of(dialect, shorter.body) == [CAP if limit is None else limit]


@pytest.mark.parametrize(
    ("dialect", "model", "effort"),
    [
        ("openai_chat", "gpt-4o", ""),
        ("openai_chat", "gpt-5", "minimal"),
        ("openai_chat", "gpt-5.1", "none"),
        ("openai_responses", "gpt-5.6", "none"),
        ("openai_chat", "o3", None),
        ("openai_chat", "gpt-oss:20b", None),
        ("openai_chat", "llama-3", ""),
        ("anthropic_messages", "claude-haiku-4-5", ""),
        ("anthropic_messages", "claude-sonnet-5", "none"),
        ("anthropic_messages", "claude-haiku-5-5", None),
        ("anthropic_messages", "some-engine", ""),
        ("gemini_generate", "gemini-2.0-flash", ""),
        ("gemini_generate", "gemini-2.5-flash", "none"),
        ("gemini_generate", "gemini-2.5-pro", None),
        ("gemini_generate", "gemini-3-flash", "minimal"),
        ("gemini_generate", "gemini-3-pro", None),
    ],
)
def test_how_models_are_kept_from_thinking(dialect: str, model: str, effort: str | None) -> None:
    known = capabilities.of(dialect, model)
    assert quiet_effort(dialect, model, known) == effort
    request = Request(dialect="openai_chat", model="m", turns=(Turn(Role.USER, (Text("hi"),)),))
    shorter = shorten_request(request, dialect, model, known, CAP)
    if effort is None:
        assert shorter is request
    else:
        assert (shorter.output_tokens_max, shorter.effort) == (CAP, effort)
    body, dropped = DIALECTS[dialect].write_request(shorter, model, known)
    assert not dropped
    assert limits_of(DIALECTS[dialect], body) == ([] if effort is None else [CAP]) or (
        effort is None and dialect == "anthropic_messages"  # which must have one
    )


@pytest.mark.parametrize(
    ("changes", "cap"),
    [
        ({}, CAP),
        ({"output_tokens_max": 1000}, CAP),
        ({"output_tokens_max": CAP}, None),
        ({"output_tokens_max": 5}, None),
        ({"effort": "none"}, CAP),
        ({"effort": "minimal"}, CAP),
        ({"effort": "low"}, None),
        ({"shows_thinking": True}, None),
        ({"shows_thinking": False}, CAP),
        ({"is_json": True}, None),
        ({"schema": {"type": "object"}}, None),
        ({"tools": (Tool("find", "", {}),)}, None),
    ],
)
def test_common_requests(changes: dict[str, Any], cap: int | None) -> None:
    request = msgspec.structs.replace(Request(dialect="openai_chat", model="m"), **changes)
    known = capabilities.of("gemini_generate", "gemini-2.5-flash")
    shorter = shorten_request(request, "gemini_generate", "gemini-2.5-flash", known, CAP)
    if cap is None:
        assert shorter is request
    else:
        assert shorter.output_tokens_max == cap
        assert shorter.effort == (changes.get("effort") or "none")


def test_a_comment_has_one_line_and_is_no_event() -> None:
    comments = {
        name: one.comment(b"queued position=12\r\neta_s=3.4\n\nevent: x")
        for name, one in DIALECTS.items()
    }
    line = b": queued position=12 eta_s=3.4  event: x\n\n"
    assert comments == {
        "openai_chat": line,
        "openai_responses": line,
        "anthropic_messages": line,
        "gemini_generate": b"\r\n",
    }
