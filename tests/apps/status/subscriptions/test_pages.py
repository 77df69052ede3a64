"""People subscribe, confirm, change and end it, by plain forms; nobody does it for them."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.apps.status.subscriptions.bench import API, CHAT, GROUP, LOGIN, URL, Bench, Box, mailing
from tests.notify.receiver import Received, receiving

from penstock.apps.status import tables
from penstock.apps.status.subscriptions import asking, joining, pages, subscribing
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.notify import outbox

DAY_S = 86_400.0
LINK = re.compile(rf"{URL}(/subscription/[\w-]{{43}})")

Script = Callable[[httpx.AsyncClient, Box], Awaitable[Any]]


def run(bench: Bench, script: Script) -> None:
    """Run a script as a client of the pages, with a mail server."""

    async def whole() -> None:
        async with mailing() as box, bench.client() as client:
            bench.configure(box.port)
            await script(client, box)

    asyncio.run(whole())


async def subscribe(
    client: httpx.AsyncClient, address: str, *chosen: str, kind: str = "email", by: str = ""
) -> httpx.Response:
    data = {"kind": kind, "address": address, "components": list(chosen)}
    headers = {"x-forwarded-for": by} if by else {}
    return await client.post("/subscribe", data=data, headers=headers)


async def link_of(bench: Bench, box: Box) -> str:
    """Return the link of the last mail that goes out now."""
    await bench.deliver(Kind.EMAIL)
    found = LINK.search(box.texts()[-1])
    assert found is not None
    return found[1]


def kinds(bench: Bench) -> list[tuple[str, bool]]:
    return [(row.kind, bool(row.confirmed_unix_s)) for row in bench.rows(tables.subscribers)]


def test_an_address_is_told_only_after_a_click_on_its_own_page(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        answer = await subscribe(client, "person@example.org", LOGIN)
        assert (answer.status_code, "Look into your mail" in answer.text) == (200, True)
        link = await link_of(bench, box)
        assert bench.say(bench.open_incident(LOGIN), "It fails")[1] == 0
        for method in ("GET", "HEAD", "GET"):  # scanners look, and nothing comes of it
            await client.request(method, link)
        page = await client.get(link)
        assert "person@example.org" in page.text
        assert kinds(bench) == [("email", False)]
        page = await client.post(link, data={"do": "confirm"})
        assert "You will be told" in page.text
        assert kinds(bench) == [("email", True)]
        assert bench.say(bench.open_incident(LOGIN), "It fails")[1] == 1
        assert bench.say(bench.open_incident(API), "It fails")[1] == 0
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-robots-tag"] == "noindex"

    run(bench, script)


def test_a_link_that_nobody_follows_ends_after_two_days(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        await subscribe(client, "person@example.org")
        link = await link_of(bench, box)
        bench.clock.unix_s += subscribing.PENDING_S
        assert (await client.get(link)).status_code == 404
        assert (await client.post(link, data={"do": "confirm"})).status_code == 404
        assert kinds(bench) == [("email", False)]
        await subscribe(client, "person@example.org")
        fresh = await link_of(bench, box)
        assert fresh != link
        assert (await client.post(fresh, data={"do": "confirm"})).status_code == 200
        bench.clock.unix_s += 300 * DAY_S
        assert (await client.get(fresh)).status_code == 200

    run(bench, script)


def test_a_question_that_comes_too_late_is_not_sent(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        await subscribe(client, "person@example.org")
        bench.clock.unix_s += subscribing.PENDING_S
        await bench.deliver()
        assert box.mail == []
        assert set(bench.states().values()) == {subscribing.ENDED}

    run(bench, script)


def test_who_is_known_is_told_so_by_mail_and_nowhere_else(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        answers = [await subscribe(client, "new@example.org")]
        answers.append(await subscribe(client, "new@example.org"))  # pending
        bench.add(Kind.EMAIL, "known@example.org")
        answers.append(await subscribe(client, "Known@example.org"))
        assert len({one.text for one in answers}) == 1
        assert len({str(sorted(one.headers.items())) for one in answers}) == 1
        await bench.deliver()
        titles = sorted(str(one["Subject"]) for one in box.mail)
        assert len(titles) == 3
        assert titles[-1] == "You get news of Penstock's status already"
        assert "Do you want" in titles[0]

    run(bench, script)


def test_nobody_can_fill_anothers_box(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        for number in range(joining.ADDRESS_HOUR - 5):
            answer = await subscribe(client, f"victim+{number % 3}@example.org")
            assert answer.status_code == 200
        await bench.deliver()
        assert len(box.mail) == joining.MAILBOX_DAY
        bench.clock.unix_s += DAY_S
        await subscribe(client, "victim@example.org")
        await bench.deliver()
        assert len(box.mail) == joining.MAILBOX_DAY + 1

    run(bench, script)


def test_an_address_is_asked_a_few_times_a_day_over_restarts_too(bench: Bench) -> None:
    with bench.store.writing() as connection:
        for _ in range(20):
            asked = Asked(Kind.EMAIL, "victim@example.org")
            subscribing.ask(connection, bench.sealing, asked, bench.clock())
    assert len(bench.states()) == subscribing.ASKED_DAY_MAX


def test_rates_are_counted_by_where_a_request_really_comes_from(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        del box
        answers = [  # nobody is trusted: the header says nothing
            await subscribe(client, f"n{at}@example.org", by=f"203.0.113.{at}")
            for at in range(joining.ADDRESS_HOUR + 2)
        ]
        statuses = [one.status_code for one in answers]
        assert statuses == [200] * joining.ADDRESS_HOUR + [429] * 2
        assert "retry-after" in answers[-1].headers
        bench.configure(trusted_proxies=("198.51.100.0/24",))
        answers = [
            await subscribe(client, f"m{at}@example.org", by=f"1.1.{at}.1, 9.9.{at}.9")
            for at in range(30)
        ]
        statuses = [one.status_code for one in answers]
        assert statuses == [200] * 30

    run(bench, script)


def test_thousands_that_nobody_confirms_fill_nothing(bench: Bench) -> None:
    asked = [Asked(Kind.EMAIL, f"n{at}@example.org") for at in range(2000)]
    taken = 0
    with bench.store.writing() as connection:
        for one in asked:
            try:
                subscribing.ask(connection, bench.sealing, one, bench.clock())
                taken += 1
            except subscribing.FullError:
                break
        assert taken == subscribing.ASKED_HOUR_MAX
        late_unix_s = bench.clock() + subscribing.PENDING_S + DAY_S + 1.0
        subscribing.purge(connection, late_unix_s)
    assert bench.rows(tables.subscribers) == []


def test_a_full_page_tells_nobody_who_is_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add(Kind.EMAIL, "known@example.org")
    monkeypatch.setattr(subscribing, "SUBSCRIBERS_MAX", 1)

    async def script(client: httpx.AsyncClient, box: Box) -> None:
        del box
        answers = [await subscribe(client, f"{one}@example.org") for one in ("known", "new")]
        assert [one.status_code for one in answers] == [503, 503]
        assert answers[0].text == answers[1].text

    run(bench, script)


def test_it_is_ended_in_one_click_from_within_the_mail_program(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        bench.add(Kind.EMAIL, "person@example.org")
        bench.say(bench.open_incident(API), "It fails")
        await bench.deliver()
        (mail,) = box.mail
        link = urlsplit(str(mail["List-Unsubscribe"]).strip("<>")).path
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        for _ in range(2):  # a program that is not sure asks again
            answer = await client.post(link, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
        (row,) = bench.rows(tables.subscribers)
        assert (row.address, row.token, bool(row.ended_unix_s)) == ("", "", True)
        assert "told nothing any more" in (await client.get(link)).text
        answer = await client.post(f"{link[:-3]}xyz", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200  # nor does it tell which links there are
        await subscribe(client, "person@example.org")
        assert len(bench.rows(tables.subscribers)) == 2

    run(bench, script)


def test_a_choice_is_changed_by_component_and_by_group(bench: Bench) -> None:
    _, token = bench.add(Kind.EMAIL, "person@example.org")

    async def script(client: httpx.AsyncClient, box: Box) -> None:
        del box
        link = f"/subscription/{token}"
        for chosen, told in (([CHAT], 1), ([API], 0), ([GROUP], 1), ([], 1)):
            data = {"do": "change", "components": chosen}
            assert (await client.post(link, data=data)).status_code == 200
            assert bench.say(bench.open_incident(CHAT), "It fails")[1] == told
        answer = await client.post(link, data={"do": "change", "components": "zzz"})
        assert answer.status_code == 422
        assert (await client.post(link, data={"do": "dance"})).status_code == 422

    run(bench, script)


def test_who_did_not_ask_can_say_so(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        await subscribe(client, "victim@example.org")
        link = await link_of(bench, box)
        await client.post(link, data={"do": "end"})
        (row,) = bench.rows(tables.subscribers)
        assert row.address == ""
        assert "told nothing" in (await client.post(link, data={"do": "confirm"})).text
        assert bench.say(bench.open_incident(API), "It fails")[1] == 0

    run(bench, script)


def test_a_channel_is_asked_before_it_is_told(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        bench.configure(subscribers_may_be_private=True)
        url = f"http://127.0.0.1:{received.port}/services/T0/B0/secret"
        answer = await subscribe(client, url, kind="slack")
        assert "Look into your channel" in answer.text
        await bench.deliver(Kind.SLACK)
        found = re.search(rb"/subscription/[\w-]{43}", received.bodies[0])
        assert found is not None
        assert bench.say(bench.open_incident(API), "It fails")[1] == 0
        page = await client.get(found[0].decode())
        assert "secret" not in page.text  # a channel's address is a secret, its host is not
        assert "127.0.0.1" in page.text
        await client.post(found[0].decode(), data={"do": "confirm"})
        assert bench.say(bench.open_incident(API), "It fails")[1] == 1

    async def whole() -> None:
        async with receiving() as received, bench.client() as client:
            await script(client, received)

    asyncio.run(whole())


def test_without_a_mail_server_no_mail_is_offered(bench: Bench) -> None:
    async def whole() -> None:
        async with bench.client() as client:
            form = await client.get("/subscribe")
            assert 'value="email"' not in form.text
            answer = await subscribe(client, "person@example.org")
            assert (answer.status_code, "sends no mail" in answer.text) == (403, True)

    asyncio.run(whole())
    assert bench.rows(tables.subscribers) == []


def test_a_page_that_takes_none_says_so_and_links_go_on(bench: Bench) -> None:
    _, token = bench.add(Kind.EMAIL, "person@example.org")

    async def script(client: httpx.AsyncClient, box: Box) -> None:
        del box
        bench.configure(takes_subscriptions=False)
        assert (await client.get("/subscribe")).status_code == 403
        assert (await subscribe(client, "a@example.org")).status_code == 403
        link = f"/subscription/{token}"
        assert (await client.post(link, data={"do": "end"})).status_code == 200

    run(bench, script)


def test_what_was_typed_comes_back_with_what_is_wrong(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        del box
        answer = await subscribe(client, '"><script>x</script>', API)
        assert answer.status_code == 422
        assert "<script>x" not in answer.text
        assert "&lt;script&gt;" in answer.text
        assert "This is no e-mail address" in answer.text
        assert f'value="{API}" checked' in answer.text
        assert f'value="{LOGIN}" checked' not in answer.text

    run(bench, script)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a" * (pages.BODY_BYTES_MAX + 1), 422),
        (b"&".join(b"components=x" for _ in range(pages.FIELDS_MAX + 1)), 422),
        (b"address=a%00@example.org", 422),
        (b"\xff\xfe", 422),
        (b"", 422),
        (b"kind=email&address=%0d%0aBcc:x@example.org", 422),
        (b"kind=pigeon&address=a@example.org", 422),
        (b"address=a@example.org", 200),
    ],
)
def test_a_form_is_what_it_should_be_or_is_refused(bench: Bench, body: bytes, status: int) -> None:
    async def script(client: httpx.AsyncClient, box: Box) -> None:
        del box
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await client.post("/subscribe", content=body, headers=headers)
        assert answer.status_code == status

    run(bench, script)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    kind=st.one_of(st.sampled_from(["email", "webhook", "slack"]), st.text()),
    address=st.one_of(st.text(), st.from_regex(asking.EMAIL, fullmatch=True)),
    chosen=st.lists(st.text(), max_size=3),
    token=st.text(st.characters(codec="utf-8"), max_size=60),
)
def test_whatever_is_sent_is_answered_in_words(
    bench: Bench, kind: str, address: str, chosen: list[str], token: str
) -> None:
    async def whole() -> None:
        bench.clock.unix_s += 3600.0
        bench.configure(9)
        async with bench.client() as client:
            data = {"kind": kind, "address": address, "components": chosen}
            answer = await client.post("/subscribe", data=data)
            assert answer.status_code in {200, 403, 422, 503}
            answer = await client.get(f"/subscription/{quote(token, safe='')}")
            assert answer.status_code in {307, 404, 405, 422}  # 307: to the path without a slash

    asyncio.run(whole())
    assert outbox.SENT not in set(bench.states().values())
