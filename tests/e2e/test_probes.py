"""Probes tell each way to fail by its name, in every dialect, past the gateway and through it."""

import asyncio
import contextlib
import random
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.apps.status.installation import Clock, installed
from tests.e2e.console import OWNER, PASSWORD, RunningConsole
from tests.e2e.emulator import KEY, RunningEmulator
from tests.e2e.gateway import CALLER_KEY, RunningGateway

from penstock.apps.status.parts import Parts
from penstock.apps.status.watching.probing import asking, result
from penstock.apps.status.watching.probing.finding import Task
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.config import discover, private_file
from penstock.config.model import Config, DialectName, Emulate, Upstream
from penstock.config.watching import Probe, ProbeKind
from penstock.core.price import PriceList
from penstock.wire import clock

pytestmark = pytest.mark.slow

DIALECTS = ("anthropic_messages", "openai_chat", "openai_responses", "gemini_generate")
SURFACES = {
    "anthropic_messages": ("claude", "", "claude-haiku-4-5"),
    "openai_chat": ("gpt", "", "gpt-5.6"),
    "openai_responses": ("gpt", "", "gpt-5.6"),
    "gemini_generate": ("gemini_native", "/v1beta", "gemini-3.7-flash"),
}
TIMEOUT_S = 0.8


def means() -> Means:
    return Means(now_s=clock.now_s, chance=random.Random(1).random, tls=result.context())


def probe_of(**fields: object) -> Probe:
    known: dict[str, object] = {"name": "p", "kind": ProbeKind.API, "timeout_s": TIMEOUT_S}
    return msgspec.convert(known | {"slow_s": 0.4} | fields, Probe)


@pytest.fixture
def parts(emulator: RunningEmulator, tmp_path: Path) -> Iterator[Parts]:
    """Give parts whose upstreams are the emulator's, one a dialect, with a key in a file."""
    key = tmp_path / "provider.key"
    private_file.write(key, KEY)
    upstreams = tuple(
        Upstream(
            name=dialect,
            dialect=DialectName(dialect),
            base_url=emulator.urls[SURFACES[dialect][0]] + SURFACES[dialect][1],
            api_key_file=str(key),
        )
        for dialect in DIALECTS
    )
    found = discover.config(discover.emulated(emulator.urls, str(key)), Config(emulate=Emulate()))
    config = msgspec.structs.replace(found, upstreams=(*found.upstreams, *upstreams))
    made = installed(tmp_path, Clock(), config)
    yield made
    made.store.close()


def made(parts: Parts, probe: Probe) -> Outcome:
    task = Task(probe=probe, components=())
    return asyncio.run(asking.make(task, parts, PriceList(()), means()))


def past(parts: Parts, dialect: str, **fields: object) -> Outcome:
    return made(parts, probe_of(**{"upstream": dialect, "model": SURFACES[dialect][2]} | fields))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_all_is_well_to_the_last_event(parts: Parts, dialect: str) -> None:
    outcome = past(parts, dialect)
    assert outcome.result.value == "good", outcome
    assert outcome.ttft_s is not None
    assert outcome.total_s is not None
    assert 0 < outcome.ttft_s <= outcome.total_s < TIMEOUT_S


FAULTS = [
    ({"kind": "http_529"}, "failed", "overloaded"),
    ({"kind": "http_500"}, "failed", "server_error"),
    ({"kind": "http_401"}, "failed", "account"),
    ({"kind": "http_429", "flavour": "quota"}, "unknown", "quota"),
    ({"kind": "http_400"}, "unknown", "rejected"),
    ({"kind": "reset"}, "failed", "reset"),
    ({"kind": "hang"}, "failed", "timeout"),
    ({"kind": "stall", "after_events": 1}, "failed", "stalled"),
    ({"kind": "slow_ttft", "delay_s": 0.5}, "slow", ""),
    ({"kind": "stream_cut", "after_events": 1}, "failed", "broken_stream"),
    ({"kind": "stream_abort", "after_events": 1}, "failed", "broken"),
    ({"kind": "error_event_mid", "after_events": 1}, "failed", "overloaded"),
    ({"kind": "empty_stream"}, "failed", "broken_stream"),
    ({"kind": "missing_done"}, "good", ""),  # the model has said why it stopped
    ({"kind": "wrong_content"}, "wrong", "wrong"),
    ({"kind": "corrupt_tokens"}, "wrong", "wrong"),
    ({"kind": "refusal"}, "wrong", "wrong"),
]


OTHERS = [pytest.param(dialect, marks=pytest.mark.slow) for dialect in DIALECTS[1:]]


