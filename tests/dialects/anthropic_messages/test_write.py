"""Anthropic Messages requests, as they are written: nothing that Claude would refuse."""

import re
from typing import Any

import msgspec
import pytest

from penstock.core.errors import CallerError
from penstock.dialects import capability
from penstock.dialects.anthropic_messages.passthrough import inquire
from penstock.dialects.anthropic_messages.request import read_request
from penstock.dialects.anthropic_messages.write import write_request
from penstock.dialects.message import (
    CachePoint,
    ChoiceMode,
    Document,
    Image,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from penstock.dialects.registry import DIALECTS

Fields = dict[str, object]
HI = Turn(Role.USER, (Text("hi"),))
TOOL = Tool("f", "", {"type": "object"})
CALLED = (
    HI,
    Turn(Role.ASSISTANT, (ToolCall("t", "f", "{}"),)),
    Turn(Role.USER, (ToolResult("t", (Text("ok"),)),)),
)
FORCED = ToolChoice(ChoiceMode.REQUIRED)


def write(model: str = "claude-opus-4-6", **fields: object) -> tuple[Any, tuple[str, ...]]:
    request = Request(
        dialect="openai_chat", concepts=DIALECTS["openai_chat"].concepts, model="m", turns=(HI,)
    )
    body, dropped = write_request(
        msgspec.structs.replace(request, **fields), model, capability.claude(model)
    )
    return msgspec.json.decode(body), dropped


@pytest.mark.parametrize(
    ("model", "asked", "sent", "dropped"),
    [
        ("claude-sonnet-4-5-20250929", None, 64_000, ()),
        ("claude-3-5-haiku-latest", None, 8192, ()),
        ("claude-sonnet-9", None, 32_000, ()),
        ("local", None, 8192, ()),
        ("claude-sonnet-4-5", 7, 7, ()),
        ("claude-opus-4-1", 50_000, 32_000, ("max_completion_tokens",)),
        ("claude-sonnet-9", 50_000, 50_000, ()),
    ],
)
def test_output_always_has_a_maximum(
    model: str, asked: int | None, sent: int, dropped: tuple[str, ...]
) -> None:
    body, named = write(model, output_tokens_max=asked)
    assert body["max_tokens"] == sent
    assert named == dropped


def test_blanks_are_left_out_and_no_turn_is_empty() -> None:
    turns = (HI, Turn(Role.ASSISTANT, (Text(" \n"),)), HI)
    body, _ = write(turns=turns)
    assert [message["role"] for message in body["messages"]] == ["user", "user"]


def test_the_user_begins() -> None:
    body, dropped = write(turns=(Turn(Role.ASSISTANT, (Text("Hello!"),)), HI))
    assert body["messages"][0] == {"role": "user", "content": "."}
    assert dropped == ("messages[0]",)


def test_ids_are_in_the_alphabet_and_used_once() -> None:
    def called(number: str) -> tuple[Turn, Turn]:
        return (
            Turn(Role.ASSISTANT, (ToolCall("f:0", "f", "{}"),)),
            Turn(Role.USER, (ToolResult("f:0", (Text(number),)),)),
        )

    body, _ = write(turns=(HI, *called("1"), *called("2")))
    used = [message["content"][0] for message in body["messages"][1:]]
    calls = [block["id"] for block in used if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for block in used if block["type"] == "tool_result"]
    assert calls == results
    assert len(set(calls)) == 2
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", call_id) for call_id in calls)


def test_results_keep_their_images_and_errors() -> None:
    picture = Image(media_type="image/png", data="AA==")
    result = ToolResult("t", (Text("no"), Text(" "), picture), is_error=True)
    body, dropped = write(turns=(*CALLED[:2], Turn(Role.USER, (result, Text("so?")))))
    assert body["messages"][-1]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [
                {"type": "text", "text": "no"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
                },
            ],
            "is_error": True,
        },
        {"type": "text", "text": "so?"},
    ]
    assert dropped == ()


