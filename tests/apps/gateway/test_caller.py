"""What a caller is told about coming back is bounded, whole and never a lie."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.gateway.caller import advice
from penstock.core.errors import CallerError, DeadlineError, PenstockError, ShedError


def lines(error: PenstockError) -> dict[str, str]:
    raw = advice(error).decode()
    assert raw == "" or raw.endswith("\r\n")
    return dict(line.split(": ") for line in raw.split("\r\n")[:-1])


@given(st.floats(0.001, 1e6))
def test_retry_after_is_a_whole_number_from_1_to_60(wait_s: float) -> None:
    told = lines(ShedError("full", retry_after_s=wait_s))
    seconds = int(told["retry-after"])
    assert 1 <= seconds <= 60
    if wait_s > 60:
        assert told["x-should-retry"] == "false"
        assert wait_s <= int(told["x-penstock-wait-estimate-s"]) < wait_s + 1
    else:
        assert told["x-should-retry"] == "true"
        assert wait_s <= seconds < max(1.0, wait_s) + 1  # never sooner than it helps
        assert "x-penstock-wait-estimate-s" not in told


def test_an_error_that_no_wait_helps_names_none() -> None:
    assert lines(CallerError("no")) == {}
    assert lines(DeadlineError("late")) == {"x-should-retry": "false"}
