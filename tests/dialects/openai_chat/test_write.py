"""OpenAI chat requests, as they are written, and that reading agrees."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import CallerError
from penstock.dialects import capability
from penstock.dialects.capability import Capability, Prefill
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
from penstock.dialects.openai_chat.passthrough import inquire
from penstock.dialects.openai_chat.request import read_request
from penstock.dialects.openai_chat.write import CALL_ID_CHARS_MAX, write_request
from penstock.dialects.registry import DIALECTS

Fields = dict[str, object]
HI: Fields = {"role": "user", "content": "hi"}
SCHEMAS: list[Fields | None] = [None, {"type": "object"}]
WORDS = st.text('abc ☃\n"\\', min_size=1, max_size=6)


def write(model: str = "gpt-4o", **fields: object) -> tuple[Fields, tuple[str, ...]]:
    base = Request(
        dialect="anthropic_messages",
        concepts=DIALECTS["anthropic_messages"].concepts,
        model="m",
        turns=(Turn(Role.USER, (Text("hi"),)),),
    )
    body, dropped = write_request(
        msgspec.structs.replace(base, **fields), model, capability.openai(model)
    )
    return msgspec.json.decode(body, type=Fields), dropped


def messages_of(body: Fields) -> list[Fields]:
    return msgspec.convert(body["messages"], list[Fields])


def test_results_with_images_and_errors_are_told_in_text() -> None:
    picture = Image(media_type="image/png", data="AA==")
    body, dropped = write(
        turns=(
            Turn(Role.USER, (Text("hi"),)),
            Turn(Role.ASSISTANT, (Text("a"), ToolCall("x" * 50, "f", ""))),
            Turn(
                Role.USER,
                (ToolResult("x" * 50, (Text("no"), picture), is_error=True), Text("so?")),
            ),
        )
    )
    written = msgspec.convert(body["messages"], list[Fields])
    assert [message["role"] for message in written] == ["user", "assistant", "tool", "user"]
    assert written[2]["content"] == "Error: no"
    calls = msgspec.convert(written[1]["tool_calls"], list[Fields])
    assert calls[0]["id"] == written[2]["tool_call_id"]
    assert len(str(calls[0]["id"])) <= CALL_ID_CHARS_MAX
    assert msgspec.convert(calls[0]["function"], Fields)["arguments"] == "{}"
    assert written[3]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "so?"},
    ]
    assert dropped == ("tool_result.is_error", "tool_result.image")


def test_beside_calls_there_is_no_content_rather_than_null() -> None:
    call = ToolCall("1", "f", "{}")
    for parts, content in (((call,), None), ((Text("a"), call), "a"), ((), "")):
        turns = (Turn(Role.USER, (Text("hi"),)), Turn(Role.ASSISTANT, parts))
        body, _ = write(turns=turns)
        message = messages_of(body)[1]
        assert message.get("content") == content
        assert None not in message.values()


@pytest.mark.parametrize(
    ("model", "fields", "written", "dropped"),
    [
        ("gpt-4o", {"output_tokens_max": 5}, {"max_completion_tokens": 5}, ()),
        ("qwen", {"output_tokens_max": 5}, {"max_tokens": 5}, ()),
        ("gpt-4o", {"temperature": 0.5, "top_p": 0.1}, {"temperature": 0.5, "top_p": 0.1}, ()),
        ("o3", {"temperature": 0.5}, {}, ("temperature",)),
        ("gpt-4o", {"top_k": 5}, {}, ("top_k",)),
        ("gpt-5", {"effort": "minimal"}, {"reasoning_effort": "minimal"}, ()),
        ("gpt-5", {"effort": "max"}, {"reasoning_effort": "high"}, ("thinking",)),
        ("o3", {"effort": "none"}, {"reasoning_effort": "low"}, ("thinking",)),
        ("gpt-4o", {"effort": "low"}, {}, ("thinking",)),
        ("gpt-4o", {"effort": "none"}, {}, ()),
        ("gpt-4o", {"stop": ("a",)}, {"stop": ["a"]}, ()),
        ("gpt-4o", {"seed": 0, "presence_penalty": 1.0}, {"seed": 0, "presence_penalty": 1.0}, ()),
        ("qwen", {"seed": 7, "frequency_penalty": 1.0}, {"seed": 7, "frequency_penalty": 1.0}, ()),
        ("gpt-5", {"frequency_penalty": 1.0}, {}, ("frequency_penalty",)),
        ("gpt-5", {"verbosity": "low"}, {"verbosity": "low"}, ()),
        ("gpt-4o", {"verbosity": "low"}, {}, ("verbosity",)),
        ("gpt-4o", {"service_tier": "standard"}, {"service_tier": "default"}, ()),
        ("qwen", {"service_tier": "flex"}, {}, ("service_tier",)),
        ("gpt-4o", {"cache_key": "k"}, {"prompt_cache_key": "k"}, ()),
        ("qwen", {"cache_key": "k"}, {}, ("cache_key",)),
        ("gpt-5", {"shows_thinking": False}, {}, ("thinking.display",)),
        ("gpt-4o", {"user": "u"}, {"user": "u"}, ()),
        ("gpt-4o", {"is_json": True}, {"response_format": {"type": "json_object"}}, ()),
        (
            "gpt-4o",
            {"is_stream": True},
            {"stream": True, "stream_options": {"include_usage": True}},
            (),
        ),
    ],
)
def test_options(model: str, fields: Fields, written: Fields, dropped: tuple[str, ...]) -> None:
    body, named = write(model, **fields)
    assert {name: body[name] for name in body if name not in ("model", "messages")} == written
    assert named == dropped


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        ("gpt-4o", {"stop": ("a", "b", "c", "d", "e")}, "stop_sequences"),
        ("o3", {"stop": ("a",)}, "stop_sequences"),
        ("gpt-4o", {"output_tokens_max": 0}, "max_tokens"),
        ("gpt-4o", {"turns": ()}, "messages"),
        ("gpt-4o", {"tools": (Tool("f" * 65, "", {}),)}, "tools." + "f" * 65),
    ],
)
def test_what_this_model_cannot_do(model: str, fields: Fields, param: str) -> None:
    with pytest.raises(CallerError) as caught:
        write(model, **fields)
    assert caught.value.param == param


def test_documents_are_files_and_plain_text_is_text() -> None:
    documents = (Document(data="JVBERg==", title="a.pdf"), Document(data="JVBERg=="))
    text = Document("text/plain", text="lines", title="notes")
    body, dropped = write(turns=(Turn(Role.USER, (*documents, text)),))
    data = "data:application/pdf;base64,JVBERg=="
    assert messages_of(body)[0]["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": data}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": data}},
        {"type": "text", "text": "notes\n\nlines"},
    ]
    assert dropped == ("document",)


def test_a_document_elsewhere_is_refused() -> None:
    turns = (Turn(Role.USER, (Document(url="https://x.example/a.pdf"),)),)
    with pytest.raises(CallerError) as caught:
        write(turns=turns)
    assert caught.value.param == "document.url"


def test_documents_of_a_result_go_into_the_next_message() -> None:
    result = ToolResult("c", (Document(data="JVBERg=="),))
    called = Turn(Role.ASSISTANT, (ToolCall("c", "f", "{}"),))
    hi = Turn(Role.USER, (Text("hi"),))
    body, dropped = write(turns=(hi, called, Turn(Role.USER, (result,))))
    written = messages_of(body)
    assert written[2]["content"] == "The document is in the next message."
    assert msgspec.convert(written[3]["content"], list[Fields])[0]["type"] == "file"
    assert dropped == ("tool_result.document",)


MARKED = {"mode": "explicit"}


def test_cache_points_stand_on_the_part_before_them() -> None:
    point = CachePoint("5m")
    turns = (
        Turn(Role.USER, (Text("a"), point)),
        Turn(Role.ASSISTANT, (Text("b"), point, Text("c"), ToolCall("t", "f", "{}"))),
        Turn(Role.USER, (ToolResult("t", (Text("ok"),)), point, Text("d"))),
        Turn(Role.SYSTEM, (Text("e"), point)),
    )
    body, dropped = write("gpt-5.6", turns=turns, system="s", caches_system=True)
    marked = {"type": "text", "prompt_cache_breakpoint": MARKED}
    assert [message["content"] for message in messages_of(body)] == [
        [marked | {"text": "s"}],
        [marked | {"text": "a"}],
        [marked | {"text": "b"}, {"type": "text", "text": "c"}],
        [marked | {"text": "ok"}],
        "d",
        [marked | {"text": "e"}],
    ]
    assert dropped == ()


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("gpt-5.1", {"system": "s", "caches_system": True}),
        ("gpt-5.6", {"system": "s", "caches_tools": True}),
        ("gpt-5.1", {"turns": (Turn(Role.USER, (Text("a"), CachePoint())),)}),
        ("gpt-5.6", {"turns": (Turn(Role.USER, (Text("a"), CachePoint("1h"))),)}),
    ],
)
def test_a_cache_point_without_a_place_is_named(model: str, fields: Fields) -> None:
    body, dropped = write(model, **fields)
    assert dropped == ("cache_control",)
    has_mark = "prompt_cache_breakpoint" in str(body)
    assert has_mark is (model == "gpt-5.6" and "turns" in fields)


def test_an_open_schema_is_a_hint_only() -> None:
    body, dropped = write(schema={"type": "object", "properties": {"a": {}}})
    answer = msgspec.convert(body["response_format"], Fields)
    assert msgspec.convert(answer["json_schema"], Fields)["strict"] is False
    assert dropped == ("output_config.format",)


def test_a_long_user_is_digested() -> None:
    assert len(str(write(user="u" * 65)[0]["user"])) == 64


SAID = st.builds(Text, WORDS) | st.builds(
    Document, data=st.just("JVBERg=="), title=st.just("a.pdf")
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    """Draw turns as OpenAI chat can say them: text before calls, results before text."""
    turns: list[Turn] = []
    picture = st.builds(Image, url=st.just("https://x.example/a.png"))
    for number in range(draw(st.integers(1, 4))):
        results: tuple[Part, ...] = ()
        if turns:
            calls = [part for part in turns[-1].parts if isinstance(part, ToolCall)]
            results = tuple(ToolResult(part.id, (Text(draw(WORDS)),)) for part in calls)
        said: list[Part] = list(draw(st.lists(SAID | picture, min_size=1, max_size=3)))
        if draw(st.booleans()):
            said.append(CachePoint())
        turns.append(Turn(Role.USER, (*results, *said)))
        parts: list[Part] = [Text(draw(WORDS))]
        parts += [
            ToolCall(f"call_{number}_{index}", "f", arguments)
            for index, arguments in enumerate(draw(st.lists(WORDS, max_size=2)))
        ]
        turns.append(Turn(Role.ASSISTANT, tuple(parts)))
    return turns[:-1]


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request that OpenAI chat can carry whole."""
    tool = st.builds(Tool, st.just("f"), WORDS, st.just({"type": "object"}))
    tools = draw(st.lists(tool, max_size=2))
    choices = [ToolChoice(ChoiceMode.NONE), ToolChoice(ChoiceMode.ONE, "f"), None]
    return Request(
        dialect="openai_chat",
        concepts=DIALECTS["openai_chat"].concepts,
        model="gpt-5.6",
        system=draw(st.just("") | WORDS),
        turns=tuple(draw(conversations())),
        stop=tuple(draw(st.lists(WORDS, max_size=4))),
        tools=tuple(tools),
        tool_choice=draw(st.sampled_from(choices)) if tools else None,
        schema=draw(st.sampled_from(SCHEMAS)),
        is_schema_strict=False,
        user=draw(st.just("") | WORDS),
        seed=draw(st.none() | st.integers(0, 9)),
        service_tier=draw(st.sampled_from(["", "auto", "standard", "flex", "priority"])),
        cache_key=draw(st.just("") | WORDS),
        verbosity=draw(st.sampled_from(["", "low"])),
    )


