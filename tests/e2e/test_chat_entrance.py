"""The chat's entrance with real processes: who comes in, who does not, what is deleted."""

import asyncio
import re
import signal
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from tests.e2e.chat import PASSWORD, RunningChat, log_in, sign_up, words
from tests.e2e.emulator import wait_until

from penstock.apps.chat.erasing import NOBODYS
from penstock.apps.chat.store import open_chat
from penstock.apps.chat.tables import metadata

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChat]:
    made = RunningChat(tmp_path_factory.mktemp("chat"), guests=True, name="A & B <chat>")
    yield made
    made.stop()


def me(browser: httpx.Client) -> httpx.Response:
    return browser.get("/api/v1/me")


def test_who_signs_up_is_in_and_comes_in_again(chat: RunningChat) -> None:
    with chat.person("Ann@Example.org") as browser:
        found = me(browser).json()
        assert (found["email"], found["name"], found["tier"]) == ("ann@example.org", "ann", "free")
        given = log_in(browser, "ann@example.org").headers.get_list("set-cookie")
        [told] = [one for one in given if "penstock_chat=" in one]
        assert "HttpOnly" in told
        assert "SameSite=lax" in told
        assert browser.post("/logout").headers["location"] == "/login"
        assert me(browser).status_code == 401
        assert log_in(browser, "ann@example.org", "another one altogether").status_code == 401
        assert log_in(browser, "ANN@example.org").status_code == 303
        assert me(browser).status_code == 200


def test_an_address_is_taken_once_and_weak_passwords_never(chat: RunningChat) -> None:
    with chat.person("taken@example.org"), chat.browser() as browser:
        assert sign_up(browser, "taken@example.org").status_code == 409
        for weak in ("short", "password password", "weak@example.org1"):
            assert sign_up(browser, "weak@example.org", weak).status_code == 422
        assert sign_up(browser, "no address").status_code == 409
        assert me(browser).status_code == 401


def test_what_a_page_of_another_site_sends_changes_nothing(chat: RunningChat) -> None:
    with chat.person("csrf@example.org") as browser:
        for path in ("/login", "/signup", "/logout", "/guest", "/account/delete", "/account/name"):
            answer = browser.post(path, headers={"origin": "https://evil.example"})
            assert answer.status_code == 403, path
        assert browser.delete("/account", headers={"origin": "null"}).status_code == 403
        bare = httpx.post(f"{chat.url}/logout", cookies=dict(browser.cookies), trust_env=False)
        assert bare.status_code == 403
        assert me(browser).status_code == 200


def test_settings_are_kept_and_bounded(chat: RunningChat) -> None:
    with chat.person("settings@example.org") as browser:
        browser.patch("/api/v1/me", json={"settings": {"theme": "dark", "sends": "enter"}})
        kept = browser.patch("/api/v1/me", json={"settings": {"sends": None}}).json()
        assert kept["settings"] == {"theme": "dark"}
        long = {"settings": {"x": "y" * 20_000}}
        assert browser.patch("/api/v1/me", json=long).status_code == 422
        assert browser.patch("/api/v1/me", json={"name": "x"}).status_code == 422
        assert me(browser).json()["settings"] == {"theme": "dark"}


def test_a_guest_who_makes_an_account_keeps_what_was_said(chat: RunningChat) -> None:
    with chat.browser() as browser:
        assert browser.post("/guest").status_code == 303
        guest = me(browser).json()
        assert (guest["is_guest"], guest["email"]) == (True, "")
        with chat.browser() as stranger:
            assert log_in(stranger, guest["account"]).status_code == 401
        assert "deleted" in browser.get("/account").text
        assert sign_up(browser, "was-a-guest@example.org").status_code == 303
        person = me(browser).json()
        assert person["account"] == guest["account"]
        assert (person["is_guest"], person["email"]) == (False, "was-a-guest@example.org")


def test_guests_of_one_network_are_bounded(chat: RunningChat) -> None:
    with chat.browser() as browser:
        answers: list[httpx.Response] = []
        for _ in range(40):
            browser.cookies.clear()
            answers.append(browser.post("/guest"))
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert "retry-after" in refused[-1].headers
    assert len(answers) - len(refused) <= 21


