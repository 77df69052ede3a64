"""``penstock top`` beside a real gateway that is full at one upstream and busy at another."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from tests.cli.running import environment
from tests.e2e.conftest import StartGateway
from tests.e2e.emulator import DEADLINE_S, RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, RunningGateway, config_of, document

from penstock.cli.state import State
from penstock.config.private_file import write_json

pytestmark = pytest.mark.slow

SLOTS = 2
CROWD = 5


def ask(url: str, route: str) -> None:
    """Stream one answer; the gateway may go down meanwhile."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=CALLER_KEY, max_retries=0)
    messages: Any = [{"role": "user", "content": "Tell me about water."}]
    with contextlib.suppress(openai.OpenAIError), client:
        for _ in client.chat.completions.create(model=route, messages=messages, stream=True):
            pass


def begin(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def top(gateway: RunningGateway) -> dict[str, Any]:
    """Return what the command says of a gateway that it finds by itself."""
    write_json(State(gateway.folder).ready("gateway"), {"admin_url": gateway.admin_url})
    told = subprocess.run(
        [sys.executable, "-m", "penstock", "top", "--once", "--json", "-i", "1"],
        env={**environment(gateway.folder), "PENSTOCK_STATE_DIR": str(gateway.folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    return json.loads(told.stdout)


@pytest.fixture
def gateway(emulator: RunningEmulator, start_gateway: StartGateway) -> Iterator[RunningGateway]:
    """Start a gateway whose Claude is full and slow, and whose GPT is busy and fast."""
    table = document(emulator)
    table["gateway"]["drain_s"] = 0.1  # nobody waits for the end of what is slow
    table["timeouts"] |= {"first_token_s": 60.0, "total_s": 60.0, "queue_s": 60.0}
    next(one for one in table["upstreams"] if one["name"] == "claude")["concurrency_max"] = SLOTS
    gateway = start_gateway(config_of(table))
    emulator.pace(claude={"ttft_s": 60.0}, gpt={"is_instant": True})
    is_over = threading.Event()

    def keep_busy() -> None:
        while not is_over.is_set():
            ask(gateway.url, "only-gpt")

    crowd = [begin(lambda: ask(gateway.url, "only-claude")) for _ in range(CROWD)]
    busy = begin(keep_busy)
    try:
        wait_until(lambda: gateway.telemetry()["gate"]["waiting"] == CROWD - SLOTS)
        before = gateway.telemetry()["tiers"]
        wait_until(lambda: gateway.telemetry()["tiers"] != before)
        yield gateway
    finally:
        is_over.set()
        busy.join(DEADLINE_S)
        gateway.stop()
        for thread in crowd:
            thread.join(DEADLINE_S)


def test_it_shows_what_is_full_who_waits_and_how_fast_the_rest_goes(
    gateway: RunningGateway,
) -> None:
    found = top(gateway)
    upstreams = {one["upstream"]: one for one in found["upstreams"]}
    tiers = {one["tier"]: one for one in found["tiers"]}
    claude, gpt, standard = upstreams["claude"], upstreams["gpt"], tiers["standard"]
    nobody = dict.fromkeys(tiers, 0)
    assert found["url"] == gateway.admin_url
    assert found["headline"].startswith(f"claude full: {SLOTS} of {SLOTS} slots, standard waits ")
    assert (found["severity"], found["waiting"]) == ("partial", CROWD - SLOTS)
    assert (claude["condition"], claude["in_flight"], claude["limit"]) == ("full", SLOTS, SLOTS)
    assert claude["slots"] == nobody | {"standard": SLOTS}
    assert claude["waiting"] == nobody | {"standard": CROWD - SLOTS}
    assert claude["oldest_wait_s"]["standard"] > 0.0
    assert standard["waiting"] == CROWD - SLOTS
    assert upstreams["gemini"]["condition"] == "ready"
    assert gpt["attempts_per_s"] > 0.0
    assert gpt["output_tokens_per_s"] > 0.0
    assert standard["exchanges_per_s"] == gpt["attempts_per_s"]
    assert standard["output_tokens_per_s"] == gpt["output_tokens_per_s"]
    assert standard["ttft_p50_s"] is not None
    assert tiers["free"]["exchanges_per_s"] == 0.0


def test_prometheus_is_told_the_same(gateway: RunningGateway) -> None:
    metrics = gateway.admin("/metrics")
    for line in (
        f'penstock_queue_depth{{tier="standard",upstream="claude"}} {CROWD - SLOTS}.0',
        f'penstock_tier_in_flight{{tier="standard",upstream="claude"}} {SLOTS}.0',
        f'penstock_upstream_limit{{upstream="claude"}} {SLOTS}.0',
        "penstock_ladder_level 0.0",
    ):
        assert line in metrics
