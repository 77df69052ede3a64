"""OpenAI Responses requests: what is read of them, and what is refused by name."""

import msgspec
import pytest

from penstock.core.errors import CallerError
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
from penstock.dialects.openai_responses import request as responses
from penstock.dialects.openai_responses.passthrough import inquire

Fields = dict[str, object]
HI: Fields = {"role": "user", "content": "hi"}
TURN = Turn(Role.USER, (Text("hi"),))
TOOLS = [{"type": "function", "name": name, "parameters": {"a": name}} for name in "fg"]


def read(*items: Fields, **fields: object) -> Request:
    body = {"model": "m", "input": list(items) or "hi"} | fields
    return responses.read_request(inquire(msgspec.json.encode(body)))


def call(call_id: str = "c", arguments: str = "{}") -> Fields:
    return {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "call_id": call_id,
        "name": "f",
        "arguments": arguments,
        "status": "completed",
    }


def result(call_id: str = "c", output: object = "ok") -> Fields:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def said(*parts: Fields, role: str = "user") -> Fields:
    return {"type": "message", "role": role, "content": list(parts)}


def text(words: str, kind: str = "input_text") -> Fields:
    return {"type": kind, "text": words}


def test_a_string_is_a_message_of_the_user() -> None:
    assert read().turns == (TURN,)


def test_leading_instructions_are_the_system_and_later_ones_stay() -> None:
    request = read(
        {"role": "system", "content": "b"},
        said(text("c"), text("d"), role="developer"),
        HI,
        {"role": "developer", "content": "e"},
        instructions="a",
    )
    assert request.system == "a\n\nb\n\nc\n\nd"
    assert request.turns == (TURN, Turn(Role.SYSTEM, (Text("e"),)))


def test_items_become_turns() -> None:
    output = [text("ok"), {"type": "input_image", "image_url": "https://x.example/a.png"}]
    request = read(
        HI,
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x"},
        said(text("Looking.", "output_text"), role="assistant"),
        call("a"),
        call("b", '{"a":1}'),
        result("b", output),
        result("a"),
        HI,
    )
    assert request.turns == (
        TURN,
        Turn(
            Role.ASSISTANT,
            (Text("Looking."), ToolCall("a", "f", "{}"), ToolCall("b", "f", '{"a":1}')),
        ),
        Turn(
            Role.USER,
            (
                ToolResult("b", (Text("ok"), Image(url="https://x.example/a.png"))),
                ToolResult("a", (Text("ok"),)),
                Text("hi"),
            ),
        ),
    )
    assert request.dropped == ("input.reasoning",)


def test_a_refusal_is_what_the_assistant_said() -> None:
    refusal = said({"type": "refusal", "refusal": "no"}, role="assistant")
    assert read(HI, refusal, HI).turns[1] == Turn(Role.ASSISTANT, (Text("no"),))


def test_images_are_carried_as_data_or_by_address() -> None:
    parts: list[Fields] = [
        {"type": "input_image", "detail": "high", "image_url": url}
        for url in ("data:image/png;base64,AAAA", "http://x.example/a.png")
    ]
    request = read(said(*parts))
    assert request.turns[0].parts == (
        Image(media_type="image/png", data="AAAA"),
        Image(url="http://x.example/a.png"),
    )
    assert request.dropped == ("input_image.detail",)


def test_how_the_answer_is_to_be() -> None:
    schema: Fields = {"type": "object"}
    request = read(
        max_output_tokens=7,
        temperature=0.5,
        top_p=0.25,
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}},
        user="u",
        safety_identifier="s",
        stream=True,
        store=False,
        background=None,
    )
    assert (request.output_tokens_max, request.temperature, request.top_p) == (7, 0.5, 0.25)
    assert (request.schema, request.schema_name, request.is_schema_strict) == (schema, "n", True)
    assert (request.effort, request.user, request.is_stream) == ("low", "s", True)
    assert request.dropped == ()
    assert read(text={"format": {"type": "json_object"}}).is_json
    told = {"type": "json_schema", "schema": schema, "description": "d"}
    assert read(text={"format": told}).schema == schema | {"description": "d"}
    assert read(user="u").user == "u"


def test_how_and_by_which_service_the_answer_is_made() -> None:
    request = read(
        reasoning={"summary": "detailed"},
        text={"verbosity": "high"},
        prompt_cache_key="k",
        service_tier="default",
    )
    assert (request.shows_thinking, request.verbosity) == (True, "high")
    assert (request.cache_key, request.service_tier) == ("k", "standard")
    assert read(reasoning={"generate_summary": "auto"}).shows_thinking
    assert read(service_tier="fast").service_tier == "priority"
    assert read(service_tier="auto").service_tier == "auto"
    plain = read()
    assert (plain.shows_thinking, plain.service_tier) == (None, "")


@pytest.mark.parametrize(
    ("fields", "document"),
    [
        ({"file_data": "data:application/pdf;base64,AAAA"}, Document(data="AAAA")),
        ({"file_data": "data:text/csv;charset=utf-8;base64,AAAA"}, Document("text/csv", "AAAA")),
        ({"file_data": "data:;base64,AAAA"}, Document(data="AAAA")),
        ({"file_data": "AAAA", "filename": "a.pdf"}, Document(data="AAAA", title="a.pdf")),
        ({"file_url": "https://x.example/a"}, Document(url="https://x.example/a")),
    ],
)
def test_documents(fields: Fields, document: Document) -> None:
    part: Fields = {"type": "input_file"} | fields
    request = read(said(part), call(), result(output=[part]))
    assert request.turns[0].parts == (document,)
    assert request.turns[2].parts == (ToolResult("c", (document,)),)


