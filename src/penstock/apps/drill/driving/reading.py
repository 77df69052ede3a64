"""Answers as they come, in each dialect: the words, why they ended, errors in mid-stream.

    text       what the model said; thinking is not counted
    finish     why it stopped: ``stop`` (it was done), ``length``, or another word; empty: not told
    trouble    an error event, or the error that came in place of the answer
    seams      comments that name who went on with the answer

This is a reader of its own, and not the gateway's: whoever judges an answer must not share the
mistakes of whoever made it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from penstock.core.errors import DialectError
from penstock.dialects.sse import Splitter

SEAM: Final = b": penstock continued"
STOP: Final = "stop"
LENGTH: Final = "length"
FINISHES: Final[Mapping[str, str]] = {
    "stop": STOP, "end_turn": STOP, "stop_sequence": STOP, "STOP": STOP,
    "length": LENGTH, "max_tokens": LENGTH, "MAX_TOKENS": LENGTH,
}  # fmt: skip
EVENT_BYTES_MAX: Final = 1_000_000


class Trouble(NamedTuple):
    """An error as a client reads it."""

    code: str
    words: str = ""


class Answer:
    """One answer, fed as its bytes come."""

    __slots__ = ("_dialect", "_splitter", "finish", "output_tokens", "pieces", "seams",
                 "trouble")  # fmt: skip

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._splitter = Splitter(EVENT_BYTES_MAX)
        self.pieces: list[str] = []
        self.finish = ""
        self.seams = 0
        self.output_tokens = 0
        self.trouble: Trouble | None = None

    @property
    def text(self) -> str:
        """What has been said so far."""
        return "".join(self.pieces)

    def feed(self, chunk: bytes) -> int:
        """Take bytes of a stream; return how many pieces of text were in them."""
        before = len(self.pieces)
        try:
            for event in self._splitter.feed(chunk):
                self._event(event)
        except (DialectError, msgspec.DecodeError, LookupError, TypeError, AttributeError) as error:
            self.trouble = self.trouble or Trouble("malformed", f"cannot be read: {error}")
        return len(self.pieces) - before

    def whole(self, body: bytes) -> None:
        """Take the body of an answer that is no stream."""
        try:
            self._take(msgspec.json.decode(body))
        except (msgspec.DecodeError, LookupError, TypeError, AttributeError) as error:
            self.trouble = Trouble("malformed", f"cannot be read: {error}")

    def _event(self, event: bytes) -> None:
        for line in event.splitlines():
            if line.startswith(b"data:"):
                data = line[5:].strip()
                if data and data != b"[DONE]":
                    self._take(msgspec.json.decode(data))
            elif line.startswith(SEAM):
                self.seams += 1

    def _take(self, told: dict[str, Any]) -> None:
        if told.get("error") is not None:
            self.trouble = self.trouble or trouble_of(told)
            return
        match self._dialect:
            case "anthropic_messages":
                self._take_anthropic(told)
            case "gemini_generate":
                self._take_gemini(told)
            case _:
                self._take_openai(told)

    def _take_openai(self, told: dict[str, Any]) -> None:
        for choice in told["choices"]:
            said = choice.get("delta") or choice.get("message")
            if said and said.get("content"):
                self.pieces.append(said["content"])
            self._finish(choice.get("finish_reason"))
        usage = told.get("usage")
        if usage:
            self.output_tokens = usage["completion_tokens"]

    def _take_anthropic(self, told: dict[str, Any]) -> None:
        match told.get("type"):
            case "content_block_delta":
                if told["delta"]["type"] == "text_delta":
                    self.pieces.append(told["delta"]["text"])
            case "message_delta":
                self._finish(told["delta"].get("stop_reason"))
                self.output_tokens = told.get("usage", {}).get("output_tokens", 0)
            case "message":
                texts = [one["text"] for one in told["content"] if one["type"] == "text"]
                self.pieces += texts
                self._finish(told.get("stop_reason"))
                self.output_tokens = told["usage"]["output_tokens"]
            case _:
                pass

    def _take_gemini(self, told: dict[str, Any]) -> None:
        for candidate in told.get("candidates", ()):
            for part in candidate.get("content", {}).get("parts", ()):
                if part.get("text") and not part.get("thought"):
                    self.pieces.append(part["text"])
            self._finish(candidate.get("finishReason"))
        usage = told.get("usageMetadata")
        if usage:
            self.output_tokens = usage.get("candidatesTokenCount", 0)

    def _finish(self, word: str | None) -> None:
        if word:
            self.finish = FINISHES.get(word, word)


def trouble_of(told: object) -> Trouble:
    """Return what an error document says, in whichever dialect."""
    if isinstance(told, list) and told:  # Gemini's streams wrap theirs
        told = cast("list[object]", told)[0]
    if not isinstance(told, dict):
        return Trouble("error")
    error: Any = cast("dict[str, Any]", told).get("error")
    if not isinstance(error, dict):
        return Trouble("error", str(error or ""))
    found = cast("dict[str, Any]", error)
    words = str(found.get("message") or "")
    for name in ("code", "type", "status"):
        if isinstance(found.get(name), str) and found[name]:
            return Trouble(found[name], words)
    return Trouble("error", words)


def trouble_in(body: bytes) -> Trouble:
    """Return what the body of an error says; one that is no JSON says little."""
    try:
        return trouble_of(msgspec.json.decode(body))
    except msgspec.DecodeError:
        return Trouble("unreadable")
