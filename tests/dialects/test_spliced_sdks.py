"""The official SDKs read one stream where an answer broke off and another upstream went on.

Over sockets, every dialect as the caller and on both sides of the break. What an SDK makes of it
must be the unbroken answer: one beginning, one end, the text and the calls as they were.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import pytest
from google.genai import types
from tests.dialects.breaks import NAMES, STORY, Play, Whole, stream_of
from tests.dialects.gemini_generate.test_sdk import client as google_client
from tests.dialects.gemini_generate.test_sdk import parts_of
from tests.dialects.samples import LAST_CONTENT, whole_events
from tests.dialects.test_sdks import chat, claude, serving_each

from penstock.dialects.capability import Prefill

CALLS: Final = (("toolu_1", "find", '{"city": "Graz"}'), ("toolu_2", "now", "{}"))
WHOLES: Final = (Whole(STORY), Whole("Looking.", "", CALLS))


def read_by_chat(url: str, wholes: Sequence[Whole]) -> None:
    with chat(url) as client:
        for whole in wholes:
            with client.chat.completions.stream(
                model="m", messages=[{"role": "user", "content": "hi"}]
            ) as sdk:
                chunks = [event.chunk for event in sdk if event.type == "chunk"]
                final = sdk.get_final_completion()
            assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
            message = final.choices[0].message
            assert message.content == whole.text
            calls = [call.function for call in message.tool_calls or []]
            assert [(call.name, call.arguments) for call in calls] == written(whole)
            assert final.choices[0].finish_reason == ("tool_calls" if whole.calls else "stop")


def read_by_claude(url: str, wholes: Sequence[Whole]) -> None:
    with claude(url) as client:
        for whole in wholes:
            with client.messages.stream(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
            ) as sdk:
                kinds = [event.type for event in sdk]
                final = sdk.get_final_message()
            assert kinds.count("message_start") == kinds.count("message_stop") == 1
            assert kinds.count("content_block_start") == kinds.count("content_block_stop")
            assert kinds.count("content_block_start") == len(final.content)
            texts = [block.text for block in final.content if block.type == "text"]
            assert texts == [whole.text]
            calls = [block for block in final.content if block.type == "tool_use"]
            assert [(call.name, call.input) for call in calls] == inputs(whole)
            assert final.stop_reason == ("tool_use" if whole.calls else "end_turn")


def read_by_responses(url: str, wholes: Sequence[Whole]) -> None:
    with chat(url) as client:
        for whole in wholes:
            events = list(client.responses.create(model="m", input="hi", stream=True))
            assert [event.sequence_number for event in events] == list(range(len(events)))
            created, progressing, last = events[0], events[1], events[-1]
            assert created.type == "response.created"
            assert progressing.type == "response.in_progress"
            assert last.type == "response.completed"
            answers = (created.response, progressing.response, last.response)
            assert len({(one.id, one.created_at, one.model) for one in answers}) == 1
            done = [event.item for event in events if event.type == "response.output_item.done"]
            assert done == last.response.output
            begun = [event for event in events if event.type == "response.output_item.added"]
            assert [event.output_index for event in begun] == list(range(len(done)))
            deltas = [event for event in events if event.type == "response.output_text.delta"]
            assert "".join(event.delta for event in deltas) == whole.text
            assert len({event.item_id for event in deltas}) == 1
            # The same through the helper, which puts the answer together from the deltas.
            with client.responses.stream(model="m", input="hi") as sdk:
                kinds = [event.type for event in sdk]
                final = sdk.get_final_response()
            assert kinds.count("response.created") == kinds.count("response.completed") == 1
            assert final.id == last.response.id
            assert final.output_text == whole.text
            calls = [item for item in final.output if item.type == "function_call"]
            assert [(call.name, call.arguments) for call in calls] == written(whole)


def read_by_google(url: str, wholes: Sequence[Whole]) -> None:
    with google_client(url) as client:
        for whole in wholes:
            chunks: list[types.GenerateContentResponse] = list(
                client.models.generate_content_stream(model="m", contents="hi")
            )
            assert len({(chunk.response_id, chunk.model_version) for chunk in chunks}) == 1
            parts = [part for chunk in chunks for part in parts_of(chunk)]
            assert "".join(part.text or "" for part in parts if not part.thought) == whole.text
            calls = [part.function_call for part in parts if part.function_call]
            assert [(call.name, call.args) for call in calls] == inputs(whole)
            ends = [
                candidate.finish_reason
                for chunk in chunks
                for candidate in chunk.candidates or []
                if candidate.finish_reason
            ]
            assert ends == [types.FinishReason.STOP]
            assert chunks[-1].usage_metadata is not None


READERS: Final[Mapping[str, Callable[[str, Sequence[Whole]], None]]] = MappingProxyType(
    {
        "anthropic_messages": read_by_claude,
        "gemini_generate": read_by_google,
        "openai_chat": read_by_chat,
        "openai_responses": read_by_responses,
    }
)
ASKS: Final = {"openai_responses": 2}  # of whose reader asks more than once


def written(whole: Whole) -> list[tuple[str, str]]:
    return [(name, arguments) for _, name, arguments in whole.calls]


def inputs(whole: Whole) -> list[tuple[str, object]]:
    return [(name, msgspec.json.decode(arguments)) for _, name, arguments in whole.calls]


def breaks_of(first: str, whole: Whole) -> list[list[bytes]]:
    """Return a stream broken off behind each of its events, the last content included."""
    events = whole_events(stream_of(first, whole.events(whole.text, "m0")))
    return [events[:count] for count in range(1, len(events) + LAST_CONTENT[first] + 2)]


def spliced(caller: str, whole: Whole, pieces: Sequence[bytes], first: str, then: str) -> bytes:
    play = Play(caller, whole)
    play.begin(first, pieces)
    play.resume(then, Prefill.REFUSED)
    return play.out


def read(caller: str, streams: Iterable[tuple[Whole, bytes]]) -> None:
    asked = [one for one in streams for _ in range(ASKS.get(caller, 1))]
    wholes = [whole for whole, _ in asked][:: ASKS.get(caller, 1)]
    with serving_each([out for _, out in asked]) as url:
        READERS[caller](url, wholes)


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("caller", NAMES)
def test_an_sdk_reads_one_stream(caller: str, first: str) -> None:
    """At three places for each upstream that goes on, other ones for each."""
    streams: list[tuple[Whole, bytes]] = []
    for whole in WHOLES:
        broken = breaks_of(first, whole)
        step = max(1, len(broken) // 3)
        for at, then in enumerate(NAMES):
            streams += [
                (whole, spliced(caller, whole, pieces, first, then))
                for pieces in broken[at % step :: step]
            ]
    read(caller, streams)


@pytest.mark.slow
@pytest.mark.parametrize("caller", NAMES)
def test_an_sdk_reads_one_stream_wherever_it_broke(caller: str) -> None:
    read(
        caller,
        [
            (whole, spliced(caller, whole, pieces, caller, caller))
            for whole in WHOLES
            for pieces in breaks_of(caller, whole)
        ],
    )
