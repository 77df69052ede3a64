"""What a probe measures is what the upstream does, and what differs from the table is told."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.cli.engine_stand_in import MODEL, serving
from tests.e2e.emulator import KEY, RunningEmulator

from penstock.apps.emulate.catalogue import CLAUDE, find
from penstock.cli import probe
from penstock.cli.measuring import checks_for
from penstock.config import load
from penstock.dialects.capability import Engine

Findings = dict[tuple[str, str], dict[str, Any]]


def configured(folder: Path, *upstreams: str, model: str = MODEL, more: str = "") -> Path:
    """Return a file with these upstreams, as lines of TOML, and one route over all of them."""
    text = "".join(f"[[upstreams]]\n{one}\n" for one in upstreams) + more
    names = [tomllib.loads(one)["name"] for one in upstreams]
    targets = ", ".join(f'{{upstream = "{name}", model = "{model}"}}' for name in names)
    path = folder / "penstock.toml"
    path.write_text(f'{text}\n[[routes]]\nname = "auto"\ntargets = [{targets}]\n')
    return path


def local(url: str, more: str = "") -> str:
    return f'name = "local"\ndialect = "openai_chat"\nbase_url = "{url}"\n{more}'


def probed(capsys: pytest.CaptureFixture[str], path: Path, *args: str) -> tuple[int, Any]:
    status = probe.run(["--config", str(path), "--json", *args])
    return status, json.loads(capsys.readouterr().out)


def by_column(told: Any) -> dict[str, Any]:
    return {one["column"]: one for one in told["findings"]}


@pytest.mark.parametrize("kind", ["vllm", "llama_cpp", "ollama", "lm_studio"])
def test_what_the_table_says_of_an_engine_is_what_is_measured(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(kind) as engine:
        path = configured(tmp_path, local(engine.url, f'engine = "{kind}"'))
        _, told = probed(capsys, path)
    found = by_column(told)
    assert found["engine"]["measured"] == kind
    expected = {"vllm": {"context_tokens_max"}, "lm_studio": {"stream_usage"}}.get(kind, set())
    assert {name for name, one in found.items() if one["differs"]} == expected
    assert found["prefill"]["measured"] == {
        "vllm": "continue", "llama_cpp": "literal", "ollama": "restarts", "lm_studio": "restarts",
    }[kind]  # fmt: skip
    assert found["efforts"]["measured"] is None, "it looks at none"
    assert len(engine.asked) <= sum(one.requests_max for one in checks_for("openai_chat")) + 1
    assert all(body["model"] == MODEL for body in engine.asked)


def test_the_lines_to_paste_make_the_differences_go_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving("llama_cpp") as engine:
        path = configured(tmp_path, local(engine.url))
        status, told = probed(capsys, path)
        assert status == probe.DIFFERS
        lines = [line for line in told["toml"].splitlines() if not line.startswith("#")]
        assert lines[0] == 'engine = "llama_cpp"'
        path = configured(tmp_path, local(engine.url, "\n".join(lines)))
        assert load.load(path).upstreams[0].engine is Engine.LLAMA_CPP
        status, told = probed(capsys, path)
        assert status == probe.SAME, told
        assert told["toml"] == ""


def test_people_see_the_cost_before_it_arises_and_each_row_as_it_comes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving("lm_studio") as engine:
        path = configured(tmp_path, local(engine.url, 'engine = "lm_studio"'))
        assert probe.run(["--config", str(path)]) == probe.DIFFERS
    told = capsys.readouterr().out
    first, *rows = told.splitlines()
    assert first.startswith("local: 1 models, at most ")
    assert any(
        row.split() == ["◐", "stream_usage", "no", "yes", "no", "usage", "came"] for row in rows
    )
    assert "[upstreams.models.qwen3-8b]" in told
    assert told.rstrip().endswith("stream_usage = false")


def test_a_key_is_used_and_never_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_KEY", "sk-canary-12345")
    with serving("lm_studio", key="sk-canary-12345") as engine:
        path = configured(tmp_path, local(engine.url, 'api_key_env = "LOCAL_KEY"'))
        _, told = probed(capsys, path)
    assert engine.keys == {"Bearer sk-canary-12345"}
    assert "[key]" in by_column(told)["json_mode"]["note"]
    assert "canary" not in json.dumps(told)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ('api_key_env = "NO_SUCH_KEY"', "NO_SUCH_KEY is empty or not set"),
        ("", "ConnectionRefusedError"),
    ],
)
def test_who_cannot_be_asked_is_named(
    lines: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, local("http://127.0.0.1:9/v1", lines))
    status, told = probed(capsys, path)
    assert status == probe.NOT_ASKED
    assert why in told["not_asked"][0]["why"]


def test_an_unknown_upstream_is_no_upstream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, local("http://127.0.0.1:9/v1"))
    assert probe.run(["--config", str(path), "lokal"]) == probe.NOT_ASKED
    assert "no upstream is named 'lokal': local" in capsys.readouterr().err


def test_a_model_of_the_emulated_claude_is_what_its_catalogue_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    emulator = RunningEmulator(tmp_path, "--instant")
    try:
        claude = f'name = "claude"\ndialect = "anthropic_messages"\napi_key_file = "{key}"\n'
        claude += f'base_url = "{emulator.urls["claude"]}"'
        path = configured(tmp_path, claude, model="claude-sonnet-5-5")
        _, told = probed(capsys, path)
    finally:
        emulator.stop()
    model = find(CLAUDE, "claude-sonnet-5-5")
    assert model is not None
    measured = {name: one["measured"] for name, one in by_column(told).items()}
    assert measured["prefill"] == "refused"
    assert measured["context_tokens_max"] == model.context_tokens
    assert measured["output_tokens_max"] == model.output_tokens_max
    assert measured["forced_tool"] is model.may_force_tool
    assert measured["sampling"] is model.may_sample
    assert measured["structured_output"] is True
    assert "json_mode" not in measured
