"""Each row of the table, held against the code."""

from typing import Final

import msgspec
import pytest

from penstock.core.errors import CallerError
from penstock.dialects import capability, verdicts
from penstock.dialects.registry import DIALECTS
from penstock.dialects.verdicts import ROWS, Row, Verdict

Fields = dict[str, object]
HI: Final[Fields] = {"role": "user", "content": "hi"}
CALL: Final[Fields] = {
    "role": "assistant",
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ],
}
RESULT: Final[Fields] = {"role": "tool", "tool_call_id": "c", "content": "ok"}
TOOLS: Final = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
USE: Final[Fields] = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
CLAUDE_TOOLS: Final = [{"name": "f", "input_schema": {"type": "object"}}]
PIXEL: Final = "iVBORw0KGgo="
CLOSED: Final[Fields] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def user(*blocks: Fields) -> Fields:
    return {"messages": [{"role": "user", "content": [*blocks, {"type": "text", "text": "hi"}]}]}


def openai_result(**fields: object) -> Fields:
    return {"messages": [HI, CALL | fields, RESULT], "tools": TOOLS}


def claude_result(*, beside: Fields | None = None, **fields: object) -> Fields:
    result: Fields = {"type": "tool_result", "tool_use_id": "c", "content": "ok"}
    blocks = [USE] if beside is None else [beside, USE]
    turns = [
        HI,
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": [result | fields]},
    ]
    return {"messages": turns, "tools": CLAUDE_TOOLS}


