"""The ledger against what the emulator counted itself, with real processes that are killed.

ledger + counted drops      every exchange that was begun, each once
sums, at every grain        what the exchanges add up to
final usage reached us      to the token
broken, left                the estimate in sum within ``ERROR_RATIO`` of what was generated,
                            at four characters a token, as callers here have it said
lost                        as many as callers can have had under way
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.reckoning import Ledger, match
from tests.e2e.stack import TIMES, Stack, stack
from tests.e2e.traffic import Traffic
from tests.postgres import Postgres

FAULTS: Final[tuple[dict[str, object], ...]] = (
    {"kind": "http_529", "provider": "claude", "share_ratio": 0.1},
    {"kind": "http_500", "provider": "gpt", "share_ratio": 0.1},
    {"kind": "stream_abort", "after_events": 6, "share_ratio": 0.1},
    {"kind": "stream_cut", "after_events": 20, "share_ratio": 0.05},
    {"kind": "truncated_body", "share_ratio": 0.05},
    {"kind": "reset", "share_ratio": 0.02},
)
PACE: Final[dict[str, object]] = {"ttft_s": 0.02, "tokens_per_s": 400.0}
CALLERS: Final = 4
EACH: Final = 60
KILLS: Final = 3
ERROR_RATIO: Final = 0.25
READ_S: Final = 20.0


def slow_emulator(start_emulator: StartEmulator) -> RunningEmulator:
    """Start an emulator that takes its time, and spoils every fifth answer."""
    emulator = start_emulator("--seed", "11")
    emulator.pace(claude=PACE, gpt=PACE, gemini=PACE)
    emulator.faults(*FAULTS)
    return emulator


def disturb(running: Stack, traffic: Traffic) -> None:
    """Kill the gateway and control in a loop, and freeze control, while callers call."""
    total = CALLERS * EACH
    for at in range(KILLS):
        due = total * (at + 1) // (KILLS + 2)
        wait_until(lambda due=due: traffic.begun >= due, READ_S * 2)
        running.kill("gateway")
        with running.frozen("control"):
            wait_until(lambda due=due: traffic.begun >= due + total // 20, READ_S)
        running.kill("control")


def read_all(database_url: str, state_dir: Path, traffic: Traffic) -> Ledger:
    """Wait until control has read everything that callers have seen, and what was lost."""
    until_s = time.monotonic() + READ_S
    while True:
        ledger = Ledger(database_url, state_dir)
        if not ledger.waiting and traffic.seen <= set(ledger.ids):
            return ledger
        missing = traffic.seen - set(ledger.ids)
        assert time.monotonic() < until_s, f"{len(missing)} unread, {ledger.waiting} waiting"
        os.sched_yield()


def check(emulator: RunningEmulator, ledger: Ledger, traffic: Traffic) -> None:
    """The record is whole, and says what happened."""
    sums = match(emulator, ledger)
    known = {**vars(traffic), "seen": len(traffic.seen)}
    told = {name: known[name] for name in ("begun", "seen", "without_head", "statuses")}
    sys.stdout.write(f"{told}\n{dict(ledger.fates)}\n{sums}\n")
    assert not traffic.odd
    assert len(ledger.ids) == len(set(ledger.ids))
    assert ledger.dropped_lines == ledger.damaged == 0
    assert traffic.seen <= set(ledger.ids)
    assert len(traffic.seen) <= len(ledger.ids) <= len(traffic.seen) + traffic.without_head
    ledger.check_sums(float(TIMES["hang_s"]))

    assert sums.exact > traffic.begun // 3
    assert sums.estimated > traffic.begun // 20
    named = sums.unseen["claude"] + sums.unseen["gpt"]
    google = sums.unseen["gemini"]
    hidden = sums.lost + sums.no_head  # the emulator may have seen these, under names unknown here
    assert named <= hidden
    assert sums.nameless <= google <= sums.nameless + hidden
    for ours, theirs, error in (sums.output, sums.input):
        assert abs(ours - theirs) <= ERROR_RATIO * theirs, (ours, theirs, error)
    assert sums.output[0] <= sums.output[1] + sums.estimated  # never more than was generated
    for record, costs, _ in ledger.entries:
        assert costs.charge_microusd == 0 or record.outcome in {"complete", "broken", "hung_up"}
        assert costs.charge_microusd <= costs.cost_microusd
        assert not costs.is_unpriced


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_ledger_agrees_with_what_was_served(
    database: str,
    start_emulator: StartEmulator,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    url, more = "", ""
    if database == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database()
        more = f'[control]\ndatabase_url = "{url}"\n'
    emulator = slow_emulator(start_emulator)
    with stack(tmp_path, emulator, more) as running:
        traffic = Traffic(running.url, running.key)
        traffic.start(CALLERS, EACH)
        disturb(running, traffic)
        traffic.join()
        wait_until(lambda: emulator.stats()["open"] == 0)
        read_all(url, tmp_path / "state", traffic)
        assert running.up.stop() == 0
    ledger = Ledger(url, tmp_path / "state")
    assert ledger.fates["lost"] <= KILLS * CALLERS
    check(emulator, ledger, traffic)