def test_a_history_with_calls_needs_tools() -> None:
    body, _ = write(turns=CALLED)
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("model", "place"), [("claude-opus-5", "messages"), ("claude-opus-4-6", "system")]
)
def test_later_instructions_keep_their_authority(model: str, place: str) -> None:
    turns = (HI, Turn(Role.SYSTEM, (Text("be brief"),)), Turn(Role.ASSISTANT, (Text("ok"),)), HI)
    body, dropped = write(model, turns=turns, system="first")
    if place == "messages":
        assert body["messages"][1] == {"role": "system", "content": "be brief"}
        assert (body["system"], dropped) == ("first", ())
    else:
        assert body["system"] == "first\n\nbe brief"
        assert dropped == ("messages.system (later)",)


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, None),
        (ToolChoice(), {"type": "auto"}),
        (ToolChoice(is_parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(ChoiceMode.NONE, is_parallel=False), {"type": "none"}),
        (FORCED, {"type": "any"}),
        (ToolChoice(ChoiceMode.ONE, "f"), {"type": "tool", "name": "f"}),
    ],
)
def test_choices(choice: ToolChoice | None, written: Fields | None) -> None:
    body, _ = write(tools=(TOOL,), tool_choice=choice)
    assert body.get("tool_choice") == written


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        ("claude-opus-5-5", {"tools": (TOOL,), "tool_choice": FORCED}, "tool_choice"),
        ("claude-opus-4-6", {"turns": (HI, Turn(Role.ASSISTANT, (Text("I"),)))}, "messages[-1]"),
        ("claude-opus-4-6", {"turns": ()}, "messages"),
        ("claude-opus-4-6", {"stop": ("\n",)}, "stop"),
    ],
)
def test_what_this_model_cannot_do(model: str, fields: Fields, param: str) -> None:
    with pytest.raises(CallerError) as caught:
        write(model, **fields)
    assert caught.value.param == param


BUDGET = {"type": "enabled", "budget_tokens": 8192}


@pytest.mark.parametrize(
    ("model", "fields", "thinking", "effort", "dropped"),
    [
        ("claude-opus-5", {"effort": "high"}, {"type": "adaptive"}, "high", ()),
        ("claude-opus-5", {"effort": "minimal"}, {"type": "adaptive"}, "low",
         ("reasoning_effort",)),
        ("claude-opus-5", {"effort": "none"}, {"type": "disabled"}, None, ()),
        ("claude-opus-5", {}, None, None, ()),
        ("claude-opus-5", {"effort": "low", "tools": (TOOL,), "tool_choice": FORCED},
         None, "low", ()),
        ("claude-sonnet-4-5", {"effort": "medium"}, BUDGET, None, ()),
        ("claude-sonnet-4-5", {"effort": "none"}, None, None, ()),
        ("claude-sonnet-4-5", {"effort": "max", "output_tokens_max": 4096},
         {"type": "enabled", "budget_tokens": 2048}, None, ("reasoning_effort",)),
        ("claude-sonnet-4-5", {"effort": "medium", "output_tokens_max": 1024},
         None, None, ("reasoning_effort",)),
        ("claude-sonnet-4-5", {"effort": "low", "tools": (TOOL,), "tool_choice": FORCED},
         None, None, ("reasoning_effort",)),
        ("claude-sonnet-4-5", {"effort": "low", "turns": CALLED},
         None, None, ("reasoning_effort",)),
        ("claude-haiku-5-5", {"effort": "low"}, None, None, ("reasoning_effort",)),
    ],
)  # fmt: skip
def test_effort(
    model: str,
    fields: Fields,
    thinking: Fields | None,
    effort: str | None,
    dropped: tuple[str, ...],
) -> None:
    body, named = write(model, **fields)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert named == dropped


@pytest.mark.parametrize(
    ("model", "fields", "written", "dropped"),
    [
        ("claude-opus-4-6", {"temperature": 0.5}, {"temperature": 0.5}, ()),
        ("claude-opus-4-6", {"temperature": 1.5}, {"temperature": 1.0}, ("temperature",)),
        ("claude-opus-4-6", {"top_p": 0.5, "top_k": 3}, {"top_p": 0.5, "top_k": 3}, ()),
        ("claude-opus-4-6", {"temperature": 0, "top_p": 0.5}, {"temperature": 0}, ("top_p",)),
        ("claude-opus-5", {"temperature": 0.5, "top_k": 3}, {}, ("temperature", "top_k")),
        ("claude-sonnet-4-5", {"temperature": 0.5, "effort": "medium"}, {}, ("temperature",)),
    ],
)
def test_sampling(model: str, fields: Fields, written: Fields, dropped: tuple[str, ...]) -> None:
    body, named = write(model, **fields)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == (
        written
    )
    assert named == dropped


