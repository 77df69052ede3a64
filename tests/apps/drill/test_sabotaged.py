"""A played drill can fail: with a part of the gateway spoilt, the command says which and ends 1.

Real processes, emulated providers; nothing but ``sabotaged.py`` differs from what is shipped.
"""

import sys
from pathlib import Path

import msgspec
import pytest

from penstock.apps.drill import keeping
from penstock.cli import drill_play
from penstock.sim.drills.shapes import Result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SABOTAGED = Path(__file__).with_name("sabotaged.py")
DRILL = """
schema = "penstock-drills/2"

[[drills]]
id = "ours"
provider = "anthropic"
title = "Claude fails"

[[drills.phases]]
start_s = 0
end_s = 20
surfaces = ["api"]
faults = { KIND }

[[drills.traffic]]
name = "products"
tier = "enterprise"
per_s = 1.5
client = "patient"

[[drills.traffic]]
name = "apps"
tier = "standard"
per_s = 1
client = "patient"
"""
# Who survives has a minute's worth of room for the contract: free calls are so long that they have
# used it up within seconds. With tiers all of enterprise completes, in one line a third of it.
CROWD = """
schema = "penstock-drills/2"

[[drills]]
id = "ours"
provider = "anthropic"
title = "Claude fails, and everybody comes"

[[drills.phases]]
start_s = 0
end_s = 60
surfaces = ["api"]
faults = { KIND }

[[drills.traffic]]
name = "products"
tier = "enterprise"
per_s = 1.5
client = "patient"
input_tokens_max = 150
output_tokens_max = 20

[[drills.traffic]]
name = "crowd"
tier = "free"
per_s = 4
users = 400
client = "patient"
lengths = "agentic"
input_tokens_max = 6000
output_tokens_max = 20
"""


def broken(folder: Path, how: str, kind: str, drill: str = DRILL) -> set[str]:
    """Play with everything on; return what did not hold, which the exit status must say, too."""
    file = folder / "ours.toml"
    file.write_text(drill.replace("KIND", kind))
    out = folder / "out"
    asked = [str(file), "--arms", "penstock", "--before-s", "2", "--after-s", "20"]
    asked += ["--first-changes", "1"] if drill is CROWD else []
    status = drill_play.run([*asked, "--out", str(out)], (sys.executable, str(SABOTAGED), how))
    found = msgspec.json.decode((out / keeping.RESULT).read_bytes(), type=Result)
    told = {one.name for one in found.checks if one.is_kept is False}
    assert status == int(bool(told))
    return told


@pytest.mark.parametrize(
    ("how", "kind", "name"),
    [
        ("truncation", "stream_cut = 0.5", "no silent truncation"),
        ("breaker", "http_503 = 1.0", "who fails is left alone"),
    ],
)
def test_what_is_spoilt_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, kind: str, name: str
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "state"))
    assert name in broken(tmp_path, how, kind)


@pytest.mark.timeout(500)
def test_a_gate_that_knows_no_tiers_does_not_keep_its_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "state"))
    assert "every enterprise call completes" in broken(tmp_path, "fifo", "http_503 = 1.0", CROWD)
