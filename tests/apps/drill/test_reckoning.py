"""The reckoning: equal books are equal whatever they hold, and no difference is overlooked."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.drill.ledgers import Known, Ledger
from penstock.apps.drill.reckoning import NAMELESS, PROBES, reckoned
from penstock.exchange.record import AttemptRecord, Record
from penstock.sim.drills.shapes import COMPLETE, PENSTOCK, Call, Reckoning

OK = 200
PROVIDERS = ("claude", "gpt", NAMELESS)


class Books:
    """Exchanges as callers, ledger and providers have them; equal until something is changed."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.theirs: list[dict[str, Any]] = []
        self.calls: list[Call] = []
        self.dropped = self.dropped_lines = self.twice = 0
        self.waiting: tuple[str, ...] = ()

    def exchange(self, *attempts: tuple[str, str, int]) -> None:
        """Add one: each attempt is provider, outcome and tokens."""
        ours = [self._attempt(*one) for one in attempts]
        name = f"req_{len(self.records)}"
        record = Record(
            id=name, at_unix_s=0.0, duration_s=1.0, tenant="t", key="k", route="r", model="r",
            dialect="openai_chat", is_stream=True, outcome="complete", status=OK, attempts=ours,
        )  # fmt: skip
        self.records.append(record)
        call = Call(arm=PENSTOCK, tier="free", at_s=0.0, end=COMPLETE, request_ids=(name,))
        self.calls.append(call)

    def probe(self) -> None:
        """Let the status page ask a provider past the gateway."""
        self.theirs.append(self._their("gpt", OK, 1) | {"header_names": ["host", PROBES]})

    def reckoned(self) -> Reckoning:
        """Compare them."""
        known = {one.id: Known(one, 0) for one in self.records}
        ledger = Ledger(known, self.dropped, self.twice, self.dropped_lines, self.waiting)
        return reckoned(PENSTOCK, ledger, self.theirs, self.calls)

    def _attempt(self, provider: str, outcome: str, tokens: int) -> AttemptRecord:
        status = {"success": OK, "lost": 0, "unreachable": 0, "broken": OK}.get(outcome, 529)
        if outcome != "unreachable":
            self.theirs.append(self._their(provider, status or OK, tokens))
        return AttemptRecord(
            upstream=provider, model=provider, outcome=outcome, dialled_s=0.0, duration_s=1.0,
            status=status, is_estimated=outcome != "success",
            request_id="" if provider == NAMELESS or not status else self.theirs[-1]["request_id"],
            input_tokens=tokens if outcome == "success" else 0,
            output_tokens=tokens if outcome == "success" else 0,
        )  # fmt: skip

    def _their(self, provider: str, status: int, tokens: int) -> dict[str, Any]:
        return {
            "request_id": f"{provider}-{len(self.theirs)}", "provider": provider,
            "model": provider, "status": status, "input_tokens": tokens,
            "output_tokens": tokens, "header_names": ["host"],
        }  # fmt: skip


attempts = st.tuples(
    st.sampled_from(PROVIDERS),
    st.sampled_from(["success", "http_529", "broken", "lost"]),
    st.integers(1, 9),
)
exchanges = st.lists(st.lists(attempts, min_size=1, max_size=3), min_size=1, max_size=8)


def books(drawn: list[list[tuple[str, str, int]]]) -> Books:
    made = Books()
    for one in drawn:
        made.exchange(*one)
    return made


@given(exchanges, st.integers(0, 3))
def test_equal_books_are_equal(drawn: list[list[tuple[str, str, int]]], probes: int) -> None:
    made = books(drawn)
    for _ in range(probes):
        made.probe()
    found = made.reckoned()
    assert found.is_equal, found
    assert found.exchanges == found.seen == len(drawn)
    assert found.attempts == sum(map(len, drawn))
    told = [one for some in drawn for one in some if one[1] == "success"]
    assert found.exact == len(told)


@given(exchanges, st.data())
def test_tokens_that_are_not_the_providers_are_seen(
    drawn: list[list[tuple[str, str, int]]], data: st.DataObject
) -> None:
    made = books([*drawn, [("claude", "success", 5)], [(NAMELESS, "success", 77)]])
    record = made.records[data.draw(st.sampled_from([-1, -2]))]
    record.attempts[0].output_tokens += data.draw(st.sampled_from([-1, 1, 1000]))
    found = made.reckoned()
    assert found.differing == 1
    assert not found.is_equal


@given(exchanges)
def test_an_exchange_that_is_not_in_the_ledger_is_missing_unless_it_was_counted(
    drawn: list[list[tuple[str, str, int]]],
) -> None:
    made = books(drawn)
    gone = made.records.pop()
    found = made.reckoned()
    assert (found.missing, found.differing) == (1, len(gone.attempts))
    made.dropped, made.dropped_lines = 1, len(gone.attempts) + 1
    assert made.reckoned().is_equal
    made.dropped_lines = len(gone.attempts) - 1
    assert made.reckoned().differing == 1


def test_an_exchange_that_has_begun_in_the_ledger_is_not_missing_and_its_attempts_are_known() -> (
    None
):
    made = books([[("gpt", "success", 3)], [("claude", "http_529", 2), ("gpt", "success", 4)]])
    gone = made.records.pop()
    made.waiting = (gone.id, gone.id)
    found = made.reckoned()
    assert found.is_equal
    assert "begun" in found.words[0]
    made.waiting = (gone.id,)
    assert made.reckoned().differing == 1


def test_an_exchange_twice_and_a_request_that_nobody_made_are_seen() -> None:
    made = books([[("gpt", "success", 3)]])
    made.twice = 1
    assert not made.reckoned().is_equal
    made = books([[("gpt", "success", 3)]])
    made.records[0].attempts.append(
        msgspec.structs.replace(made.records[0].attempts[0], request_id="gpt-of-nobody")
    )
    assert not made.reckoned().is_equal
    made = books([[("gpt", "success", 3)]])
    made.theirs.append({**made.theirs[0], "request_id": "another"})
    assert made.reckoned().differing == 1


@pytest.mark.parametrize("status", [500, 0])
def test_another_status_is_seen(status: int) -> None:
    made = books([[("gpt", "success", 3)]])
    made.theirs[0]["status"] = status
    assert made.reckoned().differing == 1
