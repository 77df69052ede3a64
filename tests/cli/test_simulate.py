"""``penstock simulate``: from a name or a file to a table, a report, and an exit code."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from penstock.cli.main import main

SMALL = """
name = "small"
title = "Small <load>"
about = "A test & more."
duration_s = 90
warmup_s = 20
seeds = 2
policies = ["penstock", "priority"]
sweep = [0.9, 2.0]

[[upstreams]]
name = "gpu"
slots = 16

[[traffic]]
name = "enterprise"
tier = "enterprise"
load_ratio = 0.3

[[traffic]]
name = "free"
sweeps = true
users = 1000
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


class Page(HTMLParser):
    """Counts elements, and notes whatever would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, int] = {}
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        for name, value in attrs:
            if name in {"src", "href"} and value and not value.startswith("#"):
                self.fetched.append(value)


def test_a_scenario_becomes_a_table_and_a_report(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert main(["simulate", str(small), "--out", str(out), "--processes", "1"]) == 0
    told = capsys.readouterr().out
    assert told.count("priority") == 4
    page = Page()
    text = (out / "index.html").read_text(encoding="utf-8")
    page.feed(text)
    assert page.fetched == []
    assert page.seen["svg"] >= 4
    assert "script" not in page.seen
    assert "Small &lt;load&gt;" in text
    assert "light-dark(" in text
    assert list(out.glob("small-*.svg"))
    measures = json.loads((out / "measures.json").read_text(encoding="utf-8"))
    assert {row["policy"] for row in measures["rows"]} == {"penstock", "priority"}
    assert all(len(row["measures"]) == 2 for row in measures["rows"])


def test_measures_go_to_stdout_and_two_processes_say_the_same(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs: list[str] = []
    for processes in ("1", "2"):
        argv = ["simulate", str(small), "--json", "--x", "2", "--seconds", "60"]
        assert main([*argv, "--processes", processes, "--policy", "priority"]) == 0
        outputs.append(capsys.readouterr().out)
    assert json.loads(outputs[0])["targets"] == []
    assert outputs[0] == outputs[1]


def test_shipped_scenarios_are_listed_and_a_missing_one_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--list"]) == 0
    assert "s07_half_the_gpus" in capsys.readouterr().out
    assert main(["simulate", "s99"]) == 1
    assert "there is no scenario 's99'" in capsys.readouterr().err
    assert main(["simulate", "s01", "--policy", "lottery"]) == 1
    assert "lottery" in capsys.readouterr().err


def test_a_run_is_as_long_as_so_many_requests_take(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["simulate", str(small), "--json", "--x", "2", "--policy", "priority", "--seeds", "1"]
    assert main([*argv, "--exchanges", "500", "--processes", "1"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert sum(row["measures"][0]["offered"] for row in rows) == pytest.approx(500, rel=0.15)


def test_a_missed_target_is_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Strict priority alone has no estimates: 15 is missed with one seed of s01."""
    argv = ["simulate", "s01", "--x", "2", "--seconds", "70", "--seeds", "1", "--policy"]
    assert main([*argv, "penstock"]) in {0, 1}
    assert "Targets" in capsys.readouterr().out
    assert main([*argv, "priority"]) == 0  # nothing to judge
    assert "not run" in capsys.readouterr().out
