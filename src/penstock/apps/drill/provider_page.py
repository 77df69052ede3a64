"""The status page of the drill's provider, emulated: it speaks when the real one did.

GET /api/v2/summary.json   in the words of Statuspage: one open incident while the page says
                           that something fails (``sim/drills/provider_words.py``), else none
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final, Self

import msgspec

from penstock.apps.drill.door import HOST
from penstock.config.model import ServerLimits
from penstock.sim.drills import provider_words
from penstock.sim.drills.shapes import Strike
from penstock.wire import clock
from penstock.wire.call import Call
from penstock.wire.server import Server

PATH: Final = b"/api/v2/summary.json"
LIMITS: Final = ServerLimits(connections_max=64)  # one reader asks, four times a minute
JSON: Final = b"content-type: application/json\r\n"
NAME: Final = "Elevated errors"


class ProviderPage:
    """One page. Owned by one event loop."""

    def __init__(
        self, strikes: Sequence[Strike], posts_s: Sequence[float], now_s: Callable[[], float]
    ) -> None:
        self._strikes = strikes
        self._posts_s = posts_s
        self._now_s = now_s
        self._server: Server | None = None
        self._said_unix_s = 0.0  # since when the open incident is there; 0: there is none
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = Server(asyncio.get_running_loop(), self, LIMITS)
        self.url = f"http://{HOST}:{await self._server.listen(HOST, 0)}"
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close."""
        del error
        if self._server is not None:
            self._server.close()

    def on_call(self, call: Call) -> None:
        """Answer with the page as it is now."""
        if call.target != PATH:
            call.send(404, JSON, b"{}")
            return
        named = provider_words.named(self._strikes, self._posts_s, self._now_s())
        call.send(200, JSON, msgspec.json.encode(self._document(named)))

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Word what the wire itself refuses."""
        del call, status
        return b"text/plain", reason.encode()

    def _document(self, named: Sequence[str]) -> dict[str, object]:
        if not named:
            self._said_unix_s = 0.0
        elif not self._said_unix_s:
            self._said_unix_s = clock.now_unix_s()
        incident = {
            "id": "drill",
            "name": f"{NAME}: {', '.join(named)}",
            "status": "investigating",
            "impact": "major",
            "created_at": _at(self._said_unix_s),
            "components": [{"id": one, "name": one} for one in named],
        }
        return {
            "page": {"id": "drill", "name": "A drill", "updated_at": _at(clock.now_unix_s())},
            "status": {
                "indicator": "major" if named else "none",
                "description": NAME if named else "All Systems Operational",
            },
            "incidents": [incident] if named else [],
        }


def _at(unix_s: float) -> str:
    return dt.datetime.fromtimestamp(unix_s, dt.UTC).isoformat(timespec="seconds")
