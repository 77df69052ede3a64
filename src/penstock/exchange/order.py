"""What was asked, by whom, and when: everything about an exchange that does not change."""

import msgspec

from penstock.core.claim import Claim
from penstock.dialects.contract import Dialect, Headers, Inquiry
from penstock.dialects.operation import Operation, Speakers
from penstock.exchange.route import Route


class Order(msgspec.Struct, frozen=True):
    """One caller's request, as far as it has been read.

    ``operation`` and ``speakers`` are those of its endpoint (``dialects.operation``).
    """

    id: str
    tenant: str
    key: str
    route: Route
    dialect: Dialect
    inquiry: Inquiry
    headers: Headers
    at_s: float
    at_unix_s: float
    may_fail_over: bool
    claim: Claim
    is_continuing: bool = False  # a stream that breaks is gone on with, if it can be
    operation: Operation = Operation.GENERATE
    speakers: Speakers | None = None
    wants_places: bool = False  # is to be told its place in the queue, if it waits
    wants_notes: bool = False  # is to be told who answers, and why (notes.py)
    must_be_whole: bool = False  # knows no answer of unknown length: HTTP/1.0
