"""The caller's end of an exchange: the Caller port over one HTTP call."""

import math
from typing import Final

from penstock.core.errors import (
    PREEMPTED,
    RETRY_AFTER_MAX_S,
    LimitError,
    PenstockError,
    ShedError,
    UpstreamError,
)
from penstock.core.standing import Standing, standing_of
from penstock.dialects.contract import Dialect
from penstock.exchange.machine import Exchange
from penstock.wire import clock
from penstock.wire.call import Call

STREAM: Final = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"


class HttpCaller:
    """Writes an exchange's answer to a call, and tells the exchange what the socket does."""

    __slots__ = ("_exchange", "_head", "call", "dialect", "id", "mark")

    def __init__(self, call: Call, dialect: Dialect, request_id: str, mark: bytes) -> None:
        self.call = call
        self.dialect = dialect
        self.id = request_id
        self.mark = mark
        self._head = head(dialect, request_id, mark)
        self._exchange: Exchange | None = None

    def attach(self, exchange: Exchange) -> None:
        """Tell this exchange what becomes of the call."""
        self._exchange = exchange
        self.call.observer = self

    def note(self, line: bytes) -> None:
        """Send this header too."""
        self._head += line

    # the exchange calls these

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """Send a whole answer."""
        call = self.call
        call.observer = None  # as _let_go, without the call
        self._exchange = None
        call.send(status, self._head + headers, body)

    def refuse(self, error: PenstockError, headers: bytes) -> None:
        """Send an error in the caller's dialect."""
        self._let_go()
        body = self.dialect.error_body(error, self.id)
        lines = self._head + b"content-type: application/json\r\n" + headers + advice(error)
        if isinstance(error, LimitError):
            lines += limit_lines(self.dialect, standing_of(error))
        self.call.send(self.dialect.status_of(error), lines, body)

    def start(self, headers: bytes) -> None:
        """Begin a stream."""
        self.call.start(200, self._head + headers + STREAM)

    def write(self, data: bytes) -> None:
        """Send whole events."""
        self.call.write(data)

    def end(self, data: bytes) -> None:
        """Send the last events and close the stream as complete."""
        self._let_go()
        self.call.end(data)

    def abort(self, data: bytes) -> None:
        """Send an error event, and then no last chunk."""
        self._let_go()
        self.call.write(data)
        self.call.abort()

    def _let_go(self) -> None:
        """Tell nobody anything more: the exchange has ended, and its memory may go."""
        self.call.observer = None
        self._exchange = None

    # the call calls these

    def on_hang_up(self) -> None:
        """Nobody reads any more."""
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            exchange.on_hang_up(clock.now_s())

    def on_pause(self) -> None:
        """The caller is slow."""
        if self._exchange is not None:
            self._exchange.on_pause()

    def on_resume(self) -> None:
        """The caller has caught up."""
        if self._exchange is not None:
            self._exchange.on_resume(clock.now_s())

    def on_stop(self) -> None:
        """The gateway goes down before the answer is complete."""
        if self._exchange is not None:
            error = ShedError("The gateway is going down.", retry_after_s=1.0)
            self._exchange.on_stop(error, clock.now_s())


def head(dialect: Dialect, request_id: str, mark: bytes) -> bytes:
    """Return the headers of every answer."""
    return b"%b: %b\r\n%b" % (dialect.request_id_header, request_id.encode(), mark)


def limit_lines(dialect: Dialect, standing: Standing) -> bytes:
    """Return the headers that tell how much of the caller's own limits is left, in its dialect."""
    return dialect.limit_lines(standing, clock.now_unix_s())


def advice(error: PenstockError) -> bytes:
    """Return the headers that say why, and whether and when to come back (TIERING 5)."""
    lines = _reason(error)
    should_retry = error.should_retry
    if error.retry_after_s > 0:
        wait_s = min(RETRY_AFTER_MAX_S, max(1.0, error.retry_after_s))
        lines += b"retry-after: %d\r\n" % math.ceil(wait_s)
        if error.retry_after_s > RETRY_AFTER_MAX_S:
            should_retry = False
            lines += b"x-penstock-wait-estimate-s: %d\r\n" % math.ceil(error.retry_after_s)
    if should_retry is not None:
        lines += b"x-should-retry: true\r\n" if should_retry else b"x-should-retry: false\r\n"
    return lines


def _reason(error: PenstockError) -> bytes:
    """Return what was short: capacity, or a limit of the caller's own, by the name of either."""
    match error:
        case LimitError(dimension=reason) | ShedError(code=reason):
            lines = b"x-penstock-shed-reason: %b\r\n" % reason.encode()
            return lines + b"x-penstock-preempted: true\r\n" if reason == PREEMPTED else lines
        case UpstreamError(code="no_capacity"):
            return b"x-penstock-shed-reason: no_capacity\r\n"
        case _:
            return b""
