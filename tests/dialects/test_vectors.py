"""The public translation vectors: what others found worth a test is understood here too.

Where our translation differs from the golden output, or refuses what it carries, a table says why.
"""

import json
import re
from typing import Final, cast

import pytest
from tests.dialects.pairing import EXAMPLES
from tests.dialects.samples import NO_CACHE_WRITES, NO_END, inquiry, read_all
from tests.dialects.vectors import (
    VECTORS,
    Meaning,
    Vector,
    all_vectors,
    asked,
    differing,
    goldens,
    inputs,
    meaning_of_answer,
    meaning_of_events,
    meaning_of_request,
    names_of,
    read,
    unanswerable,
)

from penstock.core.errors import CallerError, DialectError
from penstock.dialects import capability
from penstock.dialects.assembly import Assembly
from penstock.dialects.events import Ended, Event, Failed, Stopped
from penstock.dialects.message import ChoiceMode, Document, Request, Role, StopReason, ToolCall
from penstock.dialects.registry import DIALECTS
from penstock.dialects.translate import Translation

KINDS: Final = ("requests", "answers", "streams")
CHUNKS: Final = (1, 2, 3, 7, 64, 1000, 100_000)
SHA1: Final = re.compile(r"[0-9a-f]{40}")
FOUND_ONLY: Final = {"README.md", "LICENSE", "vectors.json"}

# What is refused, for every target alike: by the field that the caller's own dialect names.
REFUSED: Final[dict[str, str]] = {
    "anthropic_messages/requests/cache_control_dropped_blocks": "messages[2].content[0]",
    "anthropic_messages/requests/responses_agent_subset": "messages[0].content[3].source",
    "anthropic_messages/requests/responses_agent_subset.openai_responses.golden": (
        "input[0].content[3].file_id"
    ),
    "gemini_generate/requests/passthrough-fields": "modelArmorConfig",
    "gemini_generate/requests/text": "cachedContent",
    "openai_chat/requests/generation-config": "n",
    "openai_chat/requests/generation-config.gemini_generate.golden": (
        "generationConfig.candidateCount"
    ),
    "openai_responses/requests/custom-tool": "input[1]",
}
# What breaks the answer, by a word of what is said about it.
BROKEN: Final[dict[str, str]] = {
    "openai_chat/answers/gemini_malformed_function_call": "MALFORMED_FUNCTION_CALL",
    "openai_chat/streams/gemini_malformed_function_call": "MALFORMED_FUNCTION_CALL",
    "openai_responses/answers/custom-tool": "custom_tool_call",
    "openai_responses/streams/stream-custom-tool": "custom_tool_call",
}

