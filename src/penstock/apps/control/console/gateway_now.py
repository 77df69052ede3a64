"""The gateway as it stands: its admin port's telemetry, looked at when a page needs it.

    fresh       a look of less than FRESH_S ago serves whoever asks
    rates       between two looks, if the older one is at most RATES_S old
    silent      who does not answer within ANSWER_S is not waited for; since when is remembered

Threads may share it; one looks, the others get what it found.
"""

import contextlib
import http.client
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from penstock.config import private_file
from penstock.core.errors import PenstockError
from penstock.web.live import Figures, Reading, Telemetry, figures_of

FRESH_S: Final = 2.0
RATES_S: Final = 60.0
ANSWER_S: Final = 1.0
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
OK: Final = 200


class Ready(msgspec.Struct, frozen=True):
    """What a gateway says once it is ready."""

    admin_url: str = ""


class Gateway:
    """One machine's gateway."""

    def __init__(
        self, state_dir: Path, now_s: Callable[[], float], now_unix_s: Callable[[], float]
    ) -> None:
        self._run = state_dir / "run"
        self._now_s = now_s
        self._now_unix_s = now_unix_s
        self._lock = threading.Lock()
        self._before: Reading | None = None
        self._last: Reading | None = None
        self._silent_since_unix_s = 0.0

    def figures(self) -> tuple[Figures, float]:
        """Return what the gateway says, and since when it has said nothing; 0: it does speak."""
        with self._lock:
            last = self._last
            if last is None or self._now_s() - last.at_s >= FRESH_S:
                self._before, last = last, self._look()
                self._last = last
            if last.telemetry is not None:
                self._silent_since_unix_s = 0.0
            elif not self._silent_since_unix_s:
                self._silent_since_unix_s = last.at_unix_s
            before = self._before
            if before is not None and last.at_s - before.at_s > RATES_S:
                before = None
            return figures_of(before, last), self._silent_since_unix_s

    def _look(self) -> Reading:
        url = ""
        try:
            url = self._url()
            found = msgspec.json.decode(_get(url), type=Telemetry)
        except (PenstockError, OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            words = (error.strerror if isinstance(error, OSError) else "") or str(error)
            return self._reading(url, None, words.lower() or "no answer")
        return self._reading(url, found, "")

    def _reading(self, url: str, telemetry: Telemetry | None, error: str) -> Reading:
        return Reading(self._now_s(), self._now_unix_s(), url, telemetry, error)

    def _url(self) -> str:
        """Return where the gateway said that it listens; raises OSError or StoreError."""
        paths = [*self._run.glob("gateway.ready.json"), *self._run.glob("gateway-*.ready.json")]
        paths.sort(key=lambda path: path.stat().st_mtime_ns)
        if not paths:
            raise FileNotFoundError(2, "it has not run here yet")
        return msgspec.json.decode(private_file.read(paths[-1]), type=Ready).admin_url


def _get(url: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_S)
    with contextlib.closing(connection):
        connection.request("GET", "/telemetry")
        answer = connection.getresponse()
        if answer.status != OK:
            raise http.client.HTTPException(f"it answers {answer.status}")
        return answer.read(BODY_BYTES_MAX)
