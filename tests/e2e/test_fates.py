"""Each way for an exchange to end, driven once through the real processes: word, cost and charge.

Charged is what the caller got, at the list prices that ship; what a provider took for nothing is
the operator's.
"""

import contextlib
import http.client
import http.server
import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.reckoning import Ledger
from tests.e2e.stack import TIMES, Stack, stack
from tests.e2e.test_control import operate

from penstock.ledger.rows import Entry

PER_M: Final = 1_000_000
# Micro-dollars for a million tokens, input and output: as prices.toml has them.
GPT_RATES: Final = (4_000_000, 20_000_000)
MINI_RATES: Final = (750_000, 4_500_000)
HAIKU_RATES: Final = (1_000_000, 5_000_000)
SAID: Final = " ".join(["dam"] * 60)
SLOW: Final[dict[str, object]] = {"ttft_s": 0.01, "tokens_per_s": 10.0}
MORE: Final = """
[admission.ladder]
entries = [0.00001, 0.00002, 0.00003, 0.00004, 1.0]
up_s = 0.1
[[upstreams]]
name = "narrow"
dialect = "openai_chat"
base_url = "{gpt}"
api_key_file = "{key}"
concurrency_max = 1
is_adaptive = false
[[upstreams]]
name = "house"
dialect = "openai_chat"
base_url = "{house}"
[[routes]]
name = "narrow"
targets = [{{upstream = "narrow", model = "gpt-5.6"}}]
[[routes]]
name = "small"
targets = [
    {{upstream = "narrow", model = "gpt-5.6"}},
    {{upstream = "narrow", model = "gpt-5.6-mini", is_degraded = true}},
]
[[routes]]
name = "house"
targets = [{{upstream = "house", model = "house-7b"}}]
"""


