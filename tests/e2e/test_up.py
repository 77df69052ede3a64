"""``penstock up`` with its real processes, from nothing to an answer."""

import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import REAL, Running, penstock, port, running

# Two emulated providers that speak one dialect, so that one can stand in for the other.
FILE = """
[emulate]
is_enabled = true
[[upstreams]]
name = "gpt"
dialect = "openai_chat"
base_url = "http://127.0.0.1:8405/gpt/v1"
[[upstreams]]
name = "gemini"
dialect = "openai_chat"
base_url = "http://127.0.0.1:8405/gemini/v1beta/openai"
[[routes]]
name = "auto"
targets = [
    {upstream = "gpt", model = "gpt-5.6"},
    {upstream = "gemini", model = "gemini-3.7-flash"},
]
"""


def answer(up: Running, key: str, model: str = "auto") -> tuple[int, dict[str, Any]]:
    """Ask for one short answer."""
    body = {"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]}
    connection = http.client.HTTPConnection(
        "127.0.0.1", port(up.ready()["urls"]["gateway"]), timeout=20.0
    )
    try:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def serving(tmp_path: Path, text: str = FILE) -> Path:
    """Write a file whose upstreams ask with a key of their own."""
    key = tmp_path / "upstream.key"
    key.touch(mode=0o600)
    key.write_text("canary-of-the-provider\n")
    with_key = text.replace("base_url", f'api_key_file = "{key}"\nbase_url')
    path = tmp_path / "penstock.toml"
    path.write_text(with_key)
    return path


@pytest.mark.slow
def test_from_a_file_to_an_answer_and_its_record(tmp_path: Path) -> None:
    serving(tmp_path)
    with running(tmp_path, REAL) as up:
        key = up.ready()["key"]
        status, body = answer(up, key)
        assert (status, body["object"]) == (200, "chat.completion"), body
        assert answer(up, "pk-wrong")[0] == 401
        up.until(lambda: "gpt" in penstock(tmp_path, "tail", "--no-follow").stdout)
        assert up.stop() == 0
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert b"canary-of-the-provider" not in path.read_bytes(), path
        if path.name not in ("local.key", "status.key"):
            assert key.encode() not in path.read_bytes(), path


def test_with_nothing_at_all_emulated_providers_answer_and_fail_over(tmp_path: Path) -> None:
    with running(tmp_path, REAL, ["--emulate"]) as up:
        ready = up.ready()
        for model in ("auto", "fast", "gpt-5.6", "claude-sonnet-5-5", "gemini-3.7-flash"):
            status, body = answer(up, ready["key"], model)
            assert status == 200, body
        fail(ready["urls"]["emulate"], up.home.emulate_token.read_text().strip(), "claude")
        status, body = answer(up, ready["key"])
        assert (status, body["model"]) == (200, "gpt-5.6")
        up.until(lambda: "emulated-claude (overloaded) > emulated-gpt" in told(tmp_path))
        up.stop()


def told(folder: Path) -> str:
    """Return the table of exchanges."""
    return penstock(folder, "tail", "--no-follow").stdout


def fail(url: str, token: str, provider: str) -> None:
    """Make an emulated provider say that it is overloaded."""
    connection = http.client.HTTPConnection("127.0.0.1", port(url), timeout=20.0)
    try:
        rules = json.dumps({"rules": [{"kind": "http_529", "provider": provider}]})
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        connection.request("PUT", "/control/faults", rules, headers)
        assert connection.getresponse().status == 200
    finally:
        connection.close()


@pytest.mark.slow
def test_a_reload_reaches_the_gateway(tmp_path: Path) -> None:
    path = serving(tmp_path)
    with running(tmp_path, REAL) as up:
        key = up.ready()["key"]
        path.write_text(path.read_text().replace('"auto"', '"other"'))
        told = penstock(tmp_path, "reload")
        assert told.returncode == 0, told.stdout + told.stderr
        assert answer(up, key, "other")[0] == 200
        assert answer(up, key, "auto")[0] == 404
        added = penstock(tmp_path, "keys", "add", "team").stdout.strip()
        assert answer(up, added, "other")[0] == 200
        assert penstock(tmp_path, "keys", "revoke", "team").returncode == 0
        assert answer(up, added, "other")[0] == 401
        up.stop()


@pytest.mark.slow
def test_a_gateway_that_is_killed_answers_again(tmp_path: Path) -> None:
    serving(tmp_path)
    with running(tmp_path, REAL) as up:
        ready = up.ready()
        os.kill(ready["pids"]["gateway"], signal.SIGKILL)
        up.until(lambda: "gateway is back" in up.out)
        assert answer(up, ready["key"])[0] == 200
        up.stop()