def test_cache_points_stand_behind_their_parts() -> None:
    cached: Fields = {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}
    request = read(
        said(text("a") | cached, role="developer"),
        said(text("b") | cached, text("c")),
        call(),
        result(output=[text("ok") | cached]),
    )
    assert request.caches_system
    assert request.turns[0].parts == (Text("b"), CachePoint("12h"), Text("c"))
    assert request.turns[2].parts == (ToolResult("c", (Text("ok"),)), CachePoint("12h"))
    assert request.dropped == ()


def test_tools_and_their_choice() -> None:
    tool = TOOLS[0] | {"description": "d", "strict": True, "defer_loading": True}
    request = read(tools=[tool], tool_choice="required", parallel_tool_calls=False)
    assert request.tools == (Tool("f", "d", {"a": "f"}, is_strict=True),)
    assert request.tool_choice == ToolChoice(ChoiceMode.REQUIRED, is_parallel=False)
    assert request.dropped == ("tools.defer_loading",)
    one = read(tools=TOOLS, tool_choice={"type": "function", "name": "g"})
    assert one.tool_choice == ToolChoice(ChoiceMode.ONE, "g")
    assert read(parallel_tool_calls=True).tool_choice == ToolChoice(is_parallel=True)


def test_tools_that_are_not_allowed_are_left_out() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [TOOLS[1]]}
    request = read(tools=TOOLS, tool_choice=choice)
    assert [tool.name for tool in request.tools] == ["g"]
    assert request.tool_choice == ToolChoice(ChoiceMode.REQUIRED)
    assert request.dropped == ("tool_choice.allowed_tools",)


REFUSED: list[tuple[list[Fields], Fields, str]] = [
    ([said({"type": "input_image", "file_id": "f"})], {}, "input[0].content[0].file_id"),
    (
        [said({"type": "input_image", "image_url": "ftp://x"})],
        {},
        "input[0].content[0].image_url",
    ),
    ([said({"type": "input_audio"})], {}, "input[0].content[0]"),
    (
        [HI, said({"type": "input_image", "image_url": "http://x"}, role="assistant")],
        {},
        "input[1].content[0]",
    ),
    ([HI | {"role": "critic"}], {}, "input[0].role"),
    ([HI, {"type": "item_reference", "id": "msg_1"}], {}, "input[1]"),
    ([HI, {"type": "custom_tool_call", "id": "x"}], {}, "input[1]"),
    ([HI, {"type": "computer_call_output", "output": {}}], {}, "input[1]"),
    ([HI, call("a")], {}, "input[1]"),
    ([HI, call("")], {}, "input[1].call_id"),
    ([HI, result("a")], {}, "input[1]"),
    ([{"type": "message", "content": "hi"}], {}, "input[0]"),
    ([{"role": "user", "content": 7}], {}, "input[0].content"),
    ([{"type": 7}], {}, "input[0].type"),
    ([], {"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0]"),
    ([], {"tools": [{"type": "custom", "name": "x"}]}, "tools[0]"),
    ([], {"tool_choice": {"type": "web_search"}}, "tool_choice"),
    ([], {"tool_choice": "perhaps"}, "tool_choice"),
    (
        [],
        {"tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp"}]}},
        "tool_choice.tools",
    ),
    ([], {"max_output_tokens": 0}, "max_output_tokens"),
    ([], {"temperature": "hot"}, "temperature"),
    ([], {"reasoning": {"effort": "huge"}}, "reasoning.effort"),
    ([], {"reasoning": 7}, "reasoning"),
    ([], {"top_logprobs": 3}, "top_logprobs"),
    ([], {"previous_response_id": "resp_1"}, "previous_response_id"),
    ([], {"conversation": {"id": "conv_1"}}, "conversation"),
    ([], {"background": True}, "background"),
    ([], {"prompt": {"id": "p"}}, "prompt"),
]


@pytest.mark.parametrize(("items", "fields", "param"), REFUSED)
def test_what_cannot_be_carried_is_refused_by_name(
    items: list[Fields], fields: Fields, param: str
) -> None:
    with pytest.raises(CallerError) as caught:
        read(*items, **fields)
    assert caught.value.param == param
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"metadata": {"a": "b"}, "store": True}, ("metadata", "store")),
        ({"reasoning": {"summary": "auto", "mode": "pro"}}, ("reasoning.mode",)),
        ({"text": {"verbosity": "low", "new": 1}}, ("text.new",)),
        ({"service_tier": "ultrafast"}, ("service_tier",)),
        ({"include": ["reasoning.encrypted_content"]}, ("include",)),
        ({"truncation": "auto"}, ("truncation",)),
        ({"truncation": "disabled", "top_logprobs": 0, "include": []}, ()),
        ({"text": {}, "reasoning": None, "stream_options": {"include_obfuscation": True}}, ()),
        ({"something_new": 1}, ("something_new",)),
    ],
)  # fmt: skip
def test_what_is_left_out_is_named(fields: Fields, names: tuple[str, ...]) -> None:
    assert read(**fields).dropped == names