class House(http.server.BaseHTTPRequestHandler):
    """An engine whose model has no price; it says that it has used no output, and means it."""

    def do_POST(self) -> None:
        """Answer whole."""
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "We are open."}
        answer: dict[str, Any] = {
            "id": "house",
            "object": "chat.completion",
            "created": 1,
            "model": "house-7b",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@contextlib.contextmanager
def house() -> Generator[str]:
    """Run that engine; its base URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), House)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Desk:
    """Asks one thing after the other, and keeps the ids."""

    def __init__(self, running: Stack) -> None:
        self._place = urlsplit(running.url).netloc
        self._key = running.key

    @contextlib.contextmanager
    def asking(
        self, route: str, *, is_stream: bool = True, key: str = ""
    ) -> Generator[http.client.HTTPConnection]:
        """Ask for words; the caller leaves when the block ends."""
        turn = {"role": "user", "content": f"[[say:{SAID}]]"}
        body = {"model": route, "stream": is_stream, "max_tokens": 500, "messages": [turn]}
        connection = http.client.HTTPConnection(self._place, timeout=20.0)
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {key or self._key}"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            yield connection

    def ask(self, route: str, *, is_stream: bool = True, key: str = "") -> tuple[int, str]:
        """Ask and read to the end; return status and id."""
        with self.asking(route, is_stream=is_stream, key=key) as connection:
            response = connection.getresponse()
            with contextlib.suppress(http.client.HTTPException):
                response.read()
            return response.status, response.headers["x-request-id"]

    def leave(self, route: str) -> str:
        """Leave after the first content; return the id."""
        with self.asking(route) as connection:
            response = connection.getresponse()
            response.read(10)
            return response.headers["x-request-id"]


def once(emulator: RunningEmulator, kind: str, provider: str = "gpt", **more: object) -> None:
    """Let a fault strike every answer of a provider, until told otherwise."""
    emulator.faults({"kind": kind, "provider": provider, **more})


def read(state_dir: Path, ids: set[str], count: int = 0) -> Ledger:
    """Wait until all of these are in the ledger, and so many in number."""
    found: list[Ledger] = []

    def is_read() -> bool:
        found[:] = [Ledger("", state_dir)]
        return ids <= set(found[0].ids) and len(found[0].ids) >= count and not found[0].waiting

    wait_until(is_read)
    return found[0]


@contextlib.contextmanager
def open_for_all(tmp_path: Path, emulator: RunningEmulator) -> Generator[Stack]:
    """Start everything, with an upstream of one slot and one whose model has no price."""
    with house() as url:
        key = tmp_path / "upstream.key"
        more = MORE.format(gpt=emulator.urls["gpt"], key=key, house=url)
        with stack(tmp_path, emulator, more) as running:
            yield running
            running.up.stop()


def answered(running: Stack, emulator: RunningEmulator, desk: Desk) -> dict[str, str]:
    """Let exchanges end that are answered; return their ids with the fate that they should have."""
    wanted: dict[str, str] = {}

    def note(status: int, fate: str, route: str) -> None:
        told, one = desk.ask(route)
        assert told == status
        wanted[one] = fate

    note(200, "served", "chat")
    once(emulator, "http_500")
    note(502, "failed", "chat")
    emulator.faults()
    note(404, "rejected", "nobody")
    limits = {"requests_per_min": 1}
    status, made = operate(running.up, "POST", "/keys", {"id": "few", "limits": limits})
    assert status == 201
    wait_until(lambda: desk.ask("house", is_stream=False, key=made["secret"])[0] == 429)
    emulator.pace(gpt=SLOW)
    with desk.asking("narrow") as holder:  # has the only slot, for six seconds
        holder.getresponse().read(10)
        note(503, "shed", "narrow")
    return wanted


def abandoned(
    running: Stack, emulator: RunningEmulator, desk: Desk, state_dir: Path
) -> dict[str, str]:
    """Let exchanges end that somebody leaves, or our process."""
    wanted = {desk.leave("chat"): "left"}
    wait_until(lambda: emulator.stats()["open"] == 0)
    before = set(read(state_dir, set(wanted)).ids)
    once(emulator, "hang")
    with desk.asking("chat") as hung:
        wait_until(lambda: emulator.stats()["open"] == 1)
        hung.sock.settimeout(2 * float(TIMES["hang_s"]))
        with pytest.raises(TimeoutError):
            hung.sock.recv(1)
    (one,) = set(read(state_dir, before, len(before) + 1).ids) - before
    wanted[one] = "failed"
    emulator.faults()
    with desk.asking("chat") as dying:
        wanted[dying.getresponse().headers["x-request-id"]] = "lost"
        running.kill("gateway")
    return wanted


@pytest.mark.slow
def test_each_end_is_called_what_it_was(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = start_emulator("--instant", "--seed", "3")
    with open_for_all(tmp_path, emulator) as running:
        desk = Desk(running)
        wanted = answered(running, emulator, desk)
        wanted |= abandoned(running, emulator, desk, tmp_path / "state")
        ledger = read(tmp_path / "state", set(wanted))
    found = {entry.record.id: entry.fate for entry in ledger.entries}
    assert {one: found[one] for one in wanted} == wanted
    fates = ledger.fates
    assert fates["limited"] == 1
    bad = fates["failed"] + fates["shed"] + fates["lost"]
    assert bad == 4
    assert ledger.availability() == fates["served"] / (fates["served"] + bad)
    ledger.check_sums(float(TIMES["hang_s"]))


def price(rates: tuple[int, int], input_tokens: int, output_tokens: int) -> int:
    """Return the price by hand, rounded up."""
    return -(-(input_tokens * rates[0] + output_tokens * rates[1]) // PER_M)


def money(entry: Entry) -> tuple[int, int]:
    """Return cost and charge."""
    return entry.costs.cost_microusd, entry.costs.charge_microusd


ASKED: Final = 4 + -(-len(f"[[say:{SAID}]]") // 4)  # tokens, as the emulator counts them


def all_kinds(running: Stack, emulator: RunningEmulator) -> dict[str, str]:
    """Let one exchange end in each way that matters for money; return their ids."""
    desk = Desk(running)
    made: dict[str, str] = {}
    once(emulator, "stream_abort", after_events=6)
    made["spliced"] = desk.ask("chat-claude")[1]
    once(emulator, "error_event_first")
    made["early"] = desk.ask("chat")[1]
    made["rescued"] = desk.ask("chat-claude")[1]
    emulator.faults()
    made["unpriced"] = desk.ask("house", is_stream=False)[1]
    emulator.pace(gpt=SLOW)
    made["left"] = desk.leave("chat")
    made["degraded"] = ask_until_degraded(running, desk)
    return made


@pytest.mark.slow
def test_cost_is_what_providers_take_and_charge_what_the_caller_got(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator("--instant", "--seed", "3", "--shared-text")
    with open_for_all(tmp_path, emulator) as running:
        made = all_kinds(running, emulator)
        ledger = read(tmp_path / "state", set(made.values()))
    entries = {name: ledger.entry(one) for name, one in made.items()}
    check_spliced(entries["spliced"])
    check_unanswered(entries["early"], entries["rescued"])
    check_unpriced(entries["unpriced"])

    record, _, fate = entry = entries["left"]
    assert (record.outcome, fate) == ("hung_up", "left")
    assert 1 <= record.output_tokens < 30
    assert money(entry) == (price(GPT_RATES, ASKED, record.output_tokens),) * 2

    record, _, _ = entry = entries["degraded"]
    assert "model" in record.degraded
    assert record.attempts[-1].model == "gpt-5.6-mini"
    due = price(MINI_RATES, record.input_tokens, record.output_tokens)
    assert money(entry) == (due, due)


def check_spliced(entry: Entry) -> None:
    """The input is charged once, at the first part's model; each part's output at its own."""
    record, costs, _ = entry
    first, second = record.attempts
    assert (record.outcome, record.hops, first.is_estimated) == ("complete", 1, True)
    assert first.output_tokens == 6
    assert second.output_tokens >= 60 - 6
    begun = price(GPT_RATES, ASKED, 6)
    rest = price(HAIKU_RATES, second.input_tokens, second.output_tokens)
    assert costs.by_attempt == (begun, rest)
    assert money(entry) == (begun + rest, begun + price(HAIKU_RATES, 0, second.output_tokens))


def check_unanswered(early: Entry, rescued: Entry) -> None:
    """What came to nothing is the operator's, also where another answered after it."""
    wasted = price(GPT_RATES, ASKED, 0)
    assert early.record.attempts
    assert money(early) == (wasted * len(early.record.attempts), 0)
    whole = price(HAIKU_RATES, ASKED, 60)
    assert rescued.record.outcome == "complete"
    assert money(rescued) == (wasted * (len(rescued.record.attempts) - 1) + whole, whole)


def check_unpriced(entry: Entry) -> None:
    """A model without a price is marked; zero tokens that were told are zero tokens."""
    assert money(entry) == (0, 0)
    assert entry.costs.is_unpriced
    assert (entry.record.input_tokens, entry.record.output_tokens) == (7, 0)
    assert not entry.record.is_estimated


def ask_until_degraded(running: Stack, desk: Desk) -> str:
    """Keep a slot busy until a free tenant gets the smaller model; return that exchange's id."""
    operate(running.up, "PUT", "/tenants/public", {"tenant": {"id": "public", "tier": "free"}})
    status, made = operate(running.up, "POST", "/keys", {"id": "public", "tenant": "public"})
    assert status == 201
    found: list[str] = []

    def is_degraded() -> bool:
        with desk.asking("small", key=made["secret"]) as connection:
            response = connection.getresponse()
            words = response.headers.get("x-penstock-degraded") or ""
            if response.status == 200 and "model" in words:
                found[:] = [response.headers["x-request-id"]]
                response.read()
        return bool(found)

    with desk.asking("chat") as holder:
        holder.getresponse()
        wait_until(is_degraded)
    return found[0]
