"""Start and stop the chat as a process of its own, and come in as browsers would."""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.emulator import DEADLINE_S, wait_until

from penstock.config import private_file
from penstock.config.load import convert
from penstock.snapshot.plan import PlanFile

PASSWORD = "canary four words at random"
SECRET = "canary-of-a-client"


class RunningChat:
    """One chat process on a free port, with this table as ``[chat]``."""

    def __init__(self, folder: Path, **chat: Any) -> None:
        self.state_dir = folder
        (folder / "run").mkdir(mode=0o700)
        chat = {"trusted_proxies": ["127.0.0.1"], **chat}  # so that each browser has a network
        self._networks = itertools.count(1)
        config, found = convert({"chat": chat, "emulate": {"is_enabled": True}})
        assert not found, found
        private_file.write_json(folder / "run" / "plan.json", PlanFile(config=config))
        self._log = folder / "chat.log"
        self.start()

    def start(self, port: int = 0) -> None:
        """Start the process, and wait until it listens."""
        ready = self.state_dir / "run" / "chat.ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "penstock", "chat", "--state-dir", str(self.state_dir)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(port)],
                stderr=log,
                env={**os.environ, "OIDC_SECRET": SECRET},
            )
        wait_until(lambda: ready.exists() or self.process.poll() is not None, 2 * DEADLINE_S)
        assert ready.exists(), self.log()
        self.port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"
        self.origin = f"http://chat.localhost:{self.port}"

    def log(self) -> str:
        """Return what the process has written."""
        return self._log.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process."""
        self.process.send_signal(number)
        self.process.wait(DEADLINE_S)

    def command(self, *words: str) -> str:
        """Run ``penstock chat`` with a command; return what it says."""
        line = [sys.executable, "-m", "penstock", "chat", "--state-dir", str(self.state_dir)]
        done = subprocess.run(
            [*line, *words], capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def browser(self, **headers: str) -> httpx.Client:
        """Return a client with cookies and a network of its own."""
        number = next(self._networks)
        address = f"10.{number >> 8}.{number & 255}.7"
        return httpx.Client(
            base_url=self.url,
            headers={"origin": self.url, "x-forwarded-for": address, **headers},
            trust_env=False,
            timeout=30.0,
        )

    @contextlib.contextmanager
    def person(self, email: str) -> Generator[httpx.Client]:
        """Make an account, and give the browser that is in it."""
        with self.browser() as browser:
            answer = sign_up(browser, email)
            assert answer.status_code == 303, words(answer)
            yield browser

    def health(self, way: str) -> str:
        """Return how a way in is."""
        return str(httpx.get(f"{self.url}/health", trust_env=False).json()[way]["state"])

    def rest(self) -> bytes:
        """Return all that lies in the database and in the folder of files."""
        files = [*self.state_dir.glob("chat.db*"), *self.state_dir.glob("chat-files/**/*")]
        return b"".join(path.read_bytes() for path in files if path.is_file())


def sign_up(browser: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    """Send the form of a new account."""
    return browser.post("/signup", data={"email": email, "password": password})


def log_in(browser: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    """Send the form of the log-in."""
    return browser.post("/login", data={"email": email, "password": password})


def words(answer: httpx.Response) -> str:
    """Return what the banners of a page say."""
    found = re.findall(r"<strong>(.*?)</strong>(?:<p>(.*?)</p>)?", answer.text, re.DOTALL)
    return " ".join(" ".join(one) for one in found).replace("&#39;", "'")
