"""Statuses and waits, whatever the dialect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.outcome import FailureKind
from penstock.dialects import http_error

DATE = b"Tue, 06 Oct 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, FailureKind.MISCONFIGURED),
        (400, FailureKind.REJECTED),
        (401, FailureKind.ACCOUNT),
        (402, FailureKind.ACCOUNT),
        (403, FailureKind.ACCOUNT),
        (404, FailureKind.MISCONFIGURED),
        (408, FailureKind.TIMED_OUT),
        (409, FailureKind.CONFLICT),
        (413, FailureKind.REJECTED),
        (422, FailureKind.REJECTED),
        (429, FailureKind.QUOTA),
        (498, FailureKind.SHARED_CAPACITY),
        (499, FailureKind.SERVER_ERROR),
        (500, FailureKind.SERVER_ERROR),
        (502, FailureKind.SERVER_ERROR),
        (503, FailureKind.OVERLOADED),
        (504, FailureKind.TIMED_OUT),
        (529, FailureKind.OVERLOADED),
        (599, FailureKind.SERVER_ERROR),
    ],
)
def test_each_status_has_its_kind(status: int, kind: FailureKind) -> None:
    assert http_error.kind_of_status(status) is kind


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 0.0),
        ({b"retry-after": b"7"}, 7.0),
        ({b"retry-after": b"0"}, 0.0),
        ({b"retry-after": b"-3"}, 0.0),
        ({b"retry-after": b"nan"}, 0.0),
        ({b"retry-after": b"soon"}, 0.0),
        ({b"retry-after": b"99999999"}, http_error.RETRY_AFTER_S_MAX),
        ({b"retry-after": b"7", b"retry-after-ms": b"1500"}, 1.5),
        ({b"retry-after": b"Tue, 06 Oct 2026 12:00:30 GMT", b"date": DATE}, 30.0),
        ({b"retry-after": b"Tue, 06 Oct 2026 11:00:30 GMT", b"date": DATE}, 0.0),
        ({b"retry-after": b"Tue, 06 Oct 2026 12:00:30 GMT"}, 0.0),
        ({b"retry-after": b"Tue, 06 Oct 2026 12:00:30 GMT", b"date": b"\xff"}, 0.0),
    ],
)
def test_retry_after(headers: dict[bytes, bytes], wait_s: float) -> None:
    assert http_error.retry_after_s(headers) == wait_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12ms", 0.012), ("6m0s", 360.0), ("1h2m3s", 3723.0), ("1.5", 1.5), ("", 0.0), ("x", 0.0)],
)
def test_duration(text: str, seconds: float) -> None:
    assert http_error.duration_s(text) == pytest.approx(seconds)


def test_only_a_dimension_that_is_used_up_counts() -> None:
    headers = {
        b"x-ratelimit-remaining-requests": b"0",
        b"x-ratelimit-reset-requests": b"2s",
        b"x-ratelimit-remaining-tokens": b"10",
        b"x-ratelimit-reset-tokens": b"6m0s",
    }
    dimensions = (b"requests", b"tokens")
    assert http_error.reset_after_s(headers, b"x-ratelimit-", dimensions) == 2.0
    assert http_error.reset_after_s({}, b"x-ratelimit-", dimensions) == 0.0


@given(value=st.binary(max_size=30), date=st.binary(max_size=30))
def test_no_header_raises(value: bytes, date: bytes) -> None:
    wait_s = http_error.retry_after_s({b"retry-after": value, b"date": date})
    assert 0.0 <= wait_s <= http_error.RETRY_AFTER_S_MAX
