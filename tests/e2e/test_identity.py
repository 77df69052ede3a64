"""Log-in with real processes: who comes in, who does not, and what is told of it."""

import html
import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.e2e.console import OWNER, PASSWORD, RunningConsole
from tests.e2e.emulator import RunningEmulator

pytestmark = pytest.mark.slow

CLIENT = {"oidc_client_id": "penstock", "oidc_client_secret_env": "OIDC_SECRET"}
PERSON = {"client_secret": "canary-of-a-client", "subject": "s-1", "email": "bob@example.org"}
FLAWS = (
    "wrong_nonce", "wrong_audience", "wrong_issuer", "expired", "unverified", "other_key",
    "unsigned", "wrong_state", "denied", "silent",
)  # fmt: skip


@pytest.fixture(scope="module")
def console(
    tmp_path_factory: pytest.TempPathFactory, shared_emulator: RunningEmulator
) -> Iterator[RunningConsole]:
    """Give a console that has its first owner and a provider."""
    issuer = f"{shared_emulator.url}/oidc"
    made = RunningConsole(tmp_path_factory.mktemp("console"), oidc_issuer=issuer, **CLIENT)
    try:
        first = made.first_path
        with made.browser() as browser:
            made.first_owner(browser)
            assert browser.get("/account").status_code == 200
            again = browser.post(first, data={"email": "x@y.z", "password": PASSWORD})
            assert again.status_code == 410
        assert not (made.state_dir / "first-link").exists()
        yield made
    finally:
        made.stop()


def log_in(browser: httpx.Client, password: str = PASSWORD, email: str = OWNER) -> httpx.Response:
    return browser.post("/login", data={"email": email, "password": password, "next": "/usage"})


def test_a_password_lets_in_and_another_does_not(console: RunningConsole) -> None:
    with console.browser() as browser:
        assert browser.get("/account").headers["location"] == "/login?next=/account"
        assert log_in(browser, "not this one, surely").status_code == 401
        assert not browser.cookies
        answer = log_in(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/usage")
        [told] = [one for one in answer.headers.get_list("set-cookie") if "control=" in one]
        assert "HttpOnly" in told
        assert "SameSite=lax" in told
        assert OWNER in browser.get("/account").text


def test_an_unknown_address_and_a_wrong_password_look_the_same(console: RunningConsole) -> None:
    with console.browser() as browser:
        wrong = log_in(browser, "not this one, surely")
        unknown = log_in(browser, "not this one, surely", "nobody@example.org")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace(OWNER, "-") == unknown.text.replace("nobody@example.org", "-")


def test_a_log_in_gives_another_session_and_the_old_one_ends(console: RunningConsole) -> None:
    with console.browser() as browser:
        log_in(browser)
        old = browser.cookies["penstock_control"]
        log_in(browser)
        assert browser.cookies["penstock_control"] != old
        browser.cookies.set("penstock_control", old, domain="127.0.0.1", path="/")
    with console.browser(cookie=f"penstock_control={old}") as thief:
        assert thief.get("/account").status_code == 303


def test_log_out_everywhere_ends_all(console: RunningConsole) -> None:
    with console.browser() as one, console.browser() as two:
        log_in(one)
        log_in(two)
        assert two.get("/account").status_code == 200
        assert one.post("/logout", data={"everywhere": "1"}).status_code == 303
        assert two.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("{url}", 303),
        ("http://127.0.0.1", 403),
        ("http://127.0.0.1:1", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://console.localhost:{port}", 403),
    ],
)
def test_a_form_of_another_site_is_refused(
    console: RunningConsole, origin: str, status: int
) -> None:
    with console.browser() as browser:
        log_in(browser)
        said = origin.format(url=console.url, port=console.port)
        answer = browser.post("/logout", headers={"origin": said})
        assert answer.status_code == status


def test_a_form_that_does_not_say_where_it_is_from_is_refused(console: RunningConsole) -> None:
    with httpx.Client(base_url=console.url, trust_env=False) as browser:
        assert log_in(browser).status_code == 403


def test_an_api_call_by_cookie_needs_its_origin(console: RunningConsole) -> None:
    with console.browser() as browser:
        log_in(browser)
        assert browser.delete("/api/v1/account/sessions").status_code == 204
        bad = browser.delete("/api/v1/account/sessions", headers={"origin": "http://evil.example"})
        assert (bad.status_code, bad.json()["error"]["code"]) == (403, "wrong_origin")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("console.localhost:{port}", 200),
        ("CONSOLE.localhost:{port}", 200),
        ("127.0.0.1", 421),
        ("evil.example", 421),
        ("evil.example:{port}", 421),
        ("127.0.0.2:{port}", 421),
        ("console.localhost.evil.example:{port}", 421),
        ("", 421),
    ],
)
def test_another_name_is_refused(console: RunningConsole, host: str, status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=10)
    connection.putrequest("GET", "/login", skip_host=True)
    connection.putheader("host", host.format(port=console.port))
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


