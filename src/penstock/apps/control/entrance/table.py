"""All pages of the entrance."""

from typing import Final

import httpx
from starlette.routing import Route

from penstock.apps.control.entrance.door import ControlDoor
from penstock.apps.control.identity import OWNER
from penstock.identity import links
from penstock.identity.entrance.account import OwnAccount
from penstock.identity.entrance.arriving import Arriving, Kind
from penstock.identity.entrance.login import LogIn
from penstock.identity.oidc import Provider

KINDS: Final = {
    "first": Kind(
        links.FIRST,
        "Become the first owner",
        "This link works once. Whoever uses it owns this console.",
        "Become the owner",
        OWNER,
    ),
    "join": Kind(links.INVITATION, "Join the console", "You were invited.", "Join"),
    "reset": Kind(
        links.RESET, "Set a new password", "Other browsers will be logged out.", "Set the password"
    ),
}


def routes(door: ControlDoor, http: httpx.AsyncClient) -> list[Route]:
    """Return the pages as routes; ``http`` is what OpenID providers are asked with."""
    client = door.ground.client
    provider = Provider(client, http, door.now_unix_s) if client else None
    return [
        *LogIn(door, provider).routes(),
        *Arriving(door, KINDS).routes(),
        *OwnAccount(door).routes(),
    ]
