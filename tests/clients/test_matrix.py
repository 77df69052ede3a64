"""Every client, through every kind of upstream, fault and policy, over real sockets.

no silent truncation   the client's user gets the whole text, or an error that is raised
nothing made up        what came before an error is how the text begins
bounded                the providers see no more requests than the policy may make
sums right             one record; its tokens are the providers' own counts, and the client's
"""

from typing import Any

import pytest
from tests.clients.conftest import Drive
from tests.clients.roster import LIBRARIES, POLICIES, PROMPT, TEXT, Case, Client, cases, clients
from tests.clients.seen import Seen
from tests.e2e.emulator import RunningEmulator
from tests.e2e.gateway import CALLER_KEY, RunningGateway

pytestmark = pytest.mark.clients

FINISHED = frozenset(("stop", "end_turn", "completed", "STOP", None))


MATRIX = [
    pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.is_slow else [])
    for case in cases()
]


@pytest.mark.parametrize("case", MATRIX)
def test_the_caller_gets_it_all_or_an_error(
    case: Case, drive: Drive, gateway: RunningGateway, emulator: RunningEmulator, seen: Seen
) -> None:
    driver = drive(case.client.library)
    if case.trouble.rule:
        emulator.faults({"provider": case.upstream.provider, **case.trouble.rule})
    slowly: dict[str, object] = {"ttft_s": 0.005, "tokens_per_s": 500.0}
    emulator.pace(claude=slowly, gpt=slowly, gemini=slowly)
    before = len(gateway.records())
    heard = driver.ask(
        way=case.client.way,
        base_url=gateway.url + case.client.base,
        key=CALLER_KEY,
        model=case.route,
        prompt=PROMPT,
    )
    records = gateway.records()[before:]
    assert records, heard
    dials = emulator.attempts()
    assert len(dials) <= case.policy.dials_max
    assert len(records) == 1, "one request of the client's is one exchange"
    assert len(records[0]["attempts"]) == len(dials)
    if case.must_be_whole:
        check_whole(heard, records[0], dials)
    else:
        check_broken(case, heard, records[0])
        if case.policy.targets == 1:
            seen.check(case, heard, driver.versions)


def check_whole(heard: dict[str, Any], record: dict[str, Any], dials: list[dict[str, Any]]) -> None:
    """The text is complete, and counted once."""
    assert heard["error"] is None, heard
    assert heard["text"] == TEXT
    assert heard["finish"] in FINISHED
    assert heard["error_events"] == []
    assert record["outcome"] == "complete"
    hops = record.get("hops", 0)
    told = record["attempts"][-1 - hops :]  # those that the answer is made of
    for name in ("input_tokens", "output_tokens"):
        assert record[name] == sum(one.get(name, 0) for one in told)
        assert heard[name] in (None, record[name])
    if hops:
        assert record["is_estimated"], "nobody counted the answer that broke"
        return
    assert not record.get("is_estimated")
    assert record["input_tokens"] == dials[-1]["input_tokens"]
    assert record["output_tokens"] == len(TEXT.split()), "the stand-ins' tokens are words"


def check_broken(case: Case, heard: dict[str, Any], record: dict[str, Any]) -> None:
    """The client raised an error, and showed nothing that is not so."""
    assert heard["error"] is not None, heard
    assert TEXT.startswith(heard["text"])
    assert heard["text"] != TEXT
    if case.client.is_stream and case.trouble.is_after_content:
        assert heard["text"]
        assert record["outcome"] == "broken"
        assert record["is_estimated"]
    else:
        assert heard["text"] == ""
        assert record["outcome"] == "failed"


PREFIXED = [
    next(client for client in clients() if client.library is library and client.dialect == dialect)
    for library in LIBRARIES
    for dialect in library.bases
]


@pytest.mark.parametrize("client", PREFIXED, ids=lambda client: client.name)
def test_each_works_under_its_prefix(client: Client, drive: Drive, gateway: RunningGateway) -> None:
    heard = drive(client.library).ask(
        way=client.way,
        base_url=gateway.url + client.prefixed,
        key=CALLER_KEY,
        model="single-gpt",
        prompt=PROMPT,
    )
    assert heard["error"] is None, heard
    assert heard["text"] == TEXT


@pytest.mark.parametrize("client", PREFIXED, ids=lambda client: client.name)
def test_a_key_that_is_not_valid_is_a_typed_error(
    client: Client, drive: Drive, gateway: RunningGateway, emulator: RunningEmulator
) -> None:
    heard = drive(client.library).ask(
        way=client.way,
        base_url=gateway.url + client.base,
        key="pk-of-nobody",
        model="single-gpt",
        prompt=PROMPT,
    )
    assert heard["error"] is not None
    assert heard["status"] == 401
    assert not emulator.attempts()


@pytest.mark.slow
def test_a_client_that_repeats_by_itself_is_bounded(
    drive: Drive, gateway: RunningGateway, emulator: RunningEmulator
) -> None:
    """The AI SDK heeds no x-should-retry: three requests, each an exchange of its own."""
    library = next(one for one in LIBRARIES if one.name == "vercel")
    emulator.faults({"kind": "http_529"})
    heard = drive(library).ask(
        way="chat_repeat",
        base_url=gateway.url + "/v1",
        key=CALLER_KEY,
        model="single-gpt",
        prompt=PROMPT,
    )
    assert heard["error"] == "vercel.RetryError"
    assert len(emulator.attempts()) <= 3 * POLICIES[0].dials_max
