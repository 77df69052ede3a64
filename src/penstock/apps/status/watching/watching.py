"""All that watches, put together: three gatherers of evidence and the loop that judges."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from penstock.apps.status.parts import Parts
from penstock.apps.status.watching.judging import Judging
from penstock.apps.status.watching.pages.fetching import Fetcher
from penstock.apps.status.watching.pages.polling import Pages
from penstock.apps.status.watching.probing import result
from penstock.apps.status.watching.probing.result import Means
from penstock.apps.status.watching.probing.running import Prober
from penstock.apps.status.watching.telemetry import Poller
from penstock.web.keeping_up import pause
from penstock.wire import clock


class Watching:
    """What the process runs beside its port. Owned by one event loop."""

    def __init__(
        self, parts: Parts, blocking: Callable[[Callable[[], Any]], Awaitable[Any]]
    ) -> None:
        self.judging = Judging(parts, blocking, pause)
        chance = random.Random().random
        means = Means(now_s=clock.now_s, chance=chance, tls=result.context())
        self._pages = Pages(parts, self.judging.on_post, Fetcher(means.tls), blocking, chance)
        self._poller = Poller(parts, self.judging, pause)
        self._prober = Prober(parts, self.judging, means, self.judging.budget, pause)

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return what goes on for ever, by name."""
        return {
            "telemetry": self._poller.run,
            "probing": self._prober.run,
            "pages": lambda: self._pages.run(pause),
            "judging": self.judging.run,
        }
