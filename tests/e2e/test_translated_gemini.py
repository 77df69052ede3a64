"""SDKs of other vendors against Gemini in its own dialect, through the real processes.

Gemini 3 checks the signatures of calls, and the emulated one does too.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import anthropic
import openai
import pytest
from tests.cli.running import REAL, Running, port, running
from tests.e2e.test_translated import SCHEMA, chat, claude

pytestmark = pytest.mark.slow

FILE: Final = """
[emulate]
is_enabled = true
[[upstreams]]
name = "gemini"
dialect = "gemini_generate"
base_url = "http://127.0.0.1:8405/gemini/v1beta"
api_key_file = "upstream.key"
[[routes]]
name = "on-gemini"
targets = [{upstream = "gemini", model = "gemini-3.7-flash"}]
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A gateway before the emulated Gemini."""
    folder: Path = tmp_path_factory.mktemp("gemini")
    key = folder / "upstream.key"
    key.touch(mode=0o600)
    key.write_text("made-up\n")
    (folder / "penstock.toml").write_text(FILE.replace("upstream.key", str(key)))
    with running(folder, REAL) as process:
        process.ready()
        yield process
        process.stop()


def test_openais_sdk_calls_a_tool_of_gemini_and_goes_on(up: Running) -> None:
    assert port(up.ready()["urls"]["gateway"])
    tools: Any = [{"type": "function", "function": {"name": "1_find_city", "parameters": SCHEMA}}]
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Please use 1_find_city."},
    ]
    with chat(up) as client:
        first = client.chat.completions.create(
            model="on-gemini", messages=messages, tools=tools, tool_choice="required"
        )
        message = first.choices[0].message
        assert first.choices[0].finish_reason == "tool_calls"
        assert message.tool_calls
        calls = [call for call in message.tool_calls if call.type == "function"]
        assert {call.function.name for call in calls} == {"1_find_city"}
        messages.append(message.model_dump(exclude_none=True))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "Graz"} for call in calls]
        stream = client.chat.completions.create(
            model="on-gemini",
            messages=messages,
            tools=tools,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens > 0


def test_anthropics_sdk_calls_a_tool_of_gemini_and_goes_on(up: Running) -> None:
    tools: Any = [{"name": "find_city", "input_schema": SCHEMA}]
    messages: list[Any] = [{"role": "user", "content": "Please use find_city."}]
    with claude(up) as client:
        with client.messages.stream(
            model="on-gemini", max_tokens=200, system="Be brief.", messages=messages, tools=tools
        ) as stream:
            first = stream.get_final_message()
        calls = [block for block in first.content if block.type == "tool_use"]
        assert first.stop_reason == "tool_use"
        assert calls
        messages.append({"role": "assistant", "content": first.content})
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": "Graz"} for call in calls
        ]
        messages.append({"role": "user", "content": results})
        last = client.messages.create(
            model="on-gemini", max_tokens=200, messages=messages, tools=tools
        )
    assert last.stop_reason in ("end_turn", "max_tokens")
    assert last.content[0].type == "text"
    assert last.usage.input_tokens > 0


def test_an_address_is_refused_by_name(up: Running) -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    messages: list[Any] = [{"role": "user", "content": [image]}]
    with chat(up) as client, pytest.raises(openai.BadRequestError, match="send the data") as caught:
        client.chat.completions.create(model="on-gemini", messages=messages)
    assert caught.value.param == "image_url.url"


def test_an_answer_that_is_to_be_continued_is_refused(up: Running) -> None:
    with claude(up) as client, pytest.raises(anthropic.BadRequestError, match="go on"):
        client.messages.create(
            model="on-gemini",
            max_tokens=9,
            messages=[
                {"role": "user", "content": "Count."},
                {"role": "assistant", "content": "One,"},
            ],
        )
