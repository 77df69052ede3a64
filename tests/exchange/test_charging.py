"""Budgets and bills agree on what was used: the sum of the parts."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.price import Used
from penstock.exchange import charging
from penstock.exchange.record import AttemptRecord, Record

TOKENS = st.integers(0, 1_000_000)
ATTEMPTS = st.builds(
    AttemptRecord,
    upstream=st.just("a"),
    model=st.sampled_from("mn"),
    outcome=st.sampled_from(["success", "ignored", "cut"]),
    dialled_s=st.just(0.0),
    duration_s=st.just(1.0),
    ttft_s=st.sampled_from([0.0, 0.3]),
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    cached_tokens=TOKENS,
    cache_write_tokens=TOKENS,
    reasoning_tokens=TOKENS,
)


def record(outcome: str, attempts: list[AttemptRecord]) -> Record:
    return Record(
        id="x", at_unix_s=0.0, duration_s=1.0, tenant="t", key="k", route="r", model="m",
        dialect="openai_chat", is_stream=True, outcome=outcome, status=200, attempts=attempts,
        hops=sum(1 for one in attempts[:-1] if one.ttft_s),
    )  # fmt: skip


@given(st.sampled_from(["complete", "broken", "hung_up"]), st.lists(ATTEMPTS, max_size=4))
def test_input_is_paid_once_and_output_as_given(
    outcome: str, attempts: list[AttemptRecord]
) -> None:
    made = record(outcome, attempts)
    parts = charging.parts(made)
    used = charging.used(made)
    assert [part.is_first for part in parts] == [True, *[False] * (len(parts) - 1)][: len(parts)]
    assert used.output_tokens == sum(part.attempt.output_tokens for part in parts)
    assert used.reasoning_tokens == sum(part.attempt.reasoning_tokens for part in parts)
    if parts:
        first = parts[0].attempt
        assert used[0] == first.input_tokens
        assert used[2:4] == (first.cached_tokens, first.cache_write_tokens)
        assert (len(parts) == 1) or all(part.attempt.ttft_s for part in parts[:-1])
    else:
        assert used == Used()


@given(st.sampled_from(["failed", "refused", "lost"]), st.lists(ATTEMPTS, max_size=4))
def test_without_an_answer_there_is_nothing_to_pay(
    outcome: str, attempts: list[AttemptRecord]
) -> None:
    assert charging.parts(record(outcome, attempts)) == []
    assert charging.used(record(outcome, attempts)) == Used()


def attempt(outcome: str, ttft_s: float) -> AttemptRecord:
    return AttemptRecord(
        upstream="a", model="m", outcome=outcome, dialled_s=0.0, duration_s=1.0, ttft_s=ttft_s,
        input_tokens=100, output_tokens=7 if ttft_s else 0,
    )  # fmt: skip


def test_who_leaves_before_anything_came_pays_input_unless_the_upstream_is_to_blame() -> None:
    waiting, silent = attempt("ignored", 0.0), attempt("stalled", 0.0)
    assert charging.used(record("hung_up", [waiting])) == Used(input_tokens=100)
    assert charging.used(record("hung_up", [silent])) == Used()


def test_who_leaves_while_a_broken_answer_is_continued_pays_for_what_had_come() -> None:
    given_up = record("hung_up", [attempt("cut", 0.3), attempt("ignored", 0.0)])
    assert [part.attempt.outcome for part in charging.parts(given_up)] == ["cut"]
