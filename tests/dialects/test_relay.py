"""What is common to passing every dialect on; the rest is in the conformance suite."""

from penstock.core.errors import DeadlineError
from penstock.core.outcome import FailureKind
from penstock.dialects.openai_chat.passthrough import ChatRelay, inquire
from penstock.dialects.sse import EVENT_BYTES_MAX

ASKED = inquire(b'{"model":"m","messages":[],"stream":true}')
CONTENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'


def test_comments_pass_and_are_no_events() -> None:
    relay = ChatRelay(ASKED)
    assert relay.feed(b": still here\n\n") == b": still here\n\n"
    assert relay.events == 0


def test_half_an_event_waits() -> None:
    relay = ChatRelay(ASKED)
    assert relay.feed(CONTENT[:20]) == b""
    assert relay.feed(CONTENT[20:]) == CONTENT


def test_an_event_without_end_is_a_failure() -> None:
    relay = ChatRelay(ASKED)
    assert relay.feed(b"data: " + b"x" * EVENT_BYTES_MAX) == b""
    assert relay.failure is not None
    assert relay.failure.kind is FailureKind.BROKEN_STREAM


def test_what_came_before_a_failure_passes() -> None:
    relay = ChatRelay(ASKED)
    assert relay.feed(CONTENT + b'data: {"error":{"message":"no"}}\n\n' + CONTENT) == CONTENT
    assert relay.failure is not None
    assert relay.finish() == b""


def test_an_end_is_told_once() -> None:
    relay = ChatRelay(ASKED)
    relay.feed(CONTENT.replace(b"}}]", b'},"finish_reason":"stop"}]'))
    assert relay.finish() == b"data: [DONE]\n\n"
    assert relay.finish() == b""


def test_an_error_event_needs_no_more_than_the_dialect_knows() -> None:
    assert ChatRelay(ASKED).broken(DeadlineError("too late")) == b""
