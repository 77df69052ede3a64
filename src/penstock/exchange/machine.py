"""One exchange, from admission to record: read this file first.

Sockets and the timer call ``on_*`` and say what time it is; answers leave through the ports.
The whole machine; there are no other moves:

    QUEUED     granted                            -> DIALLING   at once or after a wait
    QUEUED     granted, cannot be translated      -> QUEUED     asks for the others, or DONE
    QUEUED     nobody can count its tokens        -> DONE       told an estimate
    QUEUED     refused, nothing tried so far      -> DONE       told whose limit, and until when
    QUEUED     refused after an attempt           -> QUEUED     for one more round, or DONE
    QUEUED     backoff over                       -> QUEUED     asks the gate again
    DIALLING   moved aside for a contract         -> QUEUED     once, and nothing has come
    DIALLING   first content, a whole answer, or  -> STREAMING or DONE   the commit
               one that is too long to hold
    DIALLING   attempt failed, a retry may help   -> QUEUED     the caller sees nothing of it
    DIALLING   attempt failed, no retry may help  -> DONE       told the kind of failure
    STREAMING  answer complete                    -> DONE
    STREAMING  break, another may go on           -> QUEUED     the caller sees a comment at most
    STREAMING  break, nobody may                  -> DONE       an error event, never a clean end
    any        deadline passed, we go down, or    -> DONE       no verdict on the upstream, unless
               the caller hangs up                              nothing had come for hang_s

Rule 1: ``_settle`` alone gives grants back, once per attempt. Rule 2: what arrives from an attempt
that is no longer ours is dropped. Rule 3: nothing in this file waits. Rule 4: the record is
written before the caller's last byte.

Until the commit everything is held back: role chunks, ``message_start``, a whole unary answer, up
to a bound. Who is asked after a failure is decided in ``failover.py``; what another may go on with,
``splice.py``. An exchange that goes on goes through the same states again, and can no longer be
refused: every end but the answer's own is then a break.
"""

import enum
import math
from typing import Final

from penstock.core.errors import CallerError, DeadlineError, LimitError, PenstockError, ShedError
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Outcome
from penstock.dialects.contract import AnswerReader, Headers
from penstock.dialects.message import Request, StopReason
from penstock.exchange import answering, asking, charging, closing, limits
from penstock.exchange.answering import JSON, OK
from penstock.exchange.attempt import Attempt
from penstock.exchange.demand import Grant
from penstock.exchange.failover import Failover, Plan, repeats_max
from penstock.exchange.order import Order
from penstock.exchange.ports import GONE, Ports, Timer
from penstock.exchange.splice import Splice, splice_of
from penstock.exchange.target import Target
from penstock.exchange.telling import HELD_BYTES_MAX, Telling

HUNG_UP: Final = 499  # nginx's code for a caller who closed the request
FINISH_S: Final = 2.0  # after the finish reason, for usage and terminator that may never come


class State(enum.Enum):
    """Where an exchange is."""

    QUEUED = "queued"
    DIALLING = "dialling"
    STREAMING = "streaming"
    DONE = "done"


QUEUED: Final = State.QUEUED  # to look a member up costs more than to compare it
DIALLING: Final = State.DIALLING
STREAMING: Final = State.STREAMING
DONE: Final = State.DONE