@given(request=requests())
def test_what_is_written_is_read_again(request: Request) -> None:
    body, dropped = write_request(request, "gpt-5.6", capability.openai("gpt-5.6"))
    assert dropped == ()
    assert read_request(inquire(body)) == request


def written(row: Capability, **fields: object) -> tuple[Fields, tuple[str, ...]]:
    """Return what is sent to a model that accepts what the row says."""
    base = Request(
        dialect="anthropic_messages",
        concepts=DIALECTS["anthropic_messages"].concepts,
        model="m",
        turns=(USER,),
    )
    body, dropped = write_request(msgspec.structs.replace(base, **fields), "m", row)
    return msgspec.json.decode(body, type=Fields), dropped


def refused(row: Capability, **fields: object) -> str:
    with pytest.raises(CallerError) as caught:
        written(row, **fields)
    return caught.value.param


USER = Turn(Role.USER, (Text("hi"),))
BEGUN = (USER, Turn(Role.ASSISTANT, (Text("It is"),)))
TWO_TOOLS = (Tool("f", "", {}), Tool("g", "", {}))
NAMED = ToolChoice(ChoiceMode.ONE, "g")
PICTURE = Turn(Role.USER, (Image(url="https://example.com/a.png"),))


@pytest.mark.parametrize(
    ("prefill", "added", "last", "lost"),
    [
        (Prefill.LITERAL, {}, {}, ()),
        (Prefill.RESTARTS, {}, {}, ("messages[-1]",)),
        (Prefill.PREFIX, {}, {"prefix": True}, ()),
        (
            Prefill.CONTINUE,
            {"continue_final_message": True, "add_generation_prompt": False},
            {},
            (),
        ),
    ],
)
def test_a_last_turn_of_the_assistant_is_marked_as_the_model_wants_it(
    prefill: Prefill, added: Fields, last: Fields, lost: tuple[str, ...]
) -> None:
    body, dropped = written(Capability(prefill=prefill), turns=BEGUN)
    messages = [HI, {"role": "assistant", "content": "It is"} | last]
    assert body == {"model": "m", "messages": messages} | added
    assert dropped == lost
    assert written(Capability(prefill=prefill))[0] == {"model": "m", "messages": [HI]}


