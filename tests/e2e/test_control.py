"""Control and the gateway together: what an operator changes counts within a second; faults.

Control killed, control frozen: callers go on, every key that was answered works.
"""

import http.client
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import REAL, Running, penstock, port, running
from tests.e2e.test_up import answer

from penstock.config import private_file

WITHIN_S = 1.0
KILLS = 4


def operate(up: Running, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask the operator API; raises OSError or HTTPException if it is not there."""
    token = private_file.read(up.home.root / "control.token").strip()
    connection = http.client.HTTPConnection(
        "127.0.0.1", port(up.ready()["urls"]["control"]), timeout=20.0
    )
    try:
        headers = {"authorization": f"Bearer {token}"}
        connection.request(method, f"/api/v1{path}", json.dumps(body or {}), headers)
        response = connection.getresponse()
        raw = response.read()
        return response.status, json.loads(raw) if raw else None
    finally:
        connection.close()


def status_within(up: Running, key: str, wanted: int, within_s: float = WITHIN_S) -> float:
    """Return after how long a key gets this status."""
    began_s = time.monotonic()
    while (status := answer(up, key, "fast")[0]) != wanted:
        waited_s = time.monotonic() - began_s
        assert waited_s < within_s, f"{status} after {waited_s:.2f} s, not {wanted}"
    return time.monotonic() - began_s


@pytest.mark.slow
def test_a_key_a_limit_and_a_revocation_count_within_a_second(tmp_path: Path) -> None:
    with running(tmp_path, REAL, ["--emulate"]) as up:
        for at in range(3):
            status, made = operate(up, "POST", "/keys", {"id": f"k{at}"})
            assert status == 201
            status_within(up, made["secret"], 200)
            operate(up, "PATCH", f"/keys/k{at}", {"limits": {"requests_per_min": 1}})
            status_within(up, made["secret"], 429)
            operate(up, "PATCH", f"/keys/k{at}", {"expires_unix_s": 1.0})
            status_within(up, made["secret"], 401)
            told = json.dumps(answer(up, made["secret"], "fast")[1])
            assert "has expired" in told
            operate(up, "DELETE", f"/keys/k{at}")
        up.stop()


@pytest.mark.slow
def test_keys_that_were_answered_outlive_a_control_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, REAL, ["--emulate"]) as up:
        answered: dict[str, str] = {}
        for at in range(KILLS):
            for number in range(3):
                name = f"k{at}-{number}"
                if number == 2:
                    os.kill(up.ready()["pids"]["control"], signal.SIGKILL)
                try:
                    status, made = operate(up, "POST", "/keys", {"id": name})
                except (OSError, http.client.HTTPException):
                    continue
                assert status == 201
                answered[name] = made["secret"]
            assert answer(up, up.ready()["key"], "fast")[0] == 200
            up.until(lambda at=at: up.out.count("control is back") > at)
        assert len(answered) >= 2 * KILLS
        for secret in answered.values():
            status_within(up, secret, 200)
        up.stop()


@pytest.mark.slow
def test_a_frozen_control_is_not_felt_and_commands_say_so(tmp_path: Path) -> None:
    with running(tmp_path, REAL, ["--emulate"]) as up:
        pid = up.ready()["pids"]["control"]
        os.kill(pid, signal.SIGSTOP)
        try:
            assert answer(up, up.ready()["key"], "fast")[0] == 200
            told = penstock(tmp_path, "keys", "list")
            assert told.returncode == 1
            assert "control has not answered within" in told.stderr
            assert answer(up, up.ready()["key"], "fast")[0] == 200
        finally:
            os.kill(pid, signal.SIGCONT)
        assert penstock(tmp_path, "keys", "list").returncode == 0
        up.stop()
