"""``penstock operators`` against a console that runs, and against none."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.e2e.console import OWNER, PASSWORD, RunningConsole

pytestmark = pytest.mark.slow


@pytest.fixture
def console(tmp_path: Path) -> Iterator[RunningConsole]:
    made = RunningConsole(tmp_path)
    yield made
    if made.process.poll() is None:
        made.stop()


def ask(console: RunningConsole, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "operators", *words],
        env={**os.environ, "PENSTOCK_STATE_DIR": str(console.state_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_operators_from_the_first_link_to_a_disabled_one(console: RunningConsole) -> None:
    status, told, _ = ask(console, "first-link")
    assert status == 0
    assert told == f"{console.origin}{console.first_path}\n"
    with console.browser() as browser:
        console.first_owner(browser)
        status, told, _ = ask(console, "first-link")
        assert (status, told) == (1, "")
        status, told, _ = ask(console, "invite", "ann@example.org", "--role", "operator")
        assert told.startswith(f"{console.origin}/join/")
        path = told.strip().removeprefix(console.origin)
        with httpx.Client(base_url=console.url, trust_env=False) as other:
            form = {"password": PASSWORD}
            assert other.post(path, data=form, headers={"origin": console.url}).is_redirect
        assert "ann@example.org" in ask(console, "list")[1]
        assert ask(console, "disable", "ann@example.org")[0] == 0
        assert "disabled" in ask(console, "list")[1]
        status, _, told = ask(console, "disable", OWNER)
        assert status == 1
        assert "last owner" in told
    console.stop()
    assert OWNER in ask(console, "list")[1]
