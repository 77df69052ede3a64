"""What the commands that run one process alone have in common."""

from pathlib import Path

import pytest

from penstock.cli import process
from penstock.core.errors import StoreError


def test_it_is_told_both_places_and_more() -> None:
    parser = process.parser_of("tap", "Run the tap.", "water lies")
    parser.add_argument("--port", type=int, default=-1)
    given = parser.parse_args(["--state-dir", "/s", "--ready-file", "/r", "--port", "0"])
    assert process.places(given) == {"state_dir": Path("/s"), "ready_file": Path("/r")}
    assert given.port == 0


def test_untold_it_looks_where_up_keeps_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path))
    given = process.parser_of("tap", "Run the tap.", "water lies").parse_args([])
    assert process.places(given) == {"state_dir": tmp_path, "ready_file": None}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreError("there is no water"), "penstock tap: there is no water"),
        (OSError(98, "Address already in use"), "penstock tap: [Errno 98] Address already in use"),
    ],
)
def test_what_cannot_start_says_why(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        raise error

    assert process.status_of("tap", run) == 1
    assert capsys.readouterr().err == f"{said}\n"


def test_what_ran_has_ended_well_and_a_bug_stays_one() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    assert process.status_of("tap", lambda: None) == 0
    with pytest.raises(ZeroDivisionError):
        process.status_of("tap", broken)
