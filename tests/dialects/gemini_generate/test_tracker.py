"""Going on with a Gemini stream: every chunk bears the names of the first."""

import msgspec
import pytest
from tests.dialects.samples import inquiry, whole_events

from penstock.dialects.events import Started, Stopped, TextDelta, ThinkingDelta
from penstock.dialects.gemini_generate.tracker import GenerateTracker
from penstock.dialects.message import StopReason
from penstock.dialects.registry import DIALECTS

TEXT = {"content": {"parts": [{"text": "a"}], "role": "model"}, "index": 0}
NAMED = {"responseId": "x-1", "modelVersion": "gemini-3.6-pro"}
DATED = NAMED | {"createTime": "2026-11-01T10:00:00Z"}


def chunk(**fields: object) -> bytes:
    return b"data: " + msgspec.json.encode({"candidates": [TEXT]} | fields) + b"\r\n\r\n"


def names_after(*sent: bytes) -> dict[str, object]:
    """Return the names that stand in every chunk that follows."""
    tracker = GenerateTracker(inquiry(DIALECTS["gemini_generate"]), 7)
    for event in sent:
        tracker.see(event)
    encoder = tracker.resume()
    out = b"".join(
        encoder.encode(event)
        for event in (
            Started("other", "gpt"),
            ThinkingDelta("hm"),
            TextDelta("b"),
            Stopped(StopReason.END),
        )
    )
    chunks = [
        msgspec.json.decode(event[6:], type=dict[str, object])
        for event in whole_events(out + encoder.finish())
    ]
    assert len(chunks) == 3
    names = [{key: each[key] for key in each if key != "candidates"} for each in chunks]
    assert names == [names[0]] * 3
    return names[0]


@pytest.mark.parametrize("names", [NAMED, DATED, {"modelVersion": "m-2"}, {"responseId": "y"}, {}])
def test_every_chunk_is_named_as_those_that_went_out(names: dict[str, object]) -> None:
    assert names_after(chunk(**names), chunk(**names)) == names


def test_the_first_chunk_with_an_id_counts() -> None:
    real, later = chunk(**DATED), chunk(responseId="x-2", modelVersion="other")
    for sent in (
        [real, later],
        [b"\r\n\r\n", real + later],
        [chunk(), real],
        [b"data: oops\r\n\r\n", real],
        [b'data: {"responseId": 3}\n\n', real],
    ):
        assert names_after(*sent) == DATED


def test_what_no_chunk_says_is_ours() -> None:
    assert names_after() == {"modelVersion": "m", "responseId": "7"}
    assert names_after(b"\r\n\r\n") == {"modelVersion": "m", "responseId": "7"}
