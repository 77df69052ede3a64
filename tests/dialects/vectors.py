"""The public translation vectors, and what a request or an answer means, whoever has written it.

A meaning is a mapping of sides, so that what differs has a name.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import msgspec

from penstock.dialects import verdicts
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Event,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import (
    Answer,
    ChoiceMode,
    Document,
    Image,
    Part,
    Request,
    Role,
    StopReason,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from penstock.dialects.registry import DIALECTS

VECTORS: Final = Path(__file__).parent.parent / "data" / "translation-vectors"
GOLDEN: Final = "golden"
Meaning = dict[str, object]


class Vector(msgspec.Struct, frozen=True):
    """One file: ``dialect`` is what it is written in; a golden also knows its input."""

    path: str
    dialect: str
    kind: str
    input: str = ""

    @property
    def id(self) -> str:
        """The path without what all files of a kind end in."""
        return self.path.rpartition(".")[0]

    def body(self) -> bytes:
        """Return the file, byte for byte."""
        return (VECTORS / self.path).read_bytes()


def all_vectors(kind: str) -> list[Vector]:
    """Return the vectors of a kind, goldens among them."""
    return [_vector(path) for path in sorted(VECTORS.glob(f"*/{kind}/*"))]


def inputs(kind: str) -> list[Vector]:
    """Return the vectors of a kind that are no output."""
    return [vector for vector in all_vectors(kind) if not vector.input]


def goldens(kind: str) -> list[tuple[Vector, Vector]]:
    """Return each golden output of a kind behind its input."""
    known = {vector.id: vector for vector in inputs(kind)}
    return [(known[one.input], one) for one in all_vectors(kind) if one.input]


def _vector(path: Path) -> Vector:
    dialect, kind, name = path.parts[-3:]
    stem, *rest = name.split(".")
    where = f"{dialect}/{kind}"
    if GOLDEN in rest:
        return Vector(f"{where}/{name}", rest[0], kind, input=f"{where}/{stem}")
    return Vector(f"{where}/{name}", dialect, kind)


def asked(dialect: Dialect, body: bytes, model: str = "m") -> Inquiry:
    """Return the inquiry of a request whose path says what its body does not."""
    fields = cast("dict[str, object]", json.loads(body))
    is_stream = bool(fields.get("stream", False))
    return dialect.inquire(body, dialect.path(model, is_stream=is_stream))


def read(vector: Vector) -> Request:
    """Read a request with its own dialect; raises CallerError for what cannot be carried."""
    dialect = DIALECTS[vector.dialect]
    return dialect.read_request(asked(dialect, vector.body()))


def arguments_of(text: str) -> object:
    """Return arguments as what they say; text that is no object as ``call_arguments`` has it."""
    try:
        value: object = json.loads(text or "{}")
    except ValueError:
        value = None
    return cast("object", value) if isinstance(value, dict) else {"_raw": text}


def meaning_of_request(request: Request) -> Meaning:
    """Return what a request asks for, apart from how its dialect puts it."""
    parts = list(_parts(request))
    choice = request.tool_choice or ToolChoice()
    numbers: Meaning = {
        field: getattr(request, field)
        for field in (
            "temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty",
            "stop", "effort", "verbosity", "user", "is_json",
        )
    }  # fmt: skip
    sides: Meaning = {
        "system": _system(request),
        "turns": _turns(request),
        "calls": [
            (part.name, arguments_of(part.arguments))
            for part in parts
            if isinstance(part, ToolCall)
        ],
        "results": _results(parts),
        "images": sorted(
            (part.media_type, part.data, part.url) for part in parts if isinstance(part, Image)
        ),
        "documents": sorted(_document(part) for part in parts if isinstance(part, Document)),
        "tools": [(tool.name, tool.description, tool.schema) for tool in request.tools],
        "tool_choice": (choice.mode, choice.name if choice.mode is ChoiceMode.ONE else ""),
        "schema": request.schema,
        "output_max": request.output_tokens_max,
        "is_stream": request.is_stream,
    }
    return numbers | sides


def _parts(request: Request) -> Iterator[Part]:
    for turn in request.turns:
        for part in turn.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.content


def _system(request: Request) -> str:
    later = [
        part.text
        for turn in request.turns
        for part in turn.parts
        if turn.role is Role.SYSTEM and isinstance(part, Text)
    ]
    return "\n\n".join([text for text in (request.system, *later) if text])


def _turns(request: Request) -> list[tuple[Role, str]]:
    """Return who said what; instructions in between part no turns, since some stand elsewhere."""
    said: list[tuple[Role, str]] = []
    for turn in request.turns:
        if turn.role is Role.SYSTEM:
            continue
        texts = (part.text for part in turn.parts if isinstance(part, Text))
        text = "".join(text for text in texts if text.strip())  # blanks alone say nothing
        if said and said[-1][0] is turn.role:
            said[-1] = (turn.role, said[-1][1] + text)
        else:
            said.append((turn.role, text))
    return said


def _results(parts: list[Part]) -> list[tuple[int, str, bool]]:
    """Return what tools answered; the call is told by its number, since ids may be rewritten."""
    number: dict[str, int] = {}
    results: list[tuple[int, str, bool]] = []
    for part in parts:
        if isinstance(part, ToolCall):
            number[part.id] = len(number)
        elif isinstance(part, ToolResult):
            text = "\n".join(inner.text for inner in part.content if isinstance(inner, Text))
            results.append((number[part.call_id], text, part.is_error))
    return results


def _document(document: Document) -> tuple[str, bytes, str]:
    is_text = bool(document.text)
    data = document.text.encode() if is_text else base64.b64decode(document.data)
    return ("text/plain" if is_text else document.media_type, data, document.url)


def meaning_of_answer(answer: Answer) -> Meaning:
    """Return what an answer says, apart from how its dialect puts it."""
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    assert len({call.id for call in calls}) == len(calls)
    return _meaning(
        text="".join(part.text for part in answer.parts if isinstance(part, Text)),
        thinking=answer.thinking,
        calls=[(call.name, call.arguments) for call in calls],
        stop=(answer.stop, answer.stop_sequence),
        usage=answer.usage,
    )


def meaning_of_events(events: list[Event]) -> Meaning:
    """Return what a stream says once it has ended."""
    calls: dict[int, tuple[str, list[str]]] = {}
    texts: dict[type, list[str]] = {TextDelta: [], ThinkingDelta: []}
    stop = (StopReason.END, "")
    usage = Usage()
    for event in events:
        match event:
            case TextDelta(text=text) | ThinkingDelta(text=text):
                texts[type(event)].append(text)
            case ToolStarted(index=index, name=name):
                calls[index] = (name, [])
            case ArgumentsDelta(index=index, json=piece):
                calls[index][1].append(piece)
            case Stopped(reason=reason, stop_sequence=sequence):
                stop = (reason, sequence)
            case Counted(usage=counted):
                usage = counted
            case _:
                pass
    return _meaning(
        text="".join(texts[TextDelta]),
        thinking="".join(texts[ThinkingDelta]),
        calls=[(name, "".join(pieces)) for name, pieces in calls.values()],
        stop=stop,
        usage=usage,
    )


def unanswerable(events: list[Event]) -> set[int]:
    """Return the calls of which no argument has come: clients parse what they get, even ``{}``."""
    begun = {event.index for event in events if isinstance(event, ToolStarted)}
    return begun - {event.index for event in events if isinstance(event, ArgumentsDelta)}


def _meaning(
    *,
    text: str,
    thinking: str,
    calls: list[tuple[str, str]],
    stop: tuple[StopReason, str],
    usage: Usage,
) -> Meaning:
    return {
        "text": text,
        "thinking": thinking,
        "calls": [(name, arguments_of(arguments)) for name, arguments in calls],
        "stop": stop,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def differing(one: Meaning, other: Meaning) -> set[str]:
    """Return the names of the sides in which two meanings differ."""
    assert one.keys() == other.keys()
    return {name for name in one if one[name] != other[name]}


def names_of(request: Request, *concepts: str) -> set[str]:
    """Return what the caller calls these concepts in ``x-penstock-dropped``."""
    return {verdicts.name_of(concept, request.concepts) for concept in concepts}
