"""Going on with a chat stream: every chunk bears the id, model and time of the first."""

import msgspec
from tests.dialects.samples import inquiry, whole_events

from penstock.dialects.events import TextDelta
from penstock.dialects.openai_chat.tracker import ChatTracker
from penstock.dialects.registry import DIALECTS


def chunk(**fields: object) -> bytes:
    return b"data: " + msgspec.json.encode(fields | {"choices": []}) + b"\n\n"


def heads(tracker: ChatTracker) -> list[tuple[object, object, object]]:
    encoder = tracker.resume()
    out = encoder.encode(TextDelta("a")) + encoder.encode(TextDelta("b"))
    chunks = [msgspec.json.decode(event[6:], type=dict[str, object]) for event in whole_events(out)]
    return [(one["id"], one["created"], one["model"]) for one in chunks]


def tracked(*chunks: bytes) -> ChatTracker:
    tracker = ChatTracker(inquiry(DIALECTS["openai_chat"]), 7)
    for sent in chunks:
        tracker.see(sent)
    return tracker


def test_the_first_chunk_with_an_id_counts() -> None:
    real = chunk(id="x-1", created=123, model="gpt")
    later = chunk(id="x-2", created=9, model="other")
    for sent in (
        [real, later],
        [b": hi\n\n", real + later],
        [chunk(id="", created=0, model=""), real],
        [b"data: oops\n\n", real],
    ):
        assert heads(tracked(*sent)) == [("x-1", 123, "gpt")] * 2


def test_what_no_chunk_says_is_ours() -> None:
    assert heads(tracked()) == [("", 7, "m")] * 2
