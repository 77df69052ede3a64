"""What the gateway says of an answer: its stream of Chat Completions, event by event. Pure.

    data: {...}               Text, Reasoning, Model, Finish, Usage; error: Failed
    data: [DONE]              Done
    : queued position=3 eta_s=4.1     Queued
    : answered {"upstream": .. }      Note: who answers, and because of what
    : continued {"upstream": .. }     Note: who goes on from here
    : load {"level": .., ..}          Note: what was taken
    other comments            nothing
    what cannot be read       Failed: whoever wrote it is not to be believed further

What comes in one chunk comes out together: neighbouring text is one Text. How the stream is cut
into chunks changes nothing in what is said.
"""

import re
from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.dialects.sse import Splitter, fields

EVENT_BYTES_MAX: Final = 1024 * 1024  # an answer's event is a few words; a picture has no place
DONE: Final = b"[DONE]"
UNREADABLE: Final = "unreadable"
_QUEUED: Final = re.compile(rb"queued position=(\d{1,9})(?: eta_s=(\d{1,9}(?:\.\d{1,9})?))?")
_NOTE: Final = re.compile(rb"(answered|continued|load) (\{.*\})", re.DOTALL)


class Text(msgspec.Struct, frozen=True):
    """More of the answer."""

    text: str


class Reasoning(msgspec.Struct, frozen=True):
    """More of what the model thinks."""

    text: str


class Finish(msgspec.Struct, frozen=True):
    """Why the model has ended."""

    reason: str


class Usage(msgspec.Struct, frozen=True):
    """What was used."""

    input_tokens: int
    output_tokens: int


class Queued(msgspec.Struct, frozen=True):
    """The place in the gateway's line; an estimate of -1 is none."""

    position: int
    eta_s: float


class Note(msgspec.Struct, frozen=True):
    """Who answers or goes on, or what was taken."""

    kind: str  # answered, continued, load
    upstream: str = ""
    model: str = ""
    because: str = ""
    attempts: int = 1
    level: int = 0
    degraded: tuple[str, ...] = ()


class Failed(msgspec.Struct, frozen=True):
    """The answer has ended with an error."""

    code: str
    message: str
    kind: str = ""


class Done(msgspec.Struct, frozen=True):
    """Nothing more will come, and that is as it should be."""


Heard = Text | Reasoning | Finish | Usage | Queued | Note | Failed | Done


class _Told(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Told = msgspec.field(default_factory=_Told)
    finish_reason: str | None = None


class _Used(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Used | None = None
    error: _Error | None = None


class _Note(msgspec.Struct):
    upstream: str = ""
    model: str = ""
    because: str | None = None
    attempts: int = 1
    level: int = 0
    degraded: tuple[str, ...] = ()


class _Refusal(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


_DECODER: Final = msgspec.json.Decoder(_Event)
_NOTES: Final = msgspec.json.Decoder(_Note)
_REFUSALS: Final = msgspec.json.Decoder(_Refusal)


class Hearing:
    """One stream. Owned by one event loop."""

    __slots__ = ("_splitter", "is_over")

    def __init__(self) -> None:
        self._splitter = Splitter(EVENT_BYTES_MAX)
        self.is_over = False  # Failed or Done has been said: nothing follows

    def feed(self, chunk: bytes) -> list[Heard]:
        """Return what was said."""
        heard: list[Heard] = []
        if self.is_over:
            return heard
        try:
            events = self._splitter.feed(chunk)
        except DialectError as error:
            events = []
            self._end(Failed(UNREADABLE, error.message), heard)
        for raw in events:
            self._hear(raw, heard)
            if self.is_over:
                break
        return heard

    def _hear(self, raw: bytes, heard: list[Heard]) -> None:
        if raw.startswith(b"data: {") and raw.find(b"\n") == len(raw) - 2:
            self._data(raw[6:-2], heard)
        elif raw.startswith(b":"):
            for line in raw.splitlines():
                _comment(line, heard)
        else:
            data = fields(raw).data
            if data is not None:
                self._data(data, heard)

    def _data(self, data: bytes, heard: list[Heard]) -> None:
        if data == DONE:
            self._end(Done(), heard)
            return
        try:
            event = _DECODER.decode(data)
        except (msgspec.MsgspecError, RecursionError) as error:
            self._end(Failed(UNREADABLE, f"an event that cannot be read: {error}"), heard)
            return
        if event.error is not None:
            self._end(_failed(event.error), heard)
            return
        if event.choices:
            _choice(event.choices[0], heard)
        if event.usage is not None:
            heard.append(Usage(event.usage.prompt_tokens, event.usage.completion_tokens))

    def _end(self, last: Heard, heard: list[Heard]) -> None:
        self.is_over = True
        heard.append(last)


def refusal(status: int, body: bytes) -> Failed:
    """Return what an answer that is no stream says is wrong."""
    try:
        return _failed(_REFUSALS.decode(body).error)
    except (msgspec.MsgspecError, RecursionError):
        return Failed(f"status_{status}", f"The gateway has answered with status {status}.")


def _failed(error: _Error) -> Failed:
    code = str(error.code) if error.code is not None else error.type or "error"
    return Failed(code, error.message or "Something has failed.", error.type or "")


def _choice(choice: _Choice, heard: list[Heard]) -> None:
    delta = choice.delta
    if delta.reasoning_content:
        _more_reasoning(delta.reasoning_content, heard)
    text = delta.content or delta.refusal
    if text:
        last = heard[-1] if heard else None
        if type(last) is Text:
            heard[-1] = Text(last.text + text)
        else:
            heard.append(Text(text))
    if choice.finish_reason:
        heard.append(Finish(choice.finish_reason))


def _more_reasoning(text: str, heard: list[Heard]) -> None:
    last = heard[-1] if heard else None
    if type(last) is Reasoning:
        heard[-1] = Reasoning(last.text + text)
    else:
        heard.append(Reasoning(text))


def _comment(line: bytes, heard: list[Heard]) -> None:
    words = line.removeprefix(b":").strip()
    queued = _QUEUED.fullmatch(words)
    if queued is not None:
        eta_s = float(queued[2]) if queued[2] is not None else -1.0
        heard.append(Queued(int(queued[1]), eta_s))
        return
    note = _NOTE.fullmatch(words)
    if note is None:
        return
    try:
        said = _NOTES.decode(note[2])
    except (msgspec.MsgspecError, RecursionError):
        return  # a note is good to have; the answer does not depend on it
    told = Note(note[1].decode(), said.upstream, said.model, said.because or "", said.attempts)
    heard.append(msgspec.structs.replace(told, level=said.level, degraded=said.degraded))
