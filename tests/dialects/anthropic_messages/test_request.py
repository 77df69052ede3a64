"""Anthropic Messages requests, as they are read."""

import msgspec
import pytest

from penstock.core.errors import CallerError, DialectError
from penstock.dialects.anthropic_messages.passthrough import inquire
from penstock.dialects.anthropic_messages.request import RequestFields, read_request
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

Fields = dict[str, object]
HI: Fields = {"role": "user", "content": "hi"}
USE: Fields = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1.0}}
RESULT: Fields = {"type": "tool_result", "tool_use_id": "t"}
PICTURE: Fields = {"type": "image", "source": {"type": "url", "url": "https://x.example/a"}}


def read(*messages: Fields, **fields: object) -> Request:
    body = {"model": "m", "max_tokens": 9, "messages": list(messages)} | fields
    return read_request(inquire(msgspec.json.encode(body)))


def turn(role: str, *blocks: Fields) -> Fields:
    return {"role": role, "content": list(blocks)}


def test_a_conversation_with_tools() -> None:
    answer: Fields = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "ok"}, PICTURE],
        "is_error": True,
    }
    request = read(
        HI,
        turn("assistant", {"type": "thinking", "thinking": "h", "signature": "s"}, USE),
        turn("user", {"type": "text", "text": "so?"}, answer),
        system=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    )
    assert request.system == "a\n\nb"
    assert request.turns == (
        Turn(Role.USER, (Text("hi"),)),
        Turn(Role.ASSISTANT, (ToolCall("t", "f", '{"a":1.0}'),)),
        Turn(
            Role.USER,
            (
                ToolResult("t", (Text("ok"), Image(url="https://x.example/a")), is_error=True),
                Text("so?"),
            ),
        ),
    )
    assert request.dropped == ("messages.thinking",)
    assert request.output_tokens_max == 9


def test_a_turn_of_thinking_alone_leaves_nothing() -> None:
    thought = turn("assistant", {"type": "redacted_thinking", "data": "x"})
    assert read(HI, thought, HI).turns == (Turn(Role.USER, (Text("hi"), Text("hi"))),)


@pytest.mark.parametrize(
    ("source", "document"),
    [
        (
            {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
            Document(data="AA==", title="t"),
        ),
        (
            {"type": "url", "url": "https://x.example/a"},
            Document(url="https://x.example/a", title="t"),
        ),
        (
            {"type": "text", "media_type": "text/plain", "data": "lines"},
            Document("text/plain", text="lines", title="t"),
        ),
        ({"type": "content", "content": "a"}, Document("text/plain", text="a", title="t")),
        (
            {"type": "content", "content": [{"type": "text", "text": word} for word in "ab"]},
            Document("text/plain", text="a\n\nb", title="t"),
        ),
    ],
)
def test_documents(source: Fields, document: Document) -> None:
    block: Fields = {"type": "document", "source": source, "title": "t", "context": "c"}
    request = read(turn("user", block))
    assert request.turns == (Turn(Role.USER, (document,)),)
    assert request.dropped == ("document.context",)


def test_cache_points_stand_behind_their_blocks() -> None:
    cached: Fields = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    answer: Fields = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "ok"} | cached],
    }
    request = read(
        HI,
        turn("assistant", USE | cached),
        turn("user", answer),
        system=[{"type": "text", "text": "a"} | cached],
        tools=[{"name": "f"} | cached],
        cache_control={"type": "ephemeral"},
    )
    point = CachePoint("1h")
    assert request.caches_system
    assert request.caches_tools
    assert request.turns[1].parts == (ToolCall("t", "f", '{"a":1.0}'), point)
    assert request.turns[2].parts == (ToolResult("t", (Text("ok"),)), point)  # two are one


@pytest.mark.parametrize(
    ("fields", "tier", "dropped"),
    [
        ({"service_tier": "auto"}, "auto", ()),
        ({"service_tier": "standard_only"}, "standard", ()),
        ({"service_tier": "batch"}, "", ("service_tier",)),
    ],
)
def test_service_tier(fields: Fields, tier: str, dropped: tuple[str, ...]) -> None:
    request = read(HI, **fields)
    assert (request.service_tier, request.dropped) == (tier, dropped)


