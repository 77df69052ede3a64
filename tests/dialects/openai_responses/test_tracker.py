"""Going on with a Responses stream: the same item, the next number, at last the whole output."""

import msgspec
import pytest
from tests.dialects.samples import inquiry, sample, whole_events

from penstock.dialects.events import Stopped, TextDelta
from penstock.dialects.message import StopReason
from penstock.dialects.openai_responses.tracker import ResponsesTracker
from penstock.dialects.registry import DIALECTS

Fields = dict[str, object]
EVENTS = whole_events(sample("openai_responses", "tools_ok"))


def data_of(sent: bytes) -> list[Fields]:
    return [
        msgspec.json.decode(event.partition(b"data: ")[2], type=Fields)
        for event in whole_events(sent)
    ]


def gone_on(count: int) -> list[Fields]:
    """Return what comes behind so many events, if the model says one more word."""
    tracker = ResponsesTracker(inquiry(DIALECTS["openai_responses"]), 7)
    for event in EVENTS[:count]:
        tracker.see(event)
    encoder = tracker.resume()
    out = encoder.encode(TextDelta(" More")) + encoder.encode(Stopped(StopReason.END))
    return data_of(out + encoder.finish())


@pytest.mark.parametrize("count", range(2, 9))
def test_the_numbers_go_on(count: int) -> None:
    before = data_of(b"".join(EVENTS[:count]))
    numbers = [event["sequence_number"] for event in before + gone_on(count)]
    assert numbers == list(range(len(numbers)))


def test_text_goes_on_in_the_open_item() -> None:
    first = gone_on(5)[0]
    assert (first["type"], first["item_id"]) == ("response.output_text.delta", "msg_2")
    assert first["output_index"] == 0


def test_text_behind_a_whole_item_is_another_one() -> None:
    first = gone_on(8)[0]
    assert (first["type"], first["output_index"]) == ("response.output_item.added", 1)


@pytest.mark.parametrize(
    ("count", "texts"), [(3, [" More"]), (5, ["Looking. More"]), (8, ["Looking.", " More"])]
)
def test_the_end_repeats_the_whole_output(count: int, texts: list[str]) -> None:
    last = msgspec.json.encode(gone_on(count)[-1]["response"])
    whole = DIALECTS["openai_responses"].read_answer(last)
    assert [getattr(part, "text", None) for part in whole.parts] in (texts, ["".join(texts)])
    assert whole.id == "resp_2"
