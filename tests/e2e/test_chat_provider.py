"""The identity provider's outage: who is in stays in, other ways in go on, the page says so."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.e2e.chat import SECRET, RunningChat, log_in, words
from tests.e2e.emulator import RunningEmulator, wait_until

pytestmark = pytest.mark.slow

CLIENT = {"client_id": "penstock", "client_secret_env": "OIDC_SECRET", "name": "Acme"}
PERSON = {"client_secret": SECRET, "subject": "s-1", "email": "bob@example.org", "name": "Bob"}


@pytest.fixture(scope="module")
def chat(
    tmp_path_factory: pytest.TempPathFactory, shared_emulator: RunningEmulator
) -> Iterator[RunningChat]:
    vouch(shared_emulator)
    table = {"issuer": f"{shared_emulator.url}/oidc", **CLIENT}
    made = RunningChat(tmp_path_factory.mktemp("chat"), guests=True, oidc=table)
    yield made
    made.stop()
    shared_emulator.control("PUT", "oidc", {})


def vouch(emulator: RunningEmulator, **more: Any) -> None:
    status, told = emulator.control("PUT", "oidc", {**PERSON, **more})
    assert status < 300, told


def through_provider(browser: httpx.Client) -> httpx.Response:
    """Go to the provider and come back; return what the way ends with."""
    leaving = browser.get("/login/oidc?next=/account")
    if leaving.status_code != 303:
        return leaving
    consent = httpx.get(leaving.headers["location"], trust_env=False)
    if consent.status_code != 302:
        return consent
    _, _, query = consent.headers["location"].partition("?")
    return browser.get(f"/login/oidc/back?{query}")


def test_whom_the_provider_vouches_for_gets_an_account_once(
    chat: RunningChat, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator)
    with chat.browser() as first, chat.browser() as second:
        assert through_provider(first).headers["location"] == "/account"
        assert through_provider(second).headers["location"] == "/account"
        one, two = (browser.get("/api/v1/me").json() for browser in (first, second))
        assert one == two
        assert (one["email"], one["name"]) == ("bob@example.org", "Bob")


def test_an_address_that_is_not_verified_names_nobody(
    chat: RunningChat, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator, subject="s-unverified", email="eve@example.org", flaw="unverified")
    with chat.browser() as browser:
        assert through_provider(browser).headers["location"] == "/account"
        assert browser.get("/api/v1/me").json()["email"] == ""
        assert browser.get("/account").status_code == 200


def test_an_address_that_has_an_account_is_its_owners(
    chat: RunningChat, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator, subject="s-taken", email="mine@example.org")
    with chat.person("mine@example.org") as owner, chat.browser() as other:
        answer = through_provider(other)
        assert answer.status_code == 401
        assert "has an account here already" in words(answer)
        asked = owner.post("/account/oidc")
        assert asked.status_code == 200
        [url] = [part for part in asked.text.split('"') if part.startswith("http")]
        consent = httpx.get(url.replace("&amp;", "&"), trust_env=False)
        _, _, query = consent.headers["location"].partition("?")
        assert owner.get(f"/login/oidc/back?{query}").headers["location"] == "/account"
        assert through_provider(other).headers["location"] == "/account"
        assert owner.get("/api/v1/me").json() == other.get("/api/v1/me").json()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ("silent", "the provider answered 503"),
        ("hanging", "the provider does not answer"),
        ("down", "the provider answered 503"),
    ],
)
def test_an_outage_of_the_provider_is_one_ways_trouble(
    chat: RunningChat, shared_emulator: RunningEmulator, flaw: str, reason: str
) -> None:
    vouch(shared_emulator)
    who = f"{flaw}@example.org"
    with chat.browser() as bob, chat.person(who) as ann, chat.browser() as late:
        assert through_provider(bob).headers["location"] == "/account"
        wait_until(lambda: chat.health("oidc") == "ok")
        vouch(shared_emulator, flaw=flaw)
        if flaw == "down":  # what discovery said is kept for an hour; the token endpoint is asked
            leaving = late.get("/login/oidc")
            assert leaving.status_code == 303
            back = {"state": state_of(leaving), "code": "x", "iss": f"{shared_emulator.url}/oidc"}
            failed = late.get("/login/oidc/back", params=back)
        else:
            failed = through_provider(late)
        assert failed.status_code == 502
        said = words(failed)
        assert f"Log-in with Acme fails, as {reason}: log in by password or passkey" in said
        assert "guest" in said
        wait_until(lambda: chat.health("oidc") == "failing")
        assert {chat.health(one) for one in ("sessions", "password", "guests")} == {"ok"}
        assert bob.get("/api/v1/me").json()["email"] == "bob@example.org"
        assert log_in(ann, who).status_code == 303
        assert late.post("/guest").status_code == 303
        vouch(shared_emulator)
        assert through_provider(bob).headers["location"] == "/account"
        wait_until(lambda: chat.health("oidc") == "ok")


def state_of(leaving: httpx.Response) -> str:
    return httpx.URL(leaving.headers["location"]).params["state"]


def test_nothing_waits_for_a_provider_that_hangs(
    chat: RunningChat, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator, flaw="hanging")
    with chat.browser() as page:
        assert page.get("/login").status_code == 200
        assert page.get("/login").elapsed.total_seconds() < 1.0
        assert page.get("/health").elapsed.total_seconds() < 3.0
    vouch(shared_emulator)


def test_a_code_that_anybody_brings_says_nothing_of_the_provider(
    chat: RunningChat, shared_emulator: RunningEmulator
) -> None:
    vouch(shared_emulator)
    with chat.browser() as browser:
        leaving = browser.get("/login/oidc")
        issuer = f"{shared_emulator.url}/oidc"
        back = {"state": state_of(leaving), "code": "made-up", "iss": issuer}
        assert browser.get("/login/oidc/back", params=back).status_code in {401, 502}
    wait_until(lambda: chat.health("oidc") == "ok")
    with chat.browser() as browser:
        assert "fails" not in words(browser.get("/login"))
