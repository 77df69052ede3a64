"""The official SDKs cannot tell the emulator from the real thing.

Clients are ``Any`` here: what is tested is what they do with bytes, and their overloads cannot
follow arguments that are wrong on purpose.
"""

from typing import Any, cast

import anthropic
import openai
import pytest
from google.genai import errors, types
from pydantic import BaseModel
from tests.e2e.emulator import KEY, RunningEmulator

SONNET, HAIKU, GPT, FLASH = "claude-sonnet-5-5", "claude-haiku-4-5", "gpt-5.6", "gemini-3.7-flash"
WEATHER_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "days"],
}


class Gate(BaseModel):
    """A shape for structured answers."""

    name: str
    level: int
    is_open: bool
    notes: list[str]


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


# Claude


def test_claude_answers_whole_and_the_same_each_time(claude: Any) -> None:
    first, second = (
        claude.messages.create(model=SONNET, max_tokens=400, messages=user("What is a weir?"))
        for _ in range(2)
    )
    assert first.content[0].type == "text"
    assert first.content == second.content
    assert first.id != second.id
    assert first.stop_reason == "end_turn"
    assert first.usage.output_tokens == len(first.content[0].text.split())
    assert first.usage.input_tokens == 4 + 4


def test_claude_streams_what_it_would_have_said_whole(claude: Any) -> None:
    asked: dict[str, Any] = {"model": SONNET, "max_tokens": 400, "messages": user("Gates?")}
    whole = claude.messages.create(**asked)
    with claude.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert whole.content[0].type == final.content[0].type == "text"
    assert text == final.content[0].text == whole.content[0].text
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.stop_reason == "end_turn"


def test_claude_obeys_limits_and_stops(claude: Any) -> None:
    cut = claude.messages.create(model=SONNET, max_tokens=5, messages=user("[[words:9]]"))
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 5)
    stopped = claude.messages.create(
        model=SONNET,
        max_tokens=50,
        messages=user("[[say:one two STOP three]]"),
        stop_sequences=["STOP", "three"],
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "STOP")
    assert stopped.content[0].type == "text"
    assert stopped.content[0].text == "one two "


def test_claude_calls_tools_and_speaks_after_the_result(claude: Any) -> None:
    tools: Any = [
        {"name": "get_weather", "input_schema": WEATHER_SCHEMA},
        {"name": "get_tide", "input_schema": {"type": "object", "properties": {}}},
    ]
    messages = user("Compare get_weather and get_tide for Kyiv.")
    with claude.messages.stream(
        model=SONNET, max_tokens=400, messages=messages, tools=tools
    ) as stream:
        message = stream.get_final_message()
    calls = [block for block in message.content if block.type == "tool_use"]
    assert message.stop_reason == "tool_use"
    assert [call.name for call in calls] == ["get_weather", "get_tide"]
    arguments = cast("dict[str, Any]", calls[0].input)
    assert 1 <= arguments["days"] <= 7
    assert arguments["unit"] in {"celsius", "fahrenheit"}
    whole = claude.messages.create(model=SONNET, max_tokens=400, messages=messages, tools=tools)
    assert [getattr(block, "input", None) for block in whole.content] == [
        call.input for call in calls
    ]
    results: list[Any] = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "fine"} for call in calls
    ]
    after = claude.messages.create(
        model=SONNET,
        max_tokens=400,
        messages=[
            *messages,
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results},
        ],
        tools=tools,
    )
    assert [block.type for block in after.content] == ["text"]


def test_claude_calls_one_tool_where_parallel_calls_are_off(claude: Any) -> None:
    tools: Any = [{"name": name, "input_schema": {"type": "object"}} for name in ("up", "down")]
    message = claude.messages.create(
        model=HAIKU,
        max_tokens=400,
        messages=user("up and down"),
        tools=tools,
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    )
    assert [block.type for block in message.content] == ["tool_use"]