class Exchange(Telling):
    """One caller's request and its answer. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_able", "_attempt", "_attempts", "_backoff_until_s", "_deadline_s", "_failover_made",
        "_finish_at_s", "_queued_at_s", "_queued_s", "_reader", "_request",
        "_splice", "route", "state", "targets", "timer", "wait_until_s",
    )  # fmt: skip

    timer: Timer
    targets: list[Target]  # from ``start`` on

    def __init__(self, order: Order, ports: Ports) -> None:
        super().__init__(order, ports)
        self.route = order.route
        self.state = QUEUED
        self.wait_until_s = 0.0
        self._deadline_s = order.at_s + order.route.timeouts.total_s
        self._failover_made: Failover | None = None
        self._attempt: Attempt | None = None
        self._attempts: list[Attempt] = []
        self._request: Request | None = None
        self._backoff_until_s = 0.0
        self._queued_at_s = order.at_s
        self._queued_s = 0.0
        self._reader: AnswerReader | None = None  # whose content went out last
        self._splice: Splice | None = None
        self._finish_at_s = 0.0  # not 0: the answer is complete, and this is how long we wait on

    # --- admission

    def start(self, now_s: float) -> None:
        """Ask for leave to dial, if any upstream of the route has what the request needs."""
        order = self._order
        may_degrade = self._ports.gate.may_degrade(self.claim)
        able = self.route.able(order.inquiry, order.speakers, may_degrade=may_degrade)
        self._able = self.targets = able
        if not able:
            message = f"No upstream of the route {order.route.name!r} has what this request needs."
            if not self._estimated(now_s):
                self._refuse(CallerError(message, code="unsupported_by_route"), "refused", now_s)
            return
        self._ports.budget.deposit()
        if order.is_continuing:
            self._splice = splice_of(order)
        self._ask(able, now_s, waits=True)

    def _estimated(self, now_s: float) -> bool:
        """Answer without an upstream, if that is possible."""
        made = answering.estimate(self._order, len(self._attempts))
        if made is None:
            return False
        headers, body = made
        self._bytes_out += len(body)
        self._close("complete", OK, "", now_s, finish_reason="estimated")
        self.caller.answer(OK, headers + self._tier_lines(), body)
        return True

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """Write the request in the upstream's dialect and dial."""
        order, ports = self._order, self._ports
        if now_s > self._queued_at_s:
            self._queued_s += now_s - self._queued_at_s
            self._queued_at_s = now_s
        if now_s >= self._deadline_s:  # a slot came back in the tick before the alarm
            ports.gate.give_back(grant, IGNORED, now_s)
            self._on_deadline(now_s)
            return
        order.inquiry.served = self.claim.served
        attempt = Attempt(self, grant, len(self._attempts) + 1, now_s)
        try:
            self._request = asking.write(order, attempt, self._splice, self._request)
        except CallerError as error:
            ports.gate.give_back(grant, IGNORED, now_s)
            self._failover.untranslatable = error
            self._follow(self._failover.rule_out(attempt.target, now_s), now_s)
            return
        self._attempt = attempt
        self._attempts.append(attempt)
        if self._notes is not None and self.route.is_ordered:
            self._notes.on_granted(self._able, attempt.target, self.claim, now_s)
        self.claim.degraded = attempt.degraded
        self.state = DIALLING
        ports.recorder.opened(closing.opened_line(order, attempt))
        ports.dialer.dial(attempt)
        if attempt is self._attempt and not attempt.sent_at_s:
            self._arm()

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        """Where nothing has failed so far, tell; after a failure, ask again, or give up."""
        if self._failover_made is None or self._failover_made.failure is None:
            self._refuse(error, "refused", now_s)
        elif self.wait_until_s == 0.0:
            self._follow(self._failover.when_refused(now_s), now_s)
        else:
            self._exhaust(now_s)

    @property
    def may_be_moved(self) -> bool:
        """Whether nothing has come of an attempt that is under way for the first time."""
        attempt = self._attempt
        if attempt is None or self._is_committed or self.claim.was_moved:
            return False
        return not attempt.parts and not attempt.output_tokens

    def on_moved_aside(self, now_s: float) -> None:
        """Give the slot to whoever has a contract, and wait again at the head of the queue."""
        attempt = self._attempt
        assert attempt is not None
        self.claim.was_moved = attempt.was_moved = True
        self._give_up(attempt, IGNORED, now_s)
        self._ask(self.targets, now_s, waits=True)

    def output_tokens_now(self) -> int:
        """Return about how many tokens have come of the attempt that is under way."""
        return 0 if self._attempt is None else self._attempt.output_tokens

    def _follow(self, plan: Plan | None, now_s: float) -> None:
        if plan is None or plan.at_s >= self._deadline_s:
            self._exhaust(now_s)
        elif plan.at_s > now_s:
            self.state = QUEUED
            self.targets = plan.targets
            self._queued_at_s = now_s
            self._backoff_until_s = plan.at_s
            self._arm()
        else:
            self._ask_again(plan.targets, now_s, waits=plan.waits)

    @property
    def _failover(self) -> Failover:
        """The memory of what was tried; most exchanges never need one."""
        if self._failover_made is None:
            self._failover_made = Failover(
                self.route,
                self._able,
                self._ports.budget,
                self._ports.chance,
                is_allowed=self._order.may_fail_over,
                repeats_max=repeats_max(self.claim, may=self._ports.gate.may_retry(self.claim)),
            )
        return self._failover_made

    def _ask_again(self, targets: list[Target], now_s: float, *, waits: bool) -> None:
        if self._splice is not None:
            targets = self._splice.preferred(targets, now_s)
        self._ask(targets, now_s, waits=waits)

    def _ask(self, targets: list[Target], now_s: float, *, waits: bool) -> None:
        self.state = QUEUED
        self.targets = targets
        self.wait_until_s = self._deadline_s if waits else 0.0
        self._queued_at_s = now_s
        self._ports.gate.ask(self, now_s)
        if self.is_waiting and self._keep_alive_s():
            self._arm()

    # --- what the dialer tells

    def on_sent(self, attempt: Attempt, now_s: float) -> None:
        """The request is on its way: from here on it is the upstream who is slow."""
        if attempt is self._attempt:
            attempt.sent_at_s = now_s
            self._arm()

    def on_head(self, attempt: Attempt, status: int, headers: Headers, now_s: float) -> None:
        """Decide how the body is read."""
        if attempt is not self._attempt:
            return
        attempt.status = status
        attempt.response_headers = headers
        attempt.head_at_s = attempt.progress_at_s = now_s
        if answering.is_stream(self._order, attempt):
            attempt.reader = answering.reader_of(self._order, attempt, self._splice)

    def on_chunk(self, attempt: Attempt, chunk: bytes, now_s: float) -> None:
        """Pass on the next events; hold them until the first content."""
        if attempt is not self._attempt:
            return
        attempt.progress_at_s = now_s
        reader = attempt.reader
        if reader is None:
            self._collect(attempt, chunk, now_s)
            return
        out = reader.feed(chunk)
        if self._splice is not None:
            out += self._release_late(self._splice, attempt, now_s)
        if self.state is DIALLING:
            self._seek(attempt, reader, out, now_s)
        elif reader.is_complete or reader.is_ended or reader.failure is not None:
            self._pass_on(attempt, reader, out, now_s)
        elif out:
            self._write(out, now_s)

    def _seek(self, attempt: Attempt, reader: AnswerReader, out: bytes, now_s: float) -> None:
        # Before the commit content is nothing yet; after it, what came out must go out.
        is_lost = not (self._is_committed and reader.has_content)
        if reader.failure is not None and is_lost:
            self._fail(attempt, reader.failure, now_s)
        elif reader.has_content:
            self._pass_on(attempt, reader, self._commit(attempt, out, now_s), now_s)
        else:
            self._hold(attempt, out, now_s)

    def _release_late(self, splice: Splice, attempt: Attempt, now_s: float) -> bytes:
        out = splice.release_late(attempt, now_s)
        if splice.held_since_s == now_s:
            self._arm()  # from here on it is we who let the caller wait
        return out

    def _pass_on(self, attempt: Attempt, reader: AnswerReader, out: bytes, now_s: float) -> None:
        if reader.is_ended:
            self._complete(attempt, out, now_s)
            return
        if out:
            self._write(out, now_s)
        if reader.failure is not None:
            self._fail(attempt, reader.failure, now_s)
        elif reader.is_complete and not self._finish_at_s:
            self._finish_at_s = now_s + FINISH_S
            self._arm()

    def on_complete(self, attempt: Attempt, now_s: float) -> None:
        """The body is whole as far as HTTP knows; whether the answer is, the dialect knows."""
        if attempt is not self._attempt:
            return
        if attempt.reader is not None:
            self._finish_stream(attempt, now_s)
        elif attempt.status == OK:
            self._finish_unary(attempt, now_s)
        else:
            self._fail(attempt, answering.failure_of(attempt), now_s)

    def on_failed(self, attempt: Attempt, failure: Failure, now_s: float) -> None:
        """The connection failed; an answer that was complete by then stays complete."""
        if attempt is not self._attempt:
            return
        if self._finish_at_s:
            self._finish_stream(attempt, now_s)
        else:
            self._cut(attempt, failure, now_s)

    def _collect(self, attempt: Attempt, chunk: bytes, now_s: float) -> None:
        failure = answering.collect(attempt, chunk)
        if failure is not None:
            self._cut(attempt, failure, now_s)
        elif too_long := answering.let_go(self._order, attempt):
            self._write(self._commit(attempt, too_long, now_s), now_s)
        elif attempt.parts_bytes == len(chunk) and not answering.is_whole(attempt):
            self._arm()  # from the first byte on it is silence that is limited

    def _hold(self, attempt: Attempt, out: bytes, now_s: float) -> None:
        held_bytes = self._keep(out)
        if attempt.is_ended:
            self._finish_stream(attempt, now_s)
        elif held_bytes > HELD_BYTES_MAX:
            detail = f"{HELD_BYTES_MAX} bytes came without any content"
            self._fail(attempt, Failure(FailureKind.BROKEN_STREAM, detail, OK), now_s)

    def _commit(self, attempt: Attempt, out: bytes, now_s: float) -> bytes:
        """The first content: from here on the caller has this upstream's answer."""
        self.state = STREAMING
        self._is_committed = True
        self._reader = attempt.reader
        attempt.first_token_at_s = now_s
        self._ports.gate.began(attempt.grant, now_s)
        if self._is_paused:
            self._ports.dialer.pause(attempt)
        self._begin(answering.started(self._order, attempt), now_s)
        self._arm()
        return self._with_kept(out, self._attempts)

    def _finish_stream(self, attempt: Attempt, now_s: float) -> None:
        reader = attempt.reader
        assert reader is not None
        out = reader.finish()
        if reader.failure is not None:
            self._fail(attempt, reader.failure, now_s)
        elif attempt.is_assembled:
            self._ports.dialer.detach(attempt)
            self._deliver(attempt, out, reader.finish_reason, now_s)
        else:
            if self.state is DIALLING:
                out = self._commit(attempt, out, now_s)
            self._complete(attempt, out, now_s)

    def _finish_unary(self, attempt: Attempt, now_s: float) -> None:
        whole = answering.whole(self._order, attempt)
        if isinstance(whole, Failure):
            self._fail(attempt, whole, now_s)
            return
        self._deliver(attempt, whole.body, whole.survey.finish_reason, now_s)

    def _deliver(self, attempt: Attempt, body: bytes, finish_reason: str, now_s: float) -> None:
        attempt.first_token_at_s = now_s
        self._bytes_out += len(body)
        headers = answering.headers(attempt, attempt.number, JSON) + self._tier_lines()
        if self.claim.is_limited:
            headers += self._limit_lines(now_s)
        self._settle(attempt, SUCCESS, now_s)
        self._close("complete", OK, "", now_s, finish_reason=finish_reason)
        self.caller.answer(OK, headers, body)

    def _complete(self, attempt: Attempt, out: bytes, now_s: float) -> None:
        reader = attempt.reader
        assert reader is not None
        self._bytes_out += len(out)
        self._settle(attempt, SUCCESS, now_s)
        self._close("complete", OK, "", now_s, finish_reason=reader.finish_reason)
        self._ports.dialer.detach(attempt)
        self.caller.end(out)

    # --- failure

    def _cut(self, attempt: Attempt, failure: Failure, now_s: float) -> None:
        """The answer will not become whole; if it was an error, its head has said enough."""
        if attempt.status not in (0, OK):
            failure = answering.failure_of(attempt)
            attempt.parts = []  # what is cut is not told as sent
        self._fail(attempt, failure, now_s)

    def _fail(self, attempt: Attempt, failure: Failure, now_s: float) -> None:
        """Go to the next upstream in silence; after the first content, say what happened."""
        failure = answering.blamed(attempt, failure)
        self._give_up(attempt, failure, now_s)
        if not self._is_committed or self._may_go_on(attempt, failure, now_s):
            self._follow(self._failover.after(attempt, failure, now_s), now_s)

    def _give_up(self, attempt: Attempt, outcome: Outcome, now_s: float) -> None:
        self._forget()
        self._ports.dialer.cancel(attempt)
        self._settle(attempt, outcome, now_s)

    def _may_go_on(self, attempt: Attempt, failure: Failure, now_s: float) -> bool:
        """Tell whether another may finish the answer that broke; if none may, end it here."""
        splice = self._splice
        if splice is not None:
            splice.on_break(attempt)
            end = splice.conclusion()
            if end:
                self._bytes_out += len(end)
                self._close("complete", OK, "", now_s, finish_reason=StopReason.LENGTH.value)
                self.caller.end(end)
                return False
            if not splice.obstacle():
                return True
        self._failover.note(attempt, failure)
        self._exhaust(now_s)
        return False

    def _exhaust(self, now_s: float) -> None:
        """Nobody is left: tell the last failure, in the caller's dialect."""
        failure, attempt = self._failover.failure, self._failover.attempt
        if failure is None or attempt is None:
            assert self._failover.untranslatable is not None
            self._refuse(self._failover.untranslatable, "refused", now_s)
            return
        if self._is_started:
            self._break(self._failover.broken(), now_s)
            return
        if failure.kind is FailureKind.NOT_OFFERED and self._estimated(now_s):
            return
        body = answering.as_sent(attempt, failure)
        if body:
            self._bytes_out += len(body)
            headers = answering.headers_as_sent(attempt, len(self._attempts)) + self._tier_lines()
            self._close("failed", failure.status, failure.code or failure.kind.value, now_s)
            self.caller.answer(failure.status, headers, body)
            return
        self._refuse(self._failover.error(now_s), "failed", now_s, attempt)

    def _refuse(
        self, error: PenstockError, outcome: str, now_s: float, attempt: Attempt | None = None
    ) -> None:
        if self._is_started:
            self._break(error, now_s)
            return
        status = self._order.dialect.status_of(error)
        stamp = attempt.target.stamp if attempt is not None else b""
        headers = stamp + self._tier_lines()  # the end may undo what admission has decided
        self._close(outcome, status, error.code, now_s)
        self.caller.refuse(error, headers)

    def _break(self, error: PenstockError, now_s: float) -> None:
        """The truncation contract: an error event, and then no clean end."""
        event = answering.broken(self._order, self._reader, error)
        self._bytes_out += len(event)
        self._close("broken", OK, error.code, now_s)
        self.caller.abort(event)

    # --- the caller and the clock

    def on_hang_up(self, now_s: float, code: str = "caller_left") -> None:
        """Stop paying for an answer that nobody reads."""
        if self.state is DONE:
            return
        self._abandon(now_s)
        self._close("hung_up", HUNG_UP, code, now_s)

    def on_pause(self) -> None:
        """The caller reads too slowly: stop reading from the upstream."""
        self._is_paused = True
        if self._attempt is not None and self._is_blocked:
            self._ports.dialer.pause(self._attempt)

    def on_resume(self, now_s: float) -> None:
        """The caller has caught up."""
        was_blocked = self._is_blocked
        self._is_paused = False
        if self._attempt is not None and was_blocked:
            self._attempt.progress_at_s = now_s
            if self._finish_at_s:
                self._finish_at_s = now_s + FINISH_S
            self._ports.dialer.resume(self._attempt)
            self._arm()
        elif self.state is not DONE:
            self._arm()  # signs of life are due again

    @property
    def _is_blocked(self) -> bool:
        """Whether the caller holds the answer up; before the commit nothing can be held up."""
        return self._is_paused and self.state is STREAMING

    def on_wake(self, now_s: float) -> None:
        """See which limit has passed, if any, and set the alarm for the next."""
        if self.state is DONE:
            return
        if now_s >= self._deadline_s:
            self._on_deadline(now_s)
        elif (keep_alive_s := self._keep_alive_s()) and now_s >= self._told_at_s + keep_alive_s:
            place = self._ports.gate.place(self, now_s) if self._tells_places else None
            self._keep_alive(place, now_s)
            self._arm()
        elif self._attempt is None:
            self._on_backoff(now_s)
        else:
            limit_s, kind = self._limit(self._attempt)
            if now_s < limit_s or self._is_blocked:
                self._arm()
            else:
                self._on_limit(self._attempt, kind, now_s)

    def _on_backoff(self, now_s: float) -> None:
        if not self._backoff_until_s or now_s < self._backoff_until_s:
            self._arm()
            return
        self._backoff_until_s = 0.0
        self._queued_s += now_s - self._queued_at_s
        self._ask_again(self.targets, now_s, waits=True)

    def _arm(self) -> None:
        at_s, attempt = self._deadline_s, self._attempt
        if attempt is None:
            at_s = min(at_s, self._backoff_until_s or at_s)
        elif not self._is_blocked:
            at_s = min(at_s, self._limit(attempt)[0])
        if self._order.inquiry.is_stream and (keep_alive_s := self._keep_alive_s()):
            at_s = min(at_s, self._told_at_s + keep_alive_s)
        self.timer.wake_at(at_s)

    def _keep_alive_s(self) -> float:
        attempt = self._attempt
        flows = self.state is STREAMING and attempt is not None and not attempt.is_holding
        return self._silence_s(flows=flows)

    def _limit(self, attempt: Attempt) -> tuple[float, FailureKind | None]:
        """Return the instant of the next limit, and the kind it is; None: an answer's end."""
        if self._finish_at_s:
            return self._finish_at_s, None
        return limits.next_limit(attempt, self._order, is_streaming=self.state is STREAMING)

    def _on_limit(self, attempt: Attempt, kind: FailureKind | None, now_s: float) -> None:
        if kind is None:
            self._finish_stream(attempt, now_s)
        else:
            self._cut(attempt, limits.failure_of(attempt, kind, self._order), now_s)

    def _on_deadline(self, now_s: float) -> None:
        total_s = self.route.timeouts.total_s
        self.on_stop(DeadlineError(f"The exchange took longer than {total_s} s."), now_s)

    def on_stop(self, error: PenstockError, now_s: float) -> None:
        """End now, by our own decision, and say so: a deadline, or a gateway that goes down."""
        if self.state is DONE:
            return
        if self._attempt is not None and self._finish_at_s:
            self._finish_stream(self._attempt, now_s)
            return
        self._abandon(now_s)
        self._refuse(error, "failed", now_s)

    def _abandon(self, now_s: float) -> None:
        """Let go of the attempt; a hanging provider must not look healthy."""
        attempt = self._attempt
        if attempt is None:
            self._ports.gate.withdraw(self)
            return
        self._ports.dialer.cancel(attempt)
        hang_s = math.inf if self._is_blocked else self.route.timeouts.hang_s
        outcome = limits.verdict(attempt, hang_s, now_s)
        self._settle(attempt, outcome, now_s)

    # --- the end

    def _settle(self, attempt: Attempt, outcome: Outcome, now_s: float) -> None:
        attempt.end(outcome, now_s)
        attempt.grant.spent = closing.spent_on(self._order, attempt, self._unix_s(now_s))
        self._attempt = None
        self._ports.gate.give_back(attempt.grant, attempt.verdict, now_s)

    def _close(
        self, outcome: str, status: int, code: str, now_s: float, *, finish_reason: str = ""
    ) -> None:
        """Write the one record; nothing can follow."""
        assert self.state is not DONE, "an exchange ended twice"
        if self.state is QUEUED:
            self._queued_s += now_s - self._queued_at_s
        self.state = DONE
        self.timer.drop()
        end = closing.End(outcome, status, code, finish_reason, self._queued_s, self._bytes_out)
        record = closing.record_of(self._order, self._attempts, end, now_s)
        self._ports.recorder.closed(record)
        claim = self.claim
        if claim.is_admitted:
            charging.tell(record, claim)
            self._ports.gate.close(self, now_s)
        # What refers to us lets go, so that nothing is left for the garbage collector to find.
        self._attempts = []
        self.timer = GONE
