"""Every kind of fault does at the socket what its name says."""

import json
import socket
from typing import Any

import pytest
from tests.e2e.emulator import KEY, RunningEmulator, StreamBytes, wait_until

from penstock.core.fault import FaultKind

pytestmark = pytest.mark.slow

CLAUDE, GPT, GEMINI, RESPONSES = "claude", "gpt", "gemini", "responses"
DIALECTS = (CLAUDE, GPT, GEMINI, RESPONSES)
QUESTION = "[[words:8]]"
BROKEN = {
    "stream_cut",
    "stream_abort",
    "error_event_first",
    "error_event_mid",
    "failed_event_first",
    "failed_event_mid",
    "malformed_first",
    "malformed_mid",
    "empty_stream",
}


def ask(
    emulator: RunningEmulator, dialect: str, *, stream: bool = True, wait_s: float = 5.0
) -> tuple[bytes, str]:
    """Ask for eight words on a bare socket."""
    messages = [{"role": "user", "content": QUESTION}]
    if dialect == CLAUDE:
        body: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 99}
        body |= {"messages": messages, "stream": stream}
        return emulator.exchange("/claude/v1/messages", body, wait_s=wait_s)
    if dialect == GPT:
        body = {"model": "gpt-5.6", "messages": messages, "stream": stream}
        if stream:
            body["stream_options"] = {"include_usage": True}
        return emulator.exchange("/gpt/v1/chat/completions", body, wait_s=wait_s)
    if dialect == RESPONSES:
        body = {"model": "gpt-5.6", "input": messages, "stream": stream}
        return emulator.exchange("/gpt/v1/responses", body, wait_s=wait_s)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return emulator.exchange(
        f"/gemini/v1beta/models/gemini-3.7-flash:{method}",
        {"contents": [{"parts": [{"text": QUESTION}]}]},
        wait_s=wait_s,
    )


def stream_of(emulator: RunningEmulator, dialect: str, **rule: object) -> StreamBytes:
    """Ask for a stream under one fault and take it apart."""
    emulator.faults({**rule})
    return StreamBytes(*ask(emulator, dialect))


def outcome(emulator: RunningEmulator) -> str:
    """Return how the last attempt ended, once it has."""
    wait_until(lambda: emulator.attempts()[-1]["outcome"] != "open")
    return emulator.attempts()[-1]["outcome"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_a_fault_a_stream_is_whole(emulator: RunningEmulator, dialect: str) -> None:
    stream = StreamBytes(*ask(emulator, dialect))
    assert (stream.status, stream.is_complete, stream.has_finish) == (200, True, True)
    assert len(stream.words) == 8
    assert stream.has_terminator or dialect == GEMINI
    (attempt,) = emulator.attempts()
    assert (attempt["outcome"], attempt["output_tokens"]) == ("complete", 8)
    assert attempt["is_usage_sent"]
    assert attempt["input_tokens"] == 4 + 3


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [True, False])
def test_a_reset_comes_before_any_byte(
    emulator: RunningEmulator, dialect: str, *, stream: bool
) -> None:
    emulator.faults({"kind": "reset"})
    assert ask(emulator, dialect, stream=stream) == (b"", "reset")
    assert outcome(emulator) == "faulted:reset"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_hang_is_silence_until_the_caller_leaves(emulator: RunningEmulator, dialect: str) -> None:
    emulator.faults({"kind": "hang"})
    assert ask(emulator, dialect, wait_s=0.2) == (b"", "silence")
    assert outcome(emulator) == "cancelled"
    assert emulator.attempts()[-1]["fault"] == "hang"


