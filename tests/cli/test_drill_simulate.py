"""``penstock drill simulate``: which seconds, how dense, for how many people, what is written."""

from importlib import resources
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sim.drills import simulating

from penstock.cli import drill_simulate
from penstock.sim.drills import drill_file, simulated_result, simulated_time
from penstock.sim.drills.drill_file import Drills
from penstock.sim.drills.shapes import SIMULATED, Result

pytestmark = pytest.mark.slow

SHORT = "openai-2024-11-09"


@pytest.fixture(scope="module")
def drills() -> Drills:
    """Those that ship."""
    return drill_file.parse((resources.files("penstock.sim") / "data" / "drills.json").read_bytes())


def test_it_writes_the_report_of_every_drill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "out"
    argv = [SHORT, "--exchanges", "3000", "--no-watch", "--out", str(folder), "--json"]
    assert drill_simulate.run(argv) in {0, 1}  # so small an installation pools badly
    result = msgspec.json.decode((folder / "result.json").read_bytes(), type=Result)
    assert result.mode == SIMULATED
    assert [one.name for one in result.arms] == list(simulating.ARMS)
    assert "50.0M people" in result.scale
    assert all(one.counts and one.series and one.rooms for one in result.arms)
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")


def test_every_second_is_played_or_the_same_is_cut_after_each_change(drills: Drills) -> None:
    """Windows follow each other in played time, hold every change, and end with the outage."""
    for drill in drills.drills:
        edges = {at for one in drill.phases for at in (one.start_unix_s, one.end_unix_s)}
        whole = simulated_time.uncut(drills, drill)
        for table in (whole, simulated_time.chosen(drills, drill, 50_000).timetable):
            assert table.windows[0].from_s == 0.0
            assert table.windows[-1].to_s == pytest.approx(table.played_s)
            for one, after in zip(table.windows, table.windows[1:], strict=False):
                assert one.to_s == pytest.approx(after.from_s)
            assert all(
                any(one.from_unix_s <= at <= one.to_unix_s for one in table.windows) for at in edges
            )
            assert all(0.0 <= one.from_s < one.to_s <= table.played_s for one in table.strikes)
        before_s, after_s = simulated_time.BEFORE_S, simulated_time.TAIL_S
        assert whole.played_s == pytest.approx(max(edges) - min(edges) + before_s + after_s)


@given(exchanges=st.integers(1, 10_000_000))
@settings(max_examples=20, deadline=None)
def test_more_exchanges_play_no_less(drills: Drills, exchanges: int) -> None:
    """What is played grows with the exchanges, and so many calls come in it."""
    drill = drills.named("claude-2026-03-02")
    times = simulated_time.chosen(drills, drill, exchanges)
    more = simulated_time.chosen(drills, drill, 2 * exchanges)
    assert times.timetable.played_s <= more.timetable.played_s + 1.0
    assert times.rate_per_s * times.timetable.played_s == pytest.approx(exchanges)


@given(people=st.floats(1.0, 1e10), rate_per_s=st.floats(0.1, 1000.0))
def test_people_questions_and_exchanges_are_in_proportion(people: float, rate_per_s: float) -> None:
    """Whatever stands for what: the factor joins calls, people and slots; none is below itself."""
    set_up = simulating.plan().set_up
    scale = simulated_result.scaled(set_up, rate_per_s, people)
    assert scale.factor >= 1.0
    assert scale.slots == pytest.approx(set_up.slots * scale.factor)
    assert scale.calls_per_s == pytest.approx(rate_per_s * scale.factor)
    assert scale.people >= people * 0.999
    if scale.factor > 1.0:
        assert scale.people == pytest.approx(people)
