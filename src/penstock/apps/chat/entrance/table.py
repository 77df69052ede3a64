"""All pages of the entrance, and what goes on behind them."""

from collections.abc import Awaitable, Callable
from typing import Final

import httpx
from starlette.routing import Route

from penstock.apps.chat.entrance.account import ChatAccount
from penstock.apps.chat.entrance.door import ChatDoor
from penstock.apps.chat.entrance.guests import Guests
from penstock.apps.chat.entrance.health import Health
from penstock.apps.chat.entrance.signup import SignUpPage
from penstock.apps.chat.entrance.troubles import Troubles
from penstock.apps.chat.erasing import Eraser
from penstock.apps.chat.identity import Role
from penstock.identity import links
from penstock.identity.entrance.arriving import Arriving, Kind
from penstock.identity.entrance.login import LogIn
from penstock.identity.oidc import Provider
from penstock.web.keeping_up import pause

ROUND_S: Final = 10.0  # between rounds of the eraser
TOLD_S: Final = 3.0
ERASE_S: Final = 60.0  # for one: two hundred guests
KINDS: Final = {
    "join": Kind(
        links.INVITATION, "Join", "You were invited.", "Make the account", Role.PERSON.value, "/"
    ),
    "reset": Kind(
        links.RESET, "Set a new password", "Other browsers will be logged out.", "Set the password"
    ),
    "enter": Kind(links.ENTRY, "Come in", "This link works once.", "Come in", to="/account"),
}


class Entrance:
    """Everything of the entrance, put together. Owned by one event loop."""

    def __init__(self, door: ChatDoor, http: httpx.AsyncClient) -> None:
        client = door.ground.client
        provider = Provider(client, http, door.now_unix_s) if client else None
        self._door = door
        self._eraser = Eraser(door.parts)
        door.parts.erase = self._eraser.erase
        self._health = Health(door, provider, http)
        self._troubles = door.troubles = Troubles(door, provider)
        self._provider = provider

    def routes(self) -> list[Route]:
        """Return the pages as routes."""
        return [
            *self._health.routes(),
            *LogIn(self._door, self._provider).routes(),
            *SignUpPage(self._door).routes(),
            *Guests(self._door).routes(),
            *Arriving(self._door, KINDS).routes(),
            *ChatAccount(self._door).routes(),
        ]

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return what goes on for ever, by name."""
        return {
            "erasing": self._erasing,
            "provider": self._health.watch,
            "ways": self._telling,
        }

    async def _telling(self) -> None:
        """Tell whoever is in which ways in fail, for those who have to log in elsewhere."""
        while True:
            if self._door.parts.room is not None:
                self._door.parts.room.on_logins(self._troubles.ways)
            await pause(TOLD_S)

    async def _erasing(self) -> None:
        await self._door.blocking(self._eraser.begin, ERASE_S)
        while True:
            await self._door.blocking(self._eraser.round, ERASE_S)
            await pause(ROUND_S)
