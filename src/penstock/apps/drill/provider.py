"""The emulated providers of one arm, as a process, and their control port."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from penstock.apps.drill.process import DrillError, Process

ANSWER_S: Final = 30.0  # the control port shares the loop with the streams
ATTEMPTS_LAST: Final = 10_000  # as many as it keeps


class Providers:
    """One emulator. ``url`` and ``urls`` are there once it has started."""

    def __init__(
        self,
        name: str,
        folder: Path,
        program: Sequence[str],
        seed: int,
        outer: Mapping[str, str],
        group: int = 0,
    ) -> None:
        command = [*program, "emulate", "--port", "0", "--seed", str(seed), "--shared-text"]
        self.process = Process(name, command, folder, outer, group)
        self.url = ""
        self.urls: dict[str, str] = {}
        self._token = ""

    async def start(self) -> None:
        """Start it; raises DrillError."""
        ready = await self.process.start()
        self.url, self.urls = ready["url"], ready["urls"]
        self._token = ready["control_token"]

    async def put(self, what: str, document: object) -> None:
        """Set faults, pace or limits; raises DrillError."""
        await self._call("PUT", what, document)

    async def attempts(self) -> list[dict[str, Any]]:
        """Return the last attempts that it keeps, oldest first."""
        return list((await self._call("GET", f"attempts?last={ATTEMPTS_LAST}"))["attempts"])

    async def stats(self) -> dict[str, Any]:
        """Return what it has counted."""
        return await self._call("GET", "stats")

    async def _call(self, method: str, what: str, document: object = None) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._token}"}
        try:
            async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as client:
                url = f"{self.url}/control/{what}"
                answer = await client.request(method, url, json=document, headers=headers)
        except httpx.HTTPError as error:
            raise DrillError(f"the emulated providers do not answer: {error}") from error
        if not answer.is_success:
            raise DrillError(f"the emulated providers refused {what}: {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found