@pytest.mark.parametrize(("display", "shown"), [("omitted", False), ("summarized", True)])
def test_whether_thinking_is_shown(display: str, *, shown: bool) -> None:
    request = read(HI, thinking={"type": "adaptive", "display": display})
    assert request.shows_thinking is shown
    assert read(HI).shows_thinking is None


def test_later_instructions_are_a_turn() -> None:
    assert read(HI, {"role": "system", "content": "c"}).turns[-1] == Turn(Role.SYSTEM, (Text("c"),))


@pytest.mark.parametrize(
    "given_messages",
    [
        [{"role": "system", "content": "first"}],
        [{"role": "tool", "content": "x"}],
        [HI, turn("assistant", USE)],
        [turn("user", {"type": "tool_result", "tool_use_id": "t"})],
        [turn("user", USE)],
        [turn("user", {"type": "image", "source": {"type": "file", "file_id": "f"}})],
        [turn("user", {"type": "document", "source": {"type": "file", "file_id": "f"}})],
        [HI, turn("assistant", {"type": "document", "source": {"type": "url", "url": "u"}})],
        [turn("user", {"type": "document", "source": {"type": "content", "content": [PICTURE]}})],
        [turn("user", {"type": "container_upload", "file_id": "f"})],
        [HI, turn("assistant", PICTURE)],
        [HI, turn("assistant", {"type": "web_search_tool_result"})],
        [HI, turn("assistant", {"type": "web_search_tool_result", "content": {"type": "error"}})],
        [HI, turn("assistant", USE), turn("user", RESULT | {"content": {"type": "error"}})],
        [turn("user", {"type": "search_result", "source": "https://x.example", "content": []})],
        [turn("user", {"type": "image", "source": "https://x.example"})],
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(given_messages: list[Fields]) -> None:
    with pytest.raises(CallerError) as caught:
        read(*given_messages)
    assert caught.value.param.startswith("messages[")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "web_search_20260318", "name": "web_search"}]}, "tools[0]"),
        ({"tool_choice": {"type": "some"}}, "tool_choice"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "grammar"}}}, "output_config.format"),
        ({"system": [{"type": "image"}]}, "system[0]"),
    ],
)
def test_fields_that_cannot_be_carried(fields: Fields, param: str) -> None:
    with pytest.raises(CallerError) as caught:
        read(HI, **fields)
    assert caught.value.param == param


@pytest.mark.parametrize("name", sorted(set(RequestFields.__struct_fields__) - {"max_tokens"}))
def test_a_field_of_the_wrong_type_is_refused(name: str) -> None:
    with pytest.raises((CallerError, DialectError)) as caught:
        read(HI, **{name: [7]})
    assert caught.value.param.startswith(name)


def test_arguments_that_are_not_utf_8_are_refused() -> None:
    body = msgspec.json.encode(
        {"model": "m", "max_tokens": 1, "messages": [HI, turn("assistant", USE | {"input": "?"})]}
    )
    with pytest.raises(CallerError, match="UTF-8"):
        read_request(inquire(body.replace(b"?", b"\xff")))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, ToolChoice()),
        ({"type": "any"}, ToolChoice(ChoiceMode.REQUIRED)),
        ({"type": "none"}, ToolChoice(ChoiceMode.NONE)),
        (
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
            ToolChoice(ChoiceMode.ONE, "f", is_parallel=False),
        ),
    ],
)
def test_choices(choice: Fields, expected: ToolChoice) -> None:
    assert read(HI, tool_choice=choice).tool_choice == expected


def test_tools() -> None:
    tool = {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True}
    assert read(HI, tools=[tool]).tools == (Tool("f", "d", {"type": "object"}, is_strict=True),)


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, ""),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "adaptive"}}, ""),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "max"),
        ({"output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "minimal"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "minimal"),
    ],
)
def test_effort(fields: Fields, effort: str) -> None:
    assert read(HI, **fields).effort == effort
