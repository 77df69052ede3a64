"""A console over a database of its own, without sockets: for tests of pages."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.migrated import begun, ledger

from penstock.apps.control.call import Call
from penstock.apps.control.console.serving import Console
from penstock.apps.control.console.table import PAGES
from penstock.apps.control.console.view import Page
from penstock.apps.control.parts import Parts
from penstock.apps.control.publishing import Publisher
from penstock.web.endpoint import Actor, Role
from penstock.web.http import Caller

NOW = 1_800_000_000.0


def parts_in(folder: Path) -> Parts:
    """Return parts with an empty database in a folder."""
    store = begun(ledger, folder)
    return Parts(store, Publisher(folder, store), folder, lambda: NOW)


def app_of(parts: Parts, role: Role = Role.OWNER, pages: tuple[Page, ...] = PAGES) -> Starlette:
    """Return an application whose every request comes from an actor with this role."""

    async def who(request: Request) -> Actor:
        del request
        return Actor("olga" if role else "", role)

    return Starlette(routes=list(Console(parts, Caller(parts, who, Call), who).routes(pages)))


def client_of(parts: Parts, role: Role = Role.OWNER, pages: tuple[Page, ...] = PAGES) -> TestClient:
    """Return a client of such an application."""
    app = app_of(parts, role, pages)
    return TestClient(app, base_url="http://127.0.0.1:8402", follow_redirects=False)
