"""What was asked, by whom, and when: everything about an exchange that does not change."""

from typing import Final

from penstock.core.claim import Claim
from penstock.dialects.contract import Dialect, Headers, Inquiry
from penstock.dialects.operation import Operation, Speakers
from penstock.exchange.route import Route

GENERATE: Final = Operation.GENERATE  # a look into an enumeration costs as much as a call


class Order:
    """One caller's request, as far as it has been read; whoever makes it fills in what is unusual.

    ``operation`` and ``speakers`` are those of its endpoint (``dialects.operation``).
    """

    __slots__ = (
        "at_s", "at_unix_s", "claim", "dialect", "headers", "id", "inquiry", "is_continuing",
        "key", "may_fail_over", "must_be_whole", "operation", "route", "speakers", "tenant",
        "wants_notes", "wants_places",
    )  # fmt: skip

    def __init__(
        self,
        request_id: str,
        route: Route,
        dialect: Dialect,
        inquiry: Inquiry,
        headers: Headers,
        claim: Claim,
    ) -> None:
        self.id = request_id
        self.tenant = claim.tenant
        self.key = claim.key
        self.route = route
        self.dialect = dialect
        self.inquiry = inquiry
        self.headers = headers
        self.at_s = claim.arrived_at_s
        self.at_unix_s = 0.0
        self.claim = claim
        self.may_fail_over = True
        self.is_continuing = False  # a stream that breaks is gone on with, if it can be
        self.operation = GENERATE
        self.speakers: Speakers | None = None
        self.wants_places = False  # is to be told its place in the queue, if it waits
        self.wants_notes = False  # is to be told who answers, and why (notes.py)
        self.must_be_whole = False  # knows no answer of unknown length: HTTP/1.0
