"""Drive one client library, which runs in a process and an installation of its own."""

import json
import os
import select
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.clients.roster import NODE, ROOT, Library

ANSWER_WITHIN_S: Final = 30.0
PYTHON: Final = ROOT / ".venv-clients" / "bin" / "python"
READ_BYTES: Final = 65536


def missing(library: Library) -> str | None:
    """Return why a library cannot be driven here, and what to do, or None."""
    if library.is_node:
        if shutil.which("node") is None:
            return "there is no node: install node 20 or newer with npm, then `make clients`"
        if not (NODE / "node_modules" / ".ready").exists():
            return "the clients for node are not installed: `make clients`"
    elif not (PYTHON.parents[1] / ".ready").exists():
        return "the clients for Python are not installed: `make clients`"
    return None


def command(library: Library) -> Sequence[str | Path]:
    """Return how a library's driver is started."""
    if library.is_node:
        return ["node", str(NODE / "driver.mjs"), library.name]
    return [PYTHON, "-m", f"tests.clients.drivers.{library.name}"]


def surroundings(folder: Path) -> Mapping[str, str]:
    """Return an environment that sets no client on anything but what it is told."""
    prefixes = ("OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "LANGCHAIN_", "LANGSMITH_", "LLM_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return {**own, "LLM_USER_PATH": str(folder), "NO_PROXY": "127.0.0.1"}


class Driver:
    """One process: ``ask`` sends a line and waits, not for ever, for the line that answers it."""

    def __init__(self, library: Library, folder: Path) -> None:
        self._process = subprocess.Popen(
            command(library),
            cwd=ROOT,
            env=surroundings(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._rest = b""
        self.versions: dict[str, str] = self._line()

    def ask(self, **fields: str) -> dict[str, Any]:
        """Make one request and return what was seen."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(fields).encode() + b"\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self._process.stdout], [], [], ANSWER_WITHIN_S)
            if not readable:
                self.stop()
                raise AssertionError(f"the client said nothing within {ANSWER_WITHIN_S:g} s")
            data = os.read(self._process.stdout.fileno(), READ_BYTES)
            assert data, f"the driver ended with {self._process.wait()}"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            self.stop()  # what follows would answer the wrong question
            raise

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
