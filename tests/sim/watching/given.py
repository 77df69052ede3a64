"""What tests of the watch's world share."""

import random
from importlib import resources

import msgspec

from penstock.sim.drills import drill_file
from penstock.sim.watching import study
from penstock.sim.watching.case import Case, Span

DRILLS = drill_file.parse((resources.files("penstock.sim") / "data" / "drills.json").read_bytes())
WEEK_S = study.WEEK_UNIX_S


def dice(name: object) -> random.Random:
    return random.Random(str(name))


def case(*spans: Span, minutes: float = 60.0, **changes: object) -> Case:
    """An hour from Monday noon on, in which this happens."""
    from_s = WEEK_S + 12 * 3600.0
    made = Case(
        name="test",
        group="test",
        from_unix_s=from_s,
        to_unix_s=from_s + 60 * minutes,
        onset_unix_s=from_s,
        spans=spans,
    )
    return msgspec.structs.replace(made, **changes)
