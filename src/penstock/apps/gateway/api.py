"""The API that callers use: from a parsed HTTP request to an exchange under way.

    POST an endpoint of ``endpoints.py``   an exchange, in the dialect of its path
    DELETE the same, with Idempotency-Key  the end of that exchange
    GET  a list of models                  the routes that the key may use
    GET, DELETE a response, POST /cancel   what is kept for callers who come back: ``resuming.py``
    GET, HEAD /                            that this is a gateway, for clients that look first

A request without a valid key leaves a count, not a record: otherwise anybody could fill the disk.
"""

from functools import partial
from typing import Final

import msgspec

from penstock.apps.gateway import endpoints, models, tiering
from penstock.apps.gateway.caller import HttpCaller
from penstock.apps.gateway.context import RESUME as RESUME_HEADER
from penstock.apps.gateway.context import Context, wishes_of
from penstock.apps.gateway.handing import Handing
from penstock.apps.gateway.kept import NOT_KEPT
from penstock.apps.gateway.recording import SpoolRecorder
from penstock.apps.gateway.resuming import DIALECT as RESPONSES
from penstock.apps.gateway.resuming import Resuming, response_of
from penstock.config.model import OnBreak
from penstock.core.claim import Claim
from penstock.core.errors import (
    KEY_EXPIRED,
    CallerError,
    KeyRefusedError,
    PenstockError,
    ShedError,
)
from penstock.core.tier import Tier
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.operation import Endpoint
from penstock.exchange.machine import Exchange, Ports
from penstock.exchange.order import Order
from penstock.exchange.record import Record
from penstock.exchange.route import Route
from penstock.snapshot.model import Key
from penstock.snapshot.routing import Routing
from penstock.telemetry.metrics import Counters
from penstock.wire import clock
from penstock.wire.alarms import Alarm, Alarms
from penstock.wire.call import Call

JSON: Final = b"content-type: application/json\r\n"
FAILOVER: Final = b"x-penstock-failover"
NO_FAILOVER: Final = b"off"
ON_BREAK: Final = b"x-penstock-on-break"
CONTINUE: Final = OnBreak.CONTINUE  # a look into an enumeration costs as much as a call
EMULATED: Final = b"x-penstock-emulated: true\r\n"
# Of exchanges_max, by tier: contracts find some left.
ROOM: Final[tuple[float, ...]] = (1.0, 1.0, 0.95, 0.9, 0.9)
WIRE_CODES: Final[dict[int, str]] = {
    408: "request_timeout",
    413: "request_too_large",
    431: "headers_too_large",
    503: "too_many_connections",
}


