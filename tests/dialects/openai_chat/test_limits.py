"""OpenAI's headers, as they are sent, are read; their absence costs one look."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.limits_seen import UNSEEN, Level, LimitsSeen
from penstock.dialects.openai_chat.dialect import OpenAIChat
from penstock.dialects.openai_chat.limits import limits_seen
from penstock.dialects.openai_responses.dialect import OpenAIResponses

SENT = {
    b"x-ratelimit-limit-requests": b"60",
    b"x-ratelimit-limit-tokens": b"150000",
    b"x-ratelimit-remaining-requests": b"0",
    b"x-ratelimit-remaining-tokens": b"149984",
    b"x-ratelimit-reset-requests": b"20ms",
    b"x-ratelimit-reset-tokens": b"6m0s",
}
SEEN = LimitsSeen(requests=Level(60, 0, 0.02), tokens=Level(150_000, 149_984))


def test_what_openai_sends_is_read_by_both_of_its_dialects() -> None:
    assert limits_seen(SENT) == SEEN
    for dialect in (OpenAIChat(), OpenAIResponses()):
        assert dialect.limits_seen(SENT, 0.0) == SEEN
        assert dialect.limits_seen({}, 0.0) is None


def test_minutes_and_seconds_of_a_reset_are_added() -> None:
    seen = limits_seen(SENT | {b"x-ratelimit-remaining-tokens": b"0"})
    assert seen is not None
    assert seen.tokens.reset_s == 360.0


def test_an_answer_that_tells_of_requests_alone_is_read() -> None:
    assert limits_seen({b"x-ratelimit-remaining-requests": b"7"}) == LimitsSeen(Level(None, 7))
    assert limits_seen({b"x-ratelimit-limit-tokens": b"7"}) is None


@given(st.dictionaries(st.sampled_from(sorted(SENT)), st.binary(max_size=12)))
def test_garbage_is_never_a_limit(headers: dict[bytes, bytes]) -> None:
    seen = limits_seen(headers)
    for level in seen or ():
        assert level.reset_s >= 0.0
        assert level == UNSEEN or (level.limit or 0) >= 0 <= (level.remaining or 0)
