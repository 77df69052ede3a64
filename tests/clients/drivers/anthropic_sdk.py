"""The official Anthropic SDK for Python."""

from functools import cache

from anthropic import Anthropic
from tests.clients.drivers.lines import Ask, Heard, serve

MAX_TOKENS = 500


@cache
def client(base_url: str, key: str) -> Anthropic:
    return Anthropic(base_url=base_url, api_key=key)


def messages(ask: Ask, heard: Heard) -> None:
    answer = client(ask.base_url, ask.key).messages.create(
        model=ask.model,
        max_tokens=MAX_TOKENS,
        messages=[{"role": "user", "content": ask.prompt}],
    )
    texts = [block.text for block in answer.content if block.type == "text"]
    heard.add("".join(texts), answer.stop_reason)
    heard.used(answer.usage.input_tokens, answer.usage.output_tokens)


def messages_stream(ask: Ask, heard: Heard) -> None:
    stream = client(ask.base_url, ask.key).messages.create(
        model=ask.model,
        max_tokens=MAX_TOKENS,
        messages=[{"role": "user", "content": ask.prompt}],
        stream=True,
    )
    for event in stream:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            heard.add(event.delta.text)
        elif event.type == "message_delta":
            heard.finish = event.delta.stop_reason
            heard.used(event.usage.input_tokens, event.usage.output_tokens)


def messages_helper(ask: Ask, heard: Heard) -> None:
    with client(ask.base_url, ask.key).messages.stream(
        model=ask.model,
        max_tokens=MAX_TOKENS,
        messages=[{"role": "user", "content": ask.prompt}],
    ) as stream:
        for text in stream.text_stream:
            heard.add(text)
        final = stream.get_final_message()
    heard.finish = final.stop_reason
    heard.used(final.usage.input_tokens, final.usage.output_tokens)


if __name__ == "__main__":
    serve(
        {
            "messages": messages,
            "messages_stream": messages_stream,
            "messages_helper": messages_helper,
        },
        "anthropic",
    )
