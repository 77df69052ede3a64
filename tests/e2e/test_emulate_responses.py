"""The openai SDK cannot tell the emulated Responses API from the real one."""

import json
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter
from tests.e2e.emulator import RunningEmulator, StreamBytes

GPT = "gpt-5.6"
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False},
    {"type": "function", "name": "get_tide", "parameters": {"type": "object"}, "strict": False},
]


class Gate(BaseModel):
    """A shape for structured answers."""

    name: str
    level: int


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def streamed(gpt: Any, **asked: Any) -> tuple[list[Any], Any]:
    """Return all raw events, each of its type, and what the SDK puts together from them."""
    events = list(gpt.responses.create(**asked, stream=True))
    for event in events:
        EVENT.validate_python(event.to_dict(), strict=True)
    with gpt.responses.stream(**asked) as stream:
        return events, stream.get_final_response()


def test_an_answer_is_streamed_as_it_is_said_whole(gpt: Any) -> None:
    asked: dict[str, Any] = {"model": GPT, "input": "What is a weir?"}
    whole = gpt.responses.create(**asked)
    Response.model_validate(whole.model_dump(), strict=True)
    events, final = streamed(gpt, **asked)
    assert whole.status == final.status == "completed"
    assert whole.output_text == final.output_text
    text = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(text) == whole.output_text
    assert whole.usage == final.usage
    assert whole.usage.output_tokens == len(whole.output_text.split()) == len(text)
    assert whole.usage.input_tokens == 4 + 4
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events if event.type != "response.output_text.delta"] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert len({event.item_id for event in events if hasattr(event, "item_id")}) == 1


def test_chat_and_responses_say_the_same(gpt: Any) -> None:
    chat = gpt.chat.completions.create(model=GPT, messages=user("Which gates are open?"))
    response = gpt.responses.create(model=GPT, input=user("Which gates are open?"))
    assert response.output_text == chat.choices[0].message.content


def test_calls_are_parallel_and_their_arguments_streamed(gpt: Any) -> None:
    asked: dict[str, Any] = {
        "model": GPT,
        "input": user("get_weather and get_tide, please"),
        "tools": TOOLS,
    }
    whole = gpt.responses.create(**asked)
    events, final = streamed(gpt, **asked)
    calls = [item for item in whole.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "get_tide"]
    assert json.loads(calls[0].arguments)["days"] >= 1
    assert [item.arguments for item in final.output] == [call.arguments for call in calls]
    for at, call in enumerate(calls):
        deltas = [
            event.delta
            for event in events
            if event.type == "response.function_call_arguments.delta" and event.output_index == at
        ]
        assert "".join(deltas) == call.arguments
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "fine"}
        for call in calls
    ]
    after = gpt.responses.create(
        model=GPT, input=[*asked["input"], *whole.output, *results], tools=TOOLS
    )
    assert [item.type for item in after.output] == ["message"]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("required", ["get_weather"]),
        ({"type": "function", "name": "get_tide"}, ["get_tide"]),
        ({"type": "allowed_tools", "mode": "required", "tools": [TOOLS[1]]}, ["get_tide"]),
        ("none", []),
        ("auto", []),
    ],
)
def test_calls_can_be_forced(gpt: Any, choice: Any, names: list[str]) -> None:
    answer = gpt.responses.create(model=GPT, input="[[words:3]]", tools=TOOLS, tool_choice=choice)
    assert [item.name for item in answer.output if item.type == "function_call"] == names
    assert answer.tools[0].name == "get_weather"


