"""The day of 2 March 2026 as a stream of evidence, for whoever wants to live through it.

    for at_unix_s, evidence in playing.play(drills, random.Random(1)):
        clock.set(at_unix_s)
        status.hear(evidence)

From 11:30 to 21:30 UTC, uncut, in order of time, about 80,000 pieces: telemetry of each tick,
probes as they end, reports as people make them, the provider's page once a minute.

    11:37   web chat, console and log-in fail (500, log-in also hangs); the API works; people report
    11:49   the provider's page speaks
    13:37   the API flips: 10 % of all Claude models fail
    14:35   Opus alone is worse, until 15:50; the rest is over at 15:47
    17:15   a second wave: web chat, Haiku and Opus, 20 minutes on, 10 off, until 21:16

Components are those of ``installation``; ``ids`` gives them other names, and what it does not name
is left out. ``BEGIN_UNIX_S`` minus ``lead_s`` is the first instant: a lead of days lets a detector
learn what is usual. The same dice give the same day.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from penstock.sim.drills.drill_file import Drills
from penstock.sim.watching.case import Case
from penstock.sim.watching.chance import Dice
from penstock.sim.watching.replay import replay
from penstock.sim.watching.stream import Evidence, Stream

DRILL: Final = "claude-2026-03-02"
BEGIN_UNIX_S: Final = dt.datetime(2026, 3, 2, 11, 30, tzinfo=dt.UTC).timestamp()
END_UNIX_S: Final = dt.datetime(2026, 3, 2, 21, 30, tzinfo=dt.UTC).timestamp()
TICK_S: Final = 10.0  # between two looks at the gateway's counters


def day(drills: Drills, lead_s: float = 0.0) -> Case:
    """Return the day as a case: what fails when, and what would be right to say."""
    case = replay(drills, drills.named(DRILL), None, is_whole=True).case
    return msgspec.structs.replace(case, from_unix_s=BEGIN_UNIX_S - lead_s, to_unix_s=END_UNIX_S)


def play(
    drills: Drills,
    dice: Dice,
    *,
    ids: Mapping[str, str] | None = None,
    lead_s: float = 0.0,
    tick_s: float = TICK_S,
) -> Iterator[tuple[float, Evidence]]:
    """Yield each piece of evidence with the instant at which it is there to be heard."""
    for now_s, tick in Stream(day(drills, lead_s), dice, tick_s):
        for one in tick:
            if ids is None:
                yield now_s, one
            elif one.component in ids:
                yield now_s, msgspec.structs.replace(one, component=ids[one.component])