def test_deleting_an_account_deletes_all_of_it(chat: RunningChat) -> None:
    with chat.person("canary-mail@example.org") as browser:
        account = me(browser).json()["account"]
        browser.post("/account/name", data={"name": "Canary-Name"})
        browser.patch("/api/v1/me", json={"settings": {"x": "canary-setting"}})
        name = "0f3a9a52-0000-4000-8000-000000000001"
        begun = browser.post(
            "/api/v1/conversations",
            json={"id": name, "title": "canary-title", "system_prompt": "canary-prompt"},
        )
        assert begun.status_code < 300, begun.text
        sent = browser.post(
            f"/api/v1/conversations/{name}/messages",
            json={
                "id": "0f3a9a52-0000-4000-8000-000000000002",
                "answer": "0f3a9a52-0000-4000-8000-000000000003",
                "parent": "",
                "text": "the canary-text of a person, in words that a search would find",
            },
        )
        assert sent.status_code < 300, sent.text
        browser.patch(f"/api/v1/conversations/{name}", json={"title": "canary-again"})
        there = chat.rest()
        for canary in (b"canary-mail", b"Canary-Name", b"canary-setting", b"canary-text"):
            assert canary in there
        assert "nothing was deleted" in words(browser.post("/account/delete")).lower()
        assert me(browser).status_code == 200
        gone = browser.post("/account/delete", data={"sure": "1"})
        assert gone.headers["location"] == "/login?deleted=1"
        assert me(browser).status_code == 401
    canaries = (b"canary", b"Canary", account.encode(), name.encode())
    # What an answer was writing when it was stopped is gone with the next round at the latest.
    wait_until(lambda: not any(one in chat.rest() for one in canaries), 30.0)
    with chat.browser() as browser:
        assert log_in(browser, "canary-mail@example.org").status_code == 401


def test_every_table_says_whose_its_rows_are() -> None:
    assert [one for one in metadata.tables.values() if "account" not in one.c] == [
        metadata.tables[name] for name in NOBODYS if name in metadata.tables
    ]


def test_an_old_log_in_deletes_nothing(chat: RunningChat) -> None:
    with chat.person("old@example.org") as browser:
        store = open_chat(chat.state_dir)
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE sessions SET created_unix_s = created_unix_s - 1000")
        store.close()
        assert "Log in again" in words(browser.post("/account/delete", data={"sure": "1"}))
        assert browser.delete("/account").status_code == 403
        assert "log in again" in browser.get("/account").text
        assert log_in(browser, "old@example.org").status_code == 303
        assert browser.delete("/account").status_code == 204


def test_sessions_outlive_the_process(chat: RunningChat) -> None:
    with chat.person("stays@example.org") as browser:
        chat.stop(signal.SIGKILL)
        chat.start(chat.port)
        assert me(browser).status_code == 200


def test_ones_other_sessions_end_with_a_new_password(chat: RunningChat) -> None:
    with chat.person("two@example.org") as one, chat.browser() as two:
        log_in(two, "two@example.org")
        given = {"current": PASSWORD, "password": "other words, chosen at random"}
        assert one.post("/account/password", data=given).status_code == 303
        assert me(one).status_code == 200
        assert me(two).status_code == 401
        assert log_in(two, "two@example.org").status_code == 401


@pytest.mark.slow
def test_administrators_are_made_by_the_command_and_see_accounts_only(chat: RunningChat) -> None:
    path = urlsplit(chat.command("link").strip()).path
    with chat.browser() as admin, chat.person("served@example.org") as person:
        assert person.get("/api/v1/admin/accounts").status_code == 403
        assert admin.get(path).status_code == 200  # looking changes nothing
        assert admin.post(path).status_code == 303
        assert admin.post(path).status_code == 410
        assert me(admin).json()["is_admin"] is True
        found = admin.get("/api/v1/admin/accounts?q=served").json()["items"]
        assert [one["email"] for one in found] == ["served@example.org"]
        change = {"tier": "standard"}
        admin.patch("/api/v1/admin/accounts/served@example.org", json=change)
        assert me(person).json()["tier"] == "standard"
        chat.command("accounts", "disable", "served@example.org")
        assert me(person).status_code == 401
        assert log_in(person, "served@example.org").status_code == 401
        chat.command("accounts", "enable", "served@example.org")
        assert log_in(person, "served@example.org").status_code == 303
        reset = urlsplit(chat.command("link", "--reset", "served@example.org").strip()).path
        given = {"password": "another, chosen at random"}
        assert person.post(reset, data=given).status_code == 303
        chat.command("accounts", "delete", "--yes", "served@example.org")
        assert me(person).status_code == 401
    assert b"served@example.org" not in chat.rest()


