"""Events are told from their names and their noise, wherever the bytes are cut."""

from hypothesis import given
from tests.dialects.samples import PLACES, cut

from penstock.core.errors import DialectError
from penstock.dialects.events import Event, Failed, KeptAlive, TextDelta
from penstock.dialects.named_events import NamedEventDecoder

STREAM = b"event: a\ndata: one\n\n: alive\n\njunk\ndata: two\n\nevent: b\r\ndata: three\r\n\r\n"


class Words(NamedEventDecoder):
    """Every piece of data is a piece of text."""

    def _decode(self, data: bytes, events: list[Event]) -> None:
        if data == b"bad":
            raise DialectError("bad")
        events.append(TextDelta(data.decode()))


@given(PLACES)
def test_any_chunking_gives_the_same_events(places: list[int]) -> None:
    decoder = Words()
    events = [event for chunk in cut(STREAM, places) for event in decoder.feed(chunk)]
    assert events == [TextDelta("one"), KeptAlive(), TextDelta("two"), TextDelta("three")]
    assert decoder.junk_lines == 1


def test_what_is_malformed_is_told_last() -> None:
    events = Words().feed(b"data: one\n\ndata: bad\n\n")
    assert events[0] == TextDelta("one")
    assert isinstance(events[1], Failed)
