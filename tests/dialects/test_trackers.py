"""Every dialect that passes streams on can go on with them: its tracker finds the place."""

import pytest
from tests.dialects.breaks import gist
from tests.dialects.samples import inquiry, names, sample, whole_events

from penstock.dialects.events import Failed, Started, Stopped, TextDelta
from penstock.dialects.message import StopReason
from penstock.dialects.registry import DIALECTS
from penstock.dialects.trackers import TRACKERS


def test_every_tracker_is_of_a_dialect() -> None:
    assert set(TRACKERS) <= set(DIALECTS)


@pytest.mark.parametrize(("name", "stem"), names("text_ok", "tools_ok", "tolerance"))
def test_an_encoder_ends_what_was_begun_anywhere(name: str, stem: str) -> None:
    dialect = DIALECTS[name]
    events = whole_events(sample(name, stem))
    for count in range(1, len(events)):
        sent = b"".join(events[:count])
        before = dialect.decoder().feed(sent)
        if any(isinstance(event, Stopped) for event in before):
            break
        if not any(isinstance(event, Started) for event in before):
            continue
        tracker = TRACKERS[name](inquiry(dialect), 7)
        for event in events[:count]:
            tracker.see(event)
        encoder = tracker.resume()
        sent += b"".join(
            encoder.encode(event)
            for event in (Started("2", "other"), TextDelta(" more"), Stopped(StopReason.END))
        )
        after = dialect.decoder().feed(sent + encoder.finish())
        assert after[: len(before)] == before
        assert not any(isinstance(event, Failed) for event in after)
        assert gist(name, after).text.endswith(" more")


@pytest.mark.parametrize("name", sorted(TRACKERS))
def test_anything_may_be_seen(name: str) -> None:
    dialect = DIALECTS[name]
    tracker = TRACKERS[name](inquiry(dialect), 7)
    for sent in (b": hi\n\n", b"data: oops\n\n", b"data: [1]\n\n", b'data: {"id": 3}\n\n', b""):
        tracker.see(sent)
    assert tracker.resume().encode(TextDelta("a"))
