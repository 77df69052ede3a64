"""The official SDKs skip comments, also many of them before the first event of a stream.

Whoever waits for a place is told about it so: `: queued position=12 eta_s=3.4`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from tests.dialects.samples import sample, whole_events
from tests.dialects.test_sdks import serving

from penstock.dialects.registry import DIALECTS

QUESTION: Any = [{"role": "user", "content": "hi"}]


def chat(url: str) -> list[str]:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    chunks = client.chat.completions.create(model="m", messages=QUESTION, stream=True)
    return [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]


def chat_async(url: str) -> list[str]:
    async def read() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
            chunks = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
            return [one.delta.content or "" async for chunk in chunks for one in chunk.choices]

    return asyncio.run(read())


def responses(url: str) -> list[str]:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    with client.responses.stream(model="m", input="hi") as events:
        return [one.delta for one in events if one.type == "response.output_text.delta"]


def messages(url: str) -> list[str]:
    client = anthropic.Anthropic(base_url=url, api_key="k", max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream:
        return list(stream.text_stream)


def messages_async(url: str) -> list[str]:
    async def read() -> list[str]:
        async with (
            anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as client,
            client.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream,
        ):
            return [text async for text in stream.text_stream]

    return asyncio.run(read())


def gemini(url: str) -> list[str]:
    client: Any = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url))
    chunks = client.models.generate_content_stream(model="m", contents="hi")
    return [chunk.text or "" for chunk in chunks]


READERS: dict[str, tuple[str, Callable[[str], list[str]]]] = {
    "openai_chat": ("openai_chat", chat),
    "openai_chat, async": ("openai_chat", chat_async),
    "openai_responses": ("openai_responses", responses),
    "anthropic_messages": ("anthropic_messages", messages),
    "anthropic_messages, async": ("anthropic_messages", messages_async),
    "gemini_generate": ("gemini_generate", gemini),
}


@pytest.mark.parametrize("reader", READERS)
def test_comments_before_and_between_events_are_skipped(reader: str) -> None:
    name, read = READERS[reader]
    stream = sample(name, "text_ok")
    comment = DIALECTS[name].comment(b"queued position=12 eta_s=3.4")
    with serving(stream) as url:
        expected = read(url)
    assert "".join(expected)
    note = b'answered {"upstream":"gpt","attempts":2,"because":"claude: overloaded"}'
    comment += DIALECTS[name].comment(note)
    told = comment * 30 + comment.join(whole_events(stream))
    with serving(told) as url:
        assert read(url) == expected
