"""``penstock probe`` before a real engine: what it measures is what the other tests declare."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.engine.conftest import StartEngine
from tests.engine.llama_server import MODEL

pytestmark = pytest.mark.engine

WITHIN_S = 100.0
# What no answer of a random model can show, and what this server does not say or look at.
NOT_SHOWN = {
    "context_tokens_max", "output_tokens_max", "prefill", "structured_output", "json_mode",
    "efforts",
}  # fmt: skip


def test_what_is_measured_is_what_is_declared(start_engine: StartEngine, tmp_path: Path) -> None:
    # One check asks for as many tokens as there may be: here the context ends that soon.
    engine = start_engine("--n_ctx", "512")
    path = tmp_path / "penstock.toml"
    path.write_text(
        f"""
        [[upstreams]]
        name = "local"
        dialect = "openai_chat"
        base_url = "{engine.url}"
        engine = "llama_cpp"

        [[routes]]
        name = "auto"
        targets = [{{upstream = "local", model = "{MODEL}"}}]
        """
    )
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "probe", "--config", str(path), "--json"],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    engine.kill()
    assert done.returncode == 1, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["not_asked"] == []
    measured = {one["column"]: one["measured"] for one in told["findings"]}
    assert {name for name, value in measured.items() if value is None} == {"engine", *NOT_SHOWN}
    differing = {one["column"] for one in told["findings"] if one["differs"]}
    assert differing == {"forced_tool", "named_tool", "stream_usage"}
    assert (measured["named_tool"], measured["stream_usage"]) == (True, False)
    assert measured["forced_tool"] is False, "only a tool that is named is called"
    refused = next(one for one in told["findings"] if one["column"] == "structured_output")
    assert "Input should be 'text' or 'json_object'" in refused["note"]