OWN_FIELD: Final = "json_schema on the top level is no field of this dialect: dropped, and named"
NO_FILE: Final = "a file's id is not portable (DIALECTS 3), whatever they pass on"
CLOSED: Final = "Claude takes closed schemas only: closed here, and named"
NO_CACHE: Final = "their input leaves the cache out; OpenAI's includes it (DIALECTS 6)"
CUT: Final = "Anthropic types the input as an object; theirs is the cut text"
BROKEN_CALL: Final = "an empty answer would hide that the model's call was lost (DIALECTS 5)"
DIFFERENT: Final[dict[str, dict[str, str]]] = {
    "anthropic_messages/requests/responses_agent_subset.openai_responses": {"refused": NO_FILE},
    "openai_chat/requests/chat-extensions.anthropic_messages": {"schema": OWN_FIELD},
    "openai_chat/requests/chat-extensions.gemini_generate": {
        "schema": OWN_FIELD,
        "effort": "theirs is a budget of 4096 for each model; the level itself where there is one",
    },
    "openai_chat/requests/generation-config.gemini_generate": {
        "refused": "several choices are several requests (DIALECTS 3)",
    },
    "openai_chat/requests/multi-turn-tools.gemini_generate": {
        "results": "Gemini knows the keys output and error; theirs is content, which is data",
    },
    "openai_chat/requests/structured-output.anthropic_messages": {"schema": CLOSED},
    "openai_responses/requests/custom-tool.anthropic_messages": {
        "refused": "grammar tools have no counterpart (DIALECTS 8)",
    },
    "openai_responses/requests/messages-rich.openai_chat": {
        "documents": "theirs are lost; Chat has parts of type file",
        "images": "theirs are lost; Chat has them, a tool's in the user message that follows",
    },
    "openai_responses/requests/parallel-tool-call.anthropic_messages": {
        "tools": "Claude refuses calls in the history without tools: the called ones are declared",
        "tool_choice": "and none of them may be called again",
    },
    "anthropic_messages/answers/thinking.openai_chat": {"input_tokens": NO_CACHE},
    "anthropic_messages/answers/tool.openai_chat": {"input_tokens": NO_CACHE},
    "anthropic_messages/answers/tool.openai_responses": {"input_tokens": NO_CACHE},
    "openai_chat/answers/gemini_length_no_message.anthropic_messages": {
        "reasoning_tokens": "theirs are lost; Anthropic has thinking_tokens",
    },
    "openai_chat/answers/gemini_length_no_message.openai_responses": {
        "stop": "their reason max_tokens is none of this dialect's (DIALECTS 5)",
    },
    "openai_chat/answers/gemini_malformed_function_call.anthropic_messages": {
        "refused": BROKEN_CALL
    },
    "openai_chat/answers/mistral_reasoning.openai_responses": {
        "thinking": "theirs is lost; Responses has an item for reasoning",
    },
    "openai_chat/answers/openrouter_reasoning.anthropic_messages": {
        "thinking": "theirs is lost; what is called reasoning is reasoning_content elsewhere",
    },
    "openai_chat/answers/stop_sequence.anthropic_messages": {
        "stop": "which sequence it was is lost in Chat (DIALECTS 5): stop_reason is vLLM's own",
    },
    "openai_chat/answers/truncated_tool_call.anthropic_messages": {"calls": CUT},
    "openai_responses/answers/empty_tool_call.anthropic_messages": {
        "reasoning_tokens": "theirs are lost; Anthropic has thinking_tokens",
    },
    "openai_responses/answers/reasoning.anthropic_messages": {
        "thinking": "theirs is lost, since it has no signature; a caller only shows it",
    },
    "openai_responses/answers/truncated_tool_call.anthropic_messages": {"calls": CUT},
    "anthropic_messages/streams/stream_message_delta_usage.openai_chat": {"input_tokens": NO_CACHE},
    "openai_chat/streams/gemini_malformed_function_call.anthropic_messages": {
        "refused": BROKEN_CALL
    },
}
LIMITS: Final = (
    "temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty", "effort",
    "verbosity", "schema",
)  # fmt: skip


# What only Anthropic has a word for (DIALECTS 5).
NEAREST: Final = {
    StopReason.STOP_SEQUENCE: (StopReason.END, ""),
    StopReason.PAUSED: (StopReason.LENGTH, ""),
}


def ids(cases: list[tuple[Vector, str]]) -> list[str]:
    return [f"{vector.id}-{other}" for vector, other in cases]


def abroad(kind: str) -> list[tuple[Vector, str]]:
    """Return each vector with each dialect that it is not written in."""
    vectors = all_vectors(kind)
    return [(one, name) for one in vectors for name in DIALECTS if name != one.dialect]


def everywhere(kind: str) -> list[tuple[Vector, str]]:
    return [(one, name) for one in all_vectors(kind) for name in DIALECTS]


REQUESTS: Final = abroad("requests")
ANSWERS: Final = everywhere("answers")
STREAMS: Final = everywhere("streams")


# Requests.


@pytest.mark.parametrize(("vector", "target"), REQUESTS, ids=ids(REQUESTS))
def test_a_request_arrives_or_is_refused_by_name(vector: Vector, target: str) -> None:
    if vector.id in REFUSED:
        with pytest.raises(CallerError) as caught:
            written_for(target, read(vector))
        assert caught.value.param == REFUSED[vector.id]
        return
    request = read(vector)
    again, dropped = written_for(target, request)
    assert differing(arriving(request, again, target, dropped), meaning_of_request(again)) == set()


def test_what_is_refused_exists() -> None:
    known = {vector.id for kind in KINDS for vector in all_vectors(kind)}
    assert set(REFUSED) | set(BROKEN) <= known


def written_for(target: str, request: Request) -> tuple[Request, set[str]]:
    """Return what the target itself reads in our translation, and what is said to be lost."""
    other, model = DIALECTS[target], EXAMPLES[target].model
    written, dropped = other.write_request(request, model, capability.of(target, model))
    return other.read_request(asked(other, written, model)), set(dropped)