@pytest.mark.parametrize("dialect", [DIALECTS[0], *OTHERS])
@pytest.mark.parametrize(("rule", "ended", "how"), FAULTS, ids=lambda one: str(one)[:30])
def test_each_fault_has_its_name(
    emulator: RunningEmulator,
    parts: Parts,
    dialect: str,
    rule: dict[str, object],
    ended: str,
    how: str,
) -> None:
    emulator.faults(rule)
    outcome = past(parts, dialect)
    assert (outcome.result.value, outcome.how) == (ended, how), outcome


def test_wrong_content_passes_where_nobody_looks_at_it(
    emulator: RunningEmulator, parts: Parts
) -> None:
    emulator.faults({"kind": "wrong_content"})
    assert past(parts, "openai_chat", is_canary=False).result.value == "good"


def test_what_our_own_side_lacks_is_unknown(parts: Parts) -> None:
    assert past(parts, "openai_chat", model="").how == "gone"
    assert made(parts, probe_of(upstream="nobody")).how == "gone"
    for upstream in parts.config.upstreams:
        Path(upstream.api_key_file).unlink(missing_ok=True)
    outcome = past(parts, "openai_chat")
    assert (outcome.result.value, outcome.how) == ("unknown", "no_key")
    outcome = made(parts, probe_of(route="auto"))
    assert (outcome.result.value, outcome.how) == ("unknown", "no_key")


def aimed(parts: Parts, gateway: RunningGateway, key: str = CALLER_KEY) -> None:
    private_file.write(parts.state_dir / "status.key", f"{key}\n")
    urls = {"gateway": gateway.url, "metrics": gateway.admin_url}
    private_file.write_json(parts.state_dir / "run" / "up.json", {"urls": urls})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_through_the_gateway_a_route_is_what_its_callers_get(
    emulator: RunningEmulator, gateway: RunningGateway, parts: Parts, dialect: str
) -> None:
    aimed(parts, gateway)
    timing = {"timeout_s": 3.0, "slow_s": 2.0, "dialect": dialect}
    assert made(parts, probe_of(route="claude-gpt", **timing)).result.value == "good"
    emulator.faults({"kind": "http_529", "provider": "claude"})
    assert made(parts, probe_of(route="claude-gpt", **timing)).result.value == "good"
    outcome = made(parts, probe_of(route="only-claude", **timing))
    assert outcome.result.value == "failed", outcome
    emulator.faults({"kind": "wrong_content"})
    assert made(parts, probe_of(route="only-gpt", **timing)).result.value == "wrong"


def test_a_gateway_that_refuses_our_own_key_or_route_is_not_down(
    gateway: RunningGateway, parts: Parts
) -> None:
    aimed(parts, gateway)
    outcome = made(parts, probe_of(route="never"))
    assert (outcome.result.value, outcome.how) == ("unknown", "route")
    aimed(parts, gateway, "pk-nobody")
    outcome = made(parts, probe_of(route="only-gpt"))
    assert (outcome.result.value, outcome.how) == ("unknown", "key")


def test_a_page_and_a_name(parts: Parts, emulator: RunningEmulator) -> None:
    page = f"{emulator.url}/healthz"
    outcome = made(parts, probe_of(kind="http", url=f"{emulator.url}/nowhere"))
    assert (outcome.result.value, outcome.how) == ("failed", "http_4xx")
    assert made(parts, probe_of(kind="name", url=page)).result.value == "good"
    outcome = made(parts, probe_of(kind="name", url=page.replace("http:", "https:")))
    assert (outcome.result.value, outcome.how) == ("failed", "tls")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        for kind in ("http", "name"):
            outcome = made(parts, probe_of(kind=kind, url=nobody))
            assert (outcome.result.value, outcome.how) == ("failed", "connect")
    outcome = made(parts, probe_of(kind="name", url="https://nobody.invalid/", timeout_s=5.0))
    assert outcome.how in {"dns", "timeout"}


def sessions(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as connection:
        (count,) = connection.execute("select count(*) from sessions").fetchone()
    return count


@pytest.mark.slow
def test_a_log_in_is_whole_and_leaves_no_session(parts: Parts, tmp_path: Path) -> None:
    folder = tmp_path / "control"
    folder.mkdir()
    console = RunningConsole(folder)
    try:
        with console.browser() as browser:
            console.first_owner(browser)
        password = tmp_path / "password"
        private_file.write(password, PASSWORD)
        fields = {
            "kind": "login", "url": f"{console.url}/login", "user": OWNER,
            "password_file": str(password), "timeout_s": 10.0, "slow_s": 5.0,
        }  # fmt: skip
        before = sessions(folder)
        assert made(parts, probe_of(**fields)).result.value == "good"
        assert sessions(folder) == before
        private_file.write(password, "not the one")
        outcome = made(parts, probe_of(**fields))
        assert (outcome.result.value, outcome.how) == ("failed", "refused")
    finally:
        console.stop()