def test_reasoning_is_told_as_a_summary_and_comes_back_sealed(gpt: Any) -> None:
    asked: dict[str, Any] = {
        "model": GPT,
        "input": user("Why?"),
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    events, final = streamed(gpt, **asked)
    thought, said = final.output
    assert (thought.type, said.type) == ("reasoning", "message")
    deltas = [e.delta for e in events if e.type == "response.reasoning_summary_text.delta"]
    assert "".join(deltas) == thought.summary[0].text
    assert final.usage.output_tokens_details.reasoning_tokens == len(deltas)
    items = [e.item for e in events if e.type == "response.output_item.added"]
    assert items[0].encrypted_content != thought.encrypted_content
    history = [*user("Why?"), thought.to_dict(), said.to_dict(), *user("And?")]
    assert gpt.responses.create(model=GPT, input=history).output_text
    forged = thought.to_dict() | {"encrypted_content": "somebody-elses"}
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.responses.create(model=GPT, input=[*user("Why?"), forged, said.to_dict()])
    assert caught.value.code == "invalid_encrypted_content"
    hidden = gpt.responses.create(model=GPT, input="Why?", reasoning={"effort": "low"})
    assert hidden.output[0].summary == []
    assert hidden.usage.output_tokens_details.reasoning_tokens > 0


def test_an_answer_can_be_incomplete(gpt: Any) -> None:
    asked: dict[str, Any] = {"model": GPT, "input": "[[words:9]]", "max_output_tokens": 5}
    whole = gpt.responses.create(**asked)
    events = list(gpt.responses.create(**asked, stream=True))
    assert events[-1].type == "response.incomplete"
    for response in (whole, events[-1].response):
        assert response.status == "incomplete"
        assert response.incomplete_details.reason == "max_output_tokens"
        assert response.output[0].status == "incomplete"
        assert response.usage.output_tokens == 5


def test_a_refusal_is_a_part_of_its_own(emulator: RunningEmulator, gpt: Any) -> None:
    emulator.faults({"kind": "refusal"})
    whole = gpt.responses.create(model=GPT, input="hi")
    _, final = streamed(gpt, model=GPT, input="hi")
    assert whole.output[0].content[0].type == "refusal"
    assert final.output[0].content[0].refusal == whole.output[0].content[0].refusal


def test_an_answer_fits_its_schema(gpt: Any) -> None:
    answer = gpt.responses.parse(model=GPT, input="Describe a gate.", text_format=Gate)
    assert answer.output_parsed.name
    loose = gpt.responses.create(
        model=GPT, input="JSON, please", text={"format": {"type": "json_object"}}
    )
    assert json.loads(loose.output_text) == {}


def test_input_tokens_are_counted(gpt: Any) -> None:
    asked: dict[str, Any] = {"model": GPT, "input": user("What is a weir?"), "tools": TOOLS}
    counted = gpt.responses.input_tokens.count(**asked)
    assert counted.input_tokens == gpt.responses.create(**asked).usage.input_tokens
    assert counted.object == "response.input_tokens"


REFUSED: list[tuple[dict[str, Any], type[openai.APIStatusError], str | None]] = [
    ({"model": "gpt-0"}, openai.NotFoundError, "model"),
    ({"stop": ["x"]}, openai.BadRequestError, None),
    ({"input": []}, openai.BadRequestError, "input"),
    ({"max_output_tokens": 0}, openai.BadRequestError, "max_output_tokens"),
    ({"previous_response_id": "resp_1"}, openai.BadRequestError, "previous_response_id"),
    ({"top_logprobs": 2}, openai.BadRequestError, "top_logprobs"),
    ({"background": True}, openai.BadRequestError, "background"),
    ({"input": [{"type": "function_call_output", "call_id": "x", "output": ""}]},
     openai.BadRequestError, "input"),
    ({"input": [{"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"}]},
     openai.BadRequestError, "input"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, openai.NotFoundError, "input[0]"),
    ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, *user("hi")]},
     openai.NotFoundError, "input[0]"),
    ({"input": [{"role": "tool", "content": "x"}]}, openai.BadRequestError, "input[0]"),
    ({"text": {"format": {"type": "json_schema"}}}, openai.BadRequestError,
     "text.format.name"),
    ({"tool_choice": {"type": "function", "name": "x"}}, openai.BadRequestError,
     "tool_choice"),
    ({"model": "gpt-5.6-nano", "input": "long " * 16_000}, openai.BadRequestError, "messages"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error", "param"), REFUSED)
def test_what_the_real_one_refuses_is_refused(
    gpt: Any, change: dict[str, Any], error: type[openai.APIStatusError], param: str | None
) -> None:
    with pytest.raises(error) as caught:
        gpt.responses.create(model=GPT, input="hi", extra_body=change)
    assert caught.value.param == param
    assert caught.value.request_id


def test_store_is_repeated(gpt: Any) -> None:
    assert gpt.responses.create(model=GPT, input="hi").store is True
    assert gpt.responses.create(model=GPT, input="hi", store=False).store is False


@pytest.mark.parametrize(
    ("fault", "error"),
    [("stream_abort", openai.APIConnectionError), ("malformed_mid", json.JSONDecodeError)],
)
def test_some_breaks_raise(
    emulator: RunningEmulator, gpt: Any, fault: str, error: type[Exception]
) -> None:
    emulator.faults({"kind": fault})
    with pytest.raises(error):
        list(gpt.responses.create(model=GPT, input="[[words:9]]", stream=True))


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        ("stream_cut", "response.output_text.delta"),
        ("error_event_mid", "error"),
        ("failed_event_mid", "response.failed"),
    ],
)
def test_some_breaks_are_silent_but_for_the_helper(
    emulator: RunningEmulator, gpt: Any, fault: str, last: str
) -> None:
    emulator.faults({"kind": fault, "status": 503})
    events = list(gpt.responses.create(model=GPT, input="[[words:9]]", stream=True))
    assert events[-1].type == last
    with (
        gpt.responses.stream(model=GPT, input="[[words:9]]") as helper,
        pytest.raises(RuntimeError, match="Didn't receive"),
    ):
        helper.get_final_response()


def test_padding_can_be_left_out(emulator: RunningEmulator) -> None:
    body: dict[str, Any] = {"model": GPT, "input": "[[words:3]]", "stream": True}
    padded = StreamBytes(*emulator.exchange("/gpt/v1/responses", body))
    body["stream_options"] = {"include_obfuscation": False}
    plain = StreamBytes(*emulator.exchange("/gpt/v1/responses", body))
    assert "obfuscation" in padded.text
    assert "obfuscation" not in plain.text
    assert padded.words == plain.words
