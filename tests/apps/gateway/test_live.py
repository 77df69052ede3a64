"""A worker and its live drill: restarts in the middle of it, and clocks that are set."""

from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.gateway.live import Clock, LiveDrills
from penstock.config.model import Config, Gateway
from penstock.core.fault import FaultKind
from penstock.exchange.live_dialer import LiveDialer
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import FaultEntry, LiveDrill, Told

UNIX_S: Final = 1_800_000_000.0
LASTS_S: Final = 60.0
CONFIG: Final = Config(gateway=Gateway(allow_live_drills=True))


class Nobody:
    """Dials nobody."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


class Time:
    """Two clocks that a test moves; only one of them can be set."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.set_s = 0.0

    def now_unix_s(self) -> float:
        return UNIX_S + self.now_s - 1000.0 + self.set_s


def worker(folder: Path, time: Time, name: str = "gateway-1") -> LiveDrills:
    """Start a worker's drills, as the gateway does."""
    nobody: Any = Nobody()
    dialer = LiveDialer(nobody, lambda _: nobody, lambda: 0.0)
    one = LiveDrills(folder, name, dialer, Clock(lambda: time.now_s, time.now_unix_s))
    one.use(CONFIG)
    one.start()
    return one


def begin(folder: Path, time: Time, name: str = "live-1") -> LiveDrill:
    """Begin a drill, as control does."""
    now_unix_s = time.now_unix_s()
    fault = FaultEntry(kind=FaultKind.HTTP_529, ends_unix_s=now_unix_s + LASTS_S)
    drill = LiveDrill(
        id=name, by="olga", began_unix_s=now_unix_s, blast_radius_ratio=0.5, faults=(fault,)
    )
    live_drill.write(folder, drill)
    return drill


def said(one: LiveDrills) -> tuple[str, str]:
    """Return state and reason, as the admin port has them."""
    assert one.told is not None
    return one.told.state, one.told.why


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a state directory."""
    (tmp_path / "run").mkdir()
    return tmp_path


def test_a_worker_that_is_killed_takes_up_nothing_and_stops_it_for_all(folder: Path) -> None:
    time = Time()
    first, second = worker(folder, time), worker(folder, time, "gateway-2")
    drill = begin(folder, time)
    for one in (first, second):
        one.look()
        assert one.is_on
    time.now_s += 10.0
    live_drill.tell(folder, _counted(folder, "gateway-1"))
    time.now_s += 3.0
    again = worker(folder, time)
    assert not again.is_on
    assert said(again) == ("stopped", "gateway-1 was started in the middle of it")
    told = live_drill.told_by(folder, "gateway-1")
    assert told is not None
    assert (told.drill, told.seen, told.struck) == (drill.id, 20, 5)  # of the one that was killed
    assert told.changed_unix_s == UNIX_S + 10.0  # when it was last heard of
    second.look()
    assert said(second) == ("stopped", live_drill.TAKEN_AWAY)
    again.look()
    assert not again.is_on
    assert not live_drill.path_of(folder).exists()


def test_a_new_worker_ends_what_it_has_not_seen_begin(folder: Path) -> None:
    time = Time()
    begin(folder, time)
    one = worker(folder, time, "gateway-3")
    assert said(one) == ("stopped", "gateway-3 was started in the middle of it")
    assert not live_drill.path_of(folder).exists()


def test_what_was_over_long_ago_is_told_as_over(folder: Path) -> None:
    time = Time()
    begin(folder, time)
    time.now_s += 1000.0
    one = worker(folder, time)
    assert said(one) == ("over", "")
    assert not live_drill.path_of(folder).exists()


def test_what_a_killed_worker_said_last_is_put_right(folder: Path) -> None:
    time = Time()
    one = worker(folder, time)
    begin(folder, time)
    one.look()
    live_drill.take_away(folder)  # by somebody, while nobody is here
    assert said(worker(folder, time))[0] == "stopped"
    begin(folder, time, "live-2")
    next_one = worker(folder, time)
    assert said(next_one) == ("stopped", "gateway-1 was started in the middle of it")


def test_what_could_not_be_taken_away_is_not_begun_again(folder: Path) -> None:
    time = Time()
    one = worker(folder, time)
    drill = begin(folder, time)
    one.look()
    assert one.stop("a contract")
    live_drill.write(folder, drill)  # as if the disk had kept it
    again = worker(folder, time)
    assert said(again) == ("stopped", "a contract")
    again.look()
    assert not again.is_on
    begin(folder, time, "live-2")
    again.look()
    assert again.is_on


def test_one_that_is_told_to_end_stops_it_for_all(folder: Path) -> None:
    time = Time()
    first, second = worker(folder, time), worker(folder, time, "gateway-2")
    begin(folder, time)
    first.look()
    second.look()
    first.leave()
    second.look()
    assert said(first) == ("stopped", "gateway-1 was told to end in the middle of it")
    assert said(second)[0] == "stopped"
    assert said(worker(folder, time))[1] == "gateway-1 was told to end in the middle of it"


@given(step_s=st.floats(-1e6, 1e6), after_s=st.floats(0.0, LASTS_S - 0.01))
def test_no_clock_that_is_set_moves_the_end(
    tmp_path_factory: pytest.TempPathFactory, step_s: float, after_s: float
) -> None:
    folder, time = tmp_path_factory.mktemp("live"), Time()
    (folder / "run").mkdir()
    one = worker(folder, time)
    began_s = time.now_s
    begin(folder, time)
    one.look()
    time.now_s = began_s + after_s
    time.set_s = step_s
    one.look()
    one.tick()
    assert one.is_on
    time.now_s = began_s + LASTS_S
    one.look()
    assert said(one) == ("over", "")
    assert not live_drill.path_of(folder).exists()


def _counted(folder: Path, name: str) -> Told:
    told = live_drill.told_by(folder, name)
    assert told is not None
    return Told(
        worker=name, drill=told.drill, state=told.state, at_unix_s=UNIX_S + 10.0,
        changed_unix_s=UNIX_S, seen=20, struck=5,
    )  # fmt: skip
