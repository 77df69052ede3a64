"""All pages of the entrance."""

import httpx
from starlette.routing import Route

from penstock.apps.control.entrance.account import OwnAccount
from penstock.apps.control.entrance.arriving import Arriving
from penstock.apps.control.entrance.door import Door
from penstock.apps.control.entrance.login import LogIn


def routes(door: Door, http: httpx.AsyncClient) -> list[Route]:
    """Return the pages as routes; ``http`` is what OpenID providers are asked with."""
    return [
        *LogIn(door, http).routes(),
        *Arriving(door).routes(),
        *OwnAccount(door).routes(),
    ]
