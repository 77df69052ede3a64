"""What is in the spool is each line as it is encoded by itself, whatever was written before it."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.gateway.recording import SpoolRecorder
from penstock.config.model import Spool
from penstock.exchange.record import AttemptRecord, Opened, Record
from penstock.ledger.spool import SpoolWriter, lines
from penstock.telemetry.metrics import Counters

PAGE = 4096


class Clock:
    """A wall clock that is set by hand."""

    unix_s = 1.0

    def __call__(self) -> float:
        return self.unix_s


def recorder(folder: Path, clock: Clock, **limits: int) -> tuple[SpoolRecorder, SpoolWriter]:
    spool = SpoolWriter(folder, Spool(**limits), clock)
    return SpoolRecorder(spool, Counters(), lambda: 0.5), spool


def opened(exchange: str, attempt: int = 1, model: str = "m") -> Opened:
    return Opened(exchange, attempt, "u", model, "t", "k", "r", 1.0, 7)


def closed(exchange: str, detail: str = "", attempts: int = 1) -> Record:
    tried = [AttemptRecord("u", "m", "success", 0.0, 1.0, 200, detail=detail)] * attempts
    return Record(
        exchange, 1.0, 2.0, "t", "k", "r", "m", "d", is_stream=False, outcome="complete",
        status=200, attempts=tried,
    )  # fmt: skip


TEXTS = st.text(max_size=3 * PAGE)
LINES = st.lists(
    st.one_of(
        st.builds(opened, TEXTS, st.integers(1, 9), TEXTS),
        st.builds(closed, TEXTS, TEXTS, st.integers(0, 1)),
    ),
    max_size=12,
)


@given(LINES)
def test_each_line_is_as_if_it_were_the_only_one(
    tmp_path_factory: pytest.TempPathFactory, written: list[Opened | Record]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    one, spool = recorder(folder, Clock(), segment_bytes=2 * PAGE)
    for line in written:
        if isinstance(line, Opened):
            one.opened(line)
        else:
            one.closed(line)
    spool.close()
    found = [line for path in sorted(folder.glob("*.jsonl")) for line in lines(path)]
    assert found == [msgspec.json.encode(line) for line in written]
    assert [msgspec.json.decode(line, type=Opened | Record) for line in found] == written


def test_an_exchange_is_missing_if_not_one_line_of_it_was_taken(tmp_path: Path) -> None:
    clock = Clock()
    one, spool = recorder(tmp_path, clock, segment_bytes=PAGE, bytes_max=PAGE)
    one.opened(opened("told", model="x" * (PAGE - 200)))
    one.opened(opened("untold"))  # there is no room
    one.opened(opened("late"))
    one.closed(closed("told"))
    one.closed(closed("untold"))
    one.closed(closed("refused", attempts=0))
    assert (spool.dropped, spool.dropped_exchanges) == (5, 2)
    min(tmp_path.glob("*.jsonl")).unlink()
    clock.unix_s += 1.0
    one.opened(opened("late", attempt=2))
    one.closed(closed("late"))
    assert (spool.lines, spool.dropped, spool.dropped_exchanges) == (3, 5, 2)
