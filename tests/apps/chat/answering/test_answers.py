"""Answers over real sockets and a real database, against a gateway that a test can break."""

import asyncio
import gc
from collections.abc import Coroutine
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.apps.chat.answering.gateway import TEXT, FakeGateway
from tests.apps.chat.answering.rig import Browser, Rig, is_over

from penstock.apps.chat.answering import hub as hub_module
from penstock.apps.chat.answering.log import EventLog
from penstock.core.turnstile import ASKING_FIRST, ASKING_MAX

ONE = "answer-one"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_an_answer_streams_and_is_kept(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            await browser.read(is_over(ONE))
            row = await rig.ended(ONE)
            assert browser.texts[ONE] == row["text"] == TEXT
            assert (row["state"], row["finish"], row["upstream"]) == ("done", "stop", "one")
            assert rig.jobs() == 0
            last = browser.of("message")[-1]
            assert last["text"] is None
            assert last["text_units"] == len(TEXT.encode("utf-16-le")) // 2
            assert rig.desk.said(ONE) is None
            await browser.read(lambda kind, _: kind == "conversation")
            assert browser.of("conversation")[-1]["is_running"] is False
        await gateway.down()

    run(work())


def test_another_account_hears_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            mine, other = Browser(rig), Browser(rig, "bob")
            await mine.come()
            await other.come()
            rig.begin(ONE)
            await mine.read(is_over(ONE))
            rig.begin("answer-bob", account="bob")
            await other.read(is_over("answer-bob"))
            assert set(other.texts) == {"answer-bob"}
            after = str(other.of("hello")[0]["seq"])
            await other.come(after)
            await other.read(is_over("answer-bob"))
            assert set(other.texts) == {"answer-bob"}
        await gateway.down()

    run(work())


def test_a_browser_that_comes_back_misses_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            for _ in range(8):  # away and back in mid-answer
                had = len(browser.of("delta"))
                await browser.read(lambda _kind, _data, had=had: len(browser.of("delta")) > had)
                browser.leave()
                await browser.come()
            await browser.read(is_over(ONE))
            assert browser.texts[ONE] == TEXT
            assert not browser.of("reset")
            fresh = Browser(rig)  # and one that was never there gets all of it
            await fresh.come(str(browser.of("hello")[0]["seq"]))
            await fresh.read(is_over(ONE))
            assert fresh.texts[ONE] == TEXT
        await gateway.down()

    run(work())


@pytest.mark.parametrize("after", ["1", "99999999999999"])
def test_a_number_that_the_log_does_not_know_is_reset(tmp_path: Path, after: str) -> None:
    async def work() -> None:
        rig = Rig(tmp_path, "http://127.0.0.1:9")
        async with rig.running():
            browser = Browser(rig)
            await browser.come(after)
            await browser.read(lambda kind, _: kind == "notices")
            assert [kind for kind, _ in browser.events] == ["hello", "reset", "notices"]

    run(work())


@pytest.mark.parametrize(
    ("words", "forgets"),
    [(5, False)]
    + [
        pytest.param(*case, marks=pytest.mark.slow)
        for case in ((5, True), *product((1, 10), (False, True)))
    ],
)
def test_a_restart_in_mid_answer_loses_and_doubles_nothing(
    tmp_path: Path, words: int, *, forgets: bool
) -> None:
    async def work() -> None:
        gateway = FakeGateway(pace_s=0.01)
        await gateway.up()
        rig = Rig(tmp_path, gateway.url, group_s=0.0)
        browser = Browser(rig)
        async with rig.running():
            await browser.come()
            rig.begin(ONE)
            await browser.read(lambda _kind, _data: len(browser.of("delta")) >= words)
        if forgets:
            gateway.kept.clear()
        again = Rig(tmp_path, gateway.url)
        async with again.running():
            back = Browser(again)
            back.last, back.texts = browser.last, browser.texts
            await back.come()
            await back.read(is_over(ONE))
            row = await again.ended(ONE)
            assert row["state"] == "done"
            assert back.texts[ONE] == row["text"] == TEXT
            assert gateway.made == (2 if forgets else 1)
            assert ("resumed" in row["marks"]) == forgets
            assert again.jobs() == 0
        await gateway.down()

    run(work())


def test_the_first_delta_goes_at_once_whatever_comes_before_it(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        gateway.before = [b": queued position=3 eta_s=4.1\n\n"]
        gateway.hold.clear()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url, group_s=60.0)  # the second would come very late
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            await browser.read(lambda kind, data: kind == "place" and data["position"] == 3)
            gateway.hold.set()
            await browser.read(lambda kind, _: kind == "delta")
            rig.desk.stop(ONE)
            await rig.ended(ONE)
        await gateway.down()

    run(work())


def test_what_had_begun_is_taken_up_at_once_past_the_line(tmp_path: Path) -> None:
    begun, fresh = ASKING_MAX + 10, 20

    async def work() -> None:
        gateway = FakeGateway(pace_s=0.0)
        gateway.hold.clear()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        for n in range(begun + fresh):
            rig.put(f"answer-{n:03d}", account=f"account-{n}")
        with rig.store.writing() as connection:
            connection.exec_driver_sql(
                "UPDATE jobs SET asked_unix_s = 1 WHERE message < ?", (f"answer-{begun:03d}",)
            )
            connection.exec_driver_sql(
                "UPDATE messages SET state = 'streaming', first_unix_s = 1 WHERE id IN "
                "(SELECT message FROM jobs WHERE asked_unix_s > 0)"
            )
        async with rig.running():
            await rig.until(lambda: gateway.made == begun + ASKING_FIRST)
            gateway.hold.set()
            await rig.until(lambda: rig.jobs() == 0)
            assert gateway.made == begun + fresh
        await gateway.down()

    run(work())


def test_a_gateway_that_is_down_is_waited_for(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        await gateway.down()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            for n in range(5):
                rig.begin(f"answer-{n}xx")
            await browser.read(lambda kind, data: kind == "place" and data["reason"] == "gateway")
            await gateway.up()
            for n in range(5):
                assert (await rig.ended(f"answer-{n}xx"))["text"] == TEXT
            assert gateway.made == 5
        await gateway.down()

    run(work())


@pytest.mark.slow
@pytest.mark.parametrize("forgets", [False, True])
def test_a_gateway_that_dies_in_mid_answer(tmp_path: Path, *, forgets: bool) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            await browser.read(lambda _kind, _data: len(browser.of("delta")) >= 2)
            await gateway.down(forgets=forgets)
            await gateway.up()
            await browser.read(is_over(ONE))
            assert browser.texts[ONE] == (await rig.ended(ONE))["text"] == TEXT
            assert gateway.made == (2 if forgets else 1)
        await gateway.down()

    run(work())


def test_stop_keeps_what_has_come_and_ends_it_at_the_gateway(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway(pace_s=0.01)
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            await browser.read(lambda _kind, _data: len(browser.of("delta")) >= 3)
            rig.desk.stop(ONE)
            await browser.read(is_over(ONE))
            row = await rig.ended(ONE)
            assert row["state"] == "stopped"
            assert TEXT.startswith(row["text"])
            assert row["text"] == browser.texts[ONE] != ""
            await rig.until(lambda: gateway.deleted == [f"key-{ONE}"])
            await rig.until(lambda: gateway.open == 0)
            # and it can be gone on with
            with rig.store.writing() as connection:
                connection.exec_driver_sql(
                    "INSERT INTO jobs (message, account, conversation, model, tier, "
                    "idempotency_key, created_unix_s) VALUES (?, 'ann', ?, 'auto', 'free', 'k2', "
                    "9e9)",
                    (ONE, f"c-{ONE}"),
                )
            rig.desk.begin(ONE)
            await rig.until(lambda: rig.row(ONE)["state"] == "done")
            assert rig.row(ONE)["text"] == TEXT
        await gateway.down()

    run(work())


def test_one_that_is_stopped_before_it_is_asked_is_never_asked(tmp_path: Path) -> None:
    async def work() -> None:
        rig = Rig(tmp_path, "http://127.0.0.1:9")
        async with rig.running():
            rig.begin(ONE)
            rig.desk.stop(ONE)
            assert (await rig.ended(ONE))["state"] == "stopped"
            assert rig.jobs() == 0

    run(work())


def test_one_whose_process_ends_before_it_is_begun_leaves_nothing_behind(tmp_path: Path) -> None:
    async def work() -> None:
        rig = Rig(tmp_path, "http://127.0.0.1:9")
        rig.log.attach()
        rig.desk.attach()
        writing = asyncio.create_task(rig.log.run())
        running = asyncio.create_task(rig.desk.run())
        rig.begin("before")
        rig.desk.stop("before")
        await rig.ended("before")
        asyncio.get_running_loop().call_soon(running.cancel)
        rig.begin(ONE)  # its task is made after the end is known, and ended before its first step
        await asyncio.wait([running])
        assert rig.jobs() == 1  # the next start takes it up
        writing.cancel()
        await asyncio.wait([writing])
        rig.store.close()

    run(work())
    gc.collect()  # a coroutine that nobody has awaited says so when it goes, and fails the test


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        gateway.refuse = (400, {"code": "too_long", "message": "That is too long."}, "")
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            rig.begin(ONE)
            row = await rig.ended(ONE)
            assert row["state"] == "refused"
            assert "That is too long." in row["error"]
        await gateway.down()

    run(work())


@pytest.mark.slow
def test_a_busy_gateway_is_asked_again(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        busy = {"code": "tier_capacity", "message": "Full."}
        gateway.refuse = (503, busy, "retry-after: 0\r\n")
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            await browser.read(lambda kind, data: kind == "place" and data["reason"] == "capacity")
            assert rig.row(ONE)["state"] == "waiting"
            gateway.refuse = None
            assert (await rig.ended(ONE))["text"] == TEXT
        await gateway.down()

    run(work())


def test_a_stream_that_fails_after_text_is_broken_and_goes_on(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        gateway.fail_at = 40
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            rig.begin(ONE)
            row = await rig.ended(ONE)
            assert row["state"] == "broken"
            assert TEXT.startswith(row["text"])
            assert "it broke" in row["error"]
        await gateway.down()

    run(work())


def test_notes_become_marks_and_places(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway()
        gateway.before = [
            b": queued position=3 eta_s=4.1\n\n",
            b': answered {"upstream":"two","model":"n","attempts":2,"because":"one: full"}\n\n',
        ]
        gateway.hold.clear()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            await browser.read(lambda kind, data: kind == "place" and data["position"] == 3)
            later = Browser(rig)
            await later.come()
            await later.read(lambda kind, _: kind == "place")
            gateway.hold.set()
            row = await rig.ended(ONE)
            assert (row["upstream"], row["answered_model"]) == ("two", "n")
            assert '"kind":"failover"' in row["marks"]
            assert "one: full" in row["marks"]
        await gateway.down()

    run(work())


def test_a_person_runs_only_so_many_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway(pace_s=0.0)
        gateway.hold.clear()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url, answers_running_max=2)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            for n in range(5):
                rig.begin(f"answer-{n}xx")
            await browser.read(lambda kind, data: kind == "place" and data["reason"] == "person")
            await rig.until(lambda: gateway.made == 2)
            rig.begin("answer-bob", account="bob")
            await rig.until(lambda: gateway.made == 3)
            told = [one for one in browser.of("place") if one["reason"] == "person"]
            behind = told[0]["message"]  # they may have come in another order
            rig.desk.stop(behind)
            await rig.ended(behind)
            assert gateway.made == 3
            gateway.hold.set()
            for one in {f"answer-{n}xx" for n in range(5)} - {behind}:
                assert (await rig.ended(one))["state"] == "done"
            assert gateway.made == 5
        await gateway.down()

    run(work())


def test_a_browser_that_does_not_read_is_let_go_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "BACKLOG_BYTES_MAX", 4096)

    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)
        async with rig.running():
            slow, quick = Browser(rig), Browser(rig)
            await slow.come()
            await quick.come()
            await rig.until(lambda: len(rig.log.hub) == 2)
            for one in rig.log.hub.listeners("ann") or ():
                if one is (rig.log.hub.listeners("ann") or [])[0]:
                    one.offer(b": \n\n" * 2000)  # more than it may be behind
            rig.begin(ONE)
            await quick.read(is_over(ONE))
            assert quick.texts[ONE] == TEXT
            await rig.until(lambda: len(rig.log.hub) == 1)
            await slow.read(lambda _kind, _data: False)  # its stream has ended
            assert [kind for kind, _ in slow.events][:1] == ["hello"]
            await slow.come(str(slow.of("hello")[0]["seq"]))
            await slow.read(is_over(ONE))
            assert slow.texts[ONE] == TEXT
        await gateway.down()

    run(work())


def test_numbers_are_never_used_twice(tmp_path: Path) -> None:
    """A process that dies may have told events that it has not written."""

    async def work() -> None:
        rig = Rig(tmp_path, "http://127.0.0.1:9")
        async with rig.running():
            rig.log.tell_here("ann", "message", b"{}")
            await rig.log.flushed()
            told = rig.log.seq + 1000  # and a thousand more, unwritten
        again = EventLog(Rig(tmp_path, "http://127.0.0.1:9").store, lambda: 1.0)
        assert again.seq > told

    run(work())
