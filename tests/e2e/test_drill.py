"""The drill from its command line: three arms meet the same outage, and a report says so."""

from pathlib import Path

import msgspec
import pytest

from penstock.cli import drill_play
from penstock.sim.drills.shapes import Call, Result

DRILL = """
schema = "penstock-drills/2"

[[drills]]
id = "short"
title = "A short one"
provider = "anthropic"

[[drills.phases]]
start_s = 0
end_s = 8
surfaces = ["api"]
faults = { http_529 = 0.6 }

[[drills.traffic]]
name = "products"
tier = "enterprise"
per_s = 2.0
output_tokens_max = 60
input_tokens_max = 200

[[drills.traffic]]
name = "hobbyists"
tier = "free"
per_s = 1.0
client = "patient"
users = 40
output_tokens_max = 60
input_tokens_max = 200
"""
CANARY = "sk-canary-that-nobody-uses"


class Drilled:
    """A drill that is over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        raw = (folder / "result.json").read_bytes()
        self.result = msgspec.json.decode(raw, type=Result)
        lines = (folder / "calls.jsonl").read_bytes().splitlines()
        self.calls = [msgspec.json.decode(line, type=Call) for line in lines]

    @property
    def broken(self) -> set[str]:
        """What was to hold and did not."""
        return {one.name for one in self.result.checks if one.is_kept is False}


@pytest.fixture
def drilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drilled:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    drill, out = tmp_path / "drill.toml", tmp_path / "out"
    drill.write_text(DRILL)
    drill_play.run([str(drill), "--out", str(out), "--before-s", "2", "--after-s", "3"])
    return Drilled(out)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_three_arms_meet_the_same_outage(drilled: Drilled) -> None:
    arms = {arm.name: arm for arm in drilled.result.arms}
    assert set(arms) == {"bound", "failover", "penstock"}
    asked = {
        name: {(one.session, one.turn) for one in drilled.calls if one.arm == name} for name in arms
    }
    assert asked["bound"] <= asked["failover"] == asked["penstock"], "the same callers"
    ends = {name: {one.end for one in drilled.calls if one.arm == name} for name in arms}
    assert ends["bound"] > {"complete"}, "who is bound to a provider fails with it"
    assert ends["penstock"] == {"complete"}
    assert not {one for one in drilled.broken if "ledger" in one or "truncation" in one}
    assert (drilled.folder / "report.html").read_text().startswith("<!doctype html>")
    assert CANARY.encode() not in b"".join(
        path.read_bytes() for path in drilled.folder.rglob("*") if path.is_file()
    )
