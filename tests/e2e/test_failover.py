"""Every failure of the wire checklist, through both official SDKs, in both dialects out.

What the caller must see: the whole answer, or a typed error; never silence, never a clean end of
half an answer. What the record must say: one record an exchange, one opened line a dial, the
provider's own count of tokens, once.

Each failure meets one kind of call, in turn, and on one route; all other combinations are slow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import anthropic
import openai
import pytest
from tests.e2e.emulator import RunningEmulator
from tests.e2e.gateway import CALLER_KEY, RunningGateway

TEXT = "The gate of a penstock controls the flow of water to the turbine below."
PROMPT = f"[[say:{TEXT}]]"
ANSWER_WITHIN_S = 60.0

# Before content nothing has been seen, so another upstream answers and the caller sees no trace.
BEFORE_CONTENT: tuple[dict[str, Any], ...] = (
    {"kind": "http_429", "retry_after_s": 1},
    {"kind": "http_429"},
    {"kind": "http_429", "flavour": "shared_capacity"},
    {"kind": "http_429", "flavour": "insufficient_quota"},
    {"kind": "http_401"},
    {"kind": "http_402"},
    {"kind": "http_403"},
    {"kind": "http_404"},
    {"kind": "http_408"},
    {"kind": "http_409"},
    {"kind": "http_500"},
    {"kind": "http_502"},
    {"kind": "http_503"},
    {"kind": "http_503", "retry_after_s": 1},
    {"kind": "http_504"},
    {"kind": "http_529"},
    {"kind": "http_530"},
    {"kind": "reset"},
    {"kind": "hang"},
)
# A whole answer that is broken is held back, so these are before content as well.
BROKEN_WHOLE: tuple[dict[str, Any], ...] = ({"kind": "truncated_body"}, {"kind": "garbage_body"})
BROKEN_STREAM_START: tuple[dict[str, Any], ...] = (
    {"kind": "slow_ttft", "delay_s": 5},
    {"kind": "error_event_first", "status": 529},
    {"kind": "error_event_first", "status": 500},
    {"kind": "malformed_first"},
    {"kind": "empty_stream"},
)
AFTER_CONTENT: tuple[dict[str, Any], ...] = (
    {"kind": "stream_cut"},
    {"kind": "stream_abort"},
    {"kind": "stall"},
    {"kind": "error_event_mid", "status": 529},
    {"kind": "malformed_mid"},
)
HARMLESS: tuple[dict[str, Any], ...] = (
    {"kind": "junk_line"},
    {"kind": "missing_done"},
    {"kind": "slow_drip"},
)


@dataclass
class Answer:
    """What the caller got."""

    text: str
    finish: str | None


Call = Callable[[RunningGateway, str], Answer]


def openai_client(gateway: RunningGateway) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=CALLER_KEY, max_retries=0, timeout=ANSWER_WITHIN_S
    )


def anthropic_client(gateway: RunningGateway) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=gateway.url, api_key=CALLER_KEY, max_retries=0, timeout=ANSWER_WITHIN_S
    )


def openai_unary(gateway: RunningGateway, route: str) -> Answer:
    with openai_client(gateway) as client:
        answer = client.chat.completions.create(
            model=route, messages=[{"role": "user", "content": PROMPT}]
        )
    return Answer(answer.choices[0].message.content or "", answer.choices[0].finish_reason)


def openai_stream(gateway: RunningGateway, route: str) -> Answer:
    text, finish = "", None
    with (
        openai_client(gateway) as client,
        client.chat.completions.create(
            model=route, messages=[{"role": "user", "content": PROMPT}], stream=True
        ) as stream,
    ):
        for chunk in stream:
            assert chunk.choices, "a chunk that was not asked for"
            text += chunk.choices[0].delta.content or ""
            finish = chunk.choices[0].finish_reason or finish
    return Answer(text, finish)


def anthropic_unary(gateway: RunningGateway, route: str) -> Answer:
    with anthropic_client(gateway) as client:
        message = client.messages.create(
            model=route, max_tokens=500, messages=[{"role": "user", "content": PROMPT}]
        )
    block = message.content[0]
    assert block.type == "text"
    return Answer(block.text, message.stop_reason)


def anthropic_stream(gateway: RunningGateway, route: str) -> Answer:
    with (
        anthropic_client(gateway) as client,
        client.messages.stream(
            model=route, max_tokens=500, messages=[{"role": "user", "content": PROMPT}]
        ) as stream,
    ):
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    return Answer(text, message.stop_reason)


UNARY: tuple[Call, ...] = (openai_unary, anthropic_unary)
STREAM: tuple[Call, ...] = (openai_stream, anthropic_stream)
ROUTES = (
    "claude-gpt",
    pytest.param("gpt-gemini", marks=pytest.mark.slow),
    pytest.param("gpt-claude", marks=pytest.mark.slow),
    pytest.param("claude-gemini", marks=pytest.mark.slow),
)
TYPED_ERRORS = (openai.APIError, anthropic.APIError)
FINISHED = ("stop", "end_turn")


def name_of(value: object) -> str:
    """Name a case by its function or its fault."""
    if isinstance(value, dict):
        return "-".join(str(part) for part in cast("dict[str, object]", value).values())
    return getattr(value, "__name__", str(value))


def strike(emulator: RunningEmulator, route: str, fault: dict[str, Any]) -> None:
    """Let the first provider of a route fail."""
    emulator.faults({"provider": route.removeprefix("only-").split("-")[0], **fault})


def check_record(gateway: RunningGateway, before: int, outcome: str) -> dict[str, Any]:
    """Return the one new record, after checking it against the opened lines."""
    records = gateway.records()
    assert len(records) == before + 1, "an exchange leaves one record"
    record = records[-1]
    opened = [one for one in gateway.lines() if one["kind"] == "opened"]
    dials = [one for one in opened if one["id"] == record["id"]]
    assert [one["attempt"] for one in dials] == list(range(1, len(record["attempts"]) + 1))
    assert record["outcome"] == outcome
    return record


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("call", UNARY + STREAM, ids=name_of)
def test_a_good_answer_is_whole_and_counted_once(
    gateway: RunningGateway, emulator: RunningEmulator, call: Call, route: str
) -> None:
    before = len(gateway.records())
    answer = call(gateway, route)
    assert answer.text == TEXT
    assert answer.finish in FINISHED
    record = check_record(gateway, before, "complete")
    served = emulator.attempts()[-1]
    assert record["input_tokens"] == served["input_tokens"]
    assert record["output_tokens"] == served["output_tokens"]
    assert not record.get("is_estimated")


def in_turn(faults: Sequence[dict[str, Any]], calls: Sequence[Call]) -> list[Any]:
    """Return each failure with each call; all but one of each failure are slow."""
    return [
        pytest.param(fault, call, marks=[] if at % len(calls) == turn else pytest.mark.slow)
        for at, fault in enumerate(faults)
        for turn, call in enumerate(calls)
    ]


# What the caller must not notice: the kind of failure, and who asks.
REPLACED = (
    in_turn(BEFORE_CONTENT, UNARY + STREAM)
    + in_turn(BROKEN_WHOLE, UNARY)
    + in_turn(BROKEN_STREAM_START, STREAM)
)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("fault", "call"), REPLACED, ids=name_of)
def test_before_content_another_upstream_answers(
    gateway: RunningGateway,
    emulator: RunningEmulator,
    fault: dict[str, Any],
    call: Call,
    route: str,
) -> None:
    strike(emulator, route, fault)
    before = len(gateway.records())
    answer = call(gateway, route)
    assert answer.text == TEXT
    assert answer.finish in FINISHED
    record = check_record(gateway, before, "complete")
    upstreams = [attempt["upstream"].split(".")[0] for attempt in record["attempts"]]
    first, second = route.split("-")
    assert upstreams[0] == first
    assert upstreams[-1] == second
    served = emulator.attempts()[-1]
    assert record["output_tokens"] == served["output_tokens"]
    failed = record["attempts"][0]
    assert not failed.get("output_tokens") or failed["is_estimated"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("call", STREAM, ids=name_of)
@pytest.mark.parametrize("fault", AFTER_CONTENT, ids=name_of)
def test_after_content_a_break_is_a_typed_error(
    gateway: RunningGateway,
    emulator: RunningEmulator,
    fault: dict[str, Any],
    call: Call,
    route: str,
) -> None:
    strike(emulator, route, fault)
    slowly: dict[str, object] = {"ttft_s": 0.01, "tokens_per_s": 100.0}
    emulator.pace(claude=slowly, gpt=slowly, gemini=slowly)
    before = len(gateway.records())
    with pytest.raises(TYPED_ERRORS):
        call(gateway, route)
    record = check_record(gateway, before, "broken")
    assert len(record["attempts"]) == 1
    assert record["is_estimated"]
    assert record["output_tokens"] > 0


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("call", STREAM, ids=name_of)
@pytest.mark.parametrize("fault", HARMLESS, ids=name_of)
def test_what_is_only_untidy_does_no_harm(
    gateway: RunningGateway,
    emulator: RunningEmulator,
    fault: dict[str, Any],
    call: Call,
    route: str,
) -> None:
    strike(emulator, route, fault)
    before = len(gateway.records())
    answer = call(gateway, route)
    assert answer.text == TEXT
    assert answer.finish in FINISHED
    record = check_record(gateway, before, "complete")
    assert len(record["attempts"]) == 1
    assert not record.get("is_estimated")


@pytest.mark.parametrize("route", ROUTES)
def test_missing_usage_is_estimated(
    gateway: RunningGateway, emulator: RunningEmulator, route: str
) -> None:
    """Only through the OpenAI SDK: the other one cannot read a message_delta without usage."""
    strike(emulator, route, {"kind": "missing_usage"})
    before = len(gateway.records())
    assert openai_stream(gateway, route).text == TEXT
    record = check_record(gateway, before, "complete")
    assert record["is_estimated"]
    assert record["output_tokens"] >= len(TEXT) // 4


EXHAUSTED: tuple[tuple[dict[str, Any], tuple[int, int]], ...] = (
    ({"kind": "http_500"}, (502, 502)),
    ({"kind": "http_503"}, (503, 529)),
    ({"kind": "http_529"}, (503, 529)),
    ({"kind": "http_429", "retry_after_s": 30}, (503, 529)),
    ({"kind": "http_429", "flavour": "insufficient_quota"}, (503, 529)),
    ({"kind": "http_401"}, (503, 529)),
    ({"kind": "http_404"}, (502, 502)),
    ({"kind": "reset"}, (502, 502)),
    ({"kind": "hang"}, (504, 504)),
    ({"kind": "http_504"}, (504, 504)),
)
ASKED = [(provider, call) for call in UNARY + STREAM for provider in ("gpt", "claude")]
# For each failure one of these, in turn: both dialects out, both providers, whole and as a stream.
QUICK = (
    (("gpt", openai_unary), ("claude", anthropic_stream)),
    (("claude", openai_stream), ("gpt", anthropic_unary)),
    (("gpt", openai_stream), ("claude", anthropic_unary)),
    (("claude", openai_unary), ("gpt", anthropic_stream)),
)


@pytest.mark.parametrize(
    ("fault", "statuses", "provider", "call"),
    [
        pytest.param(
            fault,
            statuses,
            *asked,
            marks=[] if asked in QUICK[at % len(QUICK)] else pytest.mark.slow,
        )
        for at, (fault, statuses) in enumerate(EXHAUSTED)
        for asked in ASKED
    ],
    ids=name_of,
)
def test_exhausted_is_told_as_it_is(
    gateway: RunningGateway,
    emulator: RunningEmulator,
    fault: dict[str, Any],
    statuses: tuple[int, int],
    call: Call,
    provider: str,
) -> None:
    strike(emulator, f"only-{provider}", fault)
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        call(gateway, f"only-{provider}")
    is_openai = isinstance(caught.value, openai.APIStatusError)
    assert caught.value.status_code == statuses[0 if is_openai else 1]
    headers = caught.value.response.headers
    assert headers["x-should-retry"] == "false"
    if statuses[0] == 503:
        assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["x-request-id" if is_openai else "request-id"]


@pytest.mark.parametrize("call", UNARY + STREAM, ids=name_of)
@pytest.mark.parametrize("provider", ["gpt", "claude"])
def test_a_refused_request_is_the_callers(
    gateway: RunningGateway, emulator: RunningEmulator, call: Call, provider: str
) -> None:
    strike(emulator, f"only-{provider}", {"kind": "http_400"})
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
        call(gateway, f"only-{provider}")


@pytest.mark.parametrize("call", UNARY + STREAM, ids=name_of)
@pytest.mark.parametrize("route", ROUTES)
def test_a_refusal_of_the_model_is_delivered(
    gateway: RunningGateway, emulator: RunningEmulator, call: Call, route: str
) -> None:
    strike(emulator, route, {"kind": "refusal"})
    before = len(gateway.records())
    answer = call(gateway, route)
    assert answer.finish in ("content_filter", "refusal", "stop", "end_turn")
    assert len(check_record(gateway, before, "complete")["attempts"]) == 1
