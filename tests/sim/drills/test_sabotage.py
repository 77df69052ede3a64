"""A drill can fail: where the gate no longer knows who goes first, invariants tell."""

from typing import Any

import pytest
from tests.sim.drills.results import result
from tests.sim.drills.simulating import draws, plan, strike, traces

from penstock.core.claim import Claim
from penstock.core.tier import Tier
from penstock.sim.drills import simulated
from penstock.sim.drills.invariants import invariants
from penstock.sim.drills.shapes import PENSTOCK, Arm
from penstock.sim.drills.traffic import Traffic

CROWD = (
    Traffic(name="paid", tier="enterprise", per_s=1.0),
    Traffic(name="apps", tier="standard", per_s=1.0),
    Traffic(name="free", tier="free", per_s=6.0, users=500, client="person"),
)
MORE = 6.0  # of the crowd
# What a healthy gate keeps in such a crowd; with 36 slots left, waiting for one is no wonder.
HELD = ("every enterprise call completes", "no tier is put off for one below it")
TOLD = (*HELD, "every standard call completes", "enterprise waits at most 0.25 s longer")


def kept() -> dict[str, bool | None]:
    """Return which invariants hold while Claude is down and everybody comes."""
    down = plan(strike("http_503"), traffic=CROWD, more=MORE)
    played = simulated.play(down, PENSTOCK, traces(), draws(1))
    arm = Arm(
        name=PENSTOCK,
        title="",
        counts=tuple(played.recorder.counts(PENSTOCK)),
        series=tuple(played.recorder.series(PENSTOCK)),
    )
    found = result(arms=(arm,), timetable=down.timetable, seen=(), reckonings=(), bills=())
    return {one.name: one.is_kept for one in invariants(found)}


def test_a_gate_that_knows_no_tiers_does_not_keep_contracts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = kept()
    assert [good[name] for name in HELD] == [True] * 2, good
    original = Claim.__init__

    def init(claim: Any, tenant: str, key: str, tier: Tier, *rest: Any) -> None:
        del tier
        original(claim, tenant, key, Tier.FREE, *rest)

    monkeypatch.setattr(Claim, "__init__", init)
    spoilt = kept()
    assert [spoilt[name] for name in TOLD] == [False] * 4, spoilt
