"""Going on with a Messages stream: in the open text block, or in a new one behind the others."""

import msgspec
import pytest
from tests.dialects.samples import inquiry, whole_events

from penstock.dialects.anthropic_messages.tracker import MessagesTracker
from penstock.dialects.events import TextDelta
from penstock.dialects.registry import DIALECTS


def start(index: int, kind: str) -> bytes:
    return (
        b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,'
        b'"content_block":{"type":"%b"}}\n\n' % (index, kind.encode())
    )


def stop(index: int) -> bytes:
    data = b'{"type":"content_block_stop","index":%d}' % index
    return b"event: content_block_stop\ndata: %b\n\n" % data


def delta(index: int) -> bytes:
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"text_delta","text":"Hi"}}\n\n' % index
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], [("content_block_start", 0), ("content_block_delta", 0)]),
        ([start(0, "text")], [("content_block_delta", 0)]),
        ([start(0, "text"), delta(0)], [("content_block_delta", 0)]),
        (
            [start(0, "text"), delta(0), stop(0)],
            [("content_block_start", 1), ("content_block_delta", 1)],
        ),
        (
            [start(0, "thinking")],
            [("content_block_stop", 0), ("content_block_start", 1), ("content_block_delta", 1)],
        ),
        ([start(0, "new_kind"), stop(0), start(1, "text")], [("content_block_delta", 1)]),
        ([start(0, "text") + stop(0) + start(1, "text")], [("content_block_delta", 1)]),
        (
            [start(0, "text"), b"event: content_block_stop\ndata: {\n\n"],
            [("content_block_delta", 0)],
        ),
    ],
)
def test_text_goes_on_where_it_was(sent: list[bytes], expected: list[tuple[str, int]]) -> None:
    tracker = MessagesTracker(inquiry(DIALECTS["anthropic_messages"]), 7)
    for event in sent:
        tracker.see(event)
    events = whole_events(tracker.resume().encode(TextDelta("a")))
    data = [
        msgspec.json.decode(event.partition(b"data: ")[2], type=dict[str, object])
        for event in events
    ]
    assert [(one["type"], one["index"]) for one in data] == expected
