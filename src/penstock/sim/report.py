"""The report."""

from collections.abc import Sequence

from penstock.sim.run import Result
from penstock.sim.scenario import Scenario
from penstock.sim.table import Row
from penstock.sim.targets import Verdict


def pages(
    chosen: Sequence[Scenario],
    shown: Sequence[Result],
    rows: Sequence[Row],
    verdicts: Sequence[Verdict],
) -> dict[str, str]:
    """Return the files of the report by name."""
    del chosen, shown, rows, verdicts
    return {}
