"""What became of an exchange, row by row of the table."""

import pytest
from tests.ledger.spooling import attempt, record

from penstock.exchange.record import Record
from penstock.ledger.verdict import attempt_word, fate_of

HANG_S = 10.0
BAD = attempt(outcome="server_error", status=500)
SILENT = attempt(outcome="timed_out", ttft_s=0.0)
WAITED = attempt(outcome="ignored", ttft_s=0.0, waited_s=12.0)


def ended(outcome: str, *attempts: object, **fields: object) -> Record:
    return record("x", outcome=outcome, attempts=list(attempts), **fields)


@pytest.mark.parametrize(
    ("ended_as", "fate"),
    [
        (ended("complete", attempt()), "served"),
        (ended("complete", BAD, attempt()), "served"),
        (ended("refused", status=429, code="rate_limit_exceeded"), "limited"),
        (ended("refused", status=503, code="no_capacity"), "shed"),
        (ended("refused", status=429, code="tier_capacity"), "shed"),
        (ended("refused", status=529, code="overloaded_error"), "shed"),
        (ended("refused", BAD, status=503, code="queue_timeout"), "shed"),
        (ended("refused", status=500, code="internal_error"), "failed"),
        (ended("refused", status=404, code="model_not_found"), "rejected"),
        (ended("failed", attempt(outcome="rejected"), status=400, code="bad"), "rejected"),
        (ended("failed", BAD, status=502, code="upstream_failed"), "failed"),
        (ended("failed", BAD, status=503, code="no_capacity"), "failed"),
        (ended("failed", SILENT, status=504, code="deadline_exceeded"), "failed"),
        (ended("broken", BAD, status=200, code="upstream_failed"), "failed"),
        (ended("broken", BAD, status=200, code="no_capacity"), "failed"),
        (ended("broken", status=200, code="queue_timeout"), "shed"),
        (ended("hung_up", attempt(), status=499), "left"),
        (ended("hung_up", SILENT, status=499), "failed"),
        (ended("hung_up", attempt(outcome="stalled"), status=499), "failed"),
        (ended("hung_up", WAITED, status=499, ttft_s=0.0, duration_s=9.9), "left"),
        (ended("hung_up", WAITED, status=499, ttft_s=0.0, duration_s=10.0), "failed"),
        (ended("hung_up", status=499, ttft_s=0.0, duration_s=60.0, queued_s=60.0), "failed"),
        (ended("lost", attempt(outcome="lost")), "lost"),
    ],
)
def test_each_end_has_its_fate(ended_as: Record, fate: str) -> None:
    assert fate_of(ended_as, HANG_S) == fate


def test_only_the_last_attempt_of_a_caller_who_left_can_have_hung() -> None:
    left = ended("hung_up", attempt(outcome="ignored", waited_s=60.0), WAITED)
    words = [attempt_word(left, one, HANG_S) for one in left.attempts]
    assert words == ["ignored", "hung"]
    short = ended("hung_up", attempt(outcome="ignored", waited_s=9.0))
    assert attempt_word(short, short.attempts[0], HANG_S) == "ignored"
    moved = ended("complete", attempt(outcome="ignored", waited_s=60.0))
    assert attempt_word(moved, moved.attempts[0], HANG_S) == "ignored"
    assert attempt_word(ended("hung_up", SILENT), SILENT, HANG_S) == "timed_out"
