"""LangChain's chat models for OpenAI, by both of its APIs, and for Anthropic."""

from functools import cache

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from tests.clients.drivers.lines import Ask, Heard, Way, serve

FINISHES = ("finish_reason", "stop_reason", "status")


@cache
def model(kind: str, base_url: str, key: str, name: str) -> BaseChatModel:
    if kind == "anthropic":
        return ChatAnthropic(model=name, base_url=base_url, api_key=key, max_tokens=500)
    return ChatOpenAI(
        model=name, base_url=base_url, api_key=key, use_responses_api=kind == "responses"
    )


def finish(message: AIMessage, heard: Heard) -> None:
    """Take what stands beside the text."""
    for name in FINISHES:
        heard.finish = heard.finish or message.response_metadata.get(name)
    if message.usage_metadata:
        heard.used(message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"])


def whole(kind: str) -> Way:
    def way(ask: Ask, heard: Heard) -> None:
        message = model(kind, ask.base_url, ask.key, ask.model).invoke(ask.prompt)
        heard.add(message.text)
        finish(message, heard)

    return way


def stream(kind: str) -> Way:
    def way(ask: Ask, heard: Heard) -> None:
        total = None
        for chunk in model(kind, ask.base_url, ask.key, ask.model).stream(ask.prompt):
            heard.add(chunk.text)
            total = chunk if total is None else total + chunk
        if total is not None:
            finish(total, heard)

    return way


if __name__ == "__main__":
    serve(
        {
            "chat": whole("chat"),
            "chat_stream": stream("chat"),
            "responses": whole("responses"),
            "responses_stream": stream("responses"),
            "messages": whole("anthropic"),
            "messages_stream": stream("anthropic"),
        },
        "langchain-openai",
        "langchain-anthropic",
    )