def test_a_hang_with_an_end_is_an_answer_that_is_late(emulator: RunningEmulator) -> None:
    stream = stream_of(emulator, GPT, kind="hang", delay_s=0.1)
    assert len(stream.words) == 8
    assert outcome(emulator) == "complete"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_cut_ends_cleanly_and_an_abort_does_not(emulator: RunningEmulator, dialect: str) -> None:
    for kind, is_complete in (("stream_cut", True), ("stream_abort", False)):
        stream = stream_of(emulator, dialect, kind=kind, after_events=5)
        assert (stream.is_complete, stream.ended) == (is_complete, "eof")
        assert len(stream.words) == 5
        assert not stream.has_finish
        assert not stream.has_terminator
        assert outcome(emulator) == f"faulted:{kind}"
        assert emulator.attempts()[-1]["output_tokens"] == 5


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_fault_beyond_the_end_still_strikes(emulator: RunningEmulator, dialect: str) -> None:
    stream = stream_of(emulator, dialect, kind="stream_cut", after_events=1000)
    assert len(stream.words) == 8
    assert not stream.has_finish


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stall_is_silence_in_the_middle(emulator: RunningEmulator, dialect: str) -> None:
    emulator.faults({"kind": "stall", "after_events": 3})
    stream = StreamBytes(*ask(emulator, dialect, wait_s=0.2))
    assert (len(stream.words), stream.ended, stream.is_complete) == (3, "silence", False)
    assert outcome(emulator) == "cancelled"
    stream = stream_of(emulator, dialect, kind="stall", delay_s=0.05)
    assert (len(stream.words), stream.has_finish) == (8, True)
    assert outcome(emulator) == "complete"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_slow_ttft_sends_headers_in_time(emulator: RunningEmulator, dialect: str) -> None:
    emulator.faults({"kind": "slow_ttft", "delay_s": 60})
    stream = StreamBytes(*ask(emulator, dialect, wait_s=0.2))
    assert (stream.status, stream.words, stream.ended) == (200, [], "silence")
    assert stream.events or dialect == GEMINI
    stream = stream_of(emulator, dialect, kind="slow_ttft", delay_s=0.05)
    assert len(stream.words) == 8


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("kind", "words"), [("error_event_first", 0), ("error_event_mid", 3)])
def test_an_error_event_stands_inside_a_200(
    emulator: RunningEmulator, dialect: str, kind: str, words: int
) -> None:
    stream = stream_of(emulator, dialect, kind=kind)
    assert (stream.status, len(stream.words)) == (200, words)
    last = stream.events[-1]
    assert last["type"] == "error" if dialect == RESPONSES else "error" in last
    assert not stream.has_finish
    assert outcome(emulator) == f"faulted:{kind}"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("kind", "words"), [("failed_event_first", 0), ("failed_event_mid", 3)])
def test_a_failed_event_is_the_terminal_one_where_there_is_one(
    emulator: RunningEmulator, dialect: str, kind: str, words: int
) -> None:
    stream = stream_of(emulator, dialect, kind=kind, status=429)
    last = stream.events[-1]
    assert (stream.status, len(stream.words)) == (200, words)
    assert outcome(emulator) == f"faulted:{kind}"
    if dialect != RESPONSES:
        assert "error" in last
        return
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("kind", ["", "error_event_first", "error_event_mid", "failed_event_mid"])
def test_events_of_responses_are_numbered_without_a_hole(
    emulator: RunningEmulator, kind: str
) -> None:
    if kind:
        emulator.faults({"kind": kind})
    events = StreamBytes(*ask(emulator, RESPONSES)).events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("kind", "before"), [("malformed_first", 0), ("malformed_mid", 3)])
def test_a_malformed_event_leaves_a_hole(
    emulator: RunningEmulator, dialect: str, kind: str, before: int
) -> None:
    stream = stream_of(emulator, dialect, kind=kind)
    assert len(stream.malformed) == 1
    assert len(stream.words) == 7
    assert stream.has_finish
    whole = stream_of(emulator, dialect, kind="slow_drip").words
    assert stream.words == whole[:before] + whole[before + 1 :]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_junk_line_disturbs_nothing_else(emulator: RunningEmulator, dialect: str) -> None:
    stream = stream_of(emulator, dialect, kind="junk_line")
    assert len(stream.junk) == 1
    assert (len(stream.words), stream.has_finish, stream.is_complete) == (8, True, True)


