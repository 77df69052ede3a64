"""Every exchange is counted once, by the word that says whose failure it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.outcome import FailureKind
from penstock.exchange.record import AttemptRecord, Record
from penstock.telemetry.fates import IGNORED, KINDS, OURS, RouteCounts, fate_of
from penstock.telemetry.metrics import Counters
from penstock.telemetry.shelf import add, made, plain

WORDS = ["success", "ignored", *(kind.value for kind in FailureKind)]
OUTCOMES = ["complete", "failed", "broken", "refused", "hung_up"]
CODES = ["", "tier_capacity", "invalid_request", "rate_limit_exceeded", *OURS]


def record(outcome: str, attempts: list[str], code: str = "", **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "id": "req", "at_unix_s": 1.0, "duration_s": 0.3, "tenant": "t", "key": "k",
        "route": "fast", "model": "m", "dialect": "openai_chat", "is_stream": True,
        "outcome": outcome, "status": 200, "code": code,
        "attempts": [
            AttemptRecord(upstream="up", model="m", outcome=one, dialled_s=0.0, duration_s=0.1)
            for one in attempts
        ],
    }  # fmt: skip
    return Record(**(fields | changes))


@pytest.mark.parametrize(
    ("given_record", "word"),
    [
        (record("failed", ["overloaded", "server_error"]), "server_error"),
        (record("broken", ["stalled"]), "stalled"),
        (record("hung_up", ["timed_out"]), "timed_out"),
        (record("hung_up", ["ignored"]), IGNORED),
        (record("hung_up", []), IGNORED),
        (record("refused", [], "no_capacity"), "no_capacity"),
        (record("refused", [], "tier_capacity"), IGNORED),
        (record("refused", [], "rate_limit_exceeded"), IGNORED),
        (record("failed", ["rejected"]), "rejected"),
        (record("failed", ["ignored"], "deadline_exceeded"), "deadline_exceeded"),
    ],
)
def test_the_word_says_whose_failure_it_was(given_record: Record, word: str) -> None:
    assert fate_of(given_record) == word


def test_callers_have_felt_a_drill() -> None:
    found = record("failed", ["ignored"])
    found.attempts[0].drill_outcome = "overloaded"
    assert fate_of(found) == "overloaded"


records = st.builds(
    record,
    outcome=st.sampled_from(OUTCOMES),
    attempts=st.lists(st.sampled_from(WORDS), max_size=3),
    code=st.sampled_from(CODES),
    is_stream=st.booleans(),
    ttft_s=st.sampled_from([0.0, 0.2, 9.0, 400.0]),
)


@given(st.lists(records))
def test_nothing_is_lost_or_counted_twice(some: list[Record]) -> None:
    counters = Counters()
    for one in some:
        counters.count(one)
    both = [counters.fates.get(("fast", is_stream), RouteCounts()) for is_stream in (True, False)]
    for is_stream, counts in zip((True, False), both, strict=True):
        mine = [one for one in some if one.is_stream is is_stream]
        assert counts.good + sum(counts.kinds.values()) == len(mine)
        assert counts.good == sum(one.outcome == "complete" for one in mine)
        assert counts.kinds.keys() <= KINDS | OURS | {IGNORED}
        timed = [one for one in mine if one.outcome == "complete" and one.ttft_s and is_stream]
        assert sum(counts.ttft.counts) == len(timed)


@given(st.lists(records), st.lists(records))
def test_what_several_workers_counted_adds_up(some: list[Record], more: list[Record]) -> None:
    first, second, both = Counters(), Counters(), Counters()
    for counters, given_records in ((first, some), (second, more), (both, [*some, *more])):
        for one in given_records:
            counters.count(one)
    add(first, made(plain(second)))
    assert plain(first)["fates"] == plain(both)["fates"] or sorted(
        plain(first)["fates"], key=str
    ) == sorted(plain(both)["fates"], key=str)
