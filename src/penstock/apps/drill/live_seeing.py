"""What the status page said of a live drill: as somebody saw it, or as its own history has it.

    looking    twice a second while the drill is followed, as ``seeing.py`` does: page and watch
    history    nobody was there: what the watch said then, as the status process has kept it; the
               page is taken to have shown it
    reports    of people, with their times, in both cases
    away       an installation without a status page, or one that does not answer: nothing is known

Seconds are of the report; a clock that is set while we look moves none of them. For one thread.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Self

import httpx
import msgspec

from penstock.apps.drill.seeing import VERDICTS, WITHIN_S, Seeing
from penstock.sim.drills.truth import Line, Sighting

HISTORY: Final = f"{VERDICTS}/history"
REPORTS: Final = "/api/v1/user-reports"
PAGE: Final = 500
PAGES_MAX: Final = 40  # twenty thousand changes: a quarter of an hour has some hundred at worst


class Looked(NamedTuple):
    """What is known of the status page."""

    lines: Sequence[Line]
    sightings: Sequence[Sighting]
    reports: Mapping[str, Sequence[float]]  # component -> when people reported it
    zero_unix_s: float  # from which their seconds count
    words: str  # how it is known


class _Row(msgspec.Struct):
    component: str
    at_unix_s: float
    verdict: str = ""
    state: str = ""
    culprit: str = ""
    culprit_name: str = ""


class _Page(msgspec.Struct):
    items: list[_Row] = []
    next: int = 0


class LiveSeeing:
    """Looks at one status page, from one thread."""

    def __init__(self, url: str, token: str, now_s: Callable[[], float]) -> None:
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"}
        self._seeing = Seeing(url, token, now_s)
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(trust_env=False, timeout=WITHIN_S)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the connection."""
        self._runner.run(self._http.aclose())
        self._runner.close()

    def look(self) -> None:
        """Look once."""
        self._runner.run(self._seeing.look(self._http))

    def looked(self, zero_unix_s: float) -> Looked | None:
        """Return what was seen so far; None if nothing was."""
        one = self._seeing
        if not one.lines:
            return None
        missed = f", {one.missed} of them in vain" if one.missed else ""
        words = f"the status page was looked at {one.looks:,} times{missed}"
        reports = self._reports(zero_unix_s)
        said = tuple(one.sightings)
        return Looked(tuple(one.lines.values()), said, reports, zero_unix_s, words)

    def history(self, zero_unix_s: float, to_unix_s: float) -> Looked | None:
        """Return what the watch said between two instants; None if it cannot be had."""
        self.look()
        rows = list(self._rows(HISTORY, zero_unix_s))
        if not self._seeing.lines:
            return None
        said = [_sighting(one, zero_unix_s) for one in rows if one.at_unix_s < to_unix_s]
        words = (
            "nobody looked at the status page meanwhile: what the watch said is from its own "
            "history, and the page is taken to have shown it"
        )
        lines, reports = tuple(self._seeing.lines.values()), self._reports(zero_unix_s)
        return Looked(lines, said[::-1], reports, zero_unix_s, words)

    def _reports(self, zero_unix_s: float) -> Mapping[str, Sequence[float]]:
        found: defaultdict[str, list[float]] = defaultdict(list)
        for one in self._rows(REPORTS, zero_unix_s):
            if one.at_unix_s >= zero_unix_s:
                found[one.component].append(one.at_unix_s - zero_unix_s)
        return found

    def _rows(self, path: str, zero_unix_s: float) -> Sequence[_Row]:
        """Return rows, the newest first, back to the last page that has some of the time."""
        found: list[_Row] = []
        before = 0
        for _ in range(PAGES_MAX):
            page = self._runner.run(self._page(path, before))
            found += page.items
            before = page.next
            if not before or found[-1].at_unix_s < zero_unix_s:
                break
        return found

    async def _page(self, path: str, before: int) -> _Page:
        params = {"before": before, "limit": PAGE}
        try:
            answer = await self._http.get(
                f"{self._url}{path}", params=params, headers=self._headers
            )
            return msgspec.json.decode(answer.content, type=_Page)
        except (httpx.HTTPError, msgspec.MsgspecError):
            return _Page()


def _sighting(row: _Row, zero_unix_s: float) -> Sighting:
    return Sighting(
        at_s=max(0.0, row.at_unix_s - zero_unix_s),  # what was said before stood when it began
        component=row.component,
        state=row.state,
        verdict=row.verdict,
        culprit=row.culprit,
        culprit_name=row.culprit_name,
    )