def test_claude_thinks_with_a_signature(claude: Any) -> None:
    with claude.messages.stream(
        model=SONNET,
        max_tokens=400,
        messages=user("Why?"),
        thinking={"type": "adaptive", "display": "summarized"},
    ) as stream:
        message = stream.get_final_message()
    thought, spoken = message.content
    assert thought.type == "thinking"
    assert thought.thinking
    assert thought.signature
    assert spoken.type == "text"
    details = message.usage.output_tokens_details
    assert details is not None
    assert details.thinking_tokens == len(thought.thinking.split())


def test_claude_counts_tokens_and_lists_models(claude: Any) -> None:
    counted = claude.messages.count_tokens(model=SONNET, messages=user("What is a weir?"))
    assert counted.input_tokens == 8
    names = [model.id for model in claude.models.list()]
    assert SONNET in names
    assert claude.models.retrieve(HAIKU).display_name == "Claude Haiku 4.5"


def test_claude_goes_on_from_a_prefill_or_refuses_it(claude: Any) -> None:
    messages: list[Any] = [
        *user("[[say:one two three four]]"),
        {"role": "assistant", "content": "one two"},
    ]
    message = claude.messages.create(model=HAIKU, max_tokens=50, messages=messages)
    assert message.content[0].type == "text"
    assert message.content[0].text == " three four"
    with pytest.raises(anthropic.BadRequestError, match="prefill"):
        claude.messages.create(model=SONNET, max_tokens=50, messages=messages)


def test_claude_goes_on_from_a_quoted_end(claude: Any) -> None:
    message = claude.messages.create(
        model=SONNET,
        max_tokens=50,
        messages=[
            *user("[[say:The water rises behind the gate and then it falls again.]]"),
            {"role": "assistant", "content": "The water rises behind the gate"},
            *user("My connection dropped. Repeat «rises behind the gate» exactly, and go on."),
        ],
    )
    assert message.content[0].type == "text"
    assert message.content[0].text == "rises behind the gate and then it falls again."


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"temperature": 1.0}, anthropic.BadRequestError, "temperature"),
        ({"model": "claude-none"}, anthropic.NotFoundError, "claude-none"),
        ({"messages": []}, anthropic.BadRequestError, "messages"),
        ({"max_tokens": 1_000_000_000}, anthropic.BadRequestError, "max_tokens"),
        ({"max_tokens": None}, anthropic.BadRequestError, "max_tokens: Field required"),
        ({"model": HAIKU, "messages": user("long " * 170_000)}, anthropic.BadRequestError,
         "too long"),
    ],
)  # fmt: skip
def test_claude_refuses_what_the_real_one_refuses(
    claude: Any, change: dict[str, Any], error: type[Exception], text: str
) -> None:
    asked: dict[str, Any] = {"model": SONNET, "max_tokens": 9, "messages": user("hi")}
    with pytest.raises(error, match=text) as caught:
        claude.messages.create(**asked | {"stream": True, "extra_body": change})
    failure = cast("anthropic.APIStatusError", caught.value)
    body = cast("dict[str, Any]", failure.body)
    assert body["type"] == "error"
    assert body["request_id"] == failure.response.headers["request-id"]


def test_claude_accepts_the_older_version_with_its_key_header(emulator: RunningEmulator) -> None:
    received, ended = emulator.exchange(
        "/claude/v1/messages?beta=true",
        {"model": HAIKU, "max_tokens": 9, "messages": user("hi"), "temperature": 0.5},
        {"anthropic-version": "2023-06-01", "x-api-key": KEY, "authorization": "none"},
    )
    assert received.startswith(b"HTTP/1.1 200")
    assert ended == "eof"


# GPT


