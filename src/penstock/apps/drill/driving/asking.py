"""Questions: what is said, in each dialect, and what the answer to it must be.

The words of an answer are known beforehand (``[[say:...]]`` tells the emulated model), so whoever
asks can see whether it is whole, and whether it is the right one. A word is a token. A trace's
length is that of all that was sent: what was asked before is said again in a word.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from penstock.apps.drill.driving.lines import Spot, spot
from penstock.apps.drill.driving.plan import GEMINI, Place
from penstock.sim.arrivals import Dice

WORDS: Final = (
    "dam", "weir", "lock", "sluice", "gate", "spring", "river", "basin", "canal", "flow", "head",
    "surge", "wheel", "blade", "shaft", "crew", "steel", "stone", "winter", "summer", "level",
    "meter", "valve", "pipe", "tunnel", "intake", "storm", "flood", "calm", "night",
)  # fmt: skip
PADDING: Final = "the "  # four characters a token, as whoever only estimates takes it
HISTORY_TURNS: Final = 3  # of a conversation that are sent again: enough to be one
EARLIER: Final = "And now?"
ROOM_TOKENS: Final = 64  # above what will be said: nobody asks for exactly as much


class Question(NamedTuple):
    """One turn: what is asked, and what must be answered."""

    text: str
    answer: str
    input_tokens: int
    output_tokens: int


def question(input_tokens: int, output_tokens: int, dice: Dice) -> Question:
    """Return a question of about this length, with words of its own to be answered."""
    answer = " ".join(WORDS[int(dice.random() * len(WORDS))] for _ in range(output_tokens))
    padding = PADDING * max(1, input_tokens - output_tokens)
    return Question(f"{padding}[[say:{answer}]]", answer, input_tokens, output_tokens)


class Letter(NamedTuple):
    """A request, ready to be sent as often as its sender likes."""

    spot: Spot
    data: bytes


def letter(
    place: Place, asked: Question, history: Sequence[Question], user: str, *, is_stream: bool
) -> Letter:
    """Return the request in the dialect of a place."""
    turns: list[tuple[str, str]] = []
    for one in history[-HISTORY_TURNS:]:
        turns += [("user", EARLIER), ("assistant", one.answer)]
    turns.append(("user", asked.text))
    tokens_max = asked.output_tokens + ROOM_TOKENS
    match place.dialect:
        case "anthropic_messages":
            path, body = _anthropic(place, turns, tokens_max)
            lines = f"x-api-key: {place.key}\r\nanthropic-version: 2023-06-01\r\n"
        case "gemini_generate":
            path, body = _gemini(place, turns, tokens_max, is_stream=is_stream)
            lines = f"x-goog-api-key: {place.key}\r\n"
        case _:
            path, body = _openai(place, turns, tokens_max, is_stream=is_stream)
            lines = f"authorization: Bearer {place.key}\r\n"
    if is_stream and place.dialect != GEMINI:
        body["stream"] = True
    if user:
        lines += f"x-penstock-user: {user}\r\n"
    where = spot(place.base_url)
    base_path = place.base_url.partition("://")[2].partition("/")[2]
    content = msgspec.json.encode(body)
    head = (
        f"POST /{base_path}{path} HTTP/1.1\r\nhost: {where.host}:{where.port}\r\n"
        f"content-type: application/json\r\naccept: */*\r\nuser-agent: penstock-drill\r\n"
        f"{lines}content-length: {len(content)}\r\n\r\n"
    )
    return Letter(where, head.encode() + content)


def _openai(
    place: Place, turns: Sequence[tuple[str, str]], tokens_max: int, *, is_stream: bool
) -> tuple[str, dict[str, Any]]:
    messages = [{"role": role, "content": text} for role, text in turns]
    body: dict[str, Any] = {
        "model": place.model,
        "messages": messages,
        "max_completion_tokens": tokens_max,
    }
    if is_stream:
        body["stream_options"] = {"include_usage": True}
    return "/chat/completions", body


def _anthropic(
    place: Place, turns: Sequence[tuple[str, str]], tokens_max: int
) -> tuple[str, dict[str, Any]]:
    messages = [{"role": role, "content": text} for role, text in turns]
    return "/v1/messages", {"model": place.model, "messages": messages, "max_tokens": tokens_max}


def _gemini(
    place: Place, turns: Sequence[tuple[str, str]], tokens_max: int, *, is_stream: bool
) -> tuple[str, dict[str, Any]]:
    contents = [
        {"role": "model" if role == "assistant" else role, "parts": [{"text": text}]}
        for role, text in turns
    ]
    verb = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
    body = {"contents": contents, "generationConfig": {"maxOutputTokens": tokens_max}}
    return f"/v1beta/models/{place.model}:{verb}", body
