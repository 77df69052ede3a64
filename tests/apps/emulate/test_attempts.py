"""Attempts are bounded, end once, and say how."""

from penstock.apps.emulate.attempts import ATTEMPTS_MAX, CANCELLED, AttemptLog
from penstock.core.fault import Fault, FaultKind


def test_only_the_first_end_counts() -> None:
    log = AttemptLog(100.0)
    attempt = log.opened("req_1", "gpt", "openai_chat", 101.0)
    attempt.output_tokens = 5
    log.closed(attempt, CANCELLED, 102.5)
    log.delivered(attempt, None, 103.0)
    assert (attempt.outcome, attempt.cancelled_at_s, attempt.ended_at_s) == (CANCELLED, 2.5, 2.5)
    assert (log.open, log.output_tokens, dict(log.outcomes)) == (0, 5, {"gpt cancelled": 1})


def test_a_harmless_fault_leaves_an_attempt_complete() -> None:
    log = AttemptLog(0.0)
    outcomes: list[str] = []
    for kind in (FaultKind.SLOW_TTFT, FaultKind.STREAM_CUT):
        fault = Fault(kind=kind)
        attempt = log.opened("req", "claude", "anthropic_messages", 0.0)
        log.struck(attempt, fault)
        log.delivered(attempt, fault, 1.0)
        outcomes.append(attempt.outcome)
        assert attempt.fault == kind.value
    assert outcomes == ["complete", "faulted:stream_cut"]


def test_the_log_keeps_the_last_attempts_only() -> None:
    log = AttemptLog(0.0)
    for _ in range(ATTEMPTS_MAX + 5):
        log.opened("req", "gpt", "openai_chat", 0.0)
    assert [attempt.number for attempt in log.last(2)] == [ATTEMPTS_MAX + 4, ATTEMPTS_MAX + 5]
    assert len(log.last(10 * ATTEMPTS_MAX)) == ATTEMPTS_MAX
    assert log.last(0) == []
    log.clear()
    assert log.last(5) == []
