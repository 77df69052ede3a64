"""What an upstream is asked.

an answer broke that is gone on with    the rest of it (``splice.py``)
the route wants whole answers streamed  the request in the common model, as a stream
it speaks the caller's dialect          the caller's own bytes
it speaks another                       a translation

A word for a tier goes on only if it buys no more than the tier that the request is served as.
"""

import msgspec

from penstock.dialects import service_tier
from penstock.dialects.message import Request
from penstock.dialects.operation import Operation
from penstock.exchange import urgency
from penstock.exchange.attempt import Attempt
from penstock.exchange.order import Order
from penstock.exchange.splice import Splice


def write(
    order: Order, attempt: Attempt, splice: Splice | None, request: Request | None
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
    if splice is not None and splice.goes_on:
        splice.write_request(attempt)
    elif order.route.unary_via_stream and not is_stream and order.speakers is None:
        request = _read(order, request)
        attempt.is_translated = attempt.is_assembled = True
        attempt.path = target.paths[True]
        streamed = msgspec.structs.replace(request, is_stream=True)
        attempt.body, attempt.dropped = target.write_request(streamed, dialect)
        attempt.caller_headers = order.headers if dialect is order.dialect else {}
    elif dialect is order.dialect:
        asks_usage = is_stream and target.capability.stream_usage
        is_answer = order.operation is Operation.GENERATE
        inquiry = service_tier.outward(order.inquiry) if is_answer else order.inquiry
        attempt.body = target.forward(inquiry, dialect, asks_usage=asks_usage)
        attempt.caller_headers = order.headers
    else:
        request = _read(order, request)
        attempt.is_translated = True
        attempt.body, attempt.dropped = target.write_request(request, dialect)
    urgency.mark(order, attempt)
    return request


def _read(order: Order, request: Request | None) -> Request:
    if request is not None:
        return request
    return service_tier.lowered(order.dialect.read_request(order.inquiry), order.inquiry.served)
