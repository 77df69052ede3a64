"""Coming in by a browser: whose form, which cookie, how often; and what the cookie is good for."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from tests.apps.status.ground import Page
from tests.apps.status.operator import Ring, ring_of, token

from penstock.apps.status.call import Call
from penstock.apps.status.manage.entering import PATHS, TRIES, Entering
from penstock.apps.status.manage.serving import Managing
from penstock.apps.status.manage.table import PAGES
from penstock.apps.status.who import Who
from penstock.config import private_file
from penstock.web.doorway import Doorway
from penstock.web.endpoint import Role
from penstock.web.http import Caller
from penstock.web.process import break_glass
from penstock.web.site import Site

OWN = "http://status.localhost:8403"
TLS = "https://status.example.org"
CONSOLE = "http://console.localhost:8402"
GOOD = 303
FORBIDDEN = 403
COOKIE = "penstock_status="


class Door:
    """The pages of operators behind their doorway, and a browser's requests."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        (folder / "run").mkdir()
        self.page = Page(folder)
        config = self.page.parts.config
        control = msgspec.structs.replace(config.control, hosts=("console.example.org",))
        self.page.parts.config = msgspec.structs.replace(config, control=control)
        self.ring: Ring = ring_of(folder, self.page.now_s)
        self.glass = break_glass(folder)
        ready = {"url": "http://127.0.0.1:8402", "pid": 1}
        private_file.write_json(folder / "run" / "control.ready.json", ready)
        who = Who(folder, self.glass, self.page.parts.now_unix_s)
        self.caller = Caller(self.page.parts, who, Call)
        managing = Managing(self.page.parts, self.caller, who)
        app = Starlette(routes=[*Entering(self.page.parts, who).routes(), *managing.routes(PAGES)])
        names = Site("status.localhost", ("status.example.org",), 8403)
        self.app = Doorway(app, names, lambda path: path.startswith(PATHS))
        self._runner = runner

    def ask(self, method: str, path: str, base: str = OWN, **more: Any) -> httpx.Response:
        """Return an answer to a browser that knows nothing but what is given."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **more)

        return self._runner.run(asked())

    def enter(self, raw: str, origin: str | None = OWN, base: str = OWN) -> httpx.Response:
        """Send the form with a token."""
        headers = {} if origin is None else {"origin": origin}
        return self.ask("POST", "/manage/enter", base, data={"token": raw}, headers=headers)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with asyncio.Runner() as runner:
        one = Door(tmp_path, runner)
        yield one
        one.caller.close()
    one.page.store.close()


def signed(door: Door, role: str = "operator") -> str:
    return token(door.ring, role, door.page.now_s)


def test_a_token_becomes_a_cookie_that_ends_with_it_and_opens_the_pages(door: Door) -> None:
    answer = door.enter(signed(door))
    assert (answer.status_code, answer.headers["location"]) == (GOOD, "/manage")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(COOKIE)
    for word in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert word in cookie
    assert "Secure" not in cookie
    cookies = {"cookie": cookie.partition(";")[0]}
    assert door.ask("GET", "/manage", headers=cookies).status_code == 200
    door.page.now_s += 13 * 3600
    assert door.ask("GET", "/manage", headers=cookies).headers["location"] == "/manage/enter"


def test_over_tls_no_other_host_can_set_the_cookie(door: Door) -> None:
    cookie = door.enter(signed(door), TLS, TLS).headers["set-cookie"]
    assert cookie.startswith(f"__Host-{COOKIE}")
    assert "Secure" in cookie


def test_the_break_glass_token_is_in_no_cookie_and_its_ticket_ends(door: Door) -> None:
    cookie = door.enter(door.glass).headers["set-cookie"]
    assert door.glass not in cookie
    cookies = {"cookie": cookie.partition(";")[0]}
    assert "break-glass" in door.ask("GET", "/manage", headers=cookies).text
    tampered = cookies["cookie"].replace("ticket.1", "ticket.2")
    assert door.ask("GET", "/manage", headers={"cookie": tampered}).status_code == GOOD
    door.page.now_s += 12 * 3600 + 1
    assert door.ask("GET", "/manage", headers=cookies).status_code == GOOD


@pytest.mark.parametrize(
    "origin", [CONSOLE, "http://127.0.0.1:8402", "https://console.example.org"]
)
def test_the_console_hands_a_token_over(origin: str, door: Door) -> None:
    answer = door.enter(signed(door), origin)
    assert answer.status_code == 200
    assert answer.headers["refresh"] == "0;url=/manage"
    assert "account-1" in answer.text
    assert answer.headers["set-cookie"].startswith(COOKIE)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://console.localhost:9999",
        "https://console.localhost:8402",
        "http://console.example.org",
    ],
)
def test_no_other_page_hands_a_token_over(origin: str | None, door: Door) -> None:
    answer = door.enter(signed(door), origin)
    assert answer.status_code == FORBIDDEN
    assert "set-cookie" not in answer.headers


def test_a_page_of_another_site_changes_nothing_with_the_cookie(door: Door) -> None:
    cookie = door.enter(signed(door)).headers["set-cookie"].partition(";")[0]
    for origin in (CONSOLE, "https://evil.example"):
        headers = {"cookie": cookie, "origin": origin}
        answer = door.ask("POST", "/manage/incidents/new", headers=headers, data={"name": "x"})
        assert answer.status_code == FORBIDDEN
    assert not door.page.rows("incidents")


def test_who_tries_tokens_has_to_wait(door: Door) -> None:
    statuses = [door.enter(f"guess-{at}").status_code for at in range(TRIES + 2)]
    assert statuses == [401] * TRIES + [429] * 2
    door.page.now_s += 61
    assert door.enter(signed(door)).status_code == GOOD


@pytest.mark.parametrize("page", PAGES, ids=lambda one: f"{one.method} {one.path}")
def test_each_page_lets_in_its_role_and_no_other(page: Any, door: Door) -> None:
    path = page.path.replace("{id}", "nothing")
    stranger = door.ask(page.method, path, headers={"origin": OWN})
    assert (stranger.status_code, stranger.headers.get("location")) == (GOOD, "/manage/enter")
    for role in (Role.VIEWER, Role.OPERATOR, Role.OWNER):
        raw = signed(door, role.name.lower())
        headers = {"cookie": f"{COOKIE}{raw}", "origin": OWN}
        answer = door.ask(page.method, path, headers=headers)
        assert (answer.status_code == FORBIDDEN) is (role < page.role), answer.text
        assert answer.status_code < 500, answer.text
    assert (page.method == "GET") or page.role >= Role.OPERATOR
