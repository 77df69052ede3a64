"""What an upstream is asked.

an answer broke that is gone on with    the rest of it (``splice.py``)
the route wants whole answers streamed  the request in the common model, as a stream
it speaks the caller's dialect          the caller's own bytes
it speaks another                       a translation

Where admission has capped the answer, each of the last three asks for a shorter one, if that makes
sense (``dialects.shortening``); the rest of a broken answer is not cut again. A word for a tier
goes on only if it buys no more than the tier that the request is served as. A caller's trace goes
on with a span of the attempt's own.
"""

import msgspec

from penstock.core import trace_context
from penstock.core.trace_context import TRACEPARENT
from penstock.dialects import service_tier
from penstock.dialects.message import Request
from penstock.dialects.operation import Operation
from penstock.dialects.shortening import shorten_request
from penstock.exchange import urgency
from penstock.exchange.attempt import Attempt
from penstock.exchange.order import Order
from penstock.exchange.splice import Splice


def write(
    order: Order,
    attempt: Attempt,
    splice: Splice | None,
    request: Request | None,
) -> Request | None:
    """Write the body and the path of an attempt; return the request in the common model, if read.

    Raises CallerError for what this upstream cannot be asked. ``request`` is what an earlier
    attempt has read.
    """
    target = attempt.target
    is_stream = order.inquiry.is_stream
    dialect = target.upstream.dialect
    if order.speakers is None:
        attempt.path = target.paths[is_stream]
    else:
        dialect = order.speakers[dialect.name]  # or the target would not be able
        attempt.path = dialect.path(target.model, is_stream=False)
        attempt.dialect, attempt.operation = dialect, order.operation
    is_watched = order.route.unary_via_stream and not is_stream and order.speakers is None
    if splice is not None and splice.goes_on:
        splice.write_request(attempt)
    elif dialect is order.dialect and not is_watched:
        _forward(order, attempt)
    else:
        attempt.is_translated, attempt.is_assembled = True, is_watched
        request = request or _read(order)
        _translate(order, attempt, request)
    urgency.mark(order, attempt)
    if TRACEPARENT in order.headers:
        attempt.more_lines += trace_context.lines(order.headers, order.id, attempt.number)
    return request


def _forward(order: Order, attempt: Attempt) -> None:
    target, dialect, inquiry = attempt.target, attempt.dialect, order.inquiry
    cap = order.claim.output_tokens_cap
    if cap and order.speakers is None:
        inquiry = dialect.shorten(inquiry, target.model, target.capability, cap)
        attempt.is_shortened = inquiry is not order.inquiry
    if inquiry.service_tier and order.operation is Operation.GENERATE:
        inquiry = service_tier.outward(inquiry)
    asks_usage = inquiry.is_stream and target.capability.stream_usage
    attempt.body = dialect.forward(
        inquiry, target.model, asks_usage=asks_usage, capability=target.capability
    )
    attempt.caller_headers = order.headers


def _read(order: Order) -> Request:
    return service_tier.lowered(order.dialect.read_request(order.inquiry), order.inquiry.served)


def _translate(order: Order, attempt: Attempt, request: Request) -> None:
    target, dialect = attempt.target, attempt.dialect
    written, cap = request, order.claim.output_tokens_cap
    if cap and order.speakers is None:
        written = shorten_request(request, dialect.name, target.model, target.capability, cap)
        attempt.is_shortened = written is not request
    if attempt.is_assembled:
        attempt.path = target.paths[True]
        attempt.caller_headers = order.headers if dialect is order.dialect else {}
        written = msgspec.structs.replace(written, is_stream=True)
    attempt.body, attempt.dropped = target.write_request(written, dialect)
