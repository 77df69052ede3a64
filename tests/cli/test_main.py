"""The overview, the table of commands, and what a process loads."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import penstock

from penstock.cli.main import COMMANDS


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"], ["help"]])
def test_without_a_command_it_says_what_there_is(args: list[str], tmp_path: Path) -> None:
    told = penstock(tmp_path, *args)
    assert told.returncode == 0
    assert all(f"  {name} " in told.stdout for name in COMMANDS)
    assert max(len(line) for line in told.stdout.splitlines()) <= 80


def test_its_version(tmp_path: Path) -> None:
    assert penstock(tmp_path, "--version").stdout == "penstock 0.1.0\n"


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    told = penstock(tmp_path, "upp")
    assert (told.returncode, told.stdout) == (2, "")
    assert "no command 'upp'" in told.stderr


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_has_a_parser_and_explains_itself(name: str) -> None:
    module = importlib.import_module(COMMANDS[name][0])
    parser = module.build_parser()
    assert parser.prog == f"penstock {name}"
    assert parser.description
    assert callable(module.run)


def test_the_gateways_process_loads_only_what_it_needs() -> None:
    program = (
        "import sys\n"
        "from penstock.cli import main, gateway\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    loaded = set(told.stdout.split())
    assert "penstock" in loaded
    assert loaded.isdisjoint({"rich", "starlette", "sqlalchemy", "httpx", "pygments"})
