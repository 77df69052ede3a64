"""The official Google Gen AI SDK for Python."""

from functools import cache

from google import genai
from google.genai import types
from tests.clients.drivers.lines import Ask, Heard, serve


@cache
def client(base_url: str, key: str) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base_url))


def take(answer: types.GenerateContentResponse, heard: Heard) -> None:
    """Take one answer, or one chunk of it."""
    for candidate in answer.candidates or ():
        content = candidate.content
        texts = [part.text or "" for part in (content.parts if content else None) or ()]
        heard.add("".join(texts), candidate.finish_reason and candidate.finish_reason.value)
    used = answer.usage_metadata
    if used:
        heard.used(used.prompt_token_count, used.candidates_token_count)


def generate(ask: Ask, heard: Heard) -> None:
    models = client(ask.base_url, ask.key).models
    take(models.generate_content(model=ask.model, contents=ask.prompt), heard)


def generate_stream(ask: Ask, heard: Heard) -> None:
    models = client(ask.base_url, ask.key).models
    for chunk in models.generate_content_stream(model=ask.model, contents=ask.prompt):
        take(chunk, heard)


if __name__ == "__main__":
    serve({"generate": generate, "generate_stream": generate_stream}, "google-genai")
