"""Counts are the same sums wherever they are asked for, and never go down."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from penstock.exchange.record import AttemptRecord, Record
from penstock.telemetry.gauges import Gauges
from penstock.telemetry.metrics import Counters, exposition
from penstock.telemetry.shelf import STALE_S, Shelf, add, made, plain, together


def record(route: str, ttft_s: float, outcome: str) -> Record:
    return Record(
        id="r",
        at_unix_s=1.0,
        duration_s=ttft_s * 2,
        tenant="t",
        key="k",
        route=route,
        model="m",
        dialect="openai_chat",
        is_stream=True,
        outcome=outcome,
        status=200,
        attempts=[
            AttemptRecord(
                upstream="u",
                model=route,
                outcome="success",
                dialled_s=0.0,
                duration_s=ttft_s,
                ttft_s=ttft_s,
            )
        ],
    )


RECORDS = st.lists(
    st.builds(
        record,
        st.sampled_from(["a", "b"]),
        st.sampled_from([0.25, 1.0]),
        st.sampled_from(["complete", "failed"]),
    )
)


def counted(records: list[Record]) -> Counters:
    counters = Counters()
    for one in records:
        counters.count(one)
    return counters


@given(RECORDS, RECORDS)
def test_two_sums_are_the_sum_of_both(some: list[Record], others: list[Record]) -> None:
    both = counted(some)
    add(both, counted(others))
    assert plain(both) == plain(counted(some + others))


@given(RECORDS)
def test_what_is_written_is_read(records: list[Record]) -> None:
    counters = counted(records)
    again = made(plain(counters))
    assert plain(again) == plain(counters)
    assert exposition(again, Gauges()) == exposition(counters, Gauges())


def put(
    shelf: Shelf, counters: Counters, at_s: float, in_flight: int = 0, spool_lines: int = 0
) -> None:
    gauges = Gauges(in_flight=in_flight, spool_lines=spool_lines)
    shelf.put(counters, gauges, at_s, is_ready=True, asks="limiter")


def test_any_worker_tells_what_all_have_counted(tmp_path: Path) -> None:
    one, two = Shelf(tmp_path, 1, 2, 0.0), Shelf(tmp_path, 2, 2, 0.0)
    first = counted([record("a", 1.0, "complete")])
    put(one, first, 10.0, in_flight=3, spool_lines=7)
    put(two, counted([record("b", 1.0, "complete")]), 10.0, in_flight=4, spool_lines=1)
    for shelf in (one, two):
        counters, gauges = together(shelf.sheets(), 10.0)
        assert sum(counters.exchanges.values()) == 2
        assert (gauges.in_flight, gauges.spool_lines) == (7, 8)


def test_a_dead_workers_counts_stay_and_go_on_when_it_is_back(tmp_path: Path) -> None:
    one, two = Shelf(tmp_path, 1, 2, 0.0), Shelf(tmp_path, 2, 2, 0.0)
    put(one, counted([record("a", 1.0, "complete")] * 5), 10.0, in_flight=3, spool_lines=7)
    put(two, Counters(), 10.0 + STALE_S, in_flight=1)
    counters, gauges = together(two.sheets(), 10.0 + STALE_S)
    assert sum(counters.exchanges.values()) == 5
    assert (gauges.in_flight, gauges.spool_lines) == (1, 7)
    again = Shelf(tmp_path, 1, 2, 20.0)
    fresh = Counters()
    again.restore(fresh)
    fresh.count(record("a", 1.0, "complete"))
    put(again, fresh, 20.0, spool_lines=1)
    counters, gauges = together(two.sheets(), 20.0)
    assert sum(counters.exchanges.values()) == 6
    assert gauges.spool_lines == 8


def test_what_is_no_sheet_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "gateway-1.counts").write_bytes(b"\xc1 garbage")
    shelf = Shelf(tmp_path, 1, 2, 0.0)
    shelf.restore(Counters())
    assert shelf.sheets() == []
