"""Start and stop control as a process of its own, and come in as a browser would."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.emulator import DEADLINE_S, wait_until

from penstock.config import private_file
from penstock.config.load import convert
from penstock.snapshot.plan import PlanFile

PASSWORD = "canary four words at random"
OWNER = "owner@example.org"


class RunningConsole:
    """One control process on a free port. ``browser`` gives a client with cookies of its own."""

    def __init__(self, folder: Path, **control: Any) -> None:
        self.state_dir = folder
        for name in ("run", "spool"):
            (folder / name).mkdir(mode=0o700)
        config, found = convert({"control": control, "emulate": {"is_enabled": True}})
        assert not found, found
        private_file.write_json(folder / "run" / "plan.json", PlanFile(config=config))
        self._log = folder / "control.log"
        self.start()

    def start(self, port: int = 0) -> None:
        """Start the process, and wait until it listens."""
        ready = self.state_dir / "run" / "control.ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "penstock", "control", "--state-dir", str(self.state_dir)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--ready-file", str(ready), "--port", str(port)],
                stderr=log,
                env={**os.environ, "OIDC_SECRET": "canary-of-a-client"},
            )
        wait_until(lambda: ready.exists() or self.process.poll() is not None, 2 * DEADLINE_S)
        assert ready.exists(), self.log()
        self.port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"
        self.origin = f"http://console.localhost:{self.port}"
        self.token = (self.state_dir / "control.token").read_text().strip()

    def log(self) -> str:
        """Return what the process has written."""
        return self._log.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process."""
        self.process.send_signal(number)
        self.process.wait(DEADLINE_S)

    def browser(self, **headers: str) -> httpx.Client:
        """Return a client at the console's own address, that says where its forms come from."""
        return httpx.Client(
            base_url=self.url, headers={"origin": self.url, **headers}, trust_env=False
        )

    def api(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Call the API with the break-glass token."""
        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False) as client:
            return client.request(method, f"/api/v1{path}", json=body)

    @property
    def first_path(self) -> str:
        """The path of the first link."""
        return "/first/" + (self.state_dir / "first-link").read_text().strip()

    def first_owner(self, browser: httpx.Client) -> None:
        """Come in as the first owner."""
        form = {"email": OWNER, "name": "First Owner", "password": PASSWORD}
        answer = browser.post(self.first_path, data=form)
        assert answer.status_code == 303, answer.text

    def invited(self, email: str, role: str = "viewer") -> str:
        """Invite somebody; return the link's path."""
        made = self.api("POST", "/operators/invitations", {"email": email, "role": role})
        assert made.status_code == 201, made.text
        found = re.search(r"(/join/.+)$", made.json()["url"])
        assert found is not None
        return found[1]
