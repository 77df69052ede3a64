"""What the status page says while a drill is played, and since when.

Two looks a second: the page's own document (what everybody sees), and the operator API's verdicts
(what the watch says). What has changed is kept, with the instant in played seconds. A look that
gets no answer changes nothing and is counted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import httpx
import msgspec

from penstock.sim.drills import truth
from penstock.sim.drills.shapes import Seen, Timetable
from penstock.sim.drills.truth import Apart, Line, Sighting, Told
from penstock.web.keeping_up import pause

EVERY_S: Final = 0.5
WITHIN_S: Final = 5.0
DOCUMENT: Final = "/api/status.json"
VERDICTS: Final = "/api/v1/verdicts"
SIGHTINGS_MAX: Final = 20_000  # a component changes a few times a minute at worst


class _Component(msgspec.Struct):
    id: str
    name: str
    state: str
    layer: str | None = None
    surface: str | None = None
    provider: str | None = None


class _Document(msgspec.Struct):
    components: list[_Component] = []


class _Verdict(msgspec.Struct):
    component: str
    verdict: str = ""
    culprit: str = ""
    culprit_name: str = ""


class Seeing:
    """Looks at one status page. Owned by one event loop."""

    def __init__(self, url: str, token: str, now_s: Callable[[], float]) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._now_s = now_s
        self._last: dict[str, Sighting] = {}
        self.lines: dict[str, Line] = {}
        self.sightings: list[Sighting] = []
        self.looks = 0
        self.missed = 0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http:
            while True:
                await self.look(http)
                await pause(EVERY_S)

    async def look(self, http: httpx.AsyncClient) -> None:
        """Look once."""
        self.looks += 1
        try:
            page = await http.get(f"{self._url}{DOCUMENT}")
            said = await http.get(
                f"{self._url}{VERDICTS}", headers={"authorization": f"Bearer {self._token}"}
            )
            shown = msgspec.json.decode(page.content, type=_Document).components
            verdicts = msgspec.json.decode(said.content, type=list[_Verdict])
        except (httpx.HTTPError, msgspec.MsgspecError):
            self.missed += 1
            return
        self._take(shown, {one.component: one for one in verdicts}, self._now_s())

    def seen(
        self,
        timetable: Timetable,
        reports: Mapping[str, Sequence[float]],
        posts_unix_s: Sequence[float] = (),
        apart: Apart = truth.NOBODY,
    ) -> tuple[Seen, ...]:
        """Return what was seen of each component, beside the truth.

        ``reports``: when people reported, by surface; ``posts_unix_s``: when the provider spoke.
        """
        told = Told(self.sightings, reports, posts_unix_s, apart)
        return truth.seen(tuple(self.lines.values()), timetable, told)

    def _take(
        self, shown: Sequence[_Component], verdicts: Mapping[str, _Verdict], at_s: float
    ) -> None:
        for one in shown:
            if not one.layer:
                continue  # a group
            if one.id not in self.lines:
                self.lines[one.id] = Line(
                    id=one.id,
                    name=one.name,
                    layer=one.layer,
                    surface=one.surface or "",
                    provider=one.provider or "",
                )
            said = verdicts.get(one.id) or _Verdict(one.id)
            now = Sighting(
                at_s=at_s,
                component=one.id,
                state=one.state,
                verdict=said.verdict,
                culprit=said.culprit,
                culprit_name=said.culprit_name,
            )
            before = self._last.get(one.id)
            same = before is not None and msgspec.structs.replace(now, at_s=before.at_s) == before
            if not same and len(self.sightings) < SIGHTINGS_MAX:
                self._last[one.id] = now
                self.sightings.append(now)