class Api:
    """The handler of the gateway's port. Owned by one event loop."""

    def __init__(
        self,
        routing: Routing,
        ports: Ports,
        recorder: SpoolRecorder,
        counters: Counters,
        alarms: Alarms,
        id_prefix: str,
    ) -> None:
        self._routing = routing
        self._ports = ports
        self._recorder = recorder
        self._counters = counters
        self._alarms = alarms
        self._id_prefix = id_prefix
        self._count = 0
        self.resuming = Resuming(counters)
        self.handing: Handing | None = None  # the way to other workers, if there are any

    def on_call(self, call: Call) -> None:
        """Answer one request; what is known of its head is not looked up again."""
        known = call.head.memo if call.head is not None else None
        if (
            isinstance(known, Context)
            and known.generation == self._routing.generation
            and not _is_expired(known.key)
        ):
            self._begin(call, known, self._caller(call, known.endpoint))
        else:
            self.answer(call, self.handing)

    def answer(self, call: Call, handing: Handing | None) -> None:
        """Answer one request; with a way to other workers another may keep it."""
        try:
            endpoint = endpoints.endpoint_of(call)
        except CallerError as error:
            self._send_error(call, error)
            return
        if endpoint is None:
            self._on_other(call)
            return
        caller = self._caller(call, endpoint)
        is_cancel = call.method == b"DELETE" and RESUME_HEADER in call.headers
        if call.method != b"POST" and not is_cancel:
            told = CallerError("Only POST is served here.", status=405, code="method_not_allowed")
            self._refuse(caller, told, "method_not_allowed")
            return
        try:
            key = self._key(call)
        except KeyRefusedError as error:
            self._refuse(caller, error, _why(error))
            return
        if RESUME_HEADER not in call.headers:
            context = self._context(call, endpoint, key)
            if call.head is not None:
                call.head.memo = context
            self._begin(call, context, caller)
            return
        name = call.headers[RESUME_HEADER]
        serve = partial(self._serve, call, endpoint, caller, key)
        if handing is not None and handing.is_elsewhere(name):
            handing.hand_over(call, name, partial(serve, is_kept=False))
        else:
            serve()

    def _caller(self, call: Call, endpoint: Endpoint) -> HttpCaller:
        self._count += 1
        request_id = self._id_prefix + format(self._count, "08x")
        mark = EMULATED if self._routing.is_emulated else b""
        return HttpCaller(call, endpoint.dialect, request_id, mark)

    def _context(self, call: Call, endpoint: Endpoint, key: Key) -> Context:
        headers = call.headers
        tenant = self._routing.tenant_of(key)
        return Context(
            generation=self._routing.generation,
            endpoint=endpoint,
            key=key,
            tenant=tenant,
            tier_max=tiering.ceiling(key, tenant),
            wishes=wishes_of(headers),
            may_fail_over=headers.get(FAILOVER) != NO_FAILOVER,
            wants_places=tiering.wants_places(call),
            wants_notes=tiering.wants_notes(call),
        )

    def _serve(
        self, call: Call, endpoint: Endpoint, caller: HttpCaller, key: Key, *, is_kept: bool = True
    ) -> None:
        """Begin or cancel; ``is_kept`` is false where the worker is away that would keep it."""
        if not is_kept and call.method == b"DELETE":
            error = ShedError("The worker that keeps this answer is away.", retry_after_s=1.0)
            self._refuse(caller, error, "no_exchange")
            return
        if not is_kept:
            self._counters.miss("keeper_away")
            caller.note(NOT_KEPT)
            del call.headers[RESUME_HEADER]
        if call.method == b"DELETE":
            self._cancel(call, key, caller)
        else:
            self._begin(call, self._context(call, endpoint, key), caller)

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Put an error of the wire into the caller's dialect."""
        self._counters.refuse(f"http_{status}")
        error = CallerError(reason, status=status, code=WIRE_CODES.get(status, "invalid_request"))
        return b"application/json", endpoints.speaker_of(call).error_body(error, "")

    def _begin(self, call: Call, context: Context, caller: HttpCaller) -> None:
        now_s = call.received_at_s
        endpoint, key, wishes = context.endpoint, context.key, context.wishes
        dialect = endpoint.dialect
        model = ""
        wish = None
        try:
            inquiry = dialect.inquire(call.body, call.target)
            model = inquiry.model
            if call.is_http_1_0 and inquiry.is_stream:
                raise CallerError("A stream needs HTTP/1.1.", status=505, code="http_version")
            route = self._routing.route(model, key, now_s)
            if route is None:
                raise self._unknown(model, key)
            on_break = _on_break(call) if ON_BREAK in wishes else route.on_break
            if RESUME_HEADER in wishes or dialect is RESPONSES:
                wish = self.resuming.wish(call, key, route.name, dialect, inquiry)
                if self.resuming.replay(wish, call):
                    return
            claim = tiering.claim_of(call, context, inquiry, self._counters)
            self._check_room(claim.tier)
        except PenstockError as error:
            self._recorder.write(_refused(call, endpoint, key, caller.id, model, error))
            caller.refuse(error, b"")
            return
        order = _order(caller.id, route, inquiry, call, context, claim)
        order.is_continuing = on_break is CONTINUE
        exchange = Exchange(order, self._ports)
        exchange.timer = Alarm(self._alarms, exchange.on_wake)
        answers = exchange.caller = (
            caller if wish is None else self.resuming.caller(wish, key, caller)
        )
        answers.attach(exchange)
        self._recorder.in_flight += 1
        exchange.start(now_s)

    def _cancel(self, call: Call, key: Key, caller: HttpCaller) -> None:
        try:
            self.resuming.cancel(call, key, caller.dialect)
        except CallerError as error:
            self._refuse(caller, error, "no_exchange")

    def _check_room(self, tier: Tier) -> None:
        """Raise ShedError if this process has no room for one more of a tier."""
        exchanges_max = self._routing.config.gateway.exchanges_max
        if self._recorder.in_flight >= exchanges_max * ROOM[tier]:
            raise ShedError("The gateway is at its limit of exchanges.", retry_after_s=1.0)

    def _key(self, call: Call) -> Key:
        """Return whose call it is; raises KeyRefusedError if that is nobody, any more."""
        secret = endpoints.secret_of(call)
        key = self._routing.key_of(secret) if secret else None
        if key is None:
            raise KeyRefusedError("The key is missing or not valid.")
        if _is_expired(key):
            raise KeyRefusedError(f"The key {key.id!r} has expired.", is_expired=True)
        return key

    def _unknown(self, model: str, key: Key) -> CallerError:
        names = self._routing.names(key)
        shown = ", ".join(names[:50]) or "none"
        message = f"There is no route {model[:100]!r} for this key; it may use: {shown}."
        return CallerError(message, status=404, code="model_not_found", param="model")

    def _refuse(self, caller: HttpCaller, error: PenstockError, reason: str) -> None:
        self._counters.refuse(reason)
        caller.refuse(error, b"")

    def _mark(self) -> bytes:
        return EMULATED if self._routing.is_emulated else b""

    # --- what is no exchange

    def _on_other(self, call: Call) -> None:
        listing = endpoints.listing_of(call)
        if listing is not None:
            self._on_models(call, *listing)
        elif call.target == b"/" and call.method in (b"GET", b"HEAD"):
            about = {"name": "penstock", "is_emulated": self._routing.is_emulated}
            call.send(200, JSON, msgspec.json.encode(about))
        elif (asked := response_of(call)) is not None:
            self._on_response(call, *asked)
        else:
            self._counters.refuse("no_such_path")
            message = f"Nothing is served at this path; there are {endpoints.SERVED}."
            self._send_error(call, CallerError(message, status=404, code="not_found"))

    def _on_models(self, call: Call, shape: Dialect, wanted: str) -> None:
        try:
            key = self._key(call)
        except KeyRefusedError as error:
            self._counters.refuse(_why(error))
            self._send_error(call, error)
            return
        names = [name for name in self._routing.names(key) if not name.endswith("*")]
        if not wanted:
            call.send(200, JSON + self._mark(), models.every(names, shape))
        elif wanted in names:
            call.send(200, JSON + self._mark(), models.one(wanted, shape))
        else:
            self._send_error(call, self._unknown(wanted, key))

    def _on_response(self, call: Call, response_id: str, action: str) -> None:
        try:
            self.resuming.on_response(call, self._key(call), response_id, action)
        except PenstockError as error:
            why = _why(error) if isinstance(error, KeyRefusedError) else "no_response"
            self._counters.refuse(why)
            self._send_error(call, error)

    def _send_error(self, call: Call, error: PenstockError) -> None:
        dialect = endpoints.speaker_of(call)
        call.send(dialect.status_of(error), JSON, dialect.error_body(error, ""))


