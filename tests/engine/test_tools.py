"""Calls of a real engine: its grammar makes even a random model call the tool that was named."""

import json
from typing import Any, Final

import pytest
from tests.e2e.emulator import wait_until
from tests.engine import asking
from tests.engine.conftest import Pair

pytestmark = pytest.mark.engine

NAME: Final = "open_gate"
SCHEMA: Final[dict[str, object]] = {
    "type": "object",
    "properties": {"wide": {"type": "boolean"}},
    "required": ["wide"],
}
CHAT_TOOL: Final = {"type": "function", "function": {"name": NAME, "parameters": SCHEMA}}
CHAT_CHOICE: Final = {"type": "function", "function": {"name": NAME}}
ROUTES: Final = ("strict", "continued")  # the second holds calls back until all are whole
TOKENS: Final = 100


def check(pair: Pair, count: int, name: str, arguments: dict[str, Any]) -> None:
    """Check a call, and the record of it."""
    assert name == NAME
    assert [type(arguments[key]) for key in arguments] == [bool]
    assert list(arguments) == ["wide"]
    wait_until(lambda: len(pair.gateway.records()) > count)
    [record] = pair.gateway.records()[count:]
    assert record["outcome"] == "complete"
    assert record["finish_reason"] in ("tool", "tool_calls")  # ours, or the upstream's word


@pytest.mark.parametrize("route", ROUTES)
def test_a_streamed_call_comes_as_the_engine_says_it(pair: Pair, route: str) -> None:
    count = len(pair.gateway.records())
    with asking.gpt(pair.gateway.url) as sdk:
        chunks: list[Any] = list(
            sdk.chat.completions.create(
                model=route,
                messages=asking.MESSAGES,
                tools=[CHAT_TOOL],
                tool_choice=CHAT_CHOICE,
                max_tokens=TOKENS,
                temperature=0,
                stream=True,
            )
        )
    deltas = [one.choices[0].delta for one in chunks if one.choices]
    calls: list[Any] = [call for delta in deltas if delta.tool_calls for call in delta.tool_calls]
    assert {call.index for call in calls} == {0}
    assert len({call.id for call in calls if call.id}) == 1
    # This server says the name in every piece. We change no event, so its callers must bear it.
    [name] = {call.function.name for call in calls if call.function.name}
    arguments = "".join(call.function.arguments or "" for call in calls)
    check(pair, count, name, json.loads(arguments))


@pytest.mark.parametrize("route", ROUTES)
def test_anthropic_s_sdk_puts_a_streamed_call_together(pair: Pair, route: str) -> None:
    count = len(pair.gateway.records())
    with (
        asking.claude(pair.gateway.url) as sdk,
        sdk.messages.stream(
            model=route,
            max_tokens=TOKENS,
            messages=asking.MESSAGES,
            tools=[{"name": NAME, "input_schema": SCHEMA}],
            tool_choice={"type": "tool", "name": NAME},
            extra_body=asking.GREEDY,
        ) as stream,
    ):
        message = stream.get_final_message()
    assert message.stop_reason == "tool_use"
    [block] = message.content
    check(pair, count, block.name, block.input)


def test_a_call_and_its_result_come_back_as_history(pair: Pair) -> None:
    with asking.claude(pair.gateway.url) as sdk:
        asked: dict[str, Any] = {
            "model": "strict",
            "max_tokens": TOKENS,
            "tools": [{"name": NAME, "input_schema": SCHEMA}],
            "extra_body": asking.GREEDY,
        }
        choice = {"type": "tool", "name": NAME}
        first = sdk.messages.create(messages=asking.MESSAGES, tool_choice=choice, **asked)
        [block] = first.content
        result = {"type": "tool_result", "tool_use_id": block.id, "content": "it is open"}
        turns = [
            *asking.MESSAGES,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        second = sdk.messages.create(messages=turns, tool_choice={"type": "none"}, **asked)
    assert second.stop_reason == "max_tokens"
    assert second.content[0].text