@pytest.mark.parametrize("dialect", [CLAUDE, GPT])
def test_a_missing_terminator_comes_after_the_finish(
    emulator: RunningEmulator, dialect: str
) -> None:
    stream = stream_of(emulator, dialect, kind="missing_done")
    assert (stream.has_finish, stream.has_terminator, stream.is_complete) == (True, False, True)
    assert outcome(emulator) == "complete"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_missing_usage_is_missing(emulator: RunningEmulator, dialect: str) -> None:
    stream = stream_of(emulator, dialect, kind="missing_usage")
    assert (len(stream.words), stream.has_finish, stream.has_usage) == (8, True, False)
    assert not emulator.attempts()[-1]["is_usage_sent"]
    received, _ = ask(emulator, dialect, stream=False)
    assert b"usage" not in received


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_empty_stream_is_a_200_and_nothing(emulator: RunningEmulator, dialect: str) -> None:
    stream = stream_of(emulator, dialect, kind="empty_stream")
    assert (stream.status, stream.events, stream.is_complete) == (200, [], True)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_slow_drip_comes_in_tiny_writes(emulator: RunningEmulator, dialect: str) -> None:
    stream = stream_of(emulator, dialect, kind="slow_drip", write_bytes=3)
    assert len(stream.words) == 8
    assert max(map(len, stream.chunks)) == 3
    emulator.faults({"kind": "slow_drip", "write_bytes": 50})
    received, _ = ask(emulator, dialect, stream=False)
    assert json.loads(received.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_content_can_be_wrong_or_corrupt(emulator: RunningEmulator, dialect: str) -> None:
    right = StreamBytes(*ask(emulator, dialect)).words
    wrong = stream_of(emulator, dialect, kind="wrong_content")
    assert wrong.words != right
    assert wrong.has_finish
    corrupt = stream_of(emulator, dialect, kind="corrupt_tokens")
    assert not "".join(corrupt.words).isascii()
    assert len(corrupt.words) == 8


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_can_be_truncated_or_garbage(emulator: RunningEmulator, dialect: str) -> None:
    emulator.faults({"kind": "truncated_body"})
    received, ended = ask(emulator, dialect, stream=False)
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].split()[0])
    assert (ended, 0 < len(body) < promised) == ("eof", True)
    assert outcome(emulator) == "faulted:truncated_body"
    emulator.faults({"kind": "garbage_body"})
    received, _ = ask(emulator, dialect, stream=False)
    with pytest.raises(json.JSONDecodeError):
        json.loads(received.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_context_length_and_prefill_are_the_callers_400(
    emulator: RunningEmulator, dialect: str
) -> None:
    for kind in ("context_length", "prefill_rejected"):
        emulator.faults({"kind": kind})
        received, _ = ask(emulator, dialect)
        assert received.startswith(b"HTTP/1.1 400"), kind


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_comes_only_where_it_is_scripted(
    emulator: RunningEmulator, status: int
) -> None:
    emulator.faults({"kind": f"http_{status}"})
    assert b"retry-after" not in ask(emulator, GPT)[0]
    emulator.faults({"kind": f"http_{status}", "retry_after_s": 12})
    assert b"retry-after: 12\r\n" in ask(emulator, GPT)[0]


@pytest.mark.parametrize("kind", [one for one in FaultKind if not one.startswith("continue_")])
@pytest.mark.parametrize("stream", [True, False])
def test_every_kind_ends_an_attempt_in_every_dialect(
    emulator: RunningEmulator, kind: FaultKind, *, stream: bool
) -> None:
    for dialect in DIALECTS:
        emulator.faults({"kind": kind.value, "delay_s": 0.02})
        received, ended = ask(emulator, dialect, stream=stream)
        assert ended != "silence"
        assert received.startswith(b"HTTP/1.1 ") or kind is FaultKind.RESET
        attempt_outcome = outcome(emulator)
        if stream:
            is_broken = kind.value in BROKEN or attempt_outcome.startswith("faulted:")
            assert is_broken == (attempt_outcome != "complete")
        assert emulator.attempts()[-1]["fault"] is not None
    assert emulator.stats()["open"] == 0


def test_half_of_the_requests_are_struck_at_a_share_of_one_half(
    emulator: RunningEmulator,
) -> None:
    emulator.faults({"kind": "http_529", "share_ratio": 0.5, "provider": "gpt"})
    for _ in range(100):
        ask(emulator, GPT, stream=False)
    outcomes = emulator.stats()["outcomes"]
    assert 25 < outcomes["gpt faulted:http_529"] < 75
    assert outcomes["gpt complete"] == 100 - outcomes["gpt faulted:http_529"]
    assert StreamBytes(*ask(emulator, CLAUDE)).status == 200


def test_the_header_strikes_only_where_it_is_allowed(
    emulator: RunningEmulator, start_emulator: Any
) -> None:
    body = {"model": "gpt-5.6", "messages": [{"role": "user", "content": "hi"}]}
    path, header = "/gpt/v1/chat/completions", {"x-emulate-fault": "http_503;retry_after_s=2"}
    received, _ = emulator.exchange(path, body, header)
    assert received.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 2" in received
    received, _ = emulator.exchange(path, body, {"x-emulate-fault": "http_999"})
    assert received.startswith(b"HTTP/1.1 400")
    deaf: RunningEmulator = start_emulator("--instant")
    received, _ = deaf.exchange(path, body, header)
    assert received.startswith(b"HTTP/1.1 200")


def test_the_control_port_needs_its_token(emulator: RunningEmulator) -> None:
    for token in ("", "Bearer wrong", f"Basic {emulator.control_token}"):
        received, _ = emulator.exchange("/control/faults", {}, {"authorization": token})
        assert received.startswith(b"HTTP/1.1 401")


def test_a_bad_script_changes_nothing_and_names_all_problems(emulator: RunningEmulator) -> None:
    emulator.faults({"kind": "http_500"})
    document = {"rules": [{"kind": "nonsense"}, {"kind": "hang", "model": "gpt-9*"}]}
    status, answer = emulator.control("PUT", "faults", document)
    assert status == 400
    assert [p.partition(":")[0] for p in answer["problems"]] == ["rules[0].kind", "rules[1].model"]
    assert emulator.control("GET", "faults")[1]["script"] == {"rules": [{"kind": "http_500"}]}
    assert emulator.control("DELETE", "faults")[1]["script"] == {"rules": []}
    assert emulator.control("PUT", "pace", {"gpt": {"ttft_s": -1}, "x": {}})[0] == 400
    assert emulator.control("PUT", "limits", {"gpt": {"requests_per_min": 0}})[0] == 400
    assert emulator.control("GET", "nothing")[0] == 404


def test_no_credential_is_in_any_record(emulator: RunningEmulator) -> None:
    for dialect in DIALECTS:
        ask(emulator, dialect)
    seen = json.dumps([emulator.attempts(), emulator.stats(), emulator.control("GET", "limits")])
    assert KEY not in seen
    assert KEY[-6:] not in seen
    assert "authorization" in emulator.attempts()[-1]["header_names"]


def test_a_reader_who_does_not_read_is_waited_for(emulator: RunningEmulator) -> None:
    words = 100_000
    messages = [{"role": "user", "content": f"[[words:{words}]]"}]
    body = json.dumps({"model": "gpt-5.6", "stream": True, "messages": messages}).encode()
    head = (
        f"POST /gpt/v1/chat/completions HTTP/1.1\r\nhost: emulator\r\nconnection: close\r\n"
        f"authorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    seen: list[int] = []

    def is_waiting() -> bool:
        seen.append(emulator.attempts()[-1]["output_tokens"] if emulator.attempts() else 0)
        return len(seen) > 20 and 0 < seen[-20] == seen[-1]

    with socket.create_connection(("127.0.0.1", emulator.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        wait_until(is_waiting)
        assert seen[-1] < words
        received = bytearray()
        while data := connection.recv(1 << 20):
            received += data
    assert received.count(b'"content":"') == words + 1  # and the empty one of the role
    assert received.endswith(b"0\r\n\r\n")
    assert outcome(emulator) == "complete"
    assert emulator.attempts()[-1]["output_tokens"] == words
