"""The ledger against what the emulator counted itself, after faults, hang-ups and kill -9.

final usage reached us      to the token
anything else               in number; how far the estimates are off is printed
ledger + drops              every exchange that the gateway took
"""

import contextlib
import http.client
import json
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, RunningGateway, config_of, document

from penstock.ledger import price_table, rows
from penstock.ledger.intake import Terms
from penstock.ledger.reading import SpoolReader
from penstock.ledger.rows import Entry
from penstock.ledger.store import Store, migrate, open_store
from penstock.ledger.tables import exchanges

ROUTES: Final = ("gpt-claude", "claude-gpt", "claude-gemini", "gpt-gemini")
FAULTS: Final[tuple[dict[str, object], ...]] = (
    {"kind": "http_529", "provider": "claude", "share_ratio": 0.15},
    {"kind": "http_500", "provider": "gpt", "share_ratio": 0.15},
    {"kind": "stream_abort", "after_events": 6, "share_ratio": 0.1},
)
CALLERS: Final = 4
EACH: Final = 40
SHORT: Final = 3  # calls that a caller leaves after its first bytes, of ten


class Traffic:
    """Callers of one gateway, each in a thread."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.answered = 0  # the head of an answer came
        self.failed = 0  # no head came: the gateway died, or was not there
        self._lock = threading.Lock()

    def run(self, seed: int) -> None:
        """Call until all callers are through, or the gateway is gone."""
        threads = [
            threading.Thread(target=self._caller, args=(random.Random(seed + at),))
            for at in range(CALLERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _caller(self, dice: random.Random) -> None:
        for _ in range(EACH):
            try:
                self._call(dice)
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.failed += 1

    def _call(self, dice: random.Random) -> None:
        body = {
            "model": dice.choice(ROUTES),
            "max_tokens": 200,
            "messages": [{"role": "user", "content": "word " * dice.randint(1, 300)}],
            "stream": dice.random() < 0.7,
        }
        place = urlsplit(self.gateway.url).netloc
        connection = http.client.HTTPConnection(place, timeout=20)
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {CALLER_KEY}"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            response = connection.getresponse()
            with self._lock:
                self.answered += 1
            if dice.randrange(10) < SHORT:
                response.read(40)
                return
            with contextlib.suppress(OSError, http.client.HTTPException):
                response.read()  # a stream that breaks off ends without its end


def entries(store: Store) -> list[Entry]:
    """Return the whole ledger."""
    columns = [exchanges.c[name] for name in rows.COLUMNS]
    with store.reading() as connection:
        found = connection.execute(exchanges.select().with_only_columns(*columns)).all()
    return [rows.entry_of(row) for row in found]


def read(folder: Path) -> tuple[list[Entry], SpoolReader]:
    """Read the spool into a ledger, until nothing is left."""
    store = open_store("", folder)
    migrate(store)
    with store.reading() as connection:
        costing = price_table.costing(connection)
    reader = SpoolReader(folder / "spool", store, costing, Terms())
    reader.quiet_s = 0.0
    while reader.step(time.time() + 60.0):
        pass
    reader.step(time.time() + 60.0)
    found = entries(store)
    store.close()
    return found, reader


def compare(emulator: RunningEmulator, ledger: list[Entry]) -> dict[str, int]:
    """Match attempts by the upstream's request id; return sums."""
    seen: dict[str, dict[str, Any]] = {
        one["request_id"]: one for one in emulator.attempts(last=10_000)
    }
    names = ("exact", "estimated", "off", "tokens", "unnamed")
    sums: dict[str, int] = dict.fromkeys(names, 0)
    for entry in ledger:
        for attempt in entry.record.attempts:
            if not attempt.request_id:
                sums["unnamed"] += 1
                continue
            counted = seen.pop(attempt.request_id)
            if attempt.outcome == "success" and not attempt.is_estimated:
                sums["exact"] += 1
                assert attempt.input_tokens == counted["input_tokens"]
                assert attempt.output_tokens == counted["output_tokens"]
            elif attempt.status == 200:
                sums["estimated"] += 1
                assert attempt.is_estimated
                sums["off"] += abs(attempt.output_tokens - counted["output_tokens"])
                sums["tokens"] += counted["output_tokens"]
    sums["unseen"] = len(seen)
    return sums


def agrees_in_money(ledger: list[Entry]) -> None:
    """Nobody is charged without an answer, or more than it cost."""
    for record, costs, _ in ledger:
        assert costs.charge_microusd == 0 or record.outcome in {"complete", "broken", "hung_up"}
        assert costs.cost_microusd >= costs.charge_microusd
        assert not costs.is_unpriced


def two_lives(emulator: RunningEmulator, folder: Path) -> tuple[Traffic, Traffic]:
    """Send traffic to a gateway that is killed in the middle, and to the one after it."""
    config = config_of(document(emulator))
    gateway = RunningGateway(folder, config)
    first = Traffic(gateway)
    running = threading.Thread(target=first.run, args=(1,))
    running.start()
    wait_until(lambda: first.answered > CALLERS * EACH // 3)
    gateway.stop(signal.SIGKILL)
    running.join()
    gateway = RunningGateway(folder, config)
    second = Traffic(gateway)
    second.run(1000)
    assert gateway.stop() == 0  # it drains before
    return first, second


@pytest.mark.slow
def test_the_ledger_agrees_with_what_was_served(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator("--seed", "11")
    pace: dict[str, object] = {"ttft_s": 0.01, "tokens_per_s": 400.0}
    emulator.pace(claude=pace, gpt=pace, gemini=pace)
    emulator.faults(*FAULTS)
    first, second = two_lives(emulator, tmp_path)
    wait_until(lambda: emulator.stats()["open"] == 0)

    ledger, reader = read(tmp_path)
    sums = compare(emulator, ledger)
    sys.stdout.write(f"exchanges {len(ledger)}, lost {reader.counts.lost}, {sums}\n")
    answered = first.answered + second.answered
    assert second.failed == 0
    assert reader.counts.dropped == 0
    assert answered <= len(ledger) <= answered + first.failed
    assert 0 < reader.counts.lost <= CALLERS
    assert sums["exact"] > CALLERS * EACH // 2
    assert sums["estimated"] > 0
    assert sums["unseen"] <= sums["unnamed"]  # those of which no head came: lost, or left at once
    agrees_in_money(ledger)