def _is_expired(key: Key) -> bool:
    return key.expires_unix_s is not None and clock.now_unix_s() >= key.expires_unix_s


def _why(error: KeyRefusedError) -> str:
    """Return how a refused key is counted."""
    return "expired_key" if error.code == KEY_EXPIRED else "no_key"


def _refused(
    call: Call, endpoint: Endpoint, key: Key, request_id: str, model: str, error: PenstockError
) -> Record:
    """Return the record of a request that never became an exchange."""
    dialect = endpoint.dialect
    return Record(
        id=request_id,
        at_unix_s=clock.now_unix_s(),
        duration_s=0.0,
        tenant=key.tenant,
        key=key.id,
        route="",
        model=model[:100],
        dialect=dialect.name,
        is_stream=False,
        outcome="refused",
        status=dialect.status_of(error),
        operation=endpoint.operation,
        code=error.code,
        bytes_in=len(call.body),
    )


def _order(
    request_id: str, route: Route, inquiry: Inquiry, call: Call, context: Context, claim: Claim
) -> Order:
    """Return what is asked, with what follows from the head of the request."""
    endpoint = context.endpoint
    order = Order(request_id, route, endpoint.dialect, inquiry, call.headers, claim)
    order.at_unix_s = clock.now_unix_s()
    order.may_fail_over = context.may_fail_over
    order.operation = endpoint.operation
    order.speakers = endpoint.speakers
    order.wants_places = context.wants_places
    order.wants_notes = context.wants_notes
    order.must_be_whole = call.is_http_1_0
    return order


def _on_break(call: Call) -> OnBreak:
    try:
        return OnBreak(call.headers[ON_BREAK].decode("latin-1"))
    except ValueError:
        words = " or ".join(one.value for one in OnBreak)
        message = f"x-penstock-on-break must be {words}."
        raise CallerError(message, param="x-penstock-on-break") from None


class Home:
    """The handler of what other workers hand over: it is served here, wherever it came in."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def on_call(self, call: Call) -> None:
        """Answer one request."""
        self._api.answer(call, None)

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Put an error of the wire into the caller's dialect."""
        return self._api.refusal(call, status, reason)
