"""Ask the gateway in each dialect, by the official SDK, as a stream or whole."""

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import anthropic
import openai
from google import genai
from google.genai import errors, types
from tests.e2e.gateway import CALLER_KEY

QUESTION: Final = "Why do gates stay closed in winter?"
MESSAGES: Final = [{"role": "user", "content": QUESTION}]
TOKENS: Final = 600  # of one character each: half a second or more of an engine's time
GREEDY: Final = {"temperature": 0}  # of which Claude's newest SDK has no notion
WITHIN_S: Final = 60.0

Seen = Callable[[str], None]
Ask = Callable[..., str]


def nothing(text: str) -> None:
    """Look at what has come, and do nothing."""
    del text


@contextlib.contextmanager
def gpt(url: str) -> Generator[Any]:
    """Give the openai SDK."""
    with openai.OpenAI(
        base_url=f"{url}/v1", api_key=CALLER_KEY, max_retries=0, timeout=WITHIN_S
    ) as sdk:
        yield sdk


@contextlib.contextmanager
def claude(url: str) -> Generator[Any]:
    """Give the anthropic SDK."""
    with anthropic.Anthropic(
        base_url=url, api_key=CALLER_KEY, max_retries=0, timeout=WITHIN_S
    ) as sdk:
        yield sdk


@contextlib.contextmanager
def gemini(url: str) -> Generator[Any]:
    """Give google-genai's models."""
    options = types.HttpOptions(base_url=url, timeout=int(WITHIN_S * 1000))
    client = genai.Client(api_key=CALLER_KEY, http_options=options)
    yield client.models
    client.close()


def gathered(pieces: Iterator[str], seen: Seen) -> str:
    """Return the text; ``seen`` is told all that there is after each piece."""
    text = ""
    for piece in pieces:
        text += piece
        if piece:
            seen(text)
    return text


def chat_stream(url: str, route: str, seen: Seen = nothing, tokens: int = TOKENS) -> str:
    """Ask in OpenAI's chat dialect; one answer has one id and one end."""
    with gpt(url) as sdk:
        stream = sdk.chat.completions.create(
            model=route, messages=MESSAGES, stream=True, max_tokens=tokens, temperature=0
        )
        ids: set[str] = set()
        ends: list[str] = []

        def pieces() -> Iterator[str]:
            for chunk in stream:
                ids.add(chunk.id)
                for choice in chunk.choices:
                    ends.extend([choice.finish_reason] if choice.finish_reason else [])
                    yield choice.delta.content or ""

        text = gathered(pieces(), seen)
    assert (len(ids), ends) == (1, ["length"])
    return text


def responses_stream(url: str, route: str, seen: Seen = nothing, tokens: int = TOKENS) -> str:
    """Ask in OpenAI's Responses dialect; the numbers have no hole, the end repeats the text."""
    numbers: list[int] = []
    with gpt(url) as sdk:
        stream = sdk.responses.create(
            model=route, input=QUESTION, stream=True, max_output_tokens=tokens, temperature=0
        )
        ends: list[Any] = []

        def pieces() -> Iterator[str]:
            for event in stream:
                numbers.append(event.sequence_number)
                if event.type == "response.output_text.delta":
                    yield event.delta
                if event.type == "response.incomplete":
                    ends.append(event.response)
                if event.type == "response.failed":
                    raise openai.OpenAIError(event.response.error.message)

        text = gathered(pieces(), seen)
    assert numbers == list(range(len(numbers)))
    assert [end.output_text for end in ends] == [text]
    assert ends[0].incomplete_details.reason == "max_output_tokens"
    return text


def claude_stream(url: str, route: str, seen: Seen = nothing, tokens: int = TOKENS) -> str:
    """Ask in Anthropic's dialect; one message has one block."""
    with (
        claude(url) as sdk,
        sdk.messages.stream(
            model=route, max_tokens=tokens, messages=MESSAGES, extra_body=GREEDY
        ) as stream,
    ):
        text = gathered(stream.text_stream, seen)
        message = stream.get_final_message()
    assert [(block.type, block.text) for block in message.content] == [("text", text)]
    assert message.stop_reason == "max_tokens"
    return text


def gemini_stream(url: str, route: str, seen: Seen = nothing, tokens: int = TOKENS) -> str:
    """Ask in Gemini's dialect; the last piece says why it is the last."""
    ends: list[str] = []
    with gemini(url) as models:
        config = types.GenerateContentConfig(max_output_tokens=tokens, temperature=0)

        def pieces() -> Iterator[str]:
            for piece in models.generate_content_stream(
                model=route, contents=QUESTION, config=config
            ):
                reason = piece.candidates[0].finish_reason
                ends.extend([reason.value] if reason else [])
                yield piece.text or ""

        text = gathered(pieces(), seen)
    assert ends == ["MAX_TOKENS"]
    return text


def chat_whole(url: str, route: str, tokens: int = TOKENS) -> tuple[str, int, int]:
    """Ask for a whole answer: its text, input and output tokens."""
    with gpt(url) as sdk:
        answer = sdk.chat.completions.create(
            model=route, messages=MESSAGES, max_tokens=tokens, temperature=0
        )
    assert answer.choices[0].finish_reason == "length"
    usage = answer.usage
    return answer.choices[0].message.content, usage.prompt_tokens, usage.completion_tokens


def responses_whole(url: str, route: str, tokens: int = TOKENS) -> tuple[str, int, int]:
    """Ask for a whole answer: its text, input and output tokens."""
    with gpt(url) as sdk:
        answer = sdk.responses.create(
            model=route, input=QUESTION, max_output_tokens=tokens, temperature=0
        )
    assert answer.status == "incomplete"
    return answer.output_text, answer.usage.input_tokens, answer.usage.output_tokens


def claude_whole(url: str, route: str, tokens: int = TOKENS) -> tuple[str, int, int]:
    """Ask for a whole answer: its text, input and output tokens."""
    with claude(url) as sdk:
        message = sdk.messages.create(
            model=route, max_tokens=tokens, messages=MESSAGES, extra_body=GREEDY
        )
    assert message.stop_reason == "max_tokens"
    return message.content[0].text, message.usage.input_tokens, message.usage.output_tokens


def gemini_whole(url: str, route: str, tokens: int = TOKENS) -> tuple[str, int, int]:
    """Ask for a whole answer: its text, input and output tokens."""
    with gemini(url) as models:
        config = types.GenerateContentConfig(max_output_tokens=tokens, temperature=0)
        answer = models.generate_content(model=route, contents=QUESTION, config=config)
    usage = answer.usage_metadata
    return answer.text, usage.prompt_token_count, usage.candidates_token_count


STREAMS: Final = (chat_stream, responses_stream, claude_stream, gemini_stream)
WHOLES: Final = (chat_whole, responses_whole, claude_whole, gemini_whole)
ERRORS: Final = (openai.OpenAIError, anthropic.APIError, errors.APIError)
