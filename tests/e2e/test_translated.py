"""An SDK of one vendor against the model of another, through a gateway with its real processes."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import anthropic
import openai
import pytest
from tests.cli.running import REAL, Running, port, running

pytestmark = pytest.mark.slow

FILE: Final = """
[emulate]
is_enabled = true
[[upstreams]]
name = "gpt"
dialect = "openai_chat"
base_url = "http://127.0.0.1:8405/gpt/v1"
api_key_file = "upstream.key"
[[upstreams]]
name = "claude"
dialect = "anthropic_messages"
base_url = "http://127.0.0.1:8405/claude"
api_key_file = "upstream.key"
[[routes]]
name = "on-claude"
targets = [{upstream = "claude", model = "claude-sonnet-4-6"}]
[[routes]]
name = "on-gpt"
targets = [{upstream = "gpt", model = "gpt-5.6"}]
"""
SCHEMA: Final[dict[str, object]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A gateway between two emulated vendors."""
    folder: Path = tmp_path_factory.mktemp("translated")
    key = folder / "upstream.key"
    key.touch(mode=0o600)
    key.write_text("made-up\n")
    (folder / "penstock.toml").write_text(FILE.replace("upstream.key", str(key)))
    with running(folder, REAL) as process:
        process.ready()
        yield process
        process.stop()


def chat(up: Running) -> openai.OpenAI:
    ready = up.ready()
    base = f"http://127.0.0.1:{port(ready['urls']['gateway'])}/v1"
    return openai.OpenAI(base_url=base, api_key=ready["key"], max_retries=0, timeout=20)


def claude(up: Running) -> anthropic.Anthropic:
    ready = up.ready()
    base = f"http://127.0.0.1:{port(ready['urls']['gateway'])}"
    return anthropic.Anthropic(base_url=base, api_key=ready["key"], max_retries=0, timeout=20)


def test_openais_sdk_calls_a_tool_of_claude_and_goes_on(up: Running) -> None:
    tools: Any = [
        {"type": "function", "function": {"name": "find_city", "parameters": SCHEMA}},
    ]
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Please use find_city."},
    ]
    with chat(up) as client:
        first = client.chat.completions.create(
            model="on-claude", messages=messages, tools=tools, seed=7
        )
        message = first.choices[0].message
        assert first.choices[0].finish_reason == "tool_calls"
        assert message.tool_calls
        messages.append(message.model_dump(exclude_none=True))
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": "Graz"}
            for call in message.tool_calls
        ]
        stream = client.chat.completions.create(
            model="on-claude",
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


def test_what_is_left_out_is_named(up: Running) -> None:
    with chat(up) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="on-claude", messages=[{"role": "user", "content": "Hello"}], seed=7
        )
    assert raw.headers["x-penstock-dropped"] == "seed"


def test_what_cannot_be_carried_is_refused_by_name(up: Running) -> None:
    with chat(up) as client, pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="on-claude", messages=[{"role": "user", "content": "Hello"}], logprobs=True
        )
    assert caught.value.param == "logprobs"


def test_anthropics_sdk_calls_a_tool_of_gpt_and_goes_on(up: Running) -> None:
    tools: Any = [{"name": "find_city", "input_schema": SCHEMA}]
    messages: list[Any] = [{"role": "user", "content": "Please use find_city."}]
    with claude(up) as client:
        with client.messages.stream(
            model="on-gpt", max_tokens=200, system="Be brief.", messages=messages, tools=tools
        ) as stream:
            first = stream.get_final_message()
        calls = [block for block in first.content if block.type == "tool_use"]
        assert first.stop_reason == "tool_use"
        assert isinstance(calls[0].input, dict)
        assert "city" in calls[0].input
        messages.append({"role": "assistant", "content": first.content})
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": "Graz"} for call in calls
        ]
        messages.append({"role": "user", "content": results})
        last = client.messages.create(
            model="on-gpt", max_tokens=200, messages=messages, tools=tools
        )
    assert last.stop_reason in ("end_turn", "max_tokens")
    assert last.content[0].type == "text"
    assert last.usage.input_tokens > 0
