"""Start, steer and stop the emulator as a process of its own."""

import contextlib
import http.client
import json
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DEADLINE_S = 45.0
POLL_S = 0.005
KEY = "sk-emulated-canary-0123456789"


def wait_until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Poll until the condition is true; fails after the deadline."""
    until_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until_s, "the condition did not come true in time"
        select.select([], [], [], POLL_S)


class RunningEmulator:
    """One emulator process. ``faults`` and ``attempts`` go through its control port."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.ready_file = folder / "ready.json"
        command = [sys.executable, "-m", "penstock", "emulate", "--port", "0"]
        self._process = subprocess.Popen(
            [*command, "--ready-file", str(self.ready_file), *flags],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.greeting = self._process.stdout.readline()  # comes once it listens
        assert self.greeting, f"the emulator ended with {self._process.wait()}"
        ready: dict[str, Any] = json.loads(self.ready_file.read_text())
        self.url: str = ready["url"]
        self.urls: dict[str, str] = ready["urls"]
        self.control_token: str = ready["control_token"]
        self.pid: int = ready["pid"]
        port = urlsplit(self.url).port
        assert port is not None
        self.port = port

    def stop(self) -> int:
        """End the process and return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(DEADLINE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    def control(self, method: str, what: str, document: object = None) -> tuple[int, Any]:
        """Call the control port; returns status and document."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            body = None if document is None else json.dumps(document)
            headers = {"authorization": f"Bearer {self.control_token}"}
            connection.request(method, f"/control/{what}", body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def faults(self, *rules: dict[str, object]) -> None:
        """Put a script of these rules in force; none clears it."""
        status, document = self.control("PUT", "faults", {"rules": rules})
        assert status == 200, document

    def pace(self, **settings: dict[str, object]) -> None:
        """Set the pace by provider; those left out go at their models' own pace."""
        status, document = self.control("PUT", "pace", settings)
        assert status == 200, document

    def limits(self, **settings: dict[str, object]) -> None:
        """Set rate limits by provider; those left out have none."""
        status, document = self.control("PUT", "limits", settings)
        assert status == 200, document

    def attempts(self, last: int = 100) -> list[dict[str, Any]]:
        """Return the last attempts, oldest first."""
        return self.control("GET", f"attempts?last={last}")[1]["attempts"]

    def stats(self) -> dict[str, Any]:
        """Return the counters."""
        return self.control("GET", "stats")[1]

    def reset(self) -> None:
        """Go back to no faults, no limits, no pace and no attempts."""
        self.faults()
        self.limits()
        instant: dict[str, object] = {"is_instant": True}
        self.pace(claude=instant, gpt=instant, gemini=instant)
        self.control("DELETE", "attempts")

    def exchange(
        self, path: str, body: object, headers: dict[str, str] | None = None, wait_s: float = 5.0
    ) -> tuple[bytes, str]:
        """POST on a bare socket; returns all bytes, and how it ended: eof, reset or silence."""
        content = json.dumps(body).encode()
        lines = {
            "host": "emulator",
            "connection": "close",
            "content-length": str(len(content)),
            "authorization": f"Bearer {KEY}",
            "x-goog-api-key": KEY,
            "anthropic-version": "2026-10-21",
        } | (headers or {})
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
            received = b""
            try:
                while data := connection.recv(65536):
                    received += data
            except TimeoutError:
                return received, "silence"
            except ConnectionResetError:
                return received, "reset"
            return received, "eof"


class StreamBytes:
    """A streamed answer taken apart, past all dialects: what a bare socket received."""

    def __init__(self, received: bytes, ended: str) -> None:
        self.ended = ended
        head, _, body = received.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.chunks: list[bytes] = []
        self.is_complete = False  # whether HTTP's last chunk came
        while body and not self.is_complete:
            size, _, rest = body.partition(b"\r\n")
            length = int(size, 16)
            if length:
                self.chunks.append(rest[:length])
            self.is_complete = length == 0
            body = rest[length + 2 :]
        self.text = b"".join(self.chunks).decode()
        self.events: list[dict[str, Any]] = []
        self.malformed: list[str] = []
        self.junk: list[str] = []
        for line in self.text.splitlines():
            self._take(line)

    def _take(self, line: str) -> None:
        if line.startswith("data: {"):
            try:
                self.events.append(json.loads(line.removeprefix("data: ")))
            except json.JSONDecodeError:
                self.malformed.append(line)
        elif line and not line.startswith(("event: ", "data: [DONE]", ":")):
            self.junk.append(line)

    @property
    def words(self) -> list[str]:
        """The texts of all content events."""
        texts: list[Any] = []
        for event in self.events:
            delta = event.get("delta", {})
            texts.append(delta if isinstance(delta, str) else delta.get("text"))
            texts += [c.get("delta", {}).get("content") for c in event.get("choices", ())]
            for candidate in event.get("candidates", ()):
                texts += [part.get("text") for part in candidate["content"]["parts"]]
        return [text for text in texts if text]

    @property
    def has_finish(self) -> bool:
        """Whether the model said why it stopped."""
        return any(
            event.get("type") in {"response.completed", "response.incomplete"}
            or (isinstance(event.get("delta"), dict) and event["delta"].get("stop_reason"))
            or any(choice.get("finish_reason") for choice in event.get("choices", ()))
            or any(candidate.get("finishReason") for candidate in event.get("candidates", ()))
            for event in self.events
        )

    @property
    def has_usage(self) -> bool:
        """Whether the final usage came."""
        return any(
            event.get("usage")
            or event.get("usageMetadata")
            or event.get("response", {}).get("usage")
            for event in self.events
        )

    @property
    def has_terminator(self) -> bool:
        """Whether the dialect's last word came."""
        return "data: [DONE]" in self.text or any(
            event.get("type") in {"message_stop", "response.completed"} for event in self.events
        )
