"""The emulator: who answers which path, and the way of one request.

1. the path names the provider and its dialect; the credential and the body are checked
2. a fault is picked: from the header, where that is allowed, or from the script
3. the account is charged, and may have to wait: a genuine 429
4. a fault in place of an answer strikes; otherwise the answer is composed
5. it is delivered at its pace, whole or as a stream, bent by a fault of delivery
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import parse_qsl, unquote

from penstock.apps.emulate import text
from penstock.apps.emulate.answer import Answer, compose
from penstock.apps.emulate.ask import Ask, Reason, TroubleError
from penstock.apps.emulate.attempts import REJECTED, AttemptLog
from penstock.apps.emulate.catalogue import find
from penstock.apps.emulate.claude import Claude
from penstock.apps.emulate.continuation import find as find_broken
from penstock.apps.emulate.control import PREFIX, Control, FaultSwitch
from penstock.apps.emulate.delivery import (
    Chunked,
    Delivery,
    Performance,
    Raw,
    Stage,
    Wait,
    reset,
)
from penstock.apps.emulate.dialect import JSON_TYPE, Dialect, Query, Said, encode
from penstock.apps.emulate.embeddings import CompatibleEmbeddings, Embeddings
from penstock.apps.emulate.gemini import Gemini
from penstock.apps.emulate.gpt import Chat, CompatibleChat
from penstock.apps.emulate.limits import AT_EASE, RateLimits, Standing
from penstock.apps.emulate.oidc import PREFIX as OIDC_PREFIX
from penstock.apps.emulate.pace import Pacer, Tempo
from penstock.apps.emulate.responses import Responses
from penstock.apps.emulate.scripted import EDGE_BODY, EDGE_STATUS, FAILURES, in_stream, scripted
from penstock.apps.emulate.settings import Settings
from penstock.apps.emulate.spoil import SLOW_TTFT_S, spoil, spoil_whole
from penstock.core.fault import Fault, FaultKind, Flavour, Phase
from penstock.core.fault_script import read_header
from penstock.wire import clock
from penstock.wire.call import Call

FAULT_HEADER: Final = b"x-emulate-fault"
ROUTES: Final[tuple[tuple[str, Dialect], ...]] = (
    ("/claude", Claude()),
    ("/gpt/v1/responses", Responses()),
    ("/gpt/v1/embeddings", Embeddings()),
    ("/gpt/v1", Chat()),
    ("/gemini/v1beta/openai/embeddings", CompatibleEmbeddings()),
    ("/gemini/v1beta/openai", CompatibleChat()),
    ("/gemini", Gemini()),
)  # longer prefixes first
_RAW: Final = frozenset((FaultKind.TRUNCATED_BODY, FaultKind.STALL, FaultKind.SLOW_DRIP))


@dataclass(slots=True)
class Visit:
    """One request on its way through the emulator."""

    call: Call
    dialect: Dialect
    query: Query
    nonce: str
    request_id: str
    credential: str = ""
    standing: Standing = AT_EASE


class Emulator:
    """The handler of the port. Owned by one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings) -> None:
        now_s = clock.now_s()
        self._settings = settings
        self._rng = Random(settings.seed)
        self.chance: Callable[[], float] = self._rng.random
        self._log = AttemptLog(now_s)
        self._stage = Stage(loop, self._log)
        self._pacer = Pacer(settings.seed, settings.pace)
        self._limits = RateLimits(settings.limits)
        self.faults = FaultSwitch(now_s)
        self._control = Control(settings, self.faults, self._pacer, self._limits, self._log)

    def on_call(self, call: Call) -> None:
        """Find out who is meant."""
        path = unquote(call.target.decode("latin-1"))
        parameters = dict(parse_qsl(call.query.decode("latin-1"), keep_blank_values=True))
        method = call.method.decode("latin-1")
        query = Query(method, path, parameters, call.headers, call.body)
        if path.startswith(PREFIX):
            self._control.answer(call, query)
            return
        if path.startswith(OIDC_PREFIX + "/"):
            self._control.oidc.answer(call, query._replace(path=path.removeprefix(OIDC_PREFIX)))
            return
        for prefix, dialect in ROUTES:
            if path == prefix or path.startswith(prefix + "/"):
                nonce = f"{self._rng.getrandbits(96):024x}"
                query = query._replace(path=path.removeprefix(prefix))
                self._visit(Visit(call, dialect, query, nonce, dialect.request_id(nonce)))
                return
        is_root = path == "/"
        names = [prefix for prefix, _ in ROUTES]
        call.send(200 if is_root else 404, JSON_TYPE, encode({"emulated": names}))

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Word what the wire itself refuses."""
        del call, status
        return b"application/json", encode({"error": {"message": reason}})

    def _visit(self, visit: Visit) -> None:
        """Answer at once what needs no model; open an attempt for what does."""
        dialect, query = visit.dialect, visit.query
        try:
            visit.credential = dialect.authenticate(query)
            found = dialect.look_up(query)
        except TroubleError as trouble:
            self._refuse(visit, trouble)
            return
        if found is None:
            self._attempt(visit)
            return
        fault = self._pick(visit, "")
        if fault is None or fault.phase is not Phase.INSTEAD:
            self._send(visit, 200, found)
            return
        performance = self._open(visit)
        performance.fault = fault
        self._log.struck(performance.attempt, fault)
        self._strike(visit, performance, fault, lambda: self._send(visit, 200, found))

    def _attempt(self, visit: Visit) -> None:
        performance = self._open(visit)
        attempt = performance.attempt
        try:
            ask = visit.dialect.read(visit.query)
            attempt.model = ask.model.name
            attempt.is_stream = ask.is_stream
            attempt.input_tokens = ask.input_tokens
            fault = self._pick(visit, ask.model.name, is_continuation=find_broken(ask) is not None)
            if fault is not None:
                fault = fault.for_stream() if ask.is_stream else fault.for_whole(self.chance)
                performance.fault = fault
                self._log.struck(attempt, fault)
            kind = None if fault is None else fault.kind
            settings = self._settings
            answer = compose(ask, settings.seed, kind, is_shared=settings.is_text_shared)
            self._charge(visit, ask.input_tokens + answer.output_tokens)
        except TroubleError as trouble:
            self._fail(visit, performance, trouble, REJECTED)
            return

        def perform() -> None:
            self._perform(visit, performance, ask, answer)

        if fault is not None and fault.phase is Phase.INSTEAD:
            self._strike(visit, performance, fault, perform)
        else:
            perform()

    def _open(self, visit: Visit) -> Performance:
        dialect, query = visit.dialect, visit.query
        attempt = self._log.opened(visit.request_id, dialect.provider, dialect.name, clock.now_s())
        attempt.header_names = sorted(name.decode("latin-1") for name in query.headers)
        return Performance(self._stage, visit.call, attempt)

    def _pick(self, visit: Visit, model: str, *, is_continuation: bool = False) -> Fault | None:
        header = visit.query.headers.get(FAULT_HEADER)
        if header is not None and self._settings.allows_fault_header:
            fault, problems = read_header(header.decode("latin-1"))
            if fault is None:
                raise TroubleError(400, f"x-emulate-fault: {'; '.join(problems)}")
            return fault.settled(self.chance)
        provider, now_s = visit.dialect.provider, clock.now_s()
        return self.faults.pick(
            provider, model, now_s, self.chance, is_continuation=is_continuation
        )

    def _charge(self, visit: Visit, tokens: int) -> None:
        provider = visit.dialect.provider
        standing = self._limits.take(provider, visit.credential, tokens, clock.now_s())
        visit.standing = standing
        if standing.exhausted:
            raise TroubleError(
                429,
                f"This request would exceed your rate limit of {standing.exhausted} per minute.",
                reason=Reason.OWN_QUOTA,
                retry_after_s=standing.retry_after_s,
            )

    def _strike(
        self, visit: Visit, performance: Performance, fault: Fault, proceed: Callable[[], None]
    ) -> None:
        """Let a fault stand in place of the answer."""
        if fault.kind is FaultKind.HANG:
            Wait(performance, proceed).begin(fault.delay_s)
            return
        if fault.kind is FaultKind.RESET:

            def action() -> None:
                reset(visit.call)
                performance.delivered()
        else:

            def action() -> None:
                self._fail_as_scripted(visit, performance, fault)

        Wait(performance, action).begin(fault.delay_s or 0.0)

    def _fail_as_scripted(self, visit: Visit, performance: Performance, fault: Fault) -> None:
        attempt = performance.attempt
        model = find(attempt.provider, attempt.model)
        trouble = scripted(fault, model, attempt.input_tokens)
        if trouble.reason is Reason.OWN_QUOTA and fault.flavour is Flavour.QUOTA:
            visit.standing = visit.standing.spent(fault.retry_after_s or 1.0)
        self._fail(visit, performance, trouble, f"faulted:{fault.kind}")

    def _fail(
        self, visit: Visit, performance: Performance, trouble: TroubleError, outcome: str
    ) -> None:
        performance.attempt.status = trouble.status
        self._refuse(visit, trouble)
        self._log.closed(performance.attempt, outcome, clock.now_s())

    def _refuse(self, visit: Visit, trouble: TroubleError) -> None:
        """Send an error in the provider's words."""
        wait_s = trouble.retry_after_s
        retry = b"" if wait_s is None else b"retry-after: %d\r\n" % -(-wait_s // 1)
        if trouble.status == EDGE_STATUS:
            visit.call.send(EDGE_STATUS, b"content-type: text/html\r\n" + retry, EDGE_BODY)
            return
        body = visit.dialect.error(trouble, visit.request_id)
        self._send(visit, trouble.status, body, retry)

    def _send(self, visit: Visit, status: int, body: bytes, headers: bytes = b"") -> None:
        head = visit.dialect.head(visit.request_id, visit.standing, clock.now_unix_s())
        visit.call.send(status, JSON_TYPE + head + headers, body)

    def _perform(self, visit: Visit, performance: Performance, ask: Ask, answer: Answer) -> None:
        """Deliver an answer at its pace."""
        performance.attempt.status = 200
        fault = performance.fault
        has_usage = fault is None or fault.kind is not FaultKind.MISSING_USAGE
        said = Said(
            ask=ask,
            answer=answer,
            nonce=visit.nonce,
            created_unix_s=int(clock.now_unix_s()),
            has_usage=has_usage,
        )
        place = text.digest((str(self._settings.seed), ask.model.name, ask.last_user_text))
        tempo = self._pacer.tempo(ask.model, place)
        if ask.is_stream:
            self._stream(visit, performance, said, tempo)
            return
        wait_s = tempo.total_s(answer.output_tokens)
        if fault is not None and fault.kind is FaultKind.SLOW_TTFT:
            wait_s += SLOW_TTFT_S if fault.delay_s is None else fault.delay_s
        Wait(performance, lambda: self._whole(visit, performance, said, tempo)).begin(wait_s)

    def _stream(self, visit: Visit, performance: Performance, said: Said, tempo: Tempo) -> None:
        dialect, fault = visit.dialect, performance.fault

        def error_event(sent: int) -> bytes:
            assert fault is not None
            trouble, is_failure = in_stream(fault), fault.kind in FAILURES
            return dialect.error_event(trouble, said, sent, is_failure=is_failure)

        frames = spoil(dialect.frames(said), fault, error_event)
        head = dialect.head(visit.request_id, visit.standing, clock.now_unix_s())
        outlet = Chunked(visit.call, head)
        delivery = Delivery(performance, outlet, frames, tempo)
        Wait(performance, delivery.begin).begin(tempo.ttft_s)

    def _whole(self, visit: Visit, performance: Performance, said: Said, tempo: Tempo) -> None:
        fault = performance.fault
        body = visit.dialect.whole(said)
        if fault is None or fault.kind is not FaultKind.EMPTY_STREAM:
            performance.attempt.output_tokens = said.answer.output_tokens  # all was generated
        if fault is not None and fault.kind in _RAW:
            head = visit.dialect.head(visit.request_id, visit.standing, clock.now_unix_s())
            outlet = Raw(visit.call, JSON_TYPE + head, len(body))
            Delivery(performance, outlet, spoil_whole(body, fault), tempo).begin()
            return
        if fault is not None and fault.kind is FaultKind.GARBAGE_BODY:
            body = body[: len(body) // 2]
        elif fault is not None and fault.kind is FaultKind.EMPTY_STREAM:
            body = b""
        else:
            performance.attempt.is_usage_sent = said.has_usage
        self._send(visit, 200, body)
        performance.delivered()