def test_every_answer_is_safe(console: RunningConsole) -> None:
    with console.browser() as browser:
        for path in ("/login", "/api/v1/operators", "/nothing", "/healthz"):
            headers = browser.get(path).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"], path
            assert "unsafe" not in headers["content-security-policy"], path
            assert headers["x-content-type-options"] == "nosniff", path


def test_next_leads_nowhere_else(console: RunningConsole) -> None:
    for to in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "\n/x"):
        with console.browser() as browser:
            answer = browser.post("/login", data={"email": OWNER, "password": PASSWORD, "next": to})
            assert answer.headers["location"] == "/", to


def test_an_invitation_works_once_for_its_address(console: RunningConsole) -> None:
    path = console.invited("ann@example.org", "operator")
    with console.browser() as browser:
        assert "ann@example.org" in browser.get(path).text
        weak = browser.post(path, data={"password": "password1234"})
        assert weak.status_code == 422
        form = {"password": PASSWORD, "email": "evil@example.org"}
        assert browser.post(path, data=form).status_code == 303
        assert browser.get("/api/v1/operators").status_code == 200
        made = browser.post("/api/v1/tokens", json={"name": "x"})
        assert made.status_code == 403
    with console.browser() as late:
        assert late.get(path).status_code == 410
        assert late.post(path, data={"password": PASSWORD}).status_code == 410
    roles = {one["email"]: one["role"] for one in console.api("GET", "/operators").json()}
    assert roles["ann@example.org"] == "operator"
    assert "evil@example.org" not in roles


def test_a_reset_link_sets_another_password_and_ends_sessions(console: RunningConsole) -> None:
    with console.browser() as browser:
        browser.post(console.invited("cat@example.org"), data={"password": PASSWORD})
        made = console.api("POST", "/operators/cat@example.org/reset-link").json()
        path = "/reset/" + made["url"].rpartition("/")[2]
        with console.browser() as other:
            assert other.post(path, data={"password": "another one of four"}).status_code == 303
        assert browser.get("/account").status_code == 303
        assert log_in(browser, PASSWORD, "cat@example.org").status_code == 401
        assert log_in(browser, "another one of four", "cat@example.org").status_code == 303


def test_the_last_owner_stays(console: RunningConsole) -> None:
    for body in ({"role": "viewer"}, {"is_disabled": True}):
        answer = console.api("PATCH", f"/operators/{OWNER}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_who_is_disabled_is_out_at_once_and_so_is_its_signed_token(
    console: RunningConsole,
) -> None:
    with console.browser() as browser:
        browser.post(console.invited("dan@example.org"), data={"password": PASSWORD})
        signed = browser.post("/api/v1/account/signed-token").json()["token"]
        bearer = {"authorization": f"Bearer {signed}"}
        with httpx.Client(base_url=console.url, headers=bearer, trust_env=False) as machine:
            assert machine.get("/api/v1/operators").status_code == 200
            assert machine.get("/api/v1/account/sessions").status_code == 403
            console.api("PATCH", "/operators/dan@example.org", {"is_disabled": True})
            assert machine.get("/api/v1/operators").status_code == 401
        assert browser.get("/account").status_code == 303
        assert log_in(browser, PASSWORD, "dan@example.org").status_code == 401


def test_an_api_token_has_its_role_until_it_is_revoked(console: RunningConsole) -> None:
    made = console.api("POST", "/tokens", {"name": "ci", "role": "viewer"}).json()
    bearer = {"authorization": f"Bearer {made['token']}"}
    with httpx.Client(base_url=console.url, headers=bearer, trust_env=False) as machine:
        assert machine.get("/api/v1/operators").status_code == 200
        assert machine.post("/api/v1/tokens", json={"name": "more"}).status_code == 403
        assert made["token"] not in console.api("GET", "/tokens").text
        assert console.api("DELETE", "/tokens/ci").status_code == 204
        assert machine.get("/api/v1/operators").status_code == 401


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer x", "Bearer pt-x", "Basic eDp5", "Bearer a.b.c", "Bearer \xe4"]
)
def test_a_token_that_is_none_is_refused_whatever_the_cookie(
    console: RunningConsole, given: str
) -> None:
    with console.browser() as browser:
        log_in(browser)
        headers = [(b"authorization", given.encode("latin-1"))]
        answer = browser.request("GET", "/api/v1/operators", headers=headers)
        assert answer.status_code == (401 if given else 200)


def through_provider(console: RunningConsole, browser: httpx.Client) -> httpx.Response:
    """Go to the provider and back, as a browser does."""
    leaving = browser.get("/login/oidc?next=/usage")
    assert leaving.status_code == 303, leaving.text
    with httpx.Client(trust_env=False) as elsewhere:
        back = elsewhere.get(leaving.headers["location"])
    assert back.status_code == 302, back.text
    assert back.headers["location"].startswith(console.url)
    return browser.get(back.headers["location"])