def arriving(request: Request, again: Request, target: str, dropped: set[str]) -> Meaning:
    """Return what must arrive: all of it, but for what is named, or what the target demands."""
    given, got = meaning_of_request(request), meaning_of_request(again)
    given |= {side: got[side] for side in LIMITS if names_of(request, side) & dropped}
    turns = cast("list[tuple[Role, str]]", given["turns"])
    if names_of(request, "first_turn") & dropped:  # a user must have spoken first
        given["turns"] = turns = [(Role.USER, "."), *turns]
    if names_of(request, "result_images") & dropped:
        results = cast("list[tuple[int, str, bool]]", given["results"])
        stands_in = "The image is in the next message."
        given["results"] = [(call, text or stands_in, bad) for call, text, bad in results]
    if target == "gemini_generate":  # a document's name stands before it, in words
        given["turns"] = [titled(request, number, turn) for number, turn in enumerate(turns)]
    if target == "anthropic_messages":
        if request.output_tokens_max is None:
            given["output_max"] = capability.of(target, EXAMPLES[target].model).output_tokens_max
        if given["calls"] and not given["tools"]:
            calls = cast("list[tuple[str, object]]", given["calls"])
            given["tools"] = [(name, "", {"type": "object"}) for name in dict(calls)]
            given["tool_choice"] = (ChoiceMode.NONE, "")
    return given


def titled(request: Request, number: int, turn: tuple[Role, str]) -> tuple[Role, str]:
    if number >= len(request.turns):
        return turn
    parts = request.turns[number].parts
    named = [part.title for part in parts if isinstance(part, Document) and part.title]
    return turn[0], turn[1] + "".join(f"File {title}:" for title in named)


# Answers.


@pytest.mark.parametrize(("vector", "caller"), ANSWERS, ids=ids(ANSWERS))
def test_an_answer_says_the_same_to_every_caller(vector: Vector, caller: str) -> None:
    dialect, other = DIALECTS[vector.dialect], DIALECTS[caller]
    if vector.id in BROKEN:
        with pytest.raises(DialectError, match=BROKEN[vector.id]):
            dialect.read_answer(vector.body())
        return
    answer = dialect.read_answer(vector.body())
    again = other.read_answer(other.write_answer(answer, inquiry(other), 1))
    assert all(part.arguments for part in again.parts if isinstance(part, ToolCall))
    assert differing(told(meaning_of_answer(answer), caller), meaning_of_answer(again)) == set()


@pytest.mark.parametrize("vector", inputs("answers"), ids=lambda vector: vector.id)
def test_an_answer_for_its_own_dialect_is_counted_alike(vector: Vector) -> None:
    dialect = DIALECTS[vector.dialect]
    survey = dialect.survey(vector.body())
    assert survey.failure is None
    assert survey.finish_reason
    if vector.id not in BROKEN:
        assert survey.usage == dialect.read_answer(vector.body()).usage


def told(meaning: Meaning, caller: str) -> Meaning:
    """Return what a caller of this dialect can be told."""
    told = dict(meaning)
    count = cast("dict[str, int]", told)
    if caller in NO_CACHE_WRITES:
        told["cache_write_tokens"] = 0
    if caller == "anthropic_messages":  # what is cached is counted apart, and cannot be more
        told["input_tokens"] = max(count["input_tokens"], count["cached_tokens"])
        return told
    told["stop"] = NEAREST.get(cast("tuple[StopReason, str]", told["stop"])[0], told["stop"])
    if caller == "gemini_generate":
        # Thoughts are counted apart, and cannot be more; a call comes whole or not at all.
        told["reasoning_tokens"] = min(count["reasoning_tokens"], count["output_tokens"])
        if told["stop"] == (StopReason.LENGTH, ""):
            calls = cast("list[tuple[str, dict[str, object]]]", told["calls"])
            told["calls"] = [call for call in calls if "_raw" not in call[1]]
    return told


# Streams.


@pytest.mark.parametrize("vector", all_vectors("streams"), ids=lambda vector: vector.id)
def test_a_stream_is_read_alike_wherever_it_is_cut(vector: Vector) -> None:
    whole = decoded(vector.dialect, [vector.body()])
    last = whole[-1]
    assert isinstance(last, Failed) is (vector.id in BROKEN)
    for size in CHUNKS:
        events = decoded(vector.dialect, cut(vector.body(), size))
        assert said(events) == said(whole)
        assert events[-1] == last


