"""Nothing measured is lost or counted twice: over restarts, and as minutes become hours."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.apps.status.installation import START_UNIX_S, Clock, installed

from penstock.apps.status.tables import measures
from penstock.apps.status.watching import measuring
from penstock.apps.status.watching.counting import Change
from penstock.apps.status.watching.measuring import Meter, bucket_quantile
from penstock.telemetry.declared import BUCKETS_S
from penstock.watch.evidence import Counts, Probe, ProbeResult

MINUTE_S = 60.0


def probe(at: float, result: ProbeResult, ttft_s: float | None = None) -> Probe:
    return Probe(component="c", at_unix_s=at, result=result, ttft_s=ttft_s, total_s=9.0)


def change(at: float, good: int, failed: int, buckets: tuple[int, ...] = ()) -> Change:
    counts = Counts(component="c", from_unix_s=at - 5, to_unix_s=at, good=good, failed=failed)
    return Change(counts, buckets, 0.5 * sum(buckets))


def test_a_minute_is_written_once_it_is_over_and_added_to(tmp_path: Path) -> None:
    parts = installed(tmp_path, Clock())
    at = START_UNIX_S
    meter = Meter()
    for result, ttft_s in (("good", 0.1), ("slow", 0.9), ("failed", None), ("unknown", None)):
        meter.on_probe(probe(at, ProbeResult(result), ttft_s))
    meter.on_probe(probe(at, ProbeResult.WRONG, 0.5))
    meter.on_change(change(at + 1, 3, 1, (0, 3)))
    meter.on_change(change(at + 2, 0, 0))
    assert meter.take(at + 59) == {}
    for taken in (meter.take(at + 60), {}):
        with parts.store.writing() as connection:
            measuring.write(connection, taken)
    meter.on_probe(probe(at + 30, ProbeResult.GOOD, 0.3))  # after a restart within the minute
    with parts.store.writing() as connection:
        measuring.write(connection, meter.take(at + 31, is_end=True))
        rows = {row.source: row for row in connection.execute(select(measures)).all()}
    parts.store.close()
    probes, telemetry = rows["probes"], rows["telemetry"]
    assert (probes.good, probes.slow, probes.failed, probes.wrong, probes.unknown) == (
        3,
        1,
        1,
        1,
        1,
    )
    assert (probes.timed, round(probes.ttft_sum_s, 9), probes.ttft_max_s) == (4, 1.8, 0.9)
    assert (telemetry.good, telemetry.failed, telemetry.timed) == (3, 1, 3)
    assert telemetry.ttft_max_s == BUCKETS_S[1]


def test_old_minutes_become_hours_and_the_history_has_an_end(tmp_path: Path) -> None:
    parts = installed(tmp_path, Clock())
    start, count = START_UNIX_S, 180
    meter = Meter()
    for minute in range(count):
        meter.on_probe(probe(start + minute * MINUTE_S, ProbeResult.GOOD, 1.0 + minute % 2))
    now = start + measuring.MINUTES_KEPT_S + 2 * 3600.0
    with parts.store.writing() as connection:
        measuring.write(connection, meter.take(now, is_end=True))
        for _ in range(2):
            measuring.thin(connection, now, 430)
        rows = connection.execute(select(measures).order_by(measures.c.start_unix_s)).all()
        assert sum(row.good for row in rows) == count
        hours = [row for row in rows if row.grain_s == measuring.HOUR_S]
        assert [(row.start_unix_s, row.good) for row in hours] == [(start, 60), (start + 3600, 60)]
        assert [(row.ttft_p50_s, row.ttft_max_s) for row in hours] == [(1.5, 2.0)] * 2
        measuring.thin(connection, now + 431 * 86_400.0, 430)
        assert connection.execute(select(measures)).all() == []
    parts.store.close()


@given(
    st.lists(st.integers(0, 9), min_size=len(BUCKETS_S) + 1, max_size=len(BUCKETS_S) + 1).filter(
        any
    ),
    st.floats(0.01, 1.0),
)
def test_a_quantile_lies_in_its_bucket(counts: list[int], ratio: float) -> None:
    found = bucket_quantile(counts, ratio)
    below = sum(n for n, to_s in zip(counts, BUCKETS_S, strict=False) if to_s < found)
    upto = sum(n for n, from_s in zip(counts, (0.0, *BUCKETS_S), strict=True) if from_s <= found)
    assert below <= ratio * sum(counts) + 1e-9
    assert upto >= ratio * sum(counts) - 1e-9
    assert found <= bucket_quantile(counts, 1.0)