def vouch(emulator: RunningEmulator, **more: Any) -> None:
    status, told = emulator.control("PUT", "oidc", {**PERSON, **more})
    assert status == 200, told


def test_an_invited_address_comes_in_by_the_provider(
    console: RunningConsole, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator)
    with console.browser() as browser:
        refused = through_provider(console, browser)
        assert refused.status_code == 401
        assert "nobody has invited" in refused.text.lower()
        console.invited("bob@example.org", "operator")
        answer = through_provider(console, browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/usage")
        assert "bob@example.org" in browser.get("/account").text
    vouch(shared_emulator, email="renamed@example.org")  # known by its subject from now on
    with console.browser() as browser:
        assert through_provider(console, browser).status_code == 303


def test_the_owners_address_is_not_enough(
    console: RunningConsole, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator, subject="s-2", email=OWNER)
    with console.browser() as browser:
        assert through_provider(console, browser).status_code == 401


def connected(asking: httpx.Client, back: httpx.Client) -> httpx.Response:
    """Ask for the provider's identity in one browser, and come back in another, or the same."""
    asked = asking.post("/account/oidc")
    assert asked.status_code == 200, asked.text
    found = re.search(r'href="(http[^"]+)"', asked.text)
    assert found is not None
    with httpx.Client(trust_env=False) as elsewhere:
        came = elsewhere.get(html.unescape(found[1])).headers["location"]
    if back is not asking:
        cookie = asking.cookies["penstock_control_oidc"]
        back.cookies.set("penstock_control_oidc", cookie, domain="127.0.0.1", path="/")
    return back.get(came)


def test_an_account_connects_its_identity_and_comes_in_by_it(
    console: RunningConsole, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator, subject="s-owner", email="elsewhere@example.org")
    with console.browser() as browser, console.browser() as other:
        assert browser.post("/account/oidc").status_code == 403  # nobody
        log_in(browser)
        log_in(other)
        assert connected(browser, other).status_code == 401
        assert through_provider(console, other).status_code == 401  # it was connected to nobody
        answer = connected(browser, browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    with console.browser() as browser:
        assert through_provider(console, browser).status_code == 303
        assert OWNER in browser.get("/account").text
    path = console.invited("hal@example.org")
    with console.browser() as thief:
        thief.post(path, data={"password": PASSWORD})
        assert connected(thief, thief).status_code == 409  # it is the owner's
    audit = console.api("GET", "/audit?action=connect_identity").json()["items"]
    assert [one["object"] for one in audit] == [OWNER]


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_provider_that_does_it_wrong_lets_nobody_in(
    console: RunningConsole, shared_emulator: RunningEmulator, flaw: str
) -> None:
    console.invited("eve@example.org")
    vouch(shared_emulator, subject="s-3", email="eve@example.org", flaw=flaw)
    with console.browser() as browser:
        answer = through_provider(console, browser)
        assert answer.status_code == (502 if flaw == "silent" else 401), answer.text
        assert browser.get("/account").status_code == 303
    assert "canary" not in answer.text


def test_an_answer_of_the_provider_is_used_once_and_by_the_browser_that_asked(
    console: RunningConsole, shared_emulator: RunningEmulator
) -> None:
    console.invited("fay@example.org")
    vouch(shared_emulator, subject="s-4", email="fay@example.org")
    with console.browser() as mine, console.browser() as other, console.browser() as third:
        leaving = mine.get("/login/oidc")
        cookie = leaving.cookies["penstock_control_oidc"]
        with httpx.Client(trust_env=False) as elsewhere:
            back = elsewhere.get(leaving.headers["location"]).headers["location"]
        assert other.get(back).status_code == 401
        other.get("/login/oidc")  # a flow of its own does not fit
        assert other.get(back).status_code == 401
        assert mine.get(back).status_code == 303
        third.cookies.set("penstock_control_oidc", cookie)
        assert third.get(back).status_code == 401


def test_guessing_is_slowed_and_the_known_browser_is_not(console: RunningConsole) -> None:
    path = console.invited("gus@example.org")
    with console.browser() as known, console.browser() as stranger:
        known.post(path, data={"password": PASSWORD})
        known.post("/logout")
        statuses = [
            log_in(stranger, "guess number one", "gus@example.org").status_code for _ in range(8)
        ]
        assert set(statuses[:5]) == {401}
        assert 429 in statuses[5:]
        assert log_in(known, PASSWORD, "gus@example.org").status_code == 303


def test_the_audit_and_the_log_know_who_and_never_a_secret(console: RunningConsole) -> None:
    with console.browser() as browser:
        log_in(browser)
        secrets = [PASSWORD, "canary", browser.cookies["penstock_control"], console.token]
    files = [one for one in console.state_dir.rglob("ledger.db*") if one.is_file()]
    told = console.log().encode() + b"".join(one.read_bytes() for one in files)
    assert b"log_in" in told
    for secret in secrets:
        assert secret.encode() not in told
    assert "invite" in json.dumps([json.loads(one) for one in console.log().splitlines()]) or files
