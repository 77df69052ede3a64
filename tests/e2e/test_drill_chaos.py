"""Chaos with real processes: a Penstock of its own takes the blows, and its record stays whole."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.postgres import Postgres

from penstock.apps.drill import chaos as playing
from penstock.apps.drill.database import Database
from penstock.apps.drill.playing import Telling
from penstock.cli import slow_names
from penstock.config import load
from penstock.core.errors import ConfigError
from penstock.sim.drills import chaos, shapes
from penstock.sim.drills.shapes import Call, Result
from penstock.sim.drills.traffic import Traffic

SABOTAGED: Final = (sys.executable, str(Path(__file__).with_name("drops_uncounted.py")))
TRAFFIC: Final = (
    Traffic(name="products", tier="enterprise", per_s=4.0, output_tokens_max=20),
    Traffic(name="people", tier="free", per_s=3.0, output_tokens_max=20),
)


def played(
    folder: Path,
    *acts: str,
    program: Sequence[str] = slow_names.PROGRAM,
    after_s: float = 5.0,
    database: Database | None = None,
) -> tuple[Result, list[Call]]:
    """Play some acts with a little traffic."""
    asked = playing.Chaos(
        acts=chaos.chosen(acts, chaos.POSTGRESQL if database else chaos.SQLITE),
        database=database,
        folder=folder,
        program=program,
        environment=load.environment(),
        out="",
        after_s=after_s,
        traffic=TRAFFIC,
    )
    return asyncio.run(playing.run(asked, Telling(), asyncio.Event()))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_done_to_control_and_disks_is_not_felt_and_all_of_it_is_in_the_record(
    tmp_path: Path,
) -> None:
    result, calls = played(tmp_path, "kill-control", "full-spool", after_s=3.0)
    told = {one.name: one for one in result.checks}
    sys.stdout.write("".join(f"{one}\n" for one in result.checks))
    assert [one for one in result.checks if one.is_kept is not True] == []
    assert {"kill-control: not felt at the API", "kill-control: back", "full-spool: back"} <= set(
        told
    )
    (reckoning,) = result.reckonings
    assert reckoning.is_equal
    assert reckoning.exact > 0
    assert reckoning.dropped > 0, "the disk was not full for anybody"
    assert reckoning.seen >= len([one for one in calls if one.end == shapes.COMPLETE]) > 20
    assert result.mode == shapes.CHAOS


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_done_to_a_real_database_is_not_felt_and_its_ledger_is_whole(
    tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.new_database()
    blows = ("kill-database", "freeze-database", "cut-database")
    result, calls = played(tmp_path / "out", *blows, after_s=3.0, database=Database(url))
    sys.stdout.write("".join(f"{one}\n" for one in result.checks))
    assert [one for one in result.checks if one.is_kept is not True] == []
    told = {one.name for one in result.checks}
    assert {f"{one}: not felt at the API" for one in blows} <= told
    assert [one for one in calls if one.end not in {shapes.COMPLETE, shapes.UNFINISHED}] == []
    (reckoning,) = result.reckonings
    assert reckoning.is_equal
    # Calls that were under way at the end have begun in the ledger, and not ended.
    assert reckoning.exchanges >= len([one for one in calls if one.end == shapes.COMPLETE]) > 20
    with pytest.raises(ConfigError, match="tables in it"):
        played(tmp_path / "again", *blows, database=Database(url))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_gateway_that_does_not_count_what_it_drops_is_found_out(tmp_path: Path) -> None:
    result, _ = played(tmp_path, "full-spool", program=SABOTAGED)
    (reckoning,) = result.reckonings
    sys.stdout.write(f"{reckoning}\n")
    assert reckoning.dropped == 0
    assert reckoning.missing > 0
    assert not result.is_passed
