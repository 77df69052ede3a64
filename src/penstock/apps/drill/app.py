"""An emulated drill from its options to its folder: report, result, calls and logs.

    <out>/report.html   for people, self-contained
    <out>/result.json   the same for programs (``sim/drills/shapes.py``)
    <out>/calls.jsonl   every call as its sender saw it, a line each
    <out>/<arm>/        logs, configuration and state of each arm's processes

What was played is reported, also when it was stopped (``stopping.py``).
"""

from pathlib import Path
from typing import Final

import msgspec

from penstock.apps.drill.playing import Play, Telling, play
from penstock.apps.drill.resulting import calls_of, result_of
from penstock.apps.drill.stopping import Stop, stoppable
from penstock.config import private_file
from penstock.sim.drills.judging import Stated, judged
from penstock.sim.drills.measuring import Joined, completed
from penstock.sim.drills.page import page
from penstock.sim.drills.shapes import Call, Result
from penstock.web import page as pages
from penstock.wire import clock

REPORT: Final = "report.html"
RESULT: Final = "result.json"
CALLS: Final = "calls.jsonl"


async def run(asked: Play, telling: Telling, stated: Stated, stop: Stop) -> Result:
    """Play a drill and write what came of it; raises DrillError, StoreError, StoppedError."""
    began_s = clock.now_s()
    with stoppable(stop):
        played = await play(asked, telling, stop)
    calls = calls_of(played)
    result = result_of(asked, played, calls, clock.now_s() - began_s)
    result = completed(judged(result, calls, stated), Joined())  # findings are of checks, too
    write(asked.folder, result, calls)
    return result


def write(folder: Path, result: Result, calls: list[Call]) -> None:
    """Write the folder's files; raises StoreError."""
    encode = msgspec.json.Encoder().encode
    private_file.write_bytes(folder / CALLS, b"".join(encode(one) + b"\n" for one in calls))
    private_file.write_bytes(folder / RESULT, msgspec.json.format(encode(result)) + b"\n")
    private_file.write(folder / REPORT, pages.render("drill.html", **page(result)))
