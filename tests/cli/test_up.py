"""The supervisor with stand-ins for its processes: start, deaths, reloads, and the end."""

import http.client
import json
import os
import signal
from pathlib import Path

import pytest
from tests.cli.running import Running, penstock, port, running

from penstock.cli import state
from penstock.snapshot import file, keys

FILE = """
[emulate]
is_enabled = true
[[upstreams]]
name = "gpt"
dialect = "openai_chat"
base_url = "http://127.0.0.1:8405/gpt/v1"
[[routes]]
name = "auto"
targets = [{upstream = "gpt", model = "gpt-5.6"}]
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ask(url: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port(url), timeout=5.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_says_where_everything_is_and_ends_cleanly(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        ready = up.ready()
        assert set(ready["urls"]) == {"gateway", "metrics", "control", "status", "chat", "emulate"}
        assert set(ready["pids"]) == {"up", "gateway", "control", "status", "chat", "emulate"}
        assert ready["pids"]["up"] == up.process.pid
        assert all(ask(url, "/healthz") == 200 for url in ready["urls"].values())
        assert up.ready_file.stat().st_mode & 0o777 == 0o600
        up.until(lambda: "Ctrl-C" in up.out)
        assert "EMULATED" in up.out
        assert f"export OPENAI_BASE_URL={ready['urls']['gateway']}/v1" in up.out
        assert f"export ANTHROPIC_BASE_URL={ready['urls']['gateway']}\n" in up.out
        assert max(len(line) for line in up.out.splitlines()) <= 80
        assert up.stop() == 0
        assert not any(is_alive(pid) for pid in ready["pids"].values())
        assert not up.ready_file.exists()
        assert up.home.log("gateway").read_text().count("drained") == 1


@pytest.mark.slow
def test_the_snapshot_holds_the_hash_of_the_key_and_the_references_alone(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        key = up.ready()["key"]
        snapshot = file.read(up.home.snapshot)
        raw = up.home.snapshot.read_text()
        up.stop()
    assert snapshot.is_emulated
    held = {one.id: one.sha256 for one in snapshot.keys}
    assert held["local"] == keys.sha256(key)
    assert key not in raw
    assert key.encode() not in up.home.database.read_bytes()
    assert up.home.emulated_key.read_text().strip() not in raw
    assert all(one.api_key_file for one in snapshot.config.upstreams)


@pytest.mark.slow
def test_the_key_stays_and_the_version_grows_over_restarts(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    for _ in range(2):
        with running(tmp_path, args=["--emulate"]) as up:
            seen.append((up.ready()["key"], file.read(up.home.snapshot).version))
            up.stop()
    (first_key, first), (second_key, second) = seen
    assert first_key == second_key
    assert second == first + 1


@pytest.mark.slow
def test_a_damaged_snapshot_is_replaced_by_one_with_a_larger_version(tmp_path: Path) -> None:
    home = state.State(tmp_path / "state")
    home.run.mkdir(parents=True)
    home.snapshot.write_text("penstock-snapshot 1 0000\n{}")
    with running(tmp_path, args=["--emulate"]) as up:
        assert file.read(up.home.snapshot).version > 1_700_000_000
        up.stop()


@pytest.mark.slow
def test_a_process_that_dies_comes_back_on_its_port(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        before = up.ready()
        for name in ("gateway", "control", "emulate"):
            os.kill(before["pids"][name], signal.SIGKILL)
            up.until(lambda name=name: f"{name} is back" in up.out)
            assert f"{name} ended by signal 9; starting it again" in up.out
        up.until(lambda: up.ready()["pids"]["emulate"] != before["pids"]["emulate"])
        after = up.ready()
        assert after["urls"] == before["urls"]
        assert after["pids"]["gateway"] != before["pids"]["gateway"]
        assert all(ask(url, "/healthz") == 200 for url in after["urls"].values())
        assert up.stop(signal.SIGTERM) == 0


@pytest.mark.slow
def test_a_status_of_death_is_named(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        with pytest.raises(http.client.RemoteDisconnected):
            ask(up.ready()["urls"]["gateway"], "/die")
        up.until(lambda: "gateway is back" in up.out)
        assert "gateway ended with status 3; starting it again" in up.out
        up.stop()


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait_for_the_drain(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        ready = up.ready()
        assert ask(ready["urls"]["gateway"], "/linger") == 200
        up.process.send_signal(signal.SIGINT)
        up.until(lambda: "draining" in up.out)
        assert up.stop(signal.SIGINT) == 0
        assert "gateway was killed before it had drained" in up.out
        assert not any(is_alive(pid) for pid in ready["pids"].values())


@pytest.mark.slow
def test_only_one_runs_on_a_state_directory(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        second = penstock(tmp_path, "up", "--emulate", "--ports", "auto")
        assert second.returncode == 1
        assert f"process {up.process.pid}" in second.stderr
        assert "PENSTOCK_STATE_DIR" in second.stderr
        up.stop()


@pytest.mark.slow
def test_what_a_killed_one_left_is_ended_by_the_next(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as killed:
        left = killed.ready()
        killed.stop(signal.SIGKILL)
        assert ask(left["urls"]["gateway"], "/") == 200, "callers go on being answered"
        killed.ready_file.unlink()
        with running(tmp_path, args=["--emulate"]) as up:
            assert f"ended the gateway of an earlier run (process {left['pids']['gateway']})" in (
                up.out
            )
            up.stop()


@pytest.mark.slow
def test_a_file_is_served_and_its_emulated_upstreams_are_found(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text(FILE)
    with running(tmp_path) as up:
        snapshot = file.read(up.home.snapshot)
        emulator = up.ready()["urls"]["emulate"]
        assert snapshot.config.upstreams[0].base_url == f"{emulator}/gpt/v1"
        assert snapshot.is_emulated
        up.stop()


@pytest.mark.slow
@pytest.mark.parametrize("is_shared", [True, False])
def test_the_emulator_is_told_whether_all_models_say_the_same(
    tmp_path: Path, *, is_shared: bool
) -> None:
    line = "is_enabled = true"
    more = f"{line}\nis_text_shared = {str(is_shared).lower()}"
    assert line in FILE
    (tmp_path / "penstock.toml").write_text(FILE.replace(line, more))
    with running(tmp_path) as up:
        up.ready()
        told = state.read_json(up.home.ready("emulate"))
        assert told["is_text_shared"] is is_shared
        up.stop()


@pytest.mark.slow
def test_a_reload_is_applied_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    path.write_text(FILE)
    with running(tmp_path) as up:
        version = file.read(up.home.snapshot).version
        path.write_text(FILE.replace('"auto"', '"other"'))
        told = penstock(tmp_path, "reload")
        assert (told.returncode, told.stderr) == (0, "")
        assert f"version {version + 1} is in use" in told.stdout
        good = up.home.snapshot.read_bytes()

        path.write_text(FILE.replace("is_enabled", "is_enable").replace("http:", "ftp:"))
        told = penstock(tmp_path, "reload")
        assert told.returncode == 1
        assert "line 3, emulate.is_enable: is not a setting" in told.stdout
        assert "line 7, upstreams[0].base_url" in told.stdout
        assert "nothing has changed" in told.stdout
        assert up.home.snapshot.read_bytes() == good

        path.write_text(FILE.replace('"auto"', '"refuse-me"'))
        told = penstock(tmp_path, "reload")
        assert told.returncode == 1
        assert "refused by the stand-in" in told.stdout
        after = file.read(up.home.snapshot)
        assert after.config.routes[0].name == "other"
        assert after.version > version + 1

        path.write_text(FILE + "[gateway]\nport = 9999\n[control]\nsession_hours = 3\n")
        told = penstock(tmp_path, "reload")
        assert "only after a restart: gateway.port, control.session_hours" in told.stdout
        up.stop()


@pytest.mark.slow
def test_a_file_that_was_not_there_at_the_start_is_taken_by_a_reload(tmp_path: Path) -> None:
    with running(tmp_path) as up:
        (tmp_path / "penstock.toml").write_text(FILE)
        assert penstock(tmp_path, "reload").returncode == 0
        assert [one.name for one in file.read(up.home.snapshot).config.routes] == ["auto"]
        up.stop()


@pytest.mark.slow
def test_keys_come_and_go_while_it_runs(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        added = penstock(tmp_path, "keys", "add", "team", "--tenant", "acme", "--route", "auto")
        assert added.returncode == 0, added.stderr
        held = {key.id: key for key in file.read(up.home.snapshot).keys}
        assert held["team"].sha256 == keys.sha256(added.stdout.strip())
        assert (held["team"].tenant, held["team"].routes) == ("acme", ("auto",))
        assert penstock(tmp_path, "keys", "revoke", "team").returncode == 0
        assert [key.id for key in file.read(up.home.snapshot).keys] == ["chat", "local", "status"]
        up.stop()


@pytest.mark.parametrize("text", ["[gateway]\nport = 1.5\n", "x = ["])
def test_a_bad_file_starts_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text(text)
    with Running(tmp_path) as up:
        assert up.process.wait(20.0) == 1
        assert "the configuration is wrong" in up.out
        assert not up.ready_file.exists()


@pytest.mark.slow
def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        taken = port(up.ready()["urls"]["gateway"])
        other = tmp_path / "other"
        other.mkdir()
        (other / "penstock.toml").write_text(f"{FILE}[gateway]\nport = {taken}\n")
        told = penstock(other, "up")
        assert told.returncode == 1
        assert f"gateway.port: 127.0.0.1:{taken} address already in use" in told.stderr
        assert "--ports auto" in told.stderr
        up.stop()


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    home = state.State(tmp_path / "state")
    home.run.mkdir(parents=True)
    home.log("emulate").mkdir()  # the log cannot be opened
    with Running(tmp_path, args=["--emulate"]) as up:
        assert up.process.wait(20.0) == 1
        assert "the emulate cannot be started: Is a directory" in up.out


@pytest.mark.slow
def test_the_result_of_a_reload_is_left_for_other_programs(tmp_path: Path) -> None:
    with running(tmp_path, args=["--emulate"]) as up:
        up.process.send_signal(signal.SIGHUP)
        up.until(up.home.reload.exists)
        outcome = json.loads(up.home.reload.read_text())
        assert (outcome["error"], outcome["problems"]) == ("", [])
        assert outcome["version"] == file.read(up.home.snapshot).version
        up.stop()
