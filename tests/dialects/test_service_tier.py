"""What tiers are called: what is asked for, what an upstream hears of it, what a caller is told."""

import msgspec
import pytest

from penstock.core.tier import Tier
from penstock.dialects import json_fields, service_tier
from penstock.dialects.anthropic_messages.concepts import CONCEPTS
from penstock.dialects.contract import Inquiry
from penstock.dialects.message import Request
from penstock.dialects.registry import DIALECTS
from penstock.dialects.service_tier import ASKED, COMMON, lowered, may_go_on, outward, plain, told

HI = [{"role": "user", "content": "hi"}]
GEMINI_PATH = b"/v1beta/models/m:generateContent"
BODIES: dict[str, dict[str, object]] = {
    "openai_chat": {"model": "m", "messages": HI},
    "openai_responses": {"model": "m", "input": "hi"},
    "anthropic_messages": {"model": "m", "messages": HI, "max_tokens": 9},
    "gemini_generate": {"contents": [{"parts": [{"text": "hi"}]}]},
}
FIELD = dict.fromkeys(BODIES, "service_tier") | {"gemini_generate": "serviceTier"}
BOUND = {
    "openai_chat": {"max_completion_tokens": 12, "max_tokens": 7},
    "openai_responses": {"max_output_tokens": 12},
    "anthropic_messages": {"max_tokens": 12},
    "gemini_generate": {"generationConfig": {"maxOutputTokens": 12}},
}


def inquire(name: str, **more: object) -> Inquiry:
    """Read a request in this dialect."""
    return DIALECTS[name].inquire(msgspec.json.encode(BODIES[name] | more), GEMINI_PATH)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_reads_the_word_and_the_bound(name: str) -> None:
    bare = inquire(name)
    assert (bare.service_tier, bare.served) == ("", None)
    assert bare.output_tokens_max == (9 if name == "anthropic_messages" else 0)
    asked = inquire(name, **BOUND[name], **{FIELD[name]: "flex"})
    assert (asked.service_tier, asked.output_tokens_max) == ("flex", 12)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("odd", [None, 5, ["flex"], ""])
def test_what_is_no_word_is_none(name: str, odd: object) -> None:
    assert inquire(name, **{FIELD[name]: odd}).service_tier == ""


@pytest.mark.parametrize("odd", [None, "12", 1.5, -3])
def test_what_is_no_bound_is_none(odd: object) -> None:
    assert inquire("openai_chat", max_tokens=odd).output_tokens_max == 0
    assert inquire("openai_chat", max_completion_tokens=odd, max_tokens=8).output_tokens_max == 8


def test_gemini_may_spell_its_fields_in_snake_case() -> None:
    asked = inquire("gemini_generate", service_tier="flex", generation_config=None)
    assert asked.service_tier == "flex"
    bounded = inquire("gemini_generate", generation_config={"max_output_tokens": 3})
    assert bounded.output_tokens_max in (0, 3)


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("auto", None),
        ("default", Tier.STANDARD),
        ("flex", Tier.BATCH),
        ("priority", Tier.ENTERPRISE),
        ("scale", Tier.ENTERPRISE),
        ("standard_only", Tier.STANDARD),
        ("standard", Tier.STANDARD),
        ("SERVICE_TIER_PRIORITY", Tier.ENTERPRISE),
        ("SERVICE_TIER_UNSPECIFIED", None),
        ("Enterprise", Tier.ENTERPRISE),
        ("free", Tier.FREE),
        ("batch", Tier.BATCH),
        ("control", Tier.CONTROL),
    ],
)
def test_the_words(word: str, tier: Tier | None) -> None:
    assert ASKED[plain(word)] is tier


@pytest.mark.parametrize("served", Tier)
@pytest.mark.parametrize("word", [*ASKED, "ultrafast"])
def test_nobody_buys_more_than_it_is_served_as(word: str, served: Tier) -> None:
    """A word that goes on means no more than the tier served, or no more than the usual."""
    passes = may_go_on(word, served)
    if word in ("auto", "unspecified", "default", "standard", "standard_only", "flex"):
        assert passes
    elif word in ("priority", "fast", "scale"):
        assert passes is (served <= Tier.ENTERPRISE)
    else:
        assert not passes


@pytest.mark.parametrize("name", DIALECTS)
def test_a_word_that_is_too_dear_is_left_out_of_the_body(name: str) -> None:
    inquiry = inquire(name, **{FIELD[name]: "priority"})
    assert outward(inquiry) is inquiry  # before admission
    inquiry.served = Tier.ENTERPRISE
    assert outward(inquiry) is inquiry
    inquiry.served = Tier.STANDARD
    sent = outward(inquiry)
    assert msgspec.json.decode(sent.body) == BODIES[name]
    assert FIELD[name] not in sent.fields
    assert DIALECTS[name].forward(sent, "m", asks_usage=False) == sent.body
    assert inquiry.service_tier == "priority"


