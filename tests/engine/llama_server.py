"""Start, suspend and end real engines: llama-cpp-python's own server, each a process of its own.

The interpreter that has it is ``.venv-engine/bin/python``, or what PENSTOCK_ENGINE_PYTHON names.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.e2e.emulator import DEADLINE_S, wait_until

HERE: Final = Path(__file__).parent
PYTHON: Final = Path(
    os.environ.get("PENSTOCK_ENGINE_PYTHON", HERE.parents[1] / ".venv-engine/bin/python")
)
MODEL: Final = "tiny"
START_S: Final = 60.0  # it loads a good deal of Python
LISTENS: Final = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:\d+)")
# Keys and values of 32 bits: how a prompt is cut into batches then does not show in the answer. No
# last tokens: by default this server makes what it has just said itself less probable (1.1), but
# not what it is given, and so goes on otherwise from the same text.
FLAGS: Final = (
    "--host", "127.0.0.1", "--port", "0", "--model_alias", MODEL, "--n_ctx", "8192",
    "--n_threads", "1", "--n_threads_batch", "1", "--type_k", "0", "--type_v", "0",
    "--last_n_tokens_size", "0", "--logits_all", "false", "--verbose", "false",
)  # fmt: skip


def is_installed() -> bool:
    """Tell whether there is an engine to start."""
    if not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-c", "import llama_cpp.server"], check=False).returncode == 0


def write_model(folder: Path) -> Path:
    """Have the model written, by the script that a person would use."""
    path = folder / "tiny.gguf"
    subprocess.run([sys.executable, HERE / "tiny_gguf.py", path], check=True, timeout=START_S)
    return path


class Engine:
    """One engine, ready to be asked."""

    def __init__(self, model: Path, log: Path, *flags: str) -> None:
        with log.open("w", encoding="utf-8") as written:
            self.process = subprocess.Popen(
                [PYTHON, "-m", "llama_cpp.server", "--model", model, *FLAGS, *flags],
                stdout=written,
                stderr=written,
                env={"PATH": os.environ["PATH"]},  # it takes settings from the environment, too
            )
        try:
            wait_until(lambda: LISTENS.search(log.read_text()) or not self.is_alive, START_S)
            found = LISTENS.search(log.read_text())
            assert found, log.read_text()
        except AssertionError:
            self.kill()
            raise
        self.url = f"{found[1]}/v1"

    @property
    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def suspend(self) -> None:
        """Let it hold its port and its connections, and do nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self.is_alive:
            self.process.kill()
        self.process.wait(DEADLINE_S)