@pytest.mark.parametrize(("vector", "caller"), STREAMS, ids=ids(STREAMS))
def test_a_stream_says_the_same_to_every_caller(vector: Vector, caller: str) -> None:
    dialect, other = DIALECTS[vector.dialect], DIALECTS[caller]
    given = told(said(decoded(vector.dialect, [vector.body()])), caller)
    for size in CHUNKS:
        chunks = cut(vector.body(), size)
        reader = Translation(dialect.decoder(), other.encoder(inquiry(other), 1))
        sent = read_all(reader, chunks)
        assembly = Assembly(dialect.decoder(), other, inquiry(other), 1)
        whole = read_all(assembly, chunks)
        if vector.id in BROKEN:
            for one in (reader, assembly):
                assert one.failure is not None
                assert BROKEN[vector.id] in one.failure.detail
            assert not any(isinstance(one, Stopped | Ended) for one in decoded(caller, [sent]))
            assert whole == b""
            continue
        assert (reader.failure, assembly.failure) == (None, None)
        again = decoded(caller, [sent])
        assert differing(given, said(again)) == set()
        assert differing(given, meaning_of_answer(other.read_answer(whole))) == set()
        assert isinstance(again[-1], Ended) or caller in NO_END
        assert caller == vector.dialect or not unanswerable(again)


@pytest.mark.parametrize("vector", all_vectors("streams"), ids=lambda vector: vector.id)
def test_a_stream_for_its_own_dialect_stays_as_it_is(vector: Vector) -> None:
    dialect = DIALECTS[vector.dialect]
    given = said(decoded(vector.dialect, [vector.body()]))
    for size in CHUNKS:
        reader = dialect.relay(inquiry(dialect))
        sent = read_all(reader, cut(vector.body(), size))
        assert reader.failure is None
        assert reader.is_complete
        assert said(decoded(vector.dialect, [sent])) == given


def decoded(dialect: str, chunks: list[bytes]) -> list[Event]:
    """Return what is read up to the event after which nobody reads on."""
    decoder = DIALECTS[dialect].decoder()
    events: list[Event] = []
    for event in (event for chunk in chunks for event in decoder.feed(chunk)):
        events.append(event)
        if isinstance(event, Ended | Failed):
            break
    return events


def said(events: list[Event]) -> Meaning:
    return meaning_of_events(events)


def cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


# Golden outputs.


@pytest.mark.parametrize(
    ("vector", "golden"),
    [pair for kind in KINDS for pair in goldens(kind)],
    ids=lambda one: one.id,
)
def test_it_is_the_golden_output_or_the_table_says_why_not(vector: Vector, golden: Vector) -> None:
    expected = DIFFERENT.get(f"{vector.id}.{golden.dialect}", {})
    try:
        ours, theirs = both(vector, golden)
    except (CallerError, DialectError):
        assert set(expected) == {"refused"}
        return
    if vector.kind == "requests" and read(vector).output_tokens_max is None:
        # Each fills in a limit of its own where it thinks that one is needed.
        ours["output_max"] = theirs["output_max"] = None
    assert differing(ours, theirs) == set(expected)


def both(vector: Vector, golden: Vector) -> tuple[Meaning, Meaning]:
    """Return what our translation means, and what theirs does."""
    dialect, other = DIALECTS[vector.dialect], DIALECTS[golden.dialect]
    if vector.kind == "requests":
        ours, _ = written_for(golden.dialect, read(vector))
        return meaning_of_request(ours), meaning_of_request(read(golden))
    if vector.kind == "answers":
        answer = dialect.read_answer(vector.body())
        written = other.write_answer(answer, inquiry(other), 1)
        theirs = meaning_of_answer(other.read_answer(golden.body()))
        return meaning_of_answer(other.read_answer(written)), theirs
    reader = Translation(dialect.decoder(), other.encoder(inquiry(other), 1))
    sent = read_all(reader, [vector.body()])
    if reader.failure is not None:
        raise DialectError(reader.failure.detail)
    return said(decoded(golden.dialect, [sent])), said(decoded(golden.dialect, [golden.body()]))


def test_every_difference_belongs_to_a_golden_output() -> None:
    known = {f"{vector.id}.{golden.dialect}" for kind in KINDS for vector, golden in goldens(kind)}
    assert set(DIFFERENT) <= known
    assert all(reason for sides in DIFFERENT.values() for reason in sides.values())


# The folder.


def test_every_file_says_where_it_comes_from() -> None:
    manifest = cast(
        "dict[str, dict[str, str]]", json.loads((VECTORS / "vectors.json").read_bytes())
    )
    files = {
        str(path.relative_to(VECTORS)) for path in VECTORS.rglob("*") if path.is_file()
    } - FOUND_ONLY
    assert set(manifest) == files
    for path, told in manifest.items():
        assert SHA1.fullmatch(told["commit"])
        assert told["from"].startswith("crates/")
        assert (".golden." in path) == (told.get("part") == "output")
    assert "Apache License" in (VECTORS / "LICENSE").read_text()


def test_every_dialect_has_vectors_of_every_kind() -> None:
    for kind in KINDS:
        assert {vector.dialect for vector in inputs(kind)} == set(DIALECTS)
