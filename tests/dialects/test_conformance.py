"""What every dialect owes: one suite for all, over the recordings.

Passing on: any chunking gives the same bytes; a cut is a failure and never a clean end; nothing
raises; junk is dropped; a terminator is supplied only to an answer that is complete.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.samples import (
    IN_PATH,
    LAST_CONTENT,
    PLACES,
    SUPPLIED,
    TERMINATORS,
    TOLD,
    cut,
    inquiry,
    names,
    path,
    read_all,
    sample,
    whole_events,
)

from penstock.core.errors import (
    CallerError,
    DeadlineError,
    DialectError,
    KeyRefusedError,
    PenstockError,
    ShedError,
    StoreError,
    UpstreamError,
)
from penstock.core.outcome import RULES, Failure, FailureKind
from penstock.dialects.contract import AnswerReader
from penstock.dialects.registry import DIALECTS

DIALECT = pytest.mark.parametrize("name", sorted(DIALECTS))
TERMINATED = pytest.mark.parametrize("name", sorted(TERMINATORS))
MODEL_IN_BODY = pytest.mark.parametrize("name", sorted(DIALECTS.keys() - IN_PATH))
COMPLETE = pytest.mark.parametrize(("name", "stem"), names("text_ok", "tools_ok", "tolerance"))
ERRORS: list[PenstockError] = [
    CallerError("no such field", param="n"),
    KeyRefusedError("unknown key"),
    ShedError("full", retry_after_s=3.0),
    DeadlineError("too late"),
    StoreError("unreadable"),
    DialectError("not JSON"),
    *(UpstreamError(Failure(kind, "why")) for kind in FailureKind),
]


def relay(name: str) -> AnswerReader:
    return DIALECTS[name].relay(inquiry(DIALECTS[name]))


@COMPLETE
def test_a_complete_stream_passes_unchanged(name: str, stem: str) -> None:
    stream = sample(name, stem)
    reader = relay(name)
    assert read_all(reader, [stream]) == stream
    assert reader.failure is None
    assert reader.is_complete
    assert reader.is_ended
    assert reader.has_content


@given(places=PLACES, recording=st.sampled_from(names("t")))
def test_any_cut_gives_the_same_bytes(places: list[int], recording: tuple[str, str]) -> None:
    name, stem = recording
    stream = sample(name, stem)
    whole, pieces = relay(name), relay(name)
    assert read_all(pieces, cut(stream, places)) == read_all(whole, [stream])
    assert pieces.failure == whole.failure
    assert pieces.usage == whole.usage
    assert pieces.output_bytes == whole.output_bytes
    assert pieces.events == whole.events


@COMPLETE
def test_a_stream_cut_at_any_event_is_never_a_clean_end(name: str, stem: str) -> None:
    events = whole_events(sample(name, stem))
    for count in range(len(events)):
        reader = relay(name)
        out = read_all(reader, events[:count])
        if reader.is_complete:
            assert out.removeprefix(b"".join(events[:count])) in (b"", SUPPLIED.get(name, b""))
            assert reader.is_ended
        else:
            assert reader.failure is not None
            assert reader.failure.kind is FailureKind.BROKEN_STREAM
            assert out == b"".join(events[:count])


@TERMINATED
def test_a_missing_terminator_is_supplied(name: str) -> None:
    events = whole_events(sample(name, "text_ok"))
    reader = relay(name)
    out = read_all(reader, events[:-1])
    assert reader.failure is None
    assert reader.is_ended
    again = relay(name)
    assert read_all(again, [out]) == out
    assert reader.finish() == b""


@TERMINATED
def test_a_terminator_alone_is_no_end(name: str) -> None:
    reader = relay(name)
    assert read_all(reader, [TERMINATORS[name]]) == b""
    assert reader.failure is not None
    assert not reader.is_ended


@DIALECT
def test_an_error_inside_the_stream_is_a_failure(name: str) -> None:
    stream = sample(name, "text_error_in_band")
    reader = relay(name)
    out = read_all(reader, [stream])
    assert out == b"".join(whole_events(stream)[:-1])
    assert reader.failure is not None
    assert reader.failure.kind is TOLD[name]
    assert reader.feed(b"data: more\n\n") == b""


@DIALECT
def test_junk_lines_are_dropped_and_the_stream_lives(name: str) -> None:
    events = whole_events(sample(name, "text_ok"))
    reader = relay(name)
    out = read_all(reader, [b"<html>\n" + event for event in events])
    assert reader.failure is None
    assert out == b"".join(events)
    assert reader.junk_lines == len(events)


@DIALECT
@pytest.mark.parametrize("data", [b"{", b"[1", b'{"a":"\xff"', b"hello", b"[" * 50_000])
def test_malformed_data_before_content_is_a_failure(name: str, data: bytes) -> None:
    reader = relay(name)
    assert reader.feed(b"data: " + data + b"\n\n") == b""
    assert reader.failure is not None
    assert reader.failure.kind is FailureKind.BROKEN_STREAM


@DIALECT
def test_malformed_data_after_content_counts_only_if_it_may_be_content(name: str) -> None:
    events = whole_events(sample(name, "text_ok"))
    at = LAST_CONTENT[name]
    for damaged, is_failure in ((b'data: {"type": "pi', False), (events[at][:-9], True)):
        reader = relay(name)
        for event in events[: at + 1]:
            reader.feed(event)
        assert reader.has_content
        out = reader.feed(damaged + b"\n\n")
        assert out == b""
        assert (reader.failure is not None) is is_failure


@DIALECT
@given(chunks=st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_raise(name: str, chunks: list[bytes]) -> None:
    reader = relay(name)
    read_all(reader, chunks)
    assert reader.failure is not None or reader.is_complete


@DIALECT
@given(data=st.data())
def test_a_damaged_recording_raises_nothing(name: str, data: st.DataObject) -> None:
    stream = bytearray(sample(name, data.draw(st.sampled_from(["text_ok", "tools_ok"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    reader = relay(name)
    read_all(reader, [bytes(stream)])
    assert (reader.failure is None) is reader.is_ended


@DIALECT
@given(body=st.binary(max_size=80))
def test_a_body_is_read_or_refused_by_name(name: str, body: bytes) -> None:
    dialect = DIALECTS[name]
    with pytest.raises(DialectError):
        dialect.inquire(body, path(dialect))
    with pytest.raises(DialectError):
        dialect.survey(body)


@DIALECT
def test_a_body_nested_too_deep_is_refused(name: str) -> None:
    deep = b'{"model":"m","max_tokens":1,"messages":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    with pytest.raises(DialectError):
        DIALECTS[name].inquire(deep, path(DIALECTS[name]))


@DIALECT
@given(status=st.integers(300, 599), body=st.binary(max_size=60))
def test_every_status_has_one_kind(name: str, status: int, body: bytes) -> None:
    failure = DIALECTS[name].classify(status, {}, body)
    assert failure.kind in RULES
    assert failure.status == status
    assert failure.detail


@DIALECT
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__}")
def test_an_error_that_we_write_is_an_error_that_we_read(name: str, error: PenstockError) -> None:
    dialect = DIALECTS[name]
    body = dialect.error_body(error, "req_1")
    failure = dialect.classify(dialect.status_of(error), {}, body)
    assert error.message in failure.detail
    reader = relay(name)
    assert reader.feed(dialect.error_event(error, "req_1")) == b""
    assert reader.failure is not None
    assert error.message in reader.failure.detail
    assert error.text in reader.failure.detail, "what happened and what to do, as two sentences"


@DIALECT
def test_the_model_is_all_that_changes(name: str) -> None:
    dialect = DIALECTS[name]
    asked = inquiry(dialect)
    assert dialect.forward(asked, "m", asks_usage=True) == asked.body
    body = dialect.forward(asked, "other", asks_usage=True)
    other = dialect.inquire(body, path(dialect, "other"))
    assert other.model == "other"
    assert list(other.fields) == list(asked.fields)
    same = [field for field in asked.fields if field != "model"]
    assert [bytes(other.fields[field]) for field in same] == [
        bytes(asked.fields[field]) for field in same
    ]


@MODEL_IN_BODY
def test_a_second_model_is_not_smuggled_through(name: str) -> None:
    dialect = DIALECTS[name]
    body = inquiry(dialect).body[:-1] + b',"model":"x"}'
    asked = dialect.inquire(body)
    assert asked.model == "x"
    assert dialect.forward(asked, "x", asks_usage=False).count(b'"model"') == 1
