"""How commands find control: it runs, is silent, is gone, or another command is at it."""

import contextlib
import os
import socket
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.cli import stored
from tests.cli.running import penstock

from penstock.cli import operating, state
from penstock.config import private_file
from penstock.config.locking import locked
from penstock.core.errors import StoreError

GONE = state.NO_PID


def home_of(folder: Path) -> state.State:
    home = state.State(folder / "state")
    home.run.mkdir(mode=0o700, parents=True)
    return home


def say_ready(home: state.State, port: int, pid: int) -> None:
    ready = {"url": f"http://127.0.0.1:{port}", "pid": pid}
    private_file.write_json(home.ready("control"), ready)


@contextlib.contextmanager
def silent(home: state.State) -> Generator[None]:
    """A control that has frozen: it holds its lock, and the kernel takes connections for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, locked(home.control_lock) as is_free:
        assert is_free
        say_ready(home, listener.getsockname()[1], os.getpid())
        private_file.write(home.root / "control.token", "pc-none\n")
        yield


@pytest.mark.slow
def test_commands_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    say_ready(home_of(tmp_path), 9, GONE)  # as a control that was killed leaves it
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(penstock, tmp_path, "keys", "add", name) for name in ("a", "b")]
        told = [one.result() for one in asked]
    assert [one.returncode for one in told] == [0, 0], [one.stderr for one in told]
    assert {key.id for key in stored.keys(tmp_path)} >= {"a", "b"}


@pytest.mark.parametrize(("method", "may_be_done"), [("GET", False), ("POST", True)])
def test_a_control_that_does_not_answer_is_said_so_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, *, may_be_done: bool
) -> None:
    home = home_of(tmp_path)
    monkeypatch.setattr(operating, "ANSWER_S", 0.1)
    with silent(home), operating.opened(home) as api, pytest.raises(StoreError) as raised:
        api.call(method, "/keys")
    assert "has not answered within 0.1 s" in raised.value.message
    assert ("may be done all the same" in raised.value.message) is may_be_done


def test_who_waits_for_nobody_is_told_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_of(tmp_path)
    say_ready(home, 9, GONE)
    monkeypatch.setattr(operating, "FREE_S", 0.1)
    with (
        locked(home.control_lock),
        pytest.raises(StoreError, match="try again"),
        operating.opened(home),
    ):
        raise AssertionError("nobody was there")


def test_a_link_is_shown_only_while_control_is_behind_it(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    private_file.write(home.root / state.FIRST_LINK, "word\n")
    assert state.first_link(home) == ""
    say_ready(home, 8402, GONE)
    assert state.first_link(home) == ""
    told = penstock(tmp_path, "operators", "first-link")
    assert told.returncode == 1
    assert "control does not run" in told.stderr
    say_ready(home, 8402, os.getpid())
    assert state.first_link(home) == "http://console.localhost:8402/first/word"
