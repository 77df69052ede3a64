"""Control against callers who mean harm: whatever is sent, the answer is a refusal, not a fault."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.apps.control.operator import Operator, operator
from tests.postgres import Postgres

from penstock.apps.control.api.table import ENDPOINTS
from penstock.apps.control.console.fields import Fields
from penstock.apps.control.console.table import PAGES
from penstock.web.doorway import Doorway
from penstock.web.endpoint import Role
from penstock.web.site import Site

HERE = "http://127.0.0.1:8402"
FORM = {"content-type": "application/x-www-form-urlencoded"}
DEEP = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"
WORDS = ("a%00b", "9" * 38, f"{'9' * 19}-{'9' * 19}", "1" * 5000, "nan", "0001-01-01", "%ed%a0%80")
NAMES = ("before", "since", "until", "status", "tenant", "actor", "month", "id", "version", "from")


class Stranger:
    """Sends anything through the doorway; ``is_known``: with an owner's token."""

    def __init__(self, api: Operator) -> None:
        self._api = api
        self._runner = asyncio.Runner()
        app = Doorway(api.control.app, Site("console.localhost", (), 8402))
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE)

    def send(self, method: str, path: str, *, is_known: bool = True, **more: Any) -> httpx.Response:
        headers = {"origin": HERE, **more.pop("headers", {})}
        if is_known:
            headers["authorization"] = self._api.client.headers["authorization"]
        asked = self._client.request(method, path, headers=headers, **more)
        return self._runner.run(asked)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def stranger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stranger]:
    """Give somebody who sends anything, with either database."""
    url = ""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database()
    with operator(tmp_path, url) as api:
        one = Stranger(api)
        yield one
        one.close()


def filled(path: str, word: str) -> str:
    """Return a path with a word in all its braces."""
    head, brace, rest = path.partition("{")
    return filled(f"{head}{word}{rest.partition('}')[2]}", word) if brace else path


@pytest.mark.slow
def test_no_address_is_a_fault(stranger: Stranger) -> None:
    paths = [f"/api/v1{one.path}" for one in ENDPOINTS if one.method == "GET"]
    paths += [one.path for one in PAGES if one.method == "GET"]
    for path in paths:
        asked = [f"{filled(path, 'x')}?{name}={word}" for name in NAMES for word in WORDS[:4]]
        asked += [filled(path, word) for word in WORDS] if "{" in path else []
        for one in asked:
            assert stranger.send("GET", one).status_code < 500, one[:100]


@pytest.mark.parametrize(
    "path",
    ["/audit?actor=a%00b", "/exchanges/a%00b", "/api/v1/keys/a%00b", "/api/v1/keys?tenant=%00"],
)
def test_a_zero_byte_is_invalid_and_not_a_dead_database(stranger: Stranger, path: str) -> None:
    assert stranger.send("GET", path).status_code == 422


@pytest.mark.parametrize("path", ["/login", "/tenants/new"])
def test_a_form_with_a_zero_byte_is_invalid(stranger: Stranger, path: str) -> None:
    body = "id=a%00b&email=a%00b&password=long+enough+for+all"
    assert stranger.send("POST", path, content=body, headers=FORM).status_code == 422


def test_an_address_with_a_zero_byte_is_invited_nowhere(stranger: Stranger) -> None:
    answer = stranger.send("POST", "/api/v1/operators/invitations", json={"email": "a\0@b.de"})
    assert answer.status_code == 422


@pytest.mark.parametrize("stranger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/login/passkey", "/account/passkeys"])
def test_a_body_of_five_thousand_brackets_is_invalid(stranger: Stranger, path: str) -> None:
    assert stranger.send("POST", path, content=DEEP).status_code == 422


@pytest.mark.parametrize("stranger", ["sqlite"], indirect=True)
def test_a_token_of_a_thousand_brackets_is_nobodys(stranger: Stranger) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2900).decode().rstrip("=")
    bearer = {"authorization": f"Bearer {deep}.e30.x"}
    told = stranger.send("GET", "/api/v1/keys", is_known=False, headers=bearer)
    assert told.status_code == 401
    cookie = {"cookie": f"penstock_control_device={deep}.e30.x"}
    form = "email=a@b.de&password=guess"
    told = stranger.send("POST", "/login", content=form, headers={**FORM, **cookie}, is_known=False)
    assert told.status_code == 401


