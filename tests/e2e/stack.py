"""A ``penstock up`` over emulated providers of all dialects, whose processes can be killed."""

import contextlib
import json
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from tests.cli.running import REAL, Running, running
from tests.e2e.emulator import KEY, RunningEmulator
from tests.e2e.gateway import CLAUDE, GEMINI, GPT

UPSTREAMS: Final = {
    "chat": ("openai_chat", "gpt", GPT),
    "responses": ("openai_responses", "gpt", GPT),
    "claude": ("anthropic_messages", "claude", CLAUDE),
    "google": ("gemini_generate", "gemini_native", GEMINI),
}
PAIRS: Final = [(a, b) for a in UPSTREAMS for b in UPSTREAMS if a != b]
TIMES: Final = {
    "connect_s": 2.0,
    "first_token_s": 3.0,
    "between_tokens_s": 3.0,
    "unary_s": 5.0,
    "total_s": 20.0,
    "queue_s": 2.0,
    "hang_s": 0.5,
}


def table_text(name: str, values: dict[str, object]) -> str:
    """Return one table of a TOML file; all that we write is JSON, too."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([name, *lines, ""])


def write_config(
    folder: Path, emulator: RunningEmulator, more: str = "", on_break: str = "continue"
) -> None:
    """Write a file with a route for each upstream, and for each pair of them."""
    key = folder / "upstream.key"
    key.touch(mode=0o600)
    key.write_text(KEY)
    parts = [
        table_text("[timeouts]", dict(TIMES)),
        # What one call has taught must not shape the next: it is the record that is looked at.
        table_text("[breaker]", {"failures_min": 100000.0}),
        table_text("[retry]", {"floor_per_s": 1000.0}),
        table_text("[watch]", {"finds_probes": False}),  # what is asked, the tests ask
    ]
    for name, (dialect, place, _) in UPSTREAMS.items():
        url = emulator.urls[place] + ("/v1beta" if name == "google" else "")
        upstream = {"name": name, "dialect": dialect, "base_url": url, "api_key_file": str(key)}
        parts.append(table_text("[[upstreams]]", dict(upstream)))
    routes = {name: (name,) for name in UPSTREAMS} | {f"{a}-{b}": (a, b) for a, b in PAIRS}
    for name, names in routes.items():
        targets = ", ".join(
            f'{{upstream = "{one}", model = "{UPSTREAMS[one][2]}"}}' for one in names
        )
        parts.append(
            f'[[routes]]\nname = "{name}"\non_break = "{on_break}"\ntargets = [{targets}]\n'
        )
    (folder / "penstock.toml").write_text("\n".join([*parts, more]))


class Stack:
    """One run of ``penstock up``."""

    def __init__(self, up: Running) -> None:
        self.up = up
        ready = up.ready()
        self.url: str = ready["urls"]["gateway"]
        self.admin_url: str = ready["urls"]["metrics"]
        self.key: str = ready["key"]

    def pid(self, name: str) -> int:
        """Return the process that has this name now."""
        found: dict[str, Any] = self.up.ready()["pids"]
        return int(found[name])

    def kill(self, name: str) -> None:
        """End a process with kill -9, and wait until ``up`` has another."""
        before = self.pid(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(before, signal.SIGKILL)
        self.up.until(lambda: self.pid(name) != before)

    def stop_gateway(self) -> None:
        """Let the gateway end as it would in the end; ``up`` begins another."""
        before = self.pid("gateway")
        os.kill(before, signal.SIGTERM)
        self.up.until(lambda: self.pid("gateway") != before)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Generator[None]:
        """Stop a process where it is, for the time of a block."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stack(
    folder: Path, emulator: RunningEmulator, more: str = "", on_break: str = "continue"
) -> Generator[Stack]:
    """Start everything; the callers' key is that of the ready file."""
    write_config(folder, emulator, more, on_break)
    with running(folder, REAL) as up:
        yield Stack(up)
