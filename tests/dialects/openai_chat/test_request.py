"""OpenAI chat requests: what is read, what is written, and that both agree."""

import msgspec
import pytest
from hypothesis import strategies as st

from penstock.core.errors import CallerError
from penstock.dialects.message import (
    CachePoint,
    ChoiceMode,
    Document,
    Request,
    Role,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from penstock.dialects.openai_chat import request as chat
from penstock.dialects.openai_chat.passthrough import inquire

Fields = dict[str, object]
HI: Fields = {"role": "user", "content": "hi"}
SCHEMAS: list[Fields | None] = [None, {"type": "object"}]
WORDS = st.text('abc ☃\n"\\', min_size=1, max_size=6)


def read(*messages: Fields, **fields: object) -> Request:
    body = {"model": "m", "messages": list(messages)} | fields
    return chat.read_request(inquire(msgspec.json.encode(body)))


def call(call_id: str = "c", arguments: str = "{}") -> Fields:
    function = {"name": "f", "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def result(call_id: str = "c", content: object = "ok") -> Fields:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_leading_instructions_are_the_system_and_later_ones_stay() -> None:
    request = read(
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}]},
        HI,
        {"role": "system", "content": "c"},
    )
    assert request.system == "a\n\nb"
    assert request.turns == (
        Turn(Role.USER, (Text("hi"),)),
        Turn(Role.SYSTEM, (Text("c"),)),
    )


def test_results_come_together_and_first_in_the_next_turn() -> None:
    request = read(
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]},
        result("b"),
        HI,
        result("a"),
    )
    assert request.turns[1:] == (
        Turn(Role.ASSISTANT, (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))),
        Turn(
            Role.USER,
            (ToolResult("b", (Text("ok"),)), ToolResult("a", (Text("ok"),)), Text("hi")),
        ),
    )


def test_empty_messages_leave_no_turn() -> None:
    request = read(HI, {"role": "assistant", "content": ""}, {"role": "user", "content": []}, HI)
    assert request.turns == (Turn(Role.USER, (Text("hi"), Text("hi"))),)


def test_arguments_stay_as_the_model_wrote_them() -> None:
    odd = '{"a" : 1.00, "a":2'
    request = read(HI, {"role": "assistant", "tool_calls": [call(arguments=odd)]}, result())
    assert request.turns[1].parts == (ToolCall("c", "f", odd),)


@pytest.mark.parametrize(
    "given_messages",
    [
        [HI, result()],
        [HI, {"role": "assistant", "tool_calls": [call()]}],
        [HI, {"role": "assistant", "tool_calls": [call()]}, HI],
        [HI, {"role": "assistant", "tool_calls": [call()]}, result(), result()],
        [HI, {"role": "assistant", "tool_calls": [call(), call()]}, result()],
        [HI, {"role": "function", "name": "f", "content": "x"}],
        [HI, {"role": "assistant", "audio": {"id": "a"}}],
        [HI, {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]}],
        [{"role": "user", "content": [{"type": "video"}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]}],
        [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}],
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(given_messages: list[Fields]) -> None:
    with pytest.raises(CallerError) as caught:
        read(*given_messages)
    assert caught.value.param.startswith("messages[")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "custom", "custom": {"name": "g"}}]}, "tools[0]"),
        ({"tool_choice": {"type": "custom"}}, "tool_choice"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"n": 2}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_fields_that_cannot_be_carried(fields: Fields, param: str) -> None:
    with pytest.raises(CallerError) as caught:
        read(HI, **fields)
    assert caught.value.param == param


@pytest.mark.parametrize("name", sorted(set(chat.RequestFields.__struct_fields__) - {"messages"}))
def test_a_field_of_the_wrong_type_is_refused_by_name(name: str) -> None:
    with pytest.raises(CallerError) as caught:
        read(HI, **{name: {"type": 7}})
    assert caught.value.param.startswith(name)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("auto", ToolChoice(is_parallel=False)),
        ("none", ToolChoice(ChoiceMode.NONE, is_parallel=False)),
        ("required", ToolChoice(ChoiceMode.REQUIRED, is_parallel=False)),
        (
            {"type": "function", "function": {"name": "f"}},
            ToolChoice(ChoiceMode.ONE, "f", is_parallel=False),
        ),
        (None, ToolChoice(is_parallel=False)),
    ],
)
def test_choices(mode: object, expected: ToolChoice) -> None:
    assert read(HI, tool_choice=mode, parallel_tool_calls=False).tool_choice == expected


def test_allowed_tools_filter_the_list() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in "fgh"]
    allowed = {"mode": "required", "tools": tools[1:]}
    request = read(HI, tools=tools, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert [tool.name for tool in request.tools] == ["g", "h"]
    assert request.tool_choice == ToolChoice(ChoiceMode.REQUIRED)


def part(**fields: object) -> Fields:
    return {"role": "user", "content": [fields]}


@pytest.mark.parametrize(
    ("file", "document"),
    [
        (
            {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
            Document(data="AA==", title="a.pdf"),
        ),
        (
            {"file_data": "data:text/plain;charset=utf-8;base64,AA=="},
            Document("text/plain", "AA=="),
        ),
        ({"file_data": "AA=="}, Document(data="AA==")),
    ],
)
def test_files_are_documents(file: Fields, document: Document) -> None:
    request = read(part(type="file", file=file))
    assert request.turns == (Turn(Role.USER, (document,)),)


@pytest.mark.parametrize(
    "file", [{"file_id": "f"}, {}, {"file_data": "data:text/plain,abc"}, {"file_data": ""}]
)
def test_a_file_without_its_data_is_refused(file: Fields) -> None:
    with pytest.raises(CallerError) as caught:
        read(part(type="file", file=file))
    assert caught.value.param == "messages[0].content[0].file"


@pytest.mark.parametrize("name", ["prompt_cache_breakpoint", "cache_control"])
def test_cache_points_stand_behind_their_parts(name: str) -> None:
    text: Fields = {"type": "text", "text": "a", name: {"mode": "explicit", "ttl": "30m"}}
    point = CachePoint("30m")
    request = read(
        {"role": "system", "content": [text]},
        {"role": "user", "content": [text, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [call()]},
        result(content=[text]),
    )
    assert request.caches_system
    assert request.turns[0].parts == (Text("a"), point, Text("b"))
    assert request.turns[2].parts == (ToolResult("c", (Text("a"),)), point)
    assert request.dropped == ()


@pytest.mark.parametrize(
    ("own", "tier", "dropped"),
    [
        ("auto", "auto", ()),
        ("default", "standard", ()),
        ("flex", "flex", ()),
        ("priority", "priority", ()),
        ("fast", "priority", ()),
        ("scale", "", ("service_tier",)),
    ],
)
def test_service_tier(own: str, tier: str, dropped: tuple[str, ...]) -> None:
    request = read(HI, service_tier=own)
    assert (request.service_tier, request.dropped) == (tier, dropped)


def test_a_penalty_of_nothing_asks_for_nothing() -> None:
    request = read(HI, frequency_penalty=0, presence_penalty=0.0)
    assert (request.frequency_penalty, request.presence_penalty) == (None, None)


def test_what_is_said_of_a_schema_is_said_in_it() -> None:
    schema: Fields = {"name": "n", "description": "d", "schema": {"type": "object"}}
    request = read(HI, response_format={"type": "json_schema", "json_schema": schema})
    assert request.schema == {"type": "object", "description": "d"}
