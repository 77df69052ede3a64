"""``penstock slo list``: what is left of the budgets, in a line each."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.apps.control.sums import put_all

from penstock.cli import columns, slo_list
from penstock.cli.main import main
from penstock.cli.slo_list import Burn, Standing
from penstock.config.model import Config
from penstock.config.operations import Objective
from penstock.ledger.store import migrate, open_store
from penstock.ledger.tables import traffic
from penstock.snapshot import plan
from penstock.snapshot.plan import PlanFile

UP = Objective(name="up", target_ratio=0.99)


def standing(**values: Any) -> Standing:
    burn = Burn(severity="page", long_burn=0.5, burn_threshold=14.4, is_burning=False)
    found = Standing(
        objective=UP, sli_ratio=0.995, coverage_ratio=0.5, budget_left_ratio=0.5, burns=[burn]
    )
    return msgspec.structs.replace(found, **values)


def burning(severity: str) -> list[Burn]:
    return [Burn(severity=severity, long_burn=20.0, burn_threshold=14.4, is_burning=True)]


@pytest.mark.parametrize(
    ("one", "shape"),
    [
        (standing(), "good"),
        (standing(sli_ratio=None, budget_left_ratio=1.0), "unknown"),
        (standing(budget_left_ratio=0.2), "degraded"),
        (standing(budget_left_ratio=-0.1), "bad"),
        (standing(burns=burning("ticket")), "degraded"),
        (standing(burns=burning("page")), "bad"),
    ],
)
def test_the_state_is_the_worst_of_budget_and_burn(one: Standing, shape: str) -> None:
    assert one.shape == shape


@pytest.mark.parametrize(("left", "told"), [(-3.0, "-300%"), (-481.1, "spent")])
def test_what_is_overspent_by_far_is_not_cut(left: float, told: str) -> None:
    lines = columns.table(slo_list.COLUMNS, [standing(budget_left_ratio=left)], 80)
    assert f" {told} " in str(lines[1])
    assert "…" not in str(lines[1])


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_lines_fit_the_terminal(width: int) -> None:
    lines = columns.table(slo_list.COLUMNS, [standing(), standing(budget_left_ratio=-3.0)], width)
    assert all(line.cell_len <= width for line in lines)
    assert "99.50%" in lines[1].plain
    assert "50%" in lines[1].plain


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_objectives_it_teaches(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert home.exists()
    assert main(["slo", "list"]) == 0
    assert "[[objectives]]" in capsys.readouterr().out


def test_it_reads_the_ledger_of_the_state_directory(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "run").mkdir()
    plan.write(plan.path_of(home), PlanFile(config=Config(objectives=(UP,))))
    store = open_store("", home)
    migrate(store)
    put_all(store, traffic, [time.time() - 10], served=995, failed=5)
    store.close()
    assert main(["slo", "list"]) == 0
    told = capsys.readouterr().out
    assert "99.50%" in told
    assert "50%" in told
    assert main(["slo", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["good"] == 995
