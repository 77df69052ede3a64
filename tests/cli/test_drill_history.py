"""Results of drills: which are listed, which go, and what CI gets of one."""

import argparse
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from tests.cli.running import penstock
from tests.sim.drills.results import counts, result

from penstock.apps.drill import keeping
from penstock.cli import drill_history, drill_judging
from penstock.cli.terminal import Terminal
from penstock.core.errors import ConfigError
from penstock.sim.drills.shapes import Check, Result


def of(name: str, began_unix_s: float, *, is_kept: bool = True) -> Result:
    checks = (Check(name="contracts hold", is_kept=is_kept, words="18 of 20"),)
    rows = (counts(""), counts("enterprise", complete=99))
    return result(*rows, checks=checks, name=name, began_unix_s=began_unix_s)


def laid(folder: Path, *found: Result) -> None:
    for one in found:
        (folder / one.name).mkdir(parents=True)
        (folder / one.name / keeping.RESULT).write_bytes(msgspec.json.encode(one))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory with two results, and a folder that is none."""
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    folder = tmp_path / drill_judging.FOLDER
    laid(folder, of("20261101T000000-a", 100.0), of("20261102T000000-b", 200.0, is_kept=False))
    (folder / "20261103T000000-c").mkdir()
    (folder / "20261104T000000-d").mkdir()
    (folder / "20261104T000000-d" / keeping.RESULT).write_text("half")
    return tmp_path


def test_results_are_listed_the_newest_first(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drill_history.run([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "1 of 1 broken" in lines[0]
    assert lines[1].strip() == "enterprise 99.0 %"
    assert lines[2].strip() == "contracts hold: 18 of 20"
    assert lines[3].endswith("held")
    assert drill_history.run(["--json", "--limit", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["name"] == "20261102T000000-b"
    assert drill_history.run(["--drill", "none"]) == 0
    assert "No drill has been played yet" in capsys.readouterr().out
    assert not (home / "ledger.db").exists()  # looking makes no database


def test_only_the_oldest_of_our_own_folders_go(home: Path) -> None:
    folder = home / drill_judging.FOLDER
    laid(folder, of("mine", 50.0))
    gone = keeping.prune(folder, kept_max=2)
    assert [one.name for one in gone] == ["20261101T000000-a"]
    left = {"20261102T000000-b", "20261103T000000-c", "20261104T000000-d", "mine"}
    assert {one.name for one in folder.iterdir()} == left


def test_what_must_hold_is_read_before_the_play(home: Path) -> None:
    parser = argparse.ArgumentParser()
    drill_judging.add_options(parser)
    (home / "impact.toml").write_text("[free]\nper_minute_usd = 3\n")
    args = parser.parse_args(["--impact", str(home / "impact.toml")])
    found = drill_judging.stated(args, None, 1_795_400_000.0)
    assert found.impact.of("free").per_minute_microusd == 3_000_000
    assert {provider for _, provider, _ in found.rates} == {"claude", "gpt", "gemini"}
    for wrong in ("--expect", "--impact"):
        with pytest.raises(ConfigError):
            drill_judging.stated(parser.parse_args([wrong, str(home / "none")]), None, 0.0)


def test_ci_gets_the_checks_as_junit(home: Path) -> None:
    parser = argparse.ArgumentParser()
    drill_judging.add_options(parser)
    args = parser.parse_args(["--junit", str(home / "junit.xml")])
    drill_judging.after(args, of("x", 1.0, is_kept=False), Terminal())
    root = ET.fromstring((home / "junit.xml").read_text())
    assert (root.get("tests"), root.get("failures")) == ("1", "1")


@pytest.mark.slow
def test_a_result_is_sent_to_control_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(msgspec.json.encode(of("elsewhere", 300.0)))
    told = penstock(tmp_path, "drill", "history", "--send", str(path))
    assert told.returncode == 0, told.stderr
    again = penstock(tmp_path, "drill", "history", "--send", str(path))
    assert (again.returncode, "there is a result named" in again.stderr) == (1, True)
    told = penstock(tmp_path, "drill", "history", "--json")
    assert json.loads(told.stdout)["name"] == "elsewhere"
