"""``penstock simulate watch``: from seeds to tables, a report and an exit status."""

import json
from pathlib import Path

import pytest

from penstock.cli import watching
from penstock.cli.main import main
from penstock.sim.watching import study


def test_the_quick_run_is_small_and_its_seeds_are_those_that_are_reported() -> None:
    quick = watching.size_of(watching.build_parser().parse_args(["--quick"]))
    whole = watching.size_of(watching.build_parser().parse_args([]))
    tuning = watching.size_of(watching.build_parser().parse_args(["--tuning"]))
    assert whole.seeds >= 200
    assert quick.seeds < 20
    assert quick.first_seed == whole.first_seed > tuning.first_seed + whole.seeds


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_quick_study_ends_in_tables_a_report_and_measures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["simulate", "watch", "--quick", "--out", str(tmp_path)])
    told = capsys.readouterr().out
    for title in ("Faults by chance", "Real outages", "Goals", "claude-2026-03-02"):
        assert title in told
    measures = json.loads((tmp_path / "measures.json").read_text(encoding="utf-8"))
    missed = [one["what"] for one in measures["goals"] if one["is_met"] is False]
    assert status == (1 if missed else 0)
    assert len(measures["findings"]) == watching.SEEDS_QUICK * (study.CASES_A_SEED + 1) + 17
    assert {one["of"] for one in measures["drills"]} >= {"claude-2026-03-02", "gcp-2025-06-12"}
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert list(tmp_path.glob("*.svg"))
    text = (tmp_path / "detector.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "penstock simulate watch --quick" in text
