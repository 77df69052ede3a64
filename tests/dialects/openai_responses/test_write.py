"""OpenAI Responses requests: what is written, and that it is read again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import CallerError
from penstock.dialects import capability
from penstock.dialects.message import (
    CachePoint,
    ChoiceMode,
    Document,
    Image,
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from penstock.dialects.openai_responses.passthrough import inquire
from penstock.dialects.openai_responses.request import read_request
from penstock.dialects.openai_responses.write import write_request
from penstock.dialects.registry import DIALECTS

Fields = dict[str, object]
HI = Turn(Role.USER, (Text("hi"),))
CALL = Turn(Role.ASSISTANT, (ToolCall("c", "f", "{}"),))
OPEN: Fields = {"type": "object", "properties": {"a": {}}}
CLOSED: Fields = OPEN | {"required": ["a"], "additionalProperties": False}
PIXEL = Image(media_type="image/png", data="AAAA")
PNG: Fields = {
    "type": "input_image",
    "image_url": "data:image/png;base64,AAAA",
    "detail": "auto",
}


def request_of(**fields: object) -> Request:
    base = Request(
        dialect="openai_chat", concepts=DIALECTS["openai_chat"].concepts, model="m", turns=(HI,)
    )
    return msgspec.structs.replace(base, **fields)


def write(
    model: str = "gpt-4o", fields: Fields | None = None, **more: object
) -> tuple[Fields, tuple[str, ...]]:
    body, dropped = write_request(
        request_of(**(fields or {}), **more), model, capability.openai(model)
    )
    return msgspec.json.decode(body, type=Fields), dropped


def items(*turns: Turn) -> tuple[list[Fields], tuple[str, ...]]:
    body, dropped = write(turns=turns)
    return msgspec.convert(body["input"], list[Fields]), dropped


def test_the_least_request() -> None:
    assert write() == (
        {"model": "gpt-4o", "input": [{"role": "user", "content": "hi"}], "store": False},
        (),
    )
    streamed, _ = write(is_stream=True, system="be brief")
    assert streamed["stream"] is True
    assert streamed["instructions"] == "be brief"


def test_turns_become_items_in_their_order() -> None:
    said = Turn(Role.ASSISTANT, (Text("Look"), Text("ing."), *CALL.parts))
    answered = Turn(Role.USER, (ToolResult("c", (Text("a"), Text("b"))), Text("so?")))
    assert items(HI, said, answered, Turn(Role.SYSTEM, (Text("d"), Text("e"))), HI) == (
        [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "Looking."},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "a\nb"},
            {"role": "user", "content": "so?"},
            {"role": "system", "content": "d\n\ne"},
            {"role": "user", "content": "hi"},
        ],
        (),
    )


def test_images_and_documents_are_parts() -> None:
    turn = Turn(
        Role.USER,
        (
            PIXEL,
            Image(url="https://x.example/a.png"),
            Document(data="JVBERg==", title="a.pdf"),
            Document(data="JVBERg=="),
            Document(media_type="text/csv", data="YQ=="),
            Document(url="https://x.example/a.pdf"),
            Document(media_type="text/plain", text="words", title="notes"),
            Text("hi"),
        ),
    )
    pdf = "data:application/pdf;base64,JVBERg=="
    ((message,), dropped) = items(turn)
    assert dropped == ("document_text",)
    assert message["content"] == [
        PNG,
        {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": pdf},
        {"type": "input_file", "filename": "document.pdf", "file_data": pdf},
        {"type": "input_file", "filename": "document", "file_data": "data:text/csv;base64,YQ=="},
        {"type": "input_file", "file_url": "https://x.example/a.pdf"},
        {"type": "input_text", "text": "notes\n\nwords"},
        {"type": "input_text", "text": "hi"},
    ]


def test_a_result_keeps_its_images() -> None:
    written, dropped = items(HI, CALL, Turn(Role.USER, (ToolResult("c", (Text("a"), PIXEL)),)))
    assert dropped == ()
    assert written[-1]["output"] == [
        {"type": "input_text", "text": "a"},
        PNG,
    ]


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ((Text("no"),), "Error: no"),
        ((), "Error:"),
        (
            (PIXEL,),
            [
                {"type": "input_text", "text": "Error:"},
                PNG,
            ],
        ),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_text(
    content: tuple[Text | Image, ...], output: str | list[Fields]
) -> None:
    result = ToolResult("c", content, is_error=True)
    written, dropped = items(HI, CALL, Turn(Role.USER, (result,)))
    assert written[-1]["output"] == output
    assert dropped == ("is_error",)


def test_sampling_goes_where_the_model_takes_it() -> None:
    body, dropped = write(temperature=0.5, top_p=0.25)
    assert (body["temperature"], body["top_p"], dropped) == (0.5, 0.25, ())
    body, dropped = write("gpt-5", temperature=0.5, top_p=0.25)
    assert "temperature" not in body
    assert dropped == ("temperature", "top_p")
    fields: Fields = {"top_k": 3, "seed": 7, "frequency_penalty": 1.0, "presence_penalty": 1.0}
    assert write(fields=fields)[1] == tuple(fields)


def test_effort_and_its_summary() -> None:
    body, dropped = write("gpt-5", effort="xhigh", shows_thinking=True)
    assert body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert dropped == ("reasoning_effort",)
    body, dropped = write("gpt-4o", effort="low", shows_thinking=True)
    assert "reasoning" not in body
    assert dropped == ("reasoning_effort", "shows_thinking")
    assert write("gpt-4o", effort="none")[1] == ()
    assert "reasoning" not in write("gpt-5")[0]


@pytest.mark.parametrize(
    ("asked", "strict", "dropped"),
    [
        ({"schema": CLOSED, "is_schema_strict": True}, "yes", ()),
        ({"schema": CLOSED, "is_schema_strict": False}, "no", ()),
        ({"schema": OPEN, "is_schema_strict": True}, "no", ("response_format",)),
    ],
)
def test_a_schema_is_strict_where_it_can_be(
    asked: Fields, strict: str, dropped: tuple[str, ...]
) -> None:
    body, named = write(fields=asked, schema_name="n")
    form: Fields = {"type": "json_schema", "name": "n", "schema": asked["schema"]}
    assert body["text"] == {"format": form | {"strict": strict == "yes"}}
    assert named == dropped


def test_json_of_any_form() -> None:
    assert write(is_json=True)[0]["text"] == {"format": {"type": "json_object"}}


def test_tools_and_their_choice() -> None:
    tools = (Tool("f", "d", CLOSED, is_strict=True), Tool("g", "", OPEN))
    body, _ = write(tools=tools, tool_choice=ToolChoice(ChoiceMode.ONE, "g", is_parallel=False))
    assert body["tools"] == [
        {"type": "function", "name": "f", "parameters": CLOSED, "strict": True, "description": "d"},
        {"type": "function", "name": "g", "parameters": OPEN, "strict": False},
    ]
    assert body["tool_choice"] == {"type": "function", "name": "g"}
    assert body["parallel_tool_calls"] is False
    body, _ = write(tools=tools, tool_choice=ToolChoice(ChoiceMode.REQUIRED))
    assert body["tool_choice"] == "required"
    assert "tool_choice" not in write(tools=tools)[0]
    assert "tools" not in write(tool_choice=ToolChoice(ChoiceMode.NONE))[0]


def test_options() -> None:
    body, _ = write(
        output_tokens_max=7, service_tier="standard", cache_key="k", user="u" * 65, stop=()
    )
    assert (body["max_output_tokens"], body["service_tier"]) == (7, "default")
    assert body["prompt_cache_key"] == "k"
    assert len(str(body["safety_identifier"])) == 64
    assert write(service_tier="flex", user="u")[0]["service_tier"] == "flex"
    body, dropped = write("llama3", service_tier="flex", cache_key="k", user="u")
    assert body["user"] == "u"
    assert dropped == ("service_tier", "prompt_cache_key")
    assert write("gpt-5", verbosity="low")[0]["text"] == {"verbosity": "low"}
    assert write(verbosity="low")[1] == ("verbosity",)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stop": ("END",)}, "stop"),
        ({"output_tokens_max": 0}, "max_completion_tokens"),
        ({"tools": (Tool("f" * 65, "", OPEN),)}, f"tools.{'f' * 65}"),
        ({"turns": ()}, ""),
    ],
)
def test_what_the_api_cannot_do_is_refused_by_name(fields: Fields, param: str) -> None:
    with pytest.raises(CallerError) as caught:
        write(fields=fields)
    assert caught.value.param == param


def test_ids_are_in_the_alphabet_of_the_api() -> None:
    turns = (HI, Turn(Role.ASSISTANT, (ToolCall("a b" * 40, "f", ""),)))
    result = Turn(Role.USER, (ToolResult("a b" * 40, ()),))
    (_, call, told), _ = items(*turns, result)
    assert call["call_id"] == told["call_id"]
    assert len(str(call["call_id"])) <= 64
    assert " " not in str(call["call_id"])
    assert (call["arguments"], told["output"]) == ("{}", "")


def test_a_last_turn_of_the_assistant_is_named() -> None:
    assert items(HI, Turn(Role.ASSISTANT, (Text("I"),)))[1] == ("messages[-1]",)


def test_cache_points_are_named_where_the_model_knows_none() -> None:
    turn = Turn(Role.USER, (Text("a"), CachePoint("5m"), Text("b")))
    ((message,), dropped) = items(turn)
    assert message["content"] == [
        {"type": "input_text", "text": "a"},
        {"type": "input_text", "text": "b"},
    ]
    named = ("prompt_cache_breakpoint",)
    assert dropped == write(system="a", caches_system=True)[1] == named
    assert write("gpt-5.6", caches_tools=True)[1] == named


def test_cache_points_stand_on_the_part_before_them() -> None:
    turns = (
        Turn(Role.USER, (Text("a"), CachePoint("12h"))),
        CALL,
        Turn(Role.USER, (ToolResult("c", (Text("b"),)), CachePoint(), PIXEL, CachePoint("30m"))),
    )
    body, dropped = write("gpt-5.6", turns=turns, system="s", caches_system=True)
    point: Fields = {"mode": "explicit"}
    texts: dict[str, Fields] = {word: {"type": "input_text", "text": word} for word in "sab"}
    assert body["input"] == [
        {"role": "system", "content": [texts["s"] | {"prompt_cache_breakpoint": point}]},
        {
            "role": "user",
            "content": [texts["a"] | {"prompt_cache_breakpoint": point | {"ttl": "12h"}}],
        },
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [texts["b"] | {"prompt_cache_breakpoint": point}],
        },
        {"role": "user", "content": [PNG | {"prompt_cache_breakpoint": point}]},
    ]
    assert "instructions" not in body
    assert dropped == ()


def test_cache_points_that_have_no_place_are_named() -> None:
    named = ("prompt_cache_breakpoint",)
    said = Turn(Role.ASSISTANT, (Text("a"), CachePoint(), *CALL.parts))
    answered = Turn(Role.USER, (ToolResult("c", ()), CachePoint()))
    for turns in ((HI, said, answered), (Turn(Role.USER, (CachePoint(), Text("a"))),)):
        assert write("gpt-5.6", turns=turns)[1] == named
    longer = Turn(Role.USER, (Text("a"), CachePoint("1h")))
    assert write("gpt-5.6", turns=(longer,))[1] == named


def write_for(model: capability.Capability, **fields: object) -> tuple[Fields, tuple[str, ...]]:
    body, dropped = write_request(request_of(**fields), "m", model)
    return msgspec.json.decode(body, type=Fields), dropped


def test_what_the_model_does_not_accept_is_left_out_by_name() -> None:
    model = capability.Capability(
        later_system=False, parallel_tools=False, output_tokens_max=100, cache_points=True
    )
    body, dropped = write_for(
        model,
        system="a",
        turns=(HI, Turn(Role.SYSTEM, (Text("b"),)), HI),
        tools=(Tool("f", "", OPEN),),
        tool_choice=ToolChoice(is_parallel=False),
        output_tokens_max=1000,
    )
    assert body["instructions"] == "a\n\nb"
    assert body["input"] == [{"role": "user", "content": "hi"}] * 2
    assert "parallel_tool_calls" not in body
    assert body["max_output_tokens"] == 100
    assert dropped == ("messages.system (later)", "parallel_tool_calls", "max_completion_tokens")
    assert write_for(model, output_tokens_max=7)[0]["max_output_tokens"] == 7


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"turns": (HI, Turn(Role.ASSISTANT, (Text("I"),)))}, "messages[-1]"),
        (
            {"tools": (Tool("f", "", OPEN),), "tool_choice": ToolChoice(ChoiceMode.ONE, "f")},
            "tool_choice",
        ),
    ],
)
def test_what_the_model_cannot_do_is_refused_by_name(fields: Fields, param: str) -> None:
    model = capability.Capability(forced_tool=False, prefill=capability.Prefill.REFUSED)
    with pytest.raises(CallerError) as caught:
        write_for(model, **fields)
    assert caught.value.param == param


WORDS = st.text('abc ☃\n"\\', min_size=1, max_size=6)
PARTS = st.one_of(
    st.builds(Text, WORDS),
    st.just(PIXEL),
    st.builds(Image, url=st.just("https://x.example/a.png")),
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Turn, ...]:
    """Draw turns of users and assistants, with calls and their results between them."""
    turns: list[Turn] = []
    for at in range(draw(st.integers(1, 4))):
        results: list[Part] = []
        if turns:
            ids = [f"c{at}_{n}" for n in range(draw(st.integers(0, 2)))]
            calls = [ToolCall(each, "f", '{"a":1}') for each in ids]
            turns.append(Turn(Role.ASSISTANT, (Text(draw(WORDS)), *calls)))
            for each in ids:
                content = draw(st.one_of(st.builds(Text, WORDS).map(lambda one: (one,)),
                                         st.just((Text("x"), PIXEL))))  # fmt: skip
                results.append(ToolResult(each, content))
        said = draw(st.lists(PARTS, min_size=1, max_size=3))
        turns.append(Turn(Role.USER, (*results, *said)))
    return tuple(turns)


@given(turns=conversations(), system=st.sampled_from(["", "be brief"]))
def test_what_is_written_is_read_again(turns: tuple[Turn, ...], system: str) -> None:
    asked = request_of(turns=turns, system=system, temperature=0.5, output_tokens_max=9)
    body, dropped = write_request(asked, "gpt-4o", capability.openai("gpt-4o"))
    read = read_request(inquire(body))
    assert dropped == read.dropped == ()
    assert (read.turns, read.system) == (turns, system)
    assert (read.temperature, read.output_tokens_max) == (0.5, 9)
    assert not read.is_stream