FUNCTION: Final[Fields] = {"type": "function", "function": {"name": "f"}}
STRICT: Final = [
    {"type": "function", "function": {"name": "f", "parameters": CLOSED, "strict": True}}
]
OPENAI_EXAMPLES: Final[dict[str, Fields]] = {
    "model": {},
    "stream": {"stream": True},
    "turns": {"messages": [HI, HI]},
    "system": {"messages": [{"role": "developer", "content": "be brief"}, HI]},
    "later_system": {"messages": [HI, {"role": "system", "content": "be brief"}]},
    "first_turn": {"messages": [{"role": "assistant", "content": "Hello!"}, HI]},
    "prefill": {"messages": [HI, {"role": "assistant", "content": "I"}]},
    "images": user(
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    ),
    "image_detail": user(
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}
    ),
    "files": user({"type": "file", "file": {"file_id": "f"}}),
    "audio_in": user({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}),
    "calls": openai_result(),
    "results": openai_result(),
    "speaker": {"messages": [HI | {"name": "ada"}]},
    "thinking_history": openai_result(reasoning_content="hm"),
    "cache": user({"type": "text", "text": "a", "prompt_cache_breakpoint": {}}),
    "cache_key": {"prompt_cache_key": "k"},
    "cache_options": {"prompt_cache_options": {"mode": "explicit"}},
    "cache_retention": {"prompt_cache_retention": "24h"},
    "output_max": {"max_completion_tokens": 7},
    "output_max_old": {"max_tokens": 7},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "stop": {"stop": ["END"]},
    "seed": {"seed": 7},
    "frequency_penalty": {"frequency_penalty": 1},
    "presence_penalty": {"presence_penalty": 1},
    "logit_bias": {"logit_bias": {"1": 1}},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"top_logprobs": 2},
    "n": {"n": 2},
    "tools": {"tools": TOOLS},
    "tool_strict": {"tools": STRICT},
    "tool_choice": {"tools": TOOLS, "tool_choice": FUNCTION},
    "allowed_tools": {
        "tools": TOOLS,
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [FUNCTION]},
        },
    },
    "parallel": {"tools": TOOLS, "parallel_tool_calls": False},
    "functions": {"functions": [{"name": "f"}]},
    "function_call": {"function_call": "auto"},
    "schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": CLOSED, "strict": True},
        }
    },
    "json": {"response_format": {"type": "json_object"}},
    "effort": {"reasoning_effort": "low"},
    "verbosity": {"verbosity": "low"},
    "user": {"user": "u"},
    "safety_identifier": {"safety_identifier": "u"},
    "metadata": {"metadata": {"a": "b"}},
    "service_tier": {"service_tier": "flex"},
    "store": {"store": True},
    "prediction": {"prediction": {"type": "content", "content": "a"}},
    "moderation": {"moderation": {"model": "m"}},
    "modalities": {"modalities": ["text", "audio"]},
    "audio": {"audio": {"voice": "v"}},
    "web_search": {"web_search_options": {"search_context_size": "low"}},
    "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
}
ANTHROPIC_EXAMPLES: Final[dict[str, Fields]] = {
    "model": {},
    "stream": {"stream": True},
    "turns": {"messages": [HI, HI]},
    "system": {"system": [{"type": "text", "text": "be brief"}]},
    "later_system": {"messages": [HI, {"role": "system", "content": "be brief"}]},
    "first_turn": {"messages": [{"role": "assistant", "content": "Hello!"}, HI]},
    "prefill": {"messages": [HI, {"role": "assistant", "content": "I"}]},
    "images": user(
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
        },
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
    ),
    "files": user({"type": "document", "source": {"type": "base64", "data": "JVBERg=="}}),
    "search_results": user({"type": "search_result", "source": {}, "content": []}),
    "server_tools": {
        "messages": [
            HI,
            {"role": "assistant", "content": [{"type": "server_tool_use", "id": "s"}]},
        ]
    },
    "calls": claude_result(),
    "results": claude_result(),
    "result_images": claude_result(
        content=[{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}]
    ),
    "is_error": claude_result(is_error=True),
    "thinking_history": claude_result(
        beside={"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    ),
    "citations": user({"type": "text", "text": "a", "citations": [{}]}),
    "cache": user({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}),
    "output_max": {"max_tokens": 7},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 5},
    "stop": {"stop_sequences": ["END"]},
    "tools": {"tools": CLAUDE_TOOLS},
    "tool_strict": {"tools": [{"name": "f", "input_schema": CLOSED, "strict": True}]},
    "tool_extras": {"tools": [{"name": "f", "input_schema": CLOSED, "input_examples": [{}]}]},
    "tool_choice": {"tools": CLAUDE_TOOLS, "tool_choice": {"type": "any"}},
    "parallel": {
        "tools": CLAUDE_TOOLS,
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    },
    "schema": {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
    "effort": {"thinking": {"type": "enabled", "budget_tokens": 8192}},
    "display": {"thinking": {"type": "adaptive", "display": "omitted"}},
    "user": {"metadata": {"user_id": "u"}},
    "service_tier": {"service_tier": "auto"},
    "speed": {"speed": "fast"},
    "container": {"container": "c"},
    "mcp": {"mcp_servers": [{"name": "s"}]},
    "context_management": {"context_management": {"edits": [{}]}},
    "diagnostics": {"diagnostics": {"previous_message_id": "m"}},
    "fallbacks": {"fallbacks": [{"model": "m"}]},
    "geo": {"inference_geo": "eu"},
    "profile": {"user_profile_id": "p"},
    "workspace": {"workspace_id": "w"},
}
SIDES: Final = [
    ("openai_chat", "anthropic_messages", "claude-sonnet-4-5", OPENAI_EXAMPLES),
    ("anthropic_messages", "openai_chat", "gpt-oss-20b", ANTHROPIC_EXAMPLES),
]


def translated(source: str, target: str, model: str, fields: Fields) -> tuple[Fields, list[str]]:
    body: Fields = {"model": "m", "messages": [HI]}
    if source == "anthropic_messages":
        body["max_tokens"] = 100
    caller = DIALECTS[source]
    request = caller.read_request(caller.inquire(msgspec.json.encode(body | fields)))
    written, dropped = DIALECTS[target].write_request(request, model, capability.of(target, model))
    DIALECTS[target].inquire(written)
    return msgspec.json.decode(written, type=Fields), list(dropped)


def verdict_and_name(row: Row, source: str) -> tuple[Verdict, str]:
    if source == "openai_chat":
        return row.to_anthropic, row.openai_chat
    return row.to_openai, row.anthropic_messages


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.concept)
@pytest.mark.parametrize("side", SIDES, ids=lambda side: f"from_{side[0]}")
def test_each_row_is_what_the_code_does(
    row: Row, side: tuple[str, str, str, dict[str, Fields]]
) -> None:
    source, target, model, examples = side
    verdict, name = verdict_and_name(row, source)
    assert (verdict is Verdict.ABSENT) is (row.concept not in examples)
    if verdict is Verdict.ABSENT:
        return
    if row.concept == "prefill" and source == "openai_chat":
        model = "claude-opus-4-6"
    fields = examples[row.concept]
    if verdict is Verdict.REFUSED:
        with pytest.raises(CallerError) as caught:
            translated(source, target, model, fields)
        assert caught.value.param
        assert caught.value.param.partition("[")[0] == "messages" or caught.value.param == name
        return
    _, dropped = translated(source, target, model, fields)
    assert dropped == ([] if verdict is Verdict.CARRIED else [name])


@pytest.mark.parametrize("side", SIDES, ids=lambda side: f"from_{side[0]}")
def test_what_asks_for_nothing_is_not_named(
    side: tuple[str, str, str, dict[str, Fields]],
) -> None:
    source, target, model, _ = side
    nothing: Fields = {"logprobs": False, "container": None, "functions": [], "store": False}
    assert translated(source, target, model, nothing)[1] == []


@pytest.mark.parametrize("side", SIDES, ids=lambda side: f"from_{side[0]}")
def test_an_unknown_field_is_named(side: tuple[str, str, str, dict[str, Fields]]) -> None:
    source, target, model, _ = side
    assert translated(source, target, model, {"new_field": 1})[1] == ["new_field"]


def test_a_field_is_named_in_the_callers_words() -> None:
    assert verdicts.name_of("stop", "openai_chat") == "stop"
    assert verdicts.name_of("stop", "anthropic_messages") == "stop_sequences"
    assert verdicts.name_of("seed", "anthropic_messages") == "seed"


def test_concepts_are_named_once() -> None:
    assert len({row.concept for row in ROWS}) == len(ROWS)


def test_the_page_has_every_row() -> None:
    page = verdicts.render()
    for row in ROWS:
        for name in (row.openai_chat, row.anthropic_messages):
            assert not name or f"`{name}`" in page
    assert page.count("\n| `") + page.count("\n|  |") >= len(ROWS)