@pytest.mark.parametrize("stranger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("origin", ["null", "", "http://127.0.0.1", "https://127.0.0.1:8402"])
def test_nothing_changes_for_another_origin(stranger: Stranger, origin: str) -> None:
    places = [(one.method, f"/api/v1{one.path}") for one in ENDPOINTS if one.method != "GET"]
    places += [(one.method, one.path) for one in PAGES if one.method != "GET"]
    places += [("POST", path) for path in ("/login", "/logout", "/account/password", "/join/x")]
    for method, path in places:
        asked = stranger.send(method, filled(path, "x"), headers={"origin": origin})
        assert asked.status_code == 403, path
        assert asked.json()["error"]["code"] == "wrong_origin", path


@pytest.mark.parametrize("stranger", ["sqlite"], indirect=True)
def test_whatever_needs_a_role_needs_a_log_in(stranger: Stranger) -> None:
    for one in ENDPOINTS:
        if one.role is not Role.NOBODY:
            asked = stranger.send(one.method, f"/api/v1{filled(one.path, 'x')}", is_known=False)
            assert asked.status_code == 401, one.path
    for page in PAGES:
        asked = stranger.send(page.method, filled(page.path, "x"), is_known=False)
        assert asked.status_code == 303, page.path
        assert asked.headers["location"].startswith("/login?next="), page.path


@pytest.mark.parametrize("stranger", ["sqlite"], indirect=True)
def test_a_page_asks_for_its_role_as_the_api_does(stranger: Stranger) -> None:
    made = stranger.send("POST", "/api/v1/tokens", json={"name": "v", "role": "viewer"}).json()
    bearer = {"authorization": f"Bearer {made['token']}"}
    places = [(one.method, f"/api/v1{one.path}") for one in ENDPOINTS if one.role > Role.VIEWER]
    places += [(one.method, one.path) for one in PAGES if one.role > Role.VIEWER]
    assert len(places) > 20
    for method, path in places:
        asked = stranger.send(method, filled(path, "x"), headers=bearer, is_known=False)
        assert asked.status_code == 403, path


@pytest.mark.parametrize("raw", ["0" * 16 + "1" + "9" * 300, "1" + "0" * 5000, "-1", "1e3", "0"])
def test_a_count_is_bounded_however_it_is_written(raw: str) -> None:
    fields = Fields({"limit": raw})
    assert fields.count("limit") is None
    assert len(fields.errors["limit"]) < 200


def test_behind_https_cookies_are_nobody_elses(tmp_path: Path) -> None:
    name = "console.example.org"
    with operator(tmp_path) as api, asyncio.Runner() as runner:
        app = Doorway(api.control.app, Site("console.localhost", (name,), 8402))
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url=f"https://{name}")
        path = "/first/" + (tmp_path / "first-link").read_text().strip()
        form = {"email": "a@b.de", "password": "canary four words at random"}
        said = {"origin": f"https://{name}"}
        plain = runner.run(client.post(path, data=form, headers={"origin": f"http://{name}"}))
        assert plain.status_code == 403
        answer = runner.run(client.post(path, data=form, headers=said))
        assert answer.status_code == 303
        assert "max-age=" in answer.headers["strict-transport-security"]
        cookies = answer.headers.get_list("set-cookie")
        assert len(cookies) == 2
        for one in cookies:
            assert one.startswith("__Host-penstock_control")
            assert "; Secure" in one
            assert "; Path=/" in one
            assert "Domain" not in one
        token = cookies[0].partition(";")[0].partition("=")[2]
        bare = httpx.Cookies({"penstock_control": token})  # as another host could have set it
        client.cookies = bare
        assert runner.run(client.get("/account")).status_code == 303
        client.cookies = httpx.Cookies({"__Host-penstock_control": token})
        assert runner.run(client.get("/account")).status_code == 200
        runner.run(client.aclose())
