"""Rate-limit headers: what we write of a caller's limits is what we read of our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.standing import UNLIMITED, Level, Standing
from penstock.dialects import limit_lines
from penstock.dialects.anthropic_messages.errors import reset_after_s
from penstock.dialects.http_error import duration_s
from penstock.dialects.registry import DIALECTS

NOW_UNIX_S = 1_800_000_000.25  # 2027-01-15T08:00:00.25Z
BOTH = Standing(Level(60, 59, 1.0), Level(40_000, -5, 360.0))


def read(lines: bytes) -> dict[bytes, bytes]:
    """Return header lines by name."""
    assert not lines or lines.endswith(b"\r\n")
    fields = (line.partition(b": ") for line in lines.split(b"\r\n")[:-1])
    return {name: value for name, _, value in fields}


def test_openais() -> None:
    for name in ("openai_chat", "openai_responses"):
        assert read(DIALECTS[name].limit_lines(BOTH, NOW_UNIX_S)) == {
            b"x-ratelimit-limit-requests": b"60",
            b"x-ratelimit-remaining-requests": b"59",
            b"x-ratelimit-reset-requests": b"1s",
            b"x-ratelimit-limit-tokens": b"40000",
            b"x-ratelimit-remaining-tokens": b"0",
            b"x-ratelimit-reset-tokens": b"6m0s",
        }


def test_anthropics() -> None:
    assert read(DIALECTS["anthropic_messages"].limit_lines(BOTH, NOW_UNIX_S)) == {
        b"anthropic-ratelimit-requests-limit": b"60",
        b"anthropic-ratelimit-requests-remaining": b"59",
        b"anthropic-ratelimit-requests-reset": b"2027-01-15T08:00:02Z",
        b"anthropic-ratelimit-tokens-limit": b"40000",
        b"anthropic-ratelimit-tokens-remaining": b"0",
        b"anthropic-ratelimit-tokens-reset": b"2027-01-15T08:06:01Z",
    }


@pytest.mark.parametrize("name", DIALECTS)
def test_who_has_no_limits_is_told_of_none(name: str) -> None:
    assert DIALECTS[name].limit_lines(UNLIMITED, NOW_UNIX_S) == b""


def test_google_has_no_such_headers() -> None:
    assert DIALECTS["gemini_generate"].limit_lines(BOTH, NOW_UNIX_S) == b""


@given(st.floats(0.0, 86_000.0))
def test_a_reset_is_never_too_early_and_hardly_late(reset_s: float) -> None:
    standing = Standing(tokens=Level(1, 0, reset_s))
    told = read(limit_lines.openai(standing))[b"x-ratelimit-reset-tokens"].decode()
    assert reset_s - 1e-6 <= duration_s(told) <= reset_s + 0.001 + 1e-6
    headers = read(limit_lines.anthropic(standing, 1_800_000_000.0))
    headers[b"date"] = b"Fri, 15 Jan 2027 08:00:00 GMT"
    assert reset_s - 1e-6 <= reset_after_s(headers) <= reset_s + 1.0