def test_json_is_asked_for_in_words() -> None:
    body, dropped = write(is_json=True, system="be brief")
    assert body["system"].startswith("be brief\n\nAnswer with one JSON object")
    assert dropped == ("response_format.json_object",)


def test_a_schema_is_closed() -> None:
    schema: Fields = {"type": "object", "properties": {"a": {"type": "object"}}}
    body, dropped = write(schema=schema, effort="low")
    assert body["output_config"]["format"]["schema"] == {
        "type": "object",
        "properties": {"a": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert body["output_config"]["effort"] == "low"
    assert dropped == ("response_format",)


def test_a_schema_is_put_in_words_where_none_is_taken() -> None:
    body, dropped = write("claude-3-5-haiku", schema={"type": "object"})
    assert '{"type":"object"}' in body["system"]
    assert "output_config" not in body
    assert dropped == ("response_format",)


def test_the_rest() -> None:
    body, dropped = write(stop=("END",), user="u" * 65, is_stream=True)
    assert body["stop_sequences"] == ["END"]
    assert len(body["metadata"]["user_id"]) == 64
    assert body["stream"] is True
    assert dropped == ()


@pytest.mark.parametrize(
    ("document", "source"),
    [
        (
            Document(data="JVBERg=="),
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
        ),
        (Document(url="https://x.example/a"), {"type": "url", "url": "https://x.example/a"}),
        (
            Document("text/markdown", "IyBhIOKYgw=="),
            {"type": "text", "media_type": "text/plain", "data": "# a ☃"},
        ),
        (
            Document("text/plain", text="a"),
            {"type": "text", "media_type": "text/plain", "data": "a"},
        ),
    ],
)
def test_documents(document: Document, source: Fields) -> None:
    titled = msgspec.structs.replace(document, title="t")
    result = ToolResult("t", (document,))
    body, dropped = write(turns=(*CALLED[:2], Turn(Role.USER, (result, titled))))
    block = {"type": "document", "source": source}
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "t", "content": [block]},
        block | {"title": "t"},
    ]
    assert dropped == ()


@pytest.mark.parametrize(
    "document",
    [
        Document("application/msword", "AA=="),
        Document("text/plain", "no base64"),
        Document("text/plain", "/w=="),
        Document("text/plain", "☃"),
    ],
)
def test_a_document_that_claude_cannot_read_is_refused(document: Document) -> None:
    with pytest.raises(CallerError) as caught:
        write(turns=(Turn(Role.USER, (document,)),))
    assert caught.value.param == "file"


def test_cache_points_stand_on_the_block_before_them() -> None:
    turns = (
        Turn(Role.USER, (Text("a"), CachePoint(), Text("b"))),
        *CALLED[1:2],
        Turn(Role.USER, (*CALLED[2].parts, CachePoint())),
    )
    body, dropped = write(
        turns=turns, tools=(TOOL, TOOL), caches_tools=True, system="s", caches_system=True
    )
    kept = {"type": "ephemeral"}
    assert body["system"] == [{"type": "text", "text": "s", "cache_control": kept}]
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, kept]
    blocks = [block for message in body["messages"] for block in message["content"]]
    assert [block.get("cache_control") for block in blocks] == [kept, None, None, kept]
    assert dropped == ()


def test_the_last_four_cache_points_stay() -> None:
    parts = tuple(part for word in "abc" for part in (Text(word), CachePoint()))
    body, dropped = write(
        turns=(Turn(Role.USER, parts),),
        tools=(TOOL,),
        caches_tools=True,
        system="s",
        caches_system=True,
    )
    assert "cache_control" not in body["tools"][0]
    assert str(body).count("cache_control") == 4
    assert dropped == ("prompt_cache_breakpoint",)


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-opus-5"])
def test_a_cache_point_behind_later_instructions_is_named(model: str) -> None:
    turns = (HI, Turn(Role.SYSTEM, (Text("be brief"), CachePoint())))
    body, dropped = write(model, turns=turns)
    assert "cache_control" not in str(body)
    assert "prompt_cache_breakpoint" in dropped


