"""The log at its end, and at its limits: what was told is written, what is gone is said to be."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.apps.chat.answering.gateway import TEXT, FakeGateway
from tests.apps.chat.answering.rig import Browser, Rig

from penstock.apps.chat.answering import log as log_module
from penstock.apps.chat.answering.log import EventLog
from penstock.apps.chat.store import open_chat

NOWHERE = "http://127.0.0.1:9"
ONE = "answer-one"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


class Held(EventLog):
    """A log whose thread can be kept busy."""

    @property
    def has_begun(self) -> bool:
        """Whether all that was told is on its way to the thread."""
        return not self._pending

    def keep_busy(self, until: threading.Event) -> None:
        """Let nothing be written before that."""
        self._thread.submit(until.wait, 20)


async def cut_off(log: Held, release: Callable[[], object]) -> None:
    """Tell one event while the log cannot write, end its task, tell another; then it can."""
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
        writing = tasks.create_task(log.run())
        log.tell_here("ann", "delta", b'{"n":1}')
        await asyncio.sleep(4 * log_module.COMMIT_S)
        assert log.has_begun, "it is not being written yet"
        writing.cancel()
    log.tell_here("ann", "delta", b'{"n":2}')
    release()
    await log.close()


@pytest.mark.parametrize("is_begun", [True, False])
def test_an_end_in_the_middle_of_writing_leaves_no_gap(tmp_path: Path, *, is_begun: bool) -> None:
    """A batch that is being written, or stands behind another, is not lost with its task."""

    async def work() -> None:
        store = open_chat(tmp_path)
        log = Held(store)
        log.attach()
        with contextlib.ExitStack() as held:
            if is_begun:
                held.enter_context(store.writing()).execute(text("DELETE FROM events"))
            else:
                may_go_on = threading.Event()
                held.callback(may_go_on.set)
                log.keep_busy(may_go_on)
            await cut_off(log, held.close)
        with store.reading() as connection:
            rows = connection.execute(text("SELECT data FROM events ORDER BY seq")).all()
        assert [row.data for row in rows] == ['{"n":1}', '{"n":2}']
        store.close()

    run(work())


def test_what_is_too_old_goes_and_who_asks_for_it_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "TRIM_ROWS", 7)

    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        now_s = [1e9]
        rig = Rig(tmp_path, gateway.url, now_unix_s=lambda: now_s[0])
        async with rig.running():
            away = Browser(rig)
            await away.come()
            await away.read(lambda kind, _: kind == "hello")
            began = away.of("hello")[0]["seq"]
            away.leave()
            rig.begin(ONE)
            await rig.ended(ONE)
            await rig.log.flushed()
            await rig.log.trim(rig.desk.kept)
            now_s[0] += log_module.KEEP_S / 2
            rig.begin("answer-two")  # begun before the cut, and it goes on after it
            await rig.until(lambda: rig.row("answer-two")["state"] == "streaming")
            now_s[0] += log_module.KEEP_S / 2
            await rig.log.trim(rig.desk.kept)
            assert rig.log.floor > began
            await away.come(str(began))
            await away.read(lambda kind, _: kind == "notices")
            assert away.of("reset")
            assert (await rig.ended("answer-two"))["text"] == TEXT
            assert rig.row(ONE)["text"] == TEXT
        await gateway.down()

    run(work())


def test_a_cut_in_mid_answer_loses_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the log loses of an answer stands in its row: the next start has all of the text."""
    monkeypatch.setattr(log_module, "ROWS_MAX", 3)

    async def work() -> None:
        gateway = FakeGateway()
        await gateway.up()
        rig = Rig(tmp_path, gateway.url, group_s=0.0)
        async with rig.running():
            browser = Browser(rig)
            await browser.come()
            rig.begin(ONE)
            for _ in range(3):
                had = len(browser.of("delta"))
                await browser.read(lambda _kind, _data, had=had: len(browser.of("delta")) > had + 5)
                await rig.log.flushed()
                await rig.log.trim(rig.desk.kept)
            assert rig.row(ONE)["text"]
        again = Rig(tmp_path, gateway.url)
        async with again.running():
            assert (await again.ended(ONE))["text"] == TEXT
            assert gateway.made == 1
        await gateway.down()

    run(work())
