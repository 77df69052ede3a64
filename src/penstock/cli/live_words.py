"""What commands say of live drills."""

import math
from typing import Final

from penstock.cli.terminal import Terminal
from penstock.snapshot.live_drill import ON, OVER, REFUSED, STOPPED, LiveDrill, Told

SHAPES: Final = {ON: "work", OVER: "good", STOPPED: "degraded", REFUSED: "bad"}
MINUTE_S: Final = 60


def drill(terminal: Terminal, one: LiveDrill, now_unix_s: float) -> None:
    """Say which drill is on."""
    left = span(one.ends_unix_s - now_unix_s)
    radius = percent(one.blast_radius_ratio)
    terminal.state("work", f"{one.id} is on, begun by {one.by}: {one.reason}")
    terminal.line(f"    ends in {left}; strikes at most {radius} of all exchanges", "bright_black")
    for fault in one.faults:
        whom = ", ".join(
            f"{name} {value}"
            for name, value in (
                ("tenant", fault.tenant),
                ("route", fault.route),
                ("upstream", fault.upstream),
                ("model", fault.model),
            )
            if value != "*"
        )
        tiers = ", ".join(fault.tiers)
        words = f"{fault.kind.value} for {percent(fault.share_ratio)} of {tiers}"
        terminal.line(f"    {words}{'; ' + whom if whom else ''}", "bright_black")


def worker(terminal: Terminal, told: Told) -> None:
    """Say how one worker stands."""
    why = f": {told.why}" if told.why else ""
    terminal.state(SHAPES.get(told.state, "unknown"), f"{told.worker}: {told.state}{why}")
    terminal.line(f"    {counted([told])}", "bright_black")


def counted(workers: list[Told]) -> str:
    """Return how many were struck."""
    seen, struck = sum(one.seen for one in workers), sum(one.struck for one in workers)
    spared = sum(one.spared for one in workers)
    share = f" ({percent(struck / seen)})" if seen else ""
    kept = f"; {spared:,} more spared by the blast radius" if spared else ""
    return f"struck {struck:,} of {seen:,} exchanges{share}{kept}"


def percent(ratio: float) -> str:
    """Return a share as people read it."""
    return f"{ratio * 100:.3g} %"


def span(seconds: float) -> str:
    """Return a duration as minutes and seconds."""
    left_s = max(0, math.ceil(seconds))
    return f"{left_s // MINUTE_S}:{left_s % MINUTE_S:02d}"
