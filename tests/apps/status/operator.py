"""The operator API of a status process over a page with a few components; each role's token."""

import asyncio
import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from tests.apps.status.ground import Page

from penstock.apps.status.api.table import ENDPOINTS
from penstock.apps.status.call import Call
from penstock.apps.status.who import AUDIENCE, ISSUER, PUBLIC_KEYS, Who
from penstock.config import private_file
from penstock.identity import signing
from penstock.identity.signing import Claim, Ring
from penstock.web.http import PREFIX, Caller
from penstock.web.process import break_glass

ROLES = ("viewer", "operator", "owner")


def ring_of(folder: Path, now_unix_s: float) -> Ring:
    """Return keys that sign, whose public parts lie where control puts them."""
    ring = signing.turned(Ring(), now_unix_s)
    private_file.write(folder / PUBLIC_KEYS, ring.public())
    return ring


def token(ring: Ring, role: str, now_unix_s: float, subject: str = "account-1") -> str:
    """Return an operator's token, as control signs it."""
    return signing.issue(ring, Claim(ISSUER, AUDIENCE, subject, role), now_unix_s)


class Operator:
    """One who asks the API; answers are status and JSON."""

    def __init__(self, page: Page, runner: asyncio.Runner, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.touched = 0
        page.parts.touch = self._touch
        self.ring = ring_of(folder, page.now_s)
        self.tokens = {role: token(self.ring, role, page.now_s) for role in ROLES}
        self.owner = break_glass(folder)
        who = Who(folder, self.owner, page.parts.now_unix_s)
        self.caller = Caller(page.parts, who, Call)
        self.app = Starlette(routes=self.caller.routes(ENDPOINTS))
        self._runner = runner
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=f"http://status{PREFIX}"
        )

    def _touch(self) -> None:
        self.touched += 1

    def raw(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        """Return a whole answer; without a token it is asked by the state directory's."""
        headers = {"authorization": f"Bearer {token or self.owner}"}
        return self._runner.run(self.client.request(method, path, headers=headers, **more))

    def ask(
        self, method: str, path: str, body: object = None, token: str = "", **query: Any
    ) -> tuple[int, Any]:
        """Return status and JSON; None without a body."""
        content = None if body is None else json.dumps(body)
        answer = self.raw(method, path, token, content=content, params=query or None)
        return answer.status_code, answer.json() if answer.content else None

    def done(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """Return the JSON of what has to go well."""
        status, told = self.ask(method, path, body, **query)
        assert status < 300, told
        return told


@contextlib.contextmanager
def operator(folder: Path) -> Generator[Operator]:
    """Give the API of a fresh page."""
    (folder / "run").mkdir(exist_ok=True)
    page = Page(folder)
    with asyncio.Runner() as runner:
        one = Operator(page, runner, folder)
        yield one
        runner.run(one.client.aclose())
        one.caller.close()
    page.store.close()
