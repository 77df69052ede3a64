"""Calls meet the ledger: what each learns of it."""

from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from penstock.apps.drill import joining
from penstock.apps.drill.ledgers import Known, Ledger
from penstock.apps.drill.reckoning import reckoned
from penstock.exchange.record import AttemptRecord, Record
from penstock.sim.drills import shapes
from penstock.sim.drills.shapes import Call

ARM = shapes.PENSTOCK
PROVIDERS = ("claude", "gpt", "gemini")


def attempt(number: int, provider: str, **more: Any) -> AttemptRecord:
    made = AttemptRecord(provider, "model", "success", 0.0, 2.0, 200, 0.5)
    made.request_id = "" if provider == "gemini" else f"up-{number}"
    made.input_tokens, made.output_tokens = 100 + number, 10 + number
    for name, value in more.items():
        setattr(made, name, value)
    return made


def record(number: int, *attempts: AttemptRecord, **more: Any) -> Record:
    made = Record(
        id=f"x-{number}", at_unix_s=1.0, duration_s=2.0, tenant="t", key="k", route="balanced",
        model="balanced", dialect="openai_chat", is_stream=True, outcome="complete", status=200,
        attempts=list(attempts),
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def theirs(number: int, provider: str, **more: Any) -> dict[str, Any]:
    return {
        "request_id": f"up-{number}",
        "provider": provider,
        "model": "model",
        "status": 200,
        "input_tokens": 100 + number,
        "output_tokens": 10 + number,
        "header_names": ["host"],
        **more,
    }


def call(number: int, **more: Any) -> Call:
    return Call(
        arm=ARM, tier="free", at_s=0.0, end="complete", request_ids=(f"x-{number}",), **more
    )


def ledger(*records: Record) -> Ledger:
    return Ledger({one.id: Known(one, 7) for one in records})


whole = st.lists(st.sampled_from(PROVIDERS), max_size=20)


def test_an_attempt_of_which_no_head_came_has_nothing_to_be_matched_by() -> None:
    failed = attempt(0, "claude", outcome="connect", status=0, request_id="")
    found = reckoned(
        ARM,
        ledger(record(0, failed, attempt(1, "gpt"))),
        [theirs(0, "claude", status=0), theirs(1, "gpt")],
        [call(0)],
    )
    assert found.is_equal
    assert found.exact == 1


def test_a_call_learns_who_answered_what_it_waited_and_what_the_way_cost() -> None:
    broken = attempt(0, "claude", outcome="server_error", status=500, ttft_s=0.0)
    made = record(0, broken, attempt(1, "gpt", dialled_s=0.2), queued_s=0.1, hops=0)
    (one,) = joining.joined([call(0, ttft_s=0.75)], ledger(made).known)
    assert (one.upstream, one.waited_s, one.cost_microusd) == ("gpt", 0.1, 7)
    assert one.added_s == pytest.approx(0.25)
    (unary,) = joining.joined([call(0, is_stream=False, took_s=2.5)], ledger(made).known)
    assert unary.added_s == pytest.approx(0.5)


def test_a_call_that_no_ledger_knows_stays_as_it_was() -> None:
    one = call(0)
    assert joining.joined([one], {}) == [one]
    assert joining.missing([one], {}) == {"x-0"}
    (bound,) = joining.counted(
        [msgspec.structs.replace(one, request_ids=("up-3",))], [theirs(3, "gpt")]
    )
    assert (bound.upstream, bound.input_tokens, bound.output_tokens) == ("gpt", 103, 13)
