"""The command line refuses what it cannot use, and leaves a private ready file."""

import json
import stat
from pathlib import Path

import pytest
from tests.e2e.emulator import RunningEmulator

from penstock.cli import emulate, main


def test_the_ready_file_is_private_and_the_end_is_clean(tmp_path: Path) -> None:
    running = RunningEmulator(tmp_path, "--instant")
    mode = stat.S_IMODE(running.ready_file.stat().st_mode)
    assert mode == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]
    assert running.urls["gpt"] == f"{running.url}/gpt/v1"
    assert running.control_token not in running.greeting
    assert running.stop() == 0


def test_the_control_token_and_the_script_come_from_files(tmp_path: Path) -> None:
    token, script = tmp_path / "token", tmp_path / "faults.toml"
    token.write_text("a-token-of-ours\n")
    token.chmod(0o644)  # others may read it
    assert emulate.run(["--control-token-file", str(token)]) == 2
    token.chmod(0o600)
    script.write_text('[[rules]]\nkind = "http_529"\nprovider = "claude"\n')
    flags = ("--control-token-file", str(token), "--faults", str(script))
    running = RunningEmulator(tmp_path, *flags, "--requests-per-min", "gpt=5")
    assert running.control_token == "a-token-of-ours"
    rules = running.control("GET", "faults")[1]["script"]["rules"]
    assert rules == [{"kind": "http_529", "provider": "claude"}]
    assert running.control("GET", "limits")[1]["gpt"]["requests_per_min"] == 5
    assert running.stop() == 0


def test_all_problems_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "faults.json"
    script.write_text(json.dumps({"rules": [{"kind": "nonsense"}]}))
    flags = ["--ttft-s", "soon", "--tokens-per-s", "groq=3", "--spread", "9"]
    status = emulate.run([*flags, "--faults", str(script), "--control-token-file", "nowhere"])
    told = capsys.readouterr().err
    assert status == 2
    for part in ("'soon'", "groq=3", "spread", "rules[0].kind", "nowhere"):
        assert part in told


def test_a_taken_port_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    running = RunningEmulator(tmp_path, "--instant")
    assert emulate.run(["--port", str(running.port)]) == 1
    assert "cannot serve" in capsys.readouterr().err
    running.stop()


def test_it_is_a_command_of_penstock() -> None:
    assert main.COMMANDS["emulate"][0] == emulate.__name__