def test_a_lifetime_that_claude_does_not_have_is_named() -> None:
    body, dropped = write(turns=(Turn(Role.USER, (Text("a"), CachePoint("12h"))),))
    assert body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert dropped == ("prompt_cache_breakpoint",)


def test_what_is_added_to_the_instructions_stands_behind_their_cache_point() -> None:
    body, _ = write(system="s", caches_system=True, is_json=True)
    assert body["system"][0]["text"] == "s"
    assert body["system"][1]["text"].startswith("Answer with one JSON object")


@pytest.mark.parametrize(
    ("model", "fields", "thinking", "dropped"),
    [
        (
            "claude-opus-5",
            {"shows_thinking": True, "effort": "low"},
            {"type": "adaptive", "display": "summarized"},
            (),
        ),
        ("claude-opus-5", {"shows_thinking": False}, None, ()),
        (
            "claude-opus-5",
            {"shows_thinking": False, "effort": "low"},
            {"type": "adaptive", "display": "omitted"},
            (),
        ),
        (
            "claude-opus-5",
            {"shows_thinking": True},
            {"type": "adaptive", "display": "summarized"},
            (),
        ),
        ("claude-opus-5", {"shows_thinking": True, "effort": "none"}, {"type": "disabled"}, ()),
        (
            "claude-opus-5",
            {"shows_thinking": True, "tools": (TOOL,), "tool_choice": FORCED},
            None,
            ("shows_thinking",),
        ),
        ("claude-sonnet-4-5", {"shows_thinking": True}, None, ()),
        ("claude-sonnet-4-5", {"shows_thinking": False}, None, ("shows_thinking",)),
        ("claude-3-opus", {"shows_thinking": True}, None, ("shows_thinking",)),
    ],
)
def test_whether_thinking_is_shown(
    model: str, fields: Fields, thinking: Fields | None, dropped: tuple[str, ...]
) -> None:
    body, named = write(model, **fields)
    assert (body.get("thinking"), named) == (thinking, dropped)


@pytest.mark.parametrize(
    ("tier", "written", "dropped"),
    [
        ("auto", "auto", ()),
        ("standard", "standard_only", ()),
        ("flex", None, ("service_tier",)),
        ("priority", None, ("service_tier",)),
    ],
)
def test_service_tier(tier: str, written: str | None, dropped: tuple[str, ...]) -> None:
    body, named = write(service_tier=tier)
    assert (body.get("service_tier"), named) == (written, dropped)


def test_what_claude_has_no_word_for_is_named() -> None:
    foreign: Fields = {
        "seed": 0, "frequency_penalty": 1.0, "presence_penalty": 1.0, "verbosity": "low",
        "cache_key": "k",
    }  # fmt: skip
    _, dropped = write("claude-opus-4-6", **foreign)
    assert dropped == (*list(foreign)[:4], "prompt_cache_key")


def test_what_is_written_is_read_again() -> None:
    request = Request(
        dialect="anthropic_messages",
        concepts=DIALECTS["anthropic_messages"].concepts,
        model="claude-opus-4-6",
        system="a",
        turns=(Turn(Role.USER, (Document(data="JVBERg=="), CachePoint("1h"))), *CALLED[1:]),
        output_tokens_max=100,
        temperature=0.5,
        top_k=3,
        stop=("E",),
        tools=(TOOL,),
        tool_choice=ToolChoice(ChoiceMode.AUTO, is_parallel=False),
        schema={"type": "string"},
        effort="low",
        shows_thinking=False,
        service_tier="standard",
        caches_system=True,
        caches_tools=True,
        user="u",
        is_stream=True,
    )
    body, dropped = write_request(request, "claude-opus-4-6", capability.claude("claude-opus-4-6"))
    assert dropped == ()
    assert read_request(inquire(body)) == request