def test_what_a_model_would_refuse_is_refused_here_by_the_callers_name() -> None:
    assert refused(Capability(prefill=Prefill.REFUSED), turns=BEGUN) == "messages[-1]"
    no_force = Capability(forced_tool=False)
    assert refused(no_force, tools=TWO_TOOLS, tool_choice=NAMED) == "tool_choice"
    assert refused(Capability(image_urls=False), turns=(PICTURE,)) == "messages"
    schema: Fields = {"type": "object"}
    assert refused(Capability(structured_output=False), schema=schema) == "output_config.format"
    no_json = Capability(structured_output=False, json_mode=False)
    assert refused(no_json, is_json=True)


def test_a_tool_that_cannot_be_named_is_the_only_one_shown() -> None:
    body, dropped = written(Capability(named_tool=False), tools=TWO_TOOLS, tool_choice=NAMED)
    assert body["tool_choice"] == "required"
    assert body["tools"] == [{"type": "function", "function": {"name": "g", "parameters": {}}}]
    assert dropped == ()


def test_parallel_calls_are_not_spoken_of_where_that_is_ignored() -> None:
    choice = ToolChoice(is_parallel=False)
    body, dropped = written(Capability(parallel_tools=False), tools=TWO_TOOLS, tool_choice=choice)
    assert "parallel_tool_calls" not in body
    assert dropped == ("disable_parallel_tool_use",)


