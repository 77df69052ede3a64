"""Anthropic's headers, as they are sent, are read; resets are instants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.limits_seen import UNSEEN, Level, LimitsSeen
from penstock.dialects.anthropic_messages.dialect import AnthropicMessages
from penstock.dialects.anthropic_messages.limits import NAMES, limits_seen
from penstock.dialects.gemini_generate.dialect import GeminiGenerate

NOW_UNIX_S = 1_767_225_600.0  # 2026-01-01T00:00:00Z
SENT = {
    b"anthropic-ratelimit-requests-limit": b"50",
    b"anthropic-ratelimit-requests-remaining": b"0",
    b"anthropic-ratelimit-requests-reset": b"2026-01-01T00:00:12Z",
    b"anthropic-ratelimit-input-tokens-limit": b"30000",
    b"anthropic-ratelimit-input-tokens-remaining": b"28000",
    b"anthropic-ratelimit-input-tokens-reset": b"2026-01-01T00:00:04Z",
    b"anthropic-ratelimit-output-tokens-limit": b"8000",
    b"anthropic-ratelimit-output-tokens-remaining": b"8000",
    b"anthropic-ratelimit-output-tokens-reset": b"2026-01-01T00:00:00Z",
}


def test_what_anthropic_sends_is_read() -> None:
    expected = LimitsSeen(Level(50, 0, 12.0), UNSEEN, Level(30_000, 28_000), Level(8000, 8000))
    assert limits_seen(SENT, NOW_UNIX_S) == expected
    assert AnthropicMessages().limits_seen(SENT, NOW_UNIX_S) == expected
    assert AnthropicMessages().limits_seen({}, NOW_UNIX_S) is None


@pytest.mark.parametrize(
    ("reset", "wait_s"),
    [
        (b"2026-01-01T01:00:12+01:00", 12.0),
        (b"2025-12-31T23:59:59Z", 0.0),
        (b"2026-01-01T00:00:12", 0.0),
        (b"soon", 0.0),
        (b"", 0.0),
    ],
)
def test_an_instant_is_measured_against_the_time_that_is_told(reset: bytes, wait_s: float) -> None:
    seen = limits_seen(SENT | {b"anthropic-ratelimit-requests-reset": reset}, NOW_UNIX_S)
    assert seen is not None
    assert seen.requests == Level(50, 0, wait_s)


@given(
    st.dictionaries(
        st.sampled_from([name for names in NAMES for name in names]),
        st.sampled_from([b"0", b"-1", b"x", b"9999-12-31T23:59:59Z", b"\xff", b"12"]),
    )
)
def test_garbage_is_never_a_limit(headers: dict[bytes, bytes]) -> None:
    seen = limits_seen(headers, NOW_UNIX_S)
    assert (seen is None) == (b"anthropic-ratelimit-requests-remaining" not in headers)
    for level in seen or ():
        assert (level.limit or 0) >= 0 <= (level.remaining or 0)
        assert level.reset_s >= 0.0


def test_google_tells_nothing() -> None:
    assert GeminiGenerate().limits_seen(SENT, NOW_UNIX_S) is None
