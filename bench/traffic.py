"""The mock upstream and the load generator: built, started, set, and read."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trustme

from host import BENCH, BUILD, BenchError, Cores, Program, start
from peer import Endpoint, wait_listening
from proxies import TLS_FRONT

BIN = BUILD / "bin"
GENERATOR_S = 180.0
WORDS = "some words of a question, "
BODY_BYTES = 900

Figures = dict[str, object]


def build_programs() -> None:
    """Compile mock and generator; raise BenchError when there is no compiler."""
    done = subprocess.run(
        ["sh", str(BENCH / "build.sh")], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BenchError(f"mock and generator cannot be built: {done.stderr[-500:]}")


def body(endpoint: Endpoint, *, is_stream: bool) -> str:
    """Return a request of about 0.9 KB in the endpoint's dialect."""
    request: dict[str, object] = {"model": endpoint.model, "max_tokens": 150}
    request["messages"] = [{"role": "user", "content": WORDS}]
    if is_stream:
        request["stream"] = True
        if endpoint.dialect == "openai":
            request["stream_options"] = {"include_usage": True}
    missing = BODY_BYTES - len(json.dumps(request, separators=(",", ":")))
    request["messages"] = [{"role": "user", "content": WORDS * (1 + missing // len(WORDS))}]
    return json.dumps(request, separators=(",", ":"))


class Mock:
    """The mock upstream, with a TLS front if wanted; both on the load core."""

    def __init__(self, port: int, program: Program) -> None:
        self.port = port
        self.program = program

    def set(self, **settings: float) -> dict[str, int]:
        """Change settings (see ``c/mock.c``) and return the counters so far."""
        query = "&".join(f"{name}={value:g}" for name, value in settings.items())
        url = f"http://127.0.0.1:{self.port}/bench?{query}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            counters: dict[str, int] = json.load(answer)
        return counters


def start_mock(port: int, cores: Cores, folder: Path) -> Mock:
    """Start the mock upstream."""
    program = start("mock", [str(BIN / "mock"), str(port)], cores.load, folder / "mock.txt", {})
    wait_listening(program, port)
    return Mock(port, program)
