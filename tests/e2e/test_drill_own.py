"""A drill of a serving team's own configuration: two engines of theirs, Claude, GPT at Azure."""

from pathlib import Path

import pytest
from tests.e2e.test_drill import CANARY, Drilled

from penstock.cli import drill_play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
THEIRS = """
[[upstreams]]
name = "rack_a"
dialect = "openai_chat"
base_url = "http://10.1.0.11:8000/v1"
engine = "vllm"
metrics_url = "http://10.1.0.11:8000/metrics"

[[upstreams]]
name = "cloud"
dialect = "anthropic_messages"
base_url = "https://api.anthropic.com"
api_key_env = "CLOUD_KEY"

[[upstreams]]
name = "azure"
dialect = "openai_chat"
base_url = "https://theirs.openai.azure.com/openai/v1"
api_key_file = "/nowhere/azure.key"

[[routes]]
name = "assistant"
on_break = "continue"
targets = [
    { upstream = "cloud", model = "claude-sonnet-4-9" },
    { upstream = "rack_a", model = "Qwen/Qwen3-32B" },
]

[[routes]]
name = "helper"
targets = [{ upstream = "azure", model = "gpt-5.6" }]
"""
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
faults = { http_529 = 1.0 }

[[drills.traffic]]
name = "products"
tier = "enterprise"
per_s = 3.0
client = "patient"
output_tokens_max = 40
input_tokens_max = 200

[[drills.traffic]]
name = "writers"
tier = "standard"
per_s = 1.5
route = "frontier"
client = "patient"
output_tokens_max = 40
input_tokens_max = 200
"""


def test_what_is_told_is_true_of_their_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CLOUD_KEY", CANARY)
    config, drill, out = tmp_path / "penstock.toml", tmp_path / "drill.toml", tmp_path / "out"
    config.write_text(THEIRS)
    drill.write_text(DRILL)
    asked = [str(drill), "--config", str(config), "--arms", "bound,penstock"]
    drill_play.run([*asked, "--out", str(out), "--before-s", "2", "--after-s", "4"])
    found = Drilled(out)

    ours = [one for one in found.calls if one.arm == "penstock"]
    assert {one.end for one in ours} == {"complete"}
    assert {"rack_a", "azure"} <= {one.upstream for one in ours} <= {"rack_a", "azure", "cloud"}
    bound = {(one.provider, one.end) for one in found.calls if one.arm == "bound"}
    assert ("claude", "failed") in bound or ("claude", "refused") in bound
    assert {end for provider, end in bound if provider == "gpt"} == {"complete"}
    assert not {one for one in found.broken if "ledger" in one or "truncation" in one}
    assert {one.failed_at_s is None for one in found.result.seen if "Qwen" in one.name} == {True}

    told = (out / "report.html").read_text()
    for word in ("rack_a", "claude-sonnet-4-9", "metrics of engines", "secrets were neither"):
        assert word in told
    whole = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    for word in (CANARY, "10.1.0.11", "/nowhere/azure.key", "theirs.openai.azure.com"):
        assert word.encode() not in whole
