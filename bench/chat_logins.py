"""A flood of log-ins at the chat: how many a second, and what it does to everybody else.

    python bench/chat_logins.py [--seconds 20] [--rate 200]

One chat process, one account whose password is right, ``--rate`` log-ins a second from as many
networks (through a trusted proxy's header), none waiting for another. Meanwhile, twenty times a
second: /healthz, a page with a session (/api/v1/me), and what a stream is told (an event to a
browser that listens: how late it comes). Before the flood the same is measured in calm.

What is told: log-ins that were right a second and a core, the same that argon2 alone does on one
core, those told to come again, and the latencies in calm and in the flood.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from penstock.apps.chat.identity import PARAMETERS
from penstock.config import private_file
from penstock.config.load import convert
from penstock.identity.passwords import Hasher
from penstock.snapshot.plan import PlanFile

EMAIL = "ann@example.org"  # who chats
MANY = "many@example.org"  # whose log-ins flood
PASSWORD = "-".join(sorted({"four", "words", "chosen", "at", "random"}))
EVERY_S = 0.05


def bound_per_s(seconds: float = 3.0) -> float:
    """Return how many checks one core does in a second, and nothing else."""
    hasher = Hasher(PARAMETERS)
    kept = hasher.hash(PASSWORD)
    done, begun_s = 0, time.perf_counter()
    while time.perf_counter() - begun_s < seconds:
        assert hasher.is_right(kept, PASSWORD)
        done += 1
    return done / (time.perf_counter() - begun_s)


def start(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the chat; return it with its address."""
    (folder / "run").mkdir()
    table: dict[str, Any] = {"trusted_proxies": ["127.0.0.1"]}
    config, found = convert({"chat": table, "emulate": {"is_enabled": True}})
    assert not found, found
    private_file.write_json(folder / "run" / "plan.json", PlanFile(config=config))
    ready = folder / "run" / "chat.ready.json"
    command = [sys.executable, "-m", "penstock", "chat", "--state-dir", str(folder), "--port", "0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    while not ready.exists():
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)
    return process, json.loads(ready.read_text())["url"]


class Meanwhile:
    """What everybody else sees."""

    def __init__(self, url: str, browser: httpx.AsyncClient) -> None:
        self._url = url
        self._browser = browser
        self.found: dict[str, list[float]] = {"/healthz": [], "/api/v1/me": [], "stream": []}
        self._stop = asyncio.Event()
        self._sent_s: dict[str, float] = {}

    async def run(self, seconds: float) -> None:
        """Measure for so long."""
        self._stop.clear()
        async with asyncio.TaskGroup() as tasks:
            for path in ("/healthz", "/api/v1/me"):
                tasks.create_task(self._ask(path))
            listening = tasks.create_task(self._listen())
            tasks.create_task(self._tell())
            await asyncio.sleep(seconds)
            self._stop.set()
            await asyncio.sleep(0.5)
            listening.cancel()

    async def _ask(self, path: str) -> None:
        while not self._stop.is_set():
            begun_s = time.perf_counter()
            answer = await self._browser.get(path)
            assert answer.status_code == 200, answer.text
            self.found[path].append(time.perf_counter() - begun_s)
            await asyncio.sleep(EVERY_S)

    async def _tell(self) -> None:
        """Rename a conversation: its event goes to the stream."""
        name = "0f3a9a52-0000-4000-8000-000000000001"
        await self._browser.post("/api/v1/conversations", json={"id": name})
        number = 0
        while not self._stop.is_set():
            number += 1
            title = f"title {number}."
            self._sent_s[title] = time.perf_counter()
            await self._browser.patch(f"/api/v1/conversations/{name}", json={"title": title})
            await asyncio.sleep(EVERY_S)

    async def _listen(self) -> None:
        async with self._browser.stream("GET", "/api/v1/events", timeout=None) as stream:
            async for line in stream.aiter_lines():
                now_s = time.perf_counter()
                for title in [one for one in self._sent_s if f'"{one}"' in line]:
                    self.found["stream"].append(now_s - self._sent_s.pop(title))


async def flood(url: str, rate: float, seconds: float) -> tuple[dict[str, int], list[float]]:
    """Send log-ins at a rate, whatever becomes of them; return statuses and times of right ones."""
    host, _, port = url.removeprefix("http://").partition(":")
    body = urlencode({"email": MANY, "password": PASSWORD}).encode()
    statuses: Counter[str] = Counter()
    right_s: list[float] = []

    async def one(number: int) -> None:
        head = (
            f"POST /login HTTP/1.1\r\nhost: {host}:{port}\r\norigin: {url}\r\n"
            f"x-forwarded-for: 10.{number >> 8 & 255}.{number & 255}.7\r\n"
            f"content-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        begun_s = time.perf_counter()
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
        except OSError:
            statuses["broken"] += 1
            return
        status = answer[9:12].decode()
        statuses[status] += 1
        if status == "303":
            right_s.append(time.perf_counter() - begun_s)

    async with asyncio.TaskGroup() as tasks:
        begun_s = time.perf_counter()
        for number in range(int(rate * seconds)):
            tasks.create_task(one(number))
            late_s = begun_s + number / rate - time.perf_counter()
            await asyncio.sleep(max(0.0, late_s))
    return dict(statuses), right_s


def flooded(url: str, rate: float, seconds: float) -> tuple[dict[str, int], list[float]]:
    """Flood from a process of its own, so that what is measured beside it is not slowed by it."""
    return asyncio.run(flood(url, rate, seconds))


def told(found: dict[str, list[float]]) -> str:
    """Return medians and p99s in milliseconds."""
    return "; ".join(
        f"{name} p50 {statistics.median(values) * 1e3:.1f} ms, "
        f"p99 {sorted(values)[int(len(values) * 0.99)] * 1e3:.1f} ms"
        for name, values in found.items()
        if values
    )


async def measure(url: str, rate: float, seconds: float) -> None:
    """Measure in calm, then in the flood."""
    async with httpx.AsyncClient(
        base_url=url, headers={"origin": url}, trust_env=False, timeout=30.0
    ) as browser:
        for email in (MANY, EMAIL):
            answer = await browser.post("/signup", data={"email": email, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        calm = Meanwhile(url, browser)
        await calm.run(seconds / 3)
        print(f"in calm       {told(calm.found)}")
        meanwhile = Meanwhile(url, browser)
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(1) as processes:
            flooding = loop.run_in_executor(processes, flooded, url, rate, seconds)
            await meanwhile.run(seconds)
            statuses, right_s = await flooding
        print(f"in the flood  {told(meanwhile.found)}")
        half_s = statistics.median(right_s or [0.0])
        print(f"log-ins       {len(right_s) / seconds:.0f}/s right, p50 {half_s * 1e3:.0f} ms")
        print(f"answers       {statuses}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=200.0)
    given = parser.parse_args()
    print(f"argon2 alone  {bound_per_s():.0f}/s on one core; {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        process, url = start(Path(folder))
        try:
            asyncio.run(measure(url, given.rate, given.seconds))
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
