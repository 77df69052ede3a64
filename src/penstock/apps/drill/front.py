"""All that stands in front of a drill's whole installation, and looks at it.

    async with Front(drill, timetable, draw) as front:      doors and the provider's page listen
        config = front.led(config, state_dir)               before ``up`` is started with it
        await front.lead(urls, token)                       once it is ready: where the doors lead
        front.begin(zero_s)                                 the outage counts from this instant
        await front.watch(stop)                             while it is played
        front.seen(timetable)                               when it is over

Until ``begin`` nothing fails. ``chat_url`` and ``console_url`` are where people go: the doors.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from penstock.apps.drill import reach
from penstock.apps.drill.door import Door
from penstock.apps.drill.people import People
from penstock.apps.drill.provider_page import ProviderPage
from penstock.apps.drill.reach import Reach
from penstock.apps.drill.seeing import Seeing
from penstock.config.model import Config
from penstock.sim.drills import front_door, truth
from penstock.sim.drills.drill_file import Drill
from penstock.sim.drills.played_time import played_s
from penstock.sim.drills.shapes import Call, Seen, Timetable
from penstock.sim.drills.truth import Apart
from penstock.sim.watching.chance import Dice
from penstock.web.keeping_up import kept_up
from penstock.wire import clock

BEFORE_S: Final = -1.0  # played seconds, until it has begun
OIDC: Final = "/oidc"  # where the emulator has its identity provider
PROVIDERS: Final = frozenset({"anthropic", "openai", "google"})


class Front:
    """Doors, page, people and eyes of one arm. Owned by one event loop."""

    def __init__(self, drill: Drill, timetable: Timetable, draw: Callable[[str], Dice]) -> None:
        strikes, windows = timetable.strikes, timetable.windows
        told = drill.user_reports.posts_unix_s if drill.user_reports else ()
        played = [played_s(windows, one) for one in told]
        posts_s = [one for one in played if one is not None]
        self._posts_unix_s = told
        self._provider = drill.provider if drill.provider in PROVIDERS else ""
        self._dice = draw("bystanders")
        self._zero_s: float | None = None
        self._chat = Door(front_door.CHAT, strikes, self._now_s, draw("chat door").random)
        self._console = Door(front_door.CONSOLE, strikes, self._now_s, draw("console door").random)
        self._login = Door(front_door.LOGIN, strikes, self._now_s, draw("log-in door").random)
        self._page = ProviderPage(strikes, posts_s, self._now_s)
        self._open = contextlib.AsyncExitStack()
        self._people: People | None = None
        self._seeing: Seeing | None = None

    async def __aenter__(self) -> Self:
        """Listen everywhere."""
        for one in (self._chat, self._console, self._login, self._page):
            await self._open.enter_async_context(one)
        await self._login.listen()  # the chat asks who its provider is as soon as it starts
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close everything."""
        del error
        await self._open.aclose()

    @property
    def chat_url(self) -> str:
        """Where people find the chat."""
        return self._chat.url

    @property
    def console_url(self) -> str:
        """Where people find the console."""
        return self._console.url

    def led(self, config: Config, state_dir: Path) -> Config:
        """Return a configuration with all that comes led through the doors.

        Its upstreams are emulated by now: the first one's emulator vouches for people, too.
        """
        issuer = origin_of(config.upstreams[0].base_url) if config.upstreams else ""
        self._login.point(issuer)
        where = Reach(
            chat_url=self._chat.url,
            console_url=self._console.url,
            issuer=f"{self._login.url}{OIDC}" if issuer else "",
            page_url=self._page.url,
            page_provider=self._provider,
        )
        return reach.led(config, where, state_dir)

    async def lead(self, urls: Mapping[str, str], token: str) -> None:
        """Say where everything is now; ``token`` is an operator's, for the watch's verdicts."""
        await self._chat.lead(urls.get("chat", ""))
        await self._console.lead(urls.get("control", ""))
        status = urls.get("status", "")
        if status:
            self._seeing = Seeing(status, token, self._now_s)
            doors = {"web": self._chat.url, "login": self._chat.url, "console": self._console.url}
            self._people = People(doors, status, self._dice, self._now_s)

    def begin(self, zero_s: float) -> None:
        """Let the outage begin: its seconds count from this instant of the clock."""
        self._zero_s = zero_s

    async def watch(self, stop: asyncio.Event) -> None:
        """Look at the page, and let people come, until told to stop."""
        if self._seeing is None or self._people is None:
            return
        async with asyncio.TaskGroup() as group:
            loops = {"seeing": self._seeing.run, "people": self._people.run}
            busy = [group.create_task(kept_up(name, one)) for name, one in loops.items()]
            await stop.wait()
            for one in busy:
                one.cancel()

    def on_call(self, call: Call) -> None:
        """Hear of a call of this arm that is over: who was let down may report it."""
        if self._people is not None:
            self._people.on_call(call)

    def seen(self, timetable: Timetable, apart: Apart = truth.NOBODY) -> tuple[Seen, ...]:
        """Return what was seen of each component, beside the truth of what was played."""
        if self._seeing is None or self._people is None:
            return ()
        return self._seeing.seen(timetable, self._people.reports, self._posts_unix_s, apart)

    @property
    def words(self) -> tuple[str, ...]:
        """What the doors did, and who came, in words."""
        people = self._people
        doors = (self._chat, self._console, self._login)
        struck = sum(sum(one.struck.values()) for one in doors)
        passed = sum(one.passed for one in doors)
        told = [f"{struck} of {struck + passed} requests at our own doors were struck"]
        if people is not None:
            count = sum(len(one) for one in people.reports.values())
            told.append(f"{people.visits} people looked in, {count} reported")
        if self._seeing is not None and self._seeing.missed:
            told.append(f"{self._seeing.missed} of {self._seeing.looks} looks had no answer")
        return tuple(told)

    def _now_s(self) -> float:
        return BEFORE_S if self._zero_s is None else clock.now_s() - self._zero_s


def origin_of(url: str) -> str:
    """Return a URL without its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
