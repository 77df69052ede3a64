"""Listing, showing and checking drills: what people read, and what a script gets."""

import json
from pathlib import Path

import pytest
from tests.sim.drills.test_written import MINE

from penstock.apps.drill import files
from penstock.cli import drill
from penstock.core.errors import ConfigError


def test_the_list_has_every_shipped_drill(capsys: pytest.CaptureFixture[str]) -> None:
    assert drill.run(["list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in rows] == [one.id for one in files.shipped().drills]
    assert drill.run(["list"]) == 0
    told = capsys.readouterr().out
    assert all(row["title"] in told for row in rows)


def test_what_is_shown_says_what_is_assumed_and_what_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert drill.run(["show", "openai-2024-12-11"]) == 0
    told = capsys.readouterr().out
    assert "http_503 for 90.0% (assumed)" in told
    assert "video: no video product is here" in told
    assert "enterprise, api" in told


def test_a_file_of_ones_own_is_checked_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    assert drill.run(["check", str(path)]) == 0
    assert "ours-1: 1 windows" in capsys.readouterr().out
    assert drill.run(["show", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["strikes"]


def test_what_is_wrong_is_told_of_all_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(MINE.replace("turns = 8", f'turns = "{name}"'))
    assert drill.run(["check", *map(str, sorted(tmp_path.iterdir())), "/nowhere.toml"]) == 1
    told = capsys.readouterr().out
    for words in ("a.toml", "b.toml", "nowhere"):
        assert words in told


def test_which_of_several_has_to_be_said(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    again = MINE[MINE.index("[[drills]]") :].replace("ours-1", "ours-2")
    path.write_text(MINE + again)
    with pytest.raises(ConfigError, match="#ID"):
        files.find(str(path))
    assert files.find(f"{path}#ours-2")[1].id == "ours-2"
    with pytest.raises(ConfigError, match="ours-3"):
        files.find(f"{path}#ours-3")
    with pytest.raises(ConfigError, match="claude-2026-03-02"):
        files.find("what")