def test_gpt_answers_whole_and_streams_the_same(gpt: Any) -> None:
    whole = gpt.chat.completions.create(model=GPT, messages=user("What is a weir?"))
    assert whole.usage is not None
    assert whole.choices[0].finish_reason == "stop"
    content = whole.choices[0].message.content
    assert content is not None
    assert whole.usage.completion_tokens == len(content.split())
    chunks = list(
        gpt.chat.completions.create(
            model=GPT,
            messages=user("What is a weir?"),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == content
    assert chunks[-1].usage == whole.usage
    assert not chunks[-1].choices
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_gpt_tells_no_usage_in_a_stream_unless_asked(gpt: Any) -> None:
    chunks = list(gpt.chat.completions.create(model=GPT, messages=user("hi"), stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_gpt_calls_tools_in_fragments(gpt: Any) -> None:
    tools: Any = [
        {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER_SCHEMA}},
        {"type": "function", "function": {"name": "get_tide", "parameters": {"type": "object"}}},
    ]
    asked: dict[str, Any] = {
        "model": GPT,
        "messages": user("get_weather and get_tide, please"),
        "tools": tools,
    }
    whole = gpt.chat.completions.create(**asked)
    with gpt.chat.completions.stream(**asked) as stream:
        streamed = stream.get_final_completion()
    calls = whole.choices[0].message.tool_calls
    assert calls is not None
    assert whole.choices[0].finish_reason == "tool_calls"
    functions = [call.function for call in calls if call.type == "function"]
    assert [function.name for function in functions] == ["get_weather", "get_tide"]
    again = streamed.choices[0].message.tool_calls
    assert again is not None
    assert [call.function.arguments for call in again] == [f.arguments for f in functions]
    after = gpt.chat.completions.create(
        model=GPT,
        messages=[
            *user("get_weather and get_tide, please"),
            whole.choices[0].message.model_dump(exclude_none=True),
            *({"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in calls),
        ],
        tools=tools,
    )
    assert after.choices[0].finish_reason == "stop"


def test_gpt_can_be_made_to_call_a_tool(gpt: Any) -> None:
    tools: Any = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in ("up", "down")
    ]
    named: Any = {"type": "function", "function": {"name": "down"}}
    for choice, expected in (("required", "up"), (named, "down")):
        answer = gpt.chat.completions.create(
            model=GPT, messages=user("[[words:3]]"), tools=tools, tool_choice=choice
        )
        (call,) = answer.choices[0].message.tool_calls
        assert call.type == "function"
        assert call.function.name == expected


def test_gpt_answers_in_a_schema(gpt: Any) -> None:
    answer = gpt.chat.completions.parse(
        model=GPT, messages=user("Describe a gate."), response_format=Gate
    )
    assert answer.choices[0].message.parsed is not None
    assert answer.choices[0].message.parsed.notes


def test_gpt_gives_several_choices_and_counts_reasoning(gpt: Any) -> None:
    answer = gpt.chat.completions.create(
        model=GPT, messages=user("hi"), n=2, reasoning_effort="high", max_completion_tokens=40
    )
    assert len({choice.message.content for choice in answer.choices}) == 2
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    reasoning = answer.usage.completion_tokens_details.reasoning_tokens or 0
    assert reasoning > 0
    texts = [choice.message.content or "" for choice in answer.choices]
    assert answer.usage.completion_tokens == reasoning + sum(len(t.split()) for t in texts)


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"model": "gpt-0"}, openai.NotFoundError, "model_not_found"),
        ({"messages": "hi"}, openai.BadRequestError, None),
        ({"model": "gpt-5.6-nano", "messages": user("long " * 16_000)}, openai.BadRequestError,
         "context_length_exceeded"),
        ({"max_completion_tokens": 10**9}, openai.BadRequestError, None),
        ({"stream_options": {"include_usage": True}}, openai.BadRequestError, None),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": ""}]},
         openai.BadRequestError, None),
    ],
)  # fmt: skip
def test_gpt_refuses_what_the_real_one_refuses(
    gpt: Any, change: dict[str, Any], error: type[openai.APIStatusError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        gpt.chat.completions.create(model=GPT, messages=user("hi"), extra_body=change)
    assert caught.value.code == code
    assert caught.value.request_id


def test_gpt_lists_models(gpt: Any, compatible: Any) -> None:
    assert GPT in [model.id for model in gpt.models.list()]
    assert gpt.models.retrieve(GPT).owned_by == "openai"
    assert FLASH in [model.id for model in compatible.models.list()]


def test_no_key_is_a_401(emulator: RunningEmulator) -> None:
    nothing = {"authorization": "", "x-goog-api-key": ""}
    for path in (
        "/claude/v1/messages",
        "/gpt/v1/chat/completions",
        "/gemini/v1beta/openai/chat/completions",
        f"/gemini/v1beta/models/{FLASH}:generateContent",
    ):
        received, _ = emulator.exchange(path, {}, nothing)
        assert received.startswith(b"HTTP/1.1 401"), path


# Gemini


def test_gemini_speaks_the_openai_dialect_with_its_own_errors(compatible: Any) -> None:
    chunks = list(compatible.chat.completions.create(model=FLASH, messages=user("hi"), stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"
    with pytest.raises(openai.NotFoundError) as caught:
        compatible.chat.completions.create(model="gemini-0", messages=user("hi"))
    assert "models/gemini-0 is not found" in caught.value.response.text


def test_gemini_answers_whole_and_streams_the_same(gemini: Any) -> None:
    whole = gemini.generate_content(model=FLASH, contents="What is a weir?")
    chunks = list(gemini.generate_content_stream(model=FLASH, contents="What is a weir?"))
    assert whole.text
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert whole.usage_metadata is not None
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert whole.usage_metadata.candidates_token_count == len(whole.text.split())
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP


def test_gemini_calls_functions_and_wants_its_signature_back(gemini: Any) -> None:
    declared = types.FunctionDeclaration(name="get_weather", parameters_json_schema=WEATHER_SCHEMA)
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declared])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    question = types.Content(role="user", parts=[types.Part(text="Use get_weather.")])
    answer = gemini.generate_content(model=FLASH, contents=[question], config=config)
    (call,) = answer.function_calls
    assert call.name == "get_weather"
    assert answer.candidates is not None
    said = answer.candidates[0].content
    assert said is not None
    result = types.Content(
        role="user",
        parts=[types.Part.from_function_response(name="get_weather", response={"output": "dry"})],
    )
    after = gemini.generate_content(model=FLASH, contents=[question, said, result], config=config)
    assert after.text
    assert said.parts
    said.parts[0].thought_signature = None
    with pytest.raises(errors.ClientError, match="thought_signature"):
        gemini.generate_content(model=FLASH, contents=[question, said, result], config=config)


def test_gemini_answers_in_a_schema_thinks_and_counts(gemini: Any) -> None:
    answer = gemini.generate_content(
        model=FLASH,
        contents="Describe a gate.",
        config=types.GenerateContentConfig(
            response_mime_type="application/json",
            response_json_schema=Gate.model_json_schema(),
            thinking_config=types.ThinkingConfig(include_thoughts=True),
        ),
    )
    assert answer.text
    assert Gate.model_validate_json(answer.text)
    usage = answer.usage_metadata
    assert usage is not None
    assert usage.thoughts_token_count
    assert usage.total_token_count == (
        (usage.prompt_token_count or 0)
        + (usage.candidates_token_count or 0)
        + usage.thoughts_token_count
    )
    assert gemini.count_tokens(model=FLASH, contents="12345678").total_tokens == 6
    assert f"models/{FLASH}" in [model.name for model in gemini.list()]


def test_gemini_refuses_a_prefill_and_an_unknown_model(gemini: Any) -> None:
    contents: Any = [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "he"}]},
    ]
    with pytest.raises(errors.ClientError, match="model turn"):
        gemini.generate_content(model=FLASH, contents=contents)
    with pytest.raises(errors.ClientError) as caught:
        gemini.generate_content(model="gemini-0", contents="hi")
    assert caught.value.code == 404
