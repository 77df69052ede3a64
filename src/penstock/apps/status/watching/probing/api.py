"""An API probe: a short answer, streamed, and read to its last event.

    through    the gateway, by the status process's own key: what callers of a route get, failover
               included
    past       the gateway, at an upstream, with the provider's own key by reference: what a model
               does, whether or not others stand in for it
    good       200, the model has said why it stopped, and the stream has ended as HTTP ends one
    wrong      the same, and a canary's words are not in the answer
    slow       the first token later than slow_s
    failed     an error of the provider's or ours, a stream without an end, silence: by its kind
    unknown    what says nothing of whom it asks: our own key, limit or request was refused

The dialects write the question and read the answer, as for everybody.
"""

import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from penstock.apps.status.watching.probing import result
from penstock.apps.status.watching.probing.canary import Question
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.core.outcome import FailureKind
from penstock.core.price import Rates, Used, cost_microusd
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Dialect
from penstock.dialects.events import Counted, Ended, Event, Failed, Stopped, TextDelta
from penstock.dialects.message import NO_USAGE, Request, Role, StopReason, Text, Turn, Usage
from penstock.dialects.shortening import quiet_effort
from penstock.watch.evidence import ProbeResult

TOKENS_MAX: Final = 256  # room to think a little; a canary's answer has about eight
ERROR_BYTES_MAX: Final = 64 * 1024
OK: Final = 200
GATEWAY_REFUSALS: Final = {401: "key", 403: "key", 404: "route", 429: "limit"}
# What says nothing against whom was asked: our own limit there, or our own request.
OWN: Final = frozenset((
    FailureKind.QUOTA, FailureKind.REJECTED, FailureKind.CONTEXT_LENGTH, FailureKind.NOT_OFFERED,
    FailureKind.CONFLICT,
))  # fmt: skip


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask, and how."""

    url: str  # of the base, without the dialect's path
    dialect: Dialect
    model: str
    key: str
    capability: Capability
    headers: Mapping[str, str] = {}
    is_gateway: bool = False
    tls_ca_file: str = ""
    is_pinned: bool = False  # the certificate is its own: names do not matter
    api_version: str = ""
    rates: Rates = Rates()


class Reading:
    """What has been seen of an answer."""

    def __init__(self) -> None:
        self.text = ""
        self.ttft_s: float | None = None
        self.stop: StopReason | None = None
        self.is_ended = False
        self.failure = ""
        self.usage: Usage = NO_USAGE

    def take(self, event: Event, since_s: float) -> None:
        """Take one event, so many seconds after the question."""
        match event:
            case TextDelta(text=text):
                self.text += text
                if self.ttft_s is None:
                    self.ttft_s = since_s
            case Stopped(reason=reason):
                self.stop = reason
            case Counted(usage=usage):
                self.usage = usage
            case Failed(failure=failure):
                self.failure = failure.kind.value
            case Ended():
                self.is_ended = True
            case _:
                pass


def body_of(way: Way, question: Question) -> bytes:
    """Return the question in the words of its dialect."""
    effort = quiet_effort(way.dialect.name, way.model, way.capability)
    request = Request(
        dialect=way.dialect.name,
        model=way.model,
        turns=(Turn(Role.USER, (Text(question.text),)),),
        is_stream=True,
        output_tokens_max=TOKENS_MAX,
        effort=effort or "",
    )
    return way.dialect.write_request(request, way.model, way.capability)[0]


async def probe(
    way: Way, question: Question, times: tuple[float, float], means: Means, *, is_canary: bool
) -> Outcome:
    """Ask once. ``times``: how long it may take, and from when on it is slow."""
    within_s, slow_s = times
    host = urlsplit(way.url).hostname or ""
    began_s, reading = means.now_s(), Reading()

    async def work() -> Outcome:
        tls = _tls(way, means)
        async with result.client(tls, within_s) as http:
            refusal = await _read(http, way, question, reading, (began_s, means))
        return refusal or verdict(reading, question if is_canary else None, slow_s, total())

    def total() -> float:
        return means.now_s() - began_s

    outcome = await result.bounded(work, within_s, host)
    if outcome.how == "timeout" and reading.ttft_s is not None:
        outcome = result.failed("stalled", host, ttft_s=reading.ttft_s)
    cost = cost_microusd(way.rates, used(reading.usage, question))
    return msgspec.structs.replace(outcome, host=host, cost_microusd=cost)


def _tls(way: Way, means: Means) -> ssl.SSLContext:
    if not way.tls_ca_file:
        return means.tls
    return result.pinned(way.tls_ca_file) if way.is_pinned else result.context(way.tls_ca_file)


def used(usage: Usage, question: Question) -> Used:
    """Return what an answer has used; where nobody says, what such a one uses."""
    if usage.is_known:
        return Used(usage.input_tokens, usage.output_tokens)
    return Used(len(question.text) // 3, TOKENS_MAX // 8)


async def _read(
    http: httpx.AsyncClient,
    way: Way,
    question: Question,
    reading: Reading,
    clock: tuple[float, Means],
) -> Outcome | None:
    """Ask, and read all that comes; an outcome if the answer is an error."""
    began_s, means = clock
    dialect = way.dialect
    url = way.url.rstrip("/") + dialect.path(way.model, is_stream=True).decode()
    headers = {"content-type": "application/json", **headers_of(way)}
    async with http.stream(
        "POST", url, content=body_of(way, question), headers=headers
    ) as response:
        if response.status_code != OK:
            return refused(way, response, await _some(response))
        decoder, size = dialect.decoder(), 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > result.ANSWER_BYTES_MAX:
                reading.failure = FailureKind.BROKEN_STREAM.value
                return None
            for event in decoder.feed(chunk):
                reading.take(event, means.now_s() - began_s)
    return None


def headers_of(way: Way) -> dict[str, str]:
    """Return the lines that show who asks."""
    lines = way.dialect.auth_headers(way.key, way.api_version, {}).decode().splitlines()
    return {**dict(line.split(": ", 1) for line in lines if line), **way.headers}


def refused(way: Way, response: httpx.Response, body: bytes) -> Outcome:
    """Return what an answer means whose status is not 200."""
    status = response.status_code
    if way.is_gateway and status in GATEWAY_REFUSALS:
        return result.unknown(GATEWAY_REFUSALS[status])
    headers = {name.lower(): value for name, value in response.headers.raw}
    kind = way.dialect.classify(status, headers, body).kind
    return result.unknown(kind.value) if kind in OWN else result.failed(kind.value)


def verdict(reading: Reading, question: Question | None, slow_s: float, total_s: float) -> Outcome:
    """Return what an answer means that has come to its end."""
    if reading.failure:
        return result.failed(reading.failure, ttft_s=reading.ttft_s, total_s=total_s)
    if reading.stop is None:
        return result.failed("broken_stream", ttft_s=reading.ttft_s, total_s=total_s)
    is_mute = reading.stop is StopReason.LENGTH and not reading.text
    if question is not None and not is_mute and not question.is_answered_by(reading.text):
        return Outcome(
            result=ProbeResult.WRONG, how="wrong", ttft_s=reading.ttft_s, total_s=total_s
        )
    return result.ended(slow_s, total_s, reading.ttft_s)


async def _some(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > ERROR_BYTES_MAX:
            break
    return body