def test_json_of_any_kind_is_a_schema_where_only_schemas_are_known() -> None:
    body, dropped = written(Capability(json_mode=False), is_json=True)
    schema = {"name": "answer", "schema": {"type": "object"}, "strict": False}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert dropped == ()


def test_later_instructions_join_the_first_where_the_model_knows_no_others() -> None:
    turns = (USER, Turn(Role.SYSTEM, (Text("b"),)), USER)
    body, dropped = written(Capability(later_system=False), system="a", turns=turns)
    assert body["messages"] == [{"role": "system", "content": "a\n\nb"}, HI, HI]
    assert dropped == ("messages.system",)


@pytest.mark.parametrize(
    ("row", "sent", "lost"),
    [
        (Capability(output_tokens_max=10), 10, ("max_tokens",)),
        (Capability(output_tokens_max=100), 100, ()),
        (Capability(), 100, ()),
        (Capability(output_tokens_max=10, is_known=False), 100, ()),
    ],
)
def test_more_than_a_model_can_say_is_not_asked_for(
    row: Capability, sent: int, lost: tuple[str, ...]
) -> None:
    body, dropped = written(row, output_tokens_max=100)
    assert body["max_completion_tokens"] == sent
    assert dropped == lost


def test_usage_is_asked_for_where_that_is_known() -> None:
    assert written(Capability(), is_stream=True)[0]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in written(Capability(stream_usage=False), is_stream=True)[0]
