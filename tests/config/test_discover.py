"""What listens or is set is found; whatever else listens is left alone."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import msgspec
import pytest

from penstock.config import check, discover
from penstock.config.discover import Found
from penstock.config.model import Config
from penstock.dialects.capability import Engine

LIST = b'{"object":"list","data":[{"id":"llama3.2:latest"},{"id":"no good"},{"id":"qwen3"}]}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@contextlib.asynccontextmanager
async def listening(answer: bytes, *, is_closing: bool) -> AsyncGenerator[int]:
    """Answer everyone with these bytes; hold the connection open unless told to close it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if is_closing:
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def found_with(answer: bytes, *, is_closing: bool, within_s: float = 5.0) -> list[Found]:
    async def ask() -> list[Found]:
        async with listening(answer, is_closing=is_closing) as port:
            return await discover.engines([("ollama", "Ollama", port)], within_s)

    return asyncio.run(ask())


@pytest.mark.parametrize("is_closing", [True, False])
def test_an_engine_is_found_with_its_models(*, is_closing: bool) -> None:
    size = f"Content-Length: {len(LIST)}\r\n\r\n".encode()
    (one,) = found_with(HEAD + size + LIST, is_closing=is_closing)
    assert one.patterns == ("llama3.2:latest", "qwen3")
    assert one.strong == "llama3.2:latest"
    assert one.upstream.api_key_env == ""
    assert one.origin.startswith("Ollama on port ")
    assert list(check.problems(discover.config([one]))) == []


@pytest.mark.parametrize(
    ("owner", "engine"),
    [
        ("vllm", Engine.VLLM),
        ("sglang", Engine.SGLANG),
        ("library", Engine.OLLAMA),
        ("somebody", Engine.OLLAMA),
        (None, Engine.OLLAMA),
    ],
)
def test_an_engine_is_what_its_models_say_else_what_its_port_says(
    owner: str | None, engine: Engine
) -> None:
    body = msgspec.json.encode({"data": [{"id": "m", "owned_by": owner}]})
    (one,) = found_with(HEAD + b"\r\n" + body, is_closing=True)
    assert one.upstream.engine is engine


def test_an_engine_that_ends_its_answer_by_closing_is_found() -> None:
    assert found_with(HEAD + b"\r\n" + LIST, is_closing=True)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n" + LIST,
        HEAD + b"\r\n<html>",
        HEAD + b'\r\n{"data":3}',
        HEAD + b'\r\n{"data":[]}',
        HEAD + b"content-length: 999\r\n\r\n{}",
        HEAD + b"\r\n" + b" " * (discover.ANSWER_BYTES_MAX + 1) + LIST,
    ],
)
def test_whatever_else_listens_is_left_alone(answer: bytes) -> None:
    assert found_with(answer, is_closing=True) == []


def test_what_never_answers_is_given_up_on() -> None:
    assert found_with(HEAD, is_closing=False, within_s=0.05) == []


def test_nothing_listening_is_nothing_found() -> None:
    async def ask() -> list[Found]:
        async with listening(b"", is_closing=True) as port:
            pass  # from now on nobody listens there
        return await discover.engines([("vllm", "vLLM", port)])

    assert asyncio.run(ask()) == []


def test_keys_become_upstreams_with_failover_among_them() -> None:
    found = discover.providers({"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "y", "HOME": "/"})
    config = discover.config(found)
    assert [one.name for one in config.upstreams] == ["anthropic", "openai"]
    assert [one.api_key_env for one in config.upstreams] == ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]
    assert [route.name for route in config.routes] == ["auto", "fast", "claude-*", "gpt-*"]
    assert [target.upstream for target in config.routes[0].targets] == ["anthropic", "openai"]
    assert all(target.model for target in config.routes[0].targets)
    assert list(check.problems(config)) == []
    assert "y" not in repr(config).replace("ANTHROPIC_API_KEY", "").split("'")


@pytest.mark.parametrize("environment", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": "  "}])
def test_an_empty_key_is_no_key(environment: dict[str, str]) -> None:
    assert discover.providers(environment) == []


def test_the_emulated_providers_make_a_good_configuration() -> None:
    urls = {
        name: f"http://127.0.0.1:1/{name}" for name in ("claude", "gpt", "gemini_native", "other")
    }
    config = discover.config(discover.emulated(urls, "key"), Config())
    claude, gpt, gemini, _ = urls.values()
    assert [one.base_url for one in config.upstreams] == [claude, gpt, f"{gemini}/v1beta"]
    assert list(check.problems(config)) == []


def test_a_key_of_our_own_is_no_providers() -> None:
    environment = {"OPENAI_API_KEY": "pk-ours", "ANTHROPIC_API_KEY": "sk-ant-theirs"}
    assert [one.origin for one in discover.providers(environment)] == ["ANTHROPIC_API_KEY"]
