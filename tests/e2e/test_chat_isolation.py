"""Whatever becomes of the chat, API callers notice nothing: measured before, meanwhile and after.

Disturbed in turn: killed with -9, overloaded by streams and a flood of log-ins, its disk full, its
database locked. Each time it is shown that the chat did suffer. What is compared is counts: no
call may fail, and none may take as long as a person would notice. Times are recorded.
"""

import contextlib
import http.client
import json
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import pytest
from tests.e2e.chat_people import FAILURES, Crowd, Person
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import wait_until
from tests.e2e.stack import Stack, stack
from tests.e2e.test_full_disk import full

CALLERS: Final = 4
PAUSE_S: Final = 0.05  # of a caller between two calls: about 60 a second in all
CALLS_MIN: Final = 100  # in each phase
TTFT_S_MAX: Final = 2.0  # of any call: two cores also run the flood; alone it is milliseconds
SAID: Final = "[[say:The gate of a penstock controls the flow of water to the turbine.]]"
STORY: Final = f"[[say:{' '.join(['water'] * 400)} end]]"
STREAMS: Final = 40  # of four people, each with more answers than it may have at once
FLOOD: Final = 12
PHASE_WITHIN_S: Final = 60.0
CONFIG: Final = """
[chat]
trusted_proxies = ["127.0.0.0/8"]
[gateway]
exchanges_max = 5000
"""


class Measured:
    """API callers in threads, from the beginning of a block to its end: what each call came to."""

    def __init__(self, running: Stack) -> None:
        self._place = urlsplit(running.url).netloc
        self._key = running.key
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CALLERS)]
        self.ttfts_s: list[float] = []
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for one in self._threads:
            one.join(PHASE_WITHIN_S)

    def until(self, calls: int) -> None:
        """Wait for so many calls from now on."""
        enough = self.calls + calls
        wait_until(lambda: self.calls >= enough, PHASE_WITHIN_S)

    @property
    def calls(self) -> int:
        return len(self.ttfts_s) + len(self.failures)

    def quantile_s(self, ratio: float) -> float:
        times_s = sorted(self.ttfts_s)
        return times_s[min(len(times_s) - 1, math.ceil(ratio * len(times_s)))]

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._place, timeout=20)
        with contextlib.closing(connection):
            while not self._stopping.wait(PAUSE_S):
                try:
                    self._call(connection)
                except FAILURES as error:
                    self.failures.append(repr(error))
                    connection.close()

    def _call(self, connection: http.client.HTTPConnection) -> None:
        body = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": SAID}]}
        began_s = time.monotonic()
        headers = {"authorization": f"Bearer {self._key}"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        first = response.readline()
        ttft_s = time.monotonic() - began_s
        rest = response.read()
        if response.status == 200 and b"data: [DONE]" in rest and b'"error"' not in rest:
            self.ttfts_s.append(ttft_s)
        else:
            self.failures.append(f"{response.status}: {(first + rest)[:300]!r}")


@contextlib.contextmanager
def locked(database: Path) -> Generator[None]:
    """Hold the write lock of a database, for the time of a block."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 20000")
        connection.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


class Scene:
    """A running stack, a person of the chat, and what has been measured."""

    def __init__(self, running: Stack, record: Callable[[str, object], None]) -> None:
        self.running = running
        self.url: str = running.up.ready()["urls"]["chat"]
        self._record = record
        self.person = Person(self.url, 1)
        assert self.person.sign_up() == 303
        assert self.person.begin("conversation-1") == 200

    @contextlib.contextmanager
    def measured(self, phase: str) -> Generator[Measured]:
        """Measure callers meanwhile, and hold that none of them has noticed anything."""
        with Measured(self.running) as callers:
            yield callers
            callers.until(CALLS_MIN)
        self._record(f"{phase} calls", callers.calls)
        self._record(f"{phase} failures", len(callers.failures))
        for ratio in (0.5, 0.99, 1.0):
            self._record(
                f"{phase} TTFT p{ratio:.0%}, ms", round(callers.quantile_s(ratio) * 1e3, 1)
            )
        assert callers.failures == []
        assert callers.quantile_s(1.0) < TTFT_S_MAX

    def chat_is_well(self) -> None:
        """Wait until the person's message is answered."""
        number = time.monotonic_ns()
        conversation, answer = f"conversation-{number}", f"answer-{number}"
        wait_until(lambda: works(lambda: self.person.begin(conversation)), PHASE_WITHIN_S)
        wait_until(lambda: works(lambda: self.person.say(conversation, answer, SAID)), 20.0)
        wait_until(lambda: self.person.read(answer).get("state") == "done", PHASE_WITHIN_S)


def works(ask: Callable[[], int]) -> bool:
    """Tell whether the chat answers, and says yes."""
    try:
        return ask() == 200
    except FAILURES:
        return False


def fails(ask: Callable[[], int]) -> bool:
    """Tell whether the chat does not answer, or says that it cannot."""
    try:
        return ask() >= 500
    except FAILURES:
        return True


def crowd_of_streams(people: Sequence[Person], stack: contextlib.ExitStack) -> int:
    """Let people have more answers than they may at once, all watched; returns how many asked."""
    asked = 0
    for at in range(STREAMS):
        person = people[at % len(people)]
        stack.enter_context(person.listening())
        conversation = f"crowded-{person.network.replace('.', '-')}-{at}"
        if person.begin(conversation) == 200:
            asked += person.say(conversation, f"answer-{conversation}", STORY) == 200
    return asked


@pytest.mark.slow
def test_api_callers_notice_nothing_of_what_becomes_of_the_chat(
    start_emulator: StartEmulator,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    emulator = start_emulator("--seed", "7")
    emulator.pace(gpt={"ttft_s": 0.02, "tokens_per_s": 400.0, "spread": 0.0})
    with stack(tmp_path, emulator, CONFIG) as running:
        scene = Scene(running, record_property)
        scene.chat_is_well()
        with scene.measured("calm"):
            pass
        with scene.measured("killed") as callers:
            for _ in range(3):
                running.kill("chat")
                callers.until(20)
        scene.chat_is_well()
        people = [Person(scene.url, 2 + at) for at in range(4)]
        assert {one.sign_up() for one in people} == {303}
        with (
            contextlib.ExitStack() as streams,
            Crowd(scene.url, FLOOD) as flood,
            scene.measured("overloaded"),
        ):
            assert crowd_of_streams(people, streams) > 0
        record_property("overloaded, log-ins by answer", dict(flood.statuses))
        assert sum(flood.statuses.values()) > FLOOD
        scene.chat_is_well()
        with scene.measured("full disk") as callers, full(running.pid("chat")):
            wait_until(lambda: fails(lambda: scene.person.begin(f"full-{time.monotonic_ns()}")))
            callers.until(CALLS_MIN)
        scene.chat_is_well()
        database = tmp_path / "state" / "chat.db"
        with scene.measured("locked database") as callers, locked(database):
            assert fails(lambda: scene.person.begin("locked-conversation"))
            callers.until(CALLS_MIN)
        scene.chat_is_well()
        with scene.measured("calm again"):
            pass