def test_what_goes_on_is_not_written_anew() -> None:
    inquiry = inquire("openai_chat", service_tier="flex")
    inquiry.served = Tier.BATCH
    assert outward(inquiry) is inquiry
    plainly = inquire("openai_chat")
    plainly.served = Tier.FREE
    assert outward(plainly) is plainly


def test_a_translated_request_is_lowered_too() -> None:
    request = Request(dialect="x", concepts=CONCEPTS, model="m", service_tier="priority")
    assert lowered(request, None) is request
    assert lowered(request, Tier.ENTERPRISE) is request
    assert lowered(request, Tier.FREE).service_tier == ""
    flex = msgspec.structs.replace(request, service_tier="flex")
    assert lowered(flex, Tier.STANDARD) is flex


WORDS = {
    "openai_chat": ("priority", "priority", "default", "default", "flex"),
    "openai_responses": ("priority", "priority", "default", "default", "flex"),
    "anthropic_messages": ("priority", "priority", "standard", "standard", "batch"),
}
WHOLE: dict[str, str] = {
    "openai_chat": '{"id":"a","service_tier":%s,"choices":[]}',
    "openai_responses": '{"id":"a","output":[{"service_tier":"x"}],"service_tier":%s}',
    "anthropic_messages": '{"id":"a","usage":{"input_tokens":1,"service_tier":%s},"content":[]}',
}


@pytest.mark.parametrize("served", Tier)
@pytest.mark.parametrize("name", WORDS)
def test_a_whole_answer_tells_who_has_asked(name: str, served: Tier) -> None:
    inquiry = inquire(name, service_tier="auto")
    body = (WHOLE[name] % '"theirs"').encode()
    assert DIALECTS[name].retold(inquiry, body) is body
    inquiry.served = served
    ours = (WHOLE[name] % f'"{WORDS[name][served]}"').encode()
    assert DIALECTS[name].retold(inquiry, body) == ours
    silent = inquire(name)
    silent.served = served
    assert DIALECTS[name].retold(silent, body) is body
    assert told(inquiry) == COMMON[served]


def test_gemini_tells_it_in_a_header() -> None:
    inquiry = inquire("gemini_generate", serviceTier="flex")
    inquiry.served = Tier.BATCH
    assert DIALECTS["gemini_generate"].retold(inquiry, b"{}") == b"{}"
    lines = service_tier.HEADER_LINES
    assert lines["gemini_generate"][Tier.BATCH] == b"x-gemini-service-tier: flex\r\n"
    assert "openai_chat" not in lines


CHUNK = 'data: {"id":"c","choices":[{"delta":{"content":"\\"service_tier\\":\\"x\\""}}]%s}\n\n'
STOP = 'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]%s}\n\n'
ANTHROPIC = (
    'event: message_start\ndata: {"type":"message_start","message":{"id":"a","usage":'
    '{"input_tokens":1%s}}}\n\n'
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    '{"type":"text_delta","text":"hi"}}\n\n'
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    '"usage":{"output_tokens":1}}\n\n'
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
RESPONSES = (
    'event: response.created\ndata: {"type":"response.created","response":{"id":"r"%s},'
    '"sequence_number":0}\n\n'
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"hi",'
    '"sequence_number":1}\n\n'
    'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r",'
    '"status":"completed"%s},"sequence_number":2}\n\n'
)
STREAMS = {
    "openai_chat": f"{CHUNK}{STOP}data: [DONE]\n\n",
    "openai_responses": RESPONSES,
    "anthropic_messages": ANTHROPIC,
}


@pytest.mark.parametrize("word", ["", ',"service_tier":"theirs"', ',"service_tier":null'])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_tells_who_has_asked_and_changes_nothing_else(name: str, word: str) -> None:
    count = STREAMS[name].count("%s")
    sent = (STREAMS[name] % ((word,) * count)).encode()
    inquiry = inquire(name, service_tier="auto", stream=True)
    for served in (None, Tier.STANDARD):
        inquiry.served = served
        ours = f',"service_tier":"{WORDS[name][Tier.STANDARD]}"'
        due = sent if served is None else (STREAMS[name] % ((ours,) * count)).encode()
        relay = DIALECTS[name].relay(inquiry)
        out = b"".join(relay.feed(sent[at : at + 7]) for at in range(0, len(sent), 7))
        assert out + relay.finish() == due
        assert relay.is_complete
        assert relay.failure is None
    inquiry.service_tier = ""
    assert DIALECTS[name].relay(inquiry).feed(sent) == sent


def test_a_field_deep_in_json_is_set_or_left() -> None:
    value = msgspec.Raw(b"1")
    assert json_fields.with_field(b'{"a": {"b": 2}}', ("a",), "b", value) == b'{"a":{"b":1}}'
    for odd in (b'{"a":3}', b"{}", b"[1]", b"{", b'{"a":null}'):
        assert json_fields.with_field(odd, ("a",), "b", value) is odd
