"""A small result to ask things of."""

from typing import Any

from penstock.sim.drills.shapes import (
    Arm,
    Bill,
    Check,
    Counts,
    Outage,
    Reckoning,
    Result,
    Seen,
    Strike,
    Timetable,
    Window,
)

WINDOW = Window(from_s=0.0, to_s=90.0, from_unix_s=1_000_000.0, to_unix_s=1_000_090.0)
STRIKE = Strike(place="api", kind="http_500", share=1.0, from_s=10.0, to_s=90.0, surface="api")
PLAYED = Timetable(windows=(WINDOW,), strikes=(STRIKE,), played_s=90.0, true_s=7_200.0)
OUTAGE = Outage(id="claude-2026-03-02", title="Claude fails", provider="anthropic")


def counts(tier: str, **figures: Any) -> Counts:
    usual: dict[str, Any] = {"calls": 100, "complete": 100, "tries": 100}
    return Counts(arm="penstock", tier=tier, **(usual | figures))


def result(*rows: Counts, checks: tuple[Check, ...] = (), **others: Any) -> Result:
    """A result whose Penstock arm has these counts."""
    arm = Arm(name="penstock", title="With Penstock", counts=rows)
    usual: dict[str, Any] = {
        "name": "2026-11-23T02-00-00-claude-2026-03-02",
        "mode": "emulated",
        "began_unix_s": 1_795_400_000.0,
        "took_s": 612.5,
        "seed": 1,
        "version": "0.1.0",
        "outage": OUTAGE,
        "timetable": PLAYED,
        "arms": (arm,),
        "seen": (
            Seen(component="claude", name="Claude", failed_at_s=10.0, page_s=40.0, is_right=True),
            Seen(component="login", name="Log-in", failed_at_s=10.0, is_right=None),
            Seen(component="gpt", name="GPT", failed_at_s=None),
        ),
        "reckonings": (Reckoning(arm="penstock", exchanges=100, seen=100, is_equal=True),),
        "bills": (Bill(arm="penstock", tier="enterprise", lost_minutes=1.5),),
        "checks": checks,
    }
    return Result(**(usual | others))