def test_the_break_glass_token_is_nobody_outside_administration(chat: RunningChat) -> None:
    token = (chat.state_dir / "control.token").read_text().strip()
    with chat.browser(authorization=f"Bearer {token}") as machine:
        assert machine.get("/api/v1/admin/accounts").status_code == 200
        assert me(machine).status_code == 401
        assert machine.get("/api/v1/conversations").status_code == 401
        assert machine.get("/api/v1/admin/../me").status_code == 401
    with chat.browser(authorization="Bearer wrong") as machine:
        assert machine.get("/api/v1/admin/accounts").status_code == 401


@pytest.mark.parametrize("path", ["/login", "/signup", "/guest", "/account/name", "/logout"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"email=%00&password=%00",
        b"email=" + b"a" * 70_000,
        b"&".join(b"a%d=1" % at for at in range(50)),
        b"email=\xff\xfe&password=\xff",
        b"email=a@b.c&password=" + "ü".encode() * 20_000,
        b"email=a%40b.c%0d%0aset-cookie:x&password=x&next=//evil.example",
        b"next=/%5Cevil.example&next=https://evil.example",
    ],
)
def test_hostile_forms_are_refused_in_words(chat: RunningChat, path: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    with chat.browser(**headers) as browser:
        answer = browser.post(path, content=body)
        assert answer.status_code < 500
        assert "evil" not in answer.headers.get("location", "")
        assert "x" not in answer.cookies


@pytest.mark.parametrize("path", ["/enter/x", "/join/x", "/reset/x", "/first/x", "/enter/%00"])
def test_links_that_never_were_open_nothing(chat: RunningChat, path: str) -> None:
    with chat.browser() as browser:
        for method in ("GET", "POST"):
            assert browser.request(method, path).status_code in {404, 410, 422}
        assert not browser.cookies


def test_names_are_text_wherever_they_stand(chat: RunningChat) -> None:
    with chat.person("markup@example.org") as browser:
        browser.post("/account/name", data={"name": "<script>alert(1)</script>"})
        for page in (browser.get("/account"), browser.get("/login?again=1&next=/%22onload=x")):
            assert "<script>alert" not in page.text
            assert "A &amp; B &lt;chat&gt;" in page.text
            assert '"onload=' not in page.text
            assert not re.search(r"<(script|style)>|\son\w+=|\sstyle=", page.text)
            assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.slow
def test_a_flood_of_log_ins_locks_nobody_out_who_is_known(chat: RunningChat) -> None:
    """Three hundred strangers at once: some wait, others are told when to come again."""
    with chat.person("known@example.org") as known, chat.person("inside@example.org") as inside:
        known.post("/logout")

        async def flood() -> tuple[list[httpx.Response], httpx.Response, list[httpx.Response]]:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                base_url=chat.url, limits=limits, trust_env=False, timeout=60.0
            ) as client:
                strangers = [
                    client.post(
                        "/login",
                        data={"email": f"nobody-{at}@example.org", "password": PASSWORD},
                        headers={"origin": chat.url, "x-forwarded-for": f"10.77.{at % 250}.7"},
                    )
                    for at in range(300)
                ]
                returning = asyncio.to_thread(log_in, known, "known@example.org")
                staying = asyncio.to_thread(lambda: [me(inside) for _ in range(20)])
                answers, back, stayed = await asyncio.gather(
                    asyncio.gather(*strangers), returning, staying
                )
                return list(answers), back, stayed

        answers, back, stayed = asyncio.run(flood())
        found = {one.status_code for one in answers}
        assert found == {401, 503}
        busy = [one for one in answers if one.status_code == 503]
        assert all(int(one.headers["retry-after"]) >= 1 for one in busy)
        assert "Whoever is in stays in" in words(busy[0])
        assert back.status_code == 303
        assert {one.status_code for one in stayed} == {200}
        assert chat.health("sessions") == "ok"
        wait_until(lambda: chat.health("password") == "ok", 30.0)
