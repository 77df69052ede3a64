"""Subscriptions as the process sees them: their routes, and the loop that tells."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.routing import Route

from penstock.apps.status.parts import Parts
from penstock.apps.status.subscriptions import pages, sending, subscribers_api
from penstock.apps.status.subscriptions.delivering import Delivering
from penstock.apps.status.subscriptions.joining import Joining
from penstock.apps.status.subscriptions.pages import Pages
from penstock.apps.status.subscriptions.sending import Ways
from penstock.apps.status.subscriptions.subscribers_api import SubscribersApi

# They may be sent to from anywhere.
PATHS: Final = (pages.SUBSCRIBE, f"{sending.PATH}/", subscribers_api.HERE)


class Subscriptions:
    """All of it. Owned by one event loop."""

    def __init__(
        self,
        parts: Parts,
        blocking: Callable[[Callable[[], Any]], Awaitable[Any]],
        chance: Callable[[], float],
        ways: Ways | None = None,
    ) -> None:
        used = ways or sending.ways()
        joining = Joining(parts, blocking, used)
        self._pages = Pages(parts, joining, blocking)
        self._api = SubscribersApi(parts, joining)
        self.delivering = Delivering(parts, blocking, chance, used)

    def routes(self) -> list[Route]:
        """Return what anybody may call."""
        return [*self._pages.routes(), *self._api.routes()]

    async def run(self) -> None:
        """Tell subscribers, for ever."""
        await self.delivering.run()
