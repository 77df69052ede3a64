"""What an upstream is asked: the caller's own bytes, a translation, or the rest of an answer."""

from penstock.dialects.message import Request
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
    elif dialect is order.dialect:
        asks_usage = is_stream and target.capability.stream_usage
        attempt.body = target.forward(order.inquiry, dialect, asks_usage=asks_usage)
        attempt.caller_headers = order.headers
    else:
        request = request or order.dialect.read_request(order.inquiry)
        attempt.is_translated = True
        attempt.body, attempt.dropped = target.write_request(request, dialect)
    return request
