"""What records become in the ledger: rows of exchanges and of failures, and sums of both.

Each is made as soon as it is read, while it is in the processor's cache, and as if it were not in
the ledger yet: mostly it is not. Whether that holds is asked when a batch is written; if it does
not, another ``Making`` is filled with those of which it does.
"""

from penstock.exchange.record import Record
from penstock.ledger import bulk, rows, tables, verdict
from penstock.ledger.costs import Pricing
from penstock.ledger.rows import Entry
from penstock.ledger.sums import Sums
from penstock.ledger.verdict import Terms


class Making:
    """What the records of one batch become. Owned by one thread at a time."""

    def __init__(self, pricing: Pricing, terms: Terms) -> None:
        self._pricing = pricing
        self._terms = terms
        self._sums = Sums()
        self._exchanges: list[bulk.Row] = []
        self._failures: list[bulk.Row] = []
        self.records: list[Record] = []
        self.lost = 0  # of these

    def add(self, record: Record) -> None:
        """Take a record that is to be inserted."""
        hang_s = self._terms.of_route(record.route)
        entry = Entry(record, self._pricing.of(record), verdict.fate_of(record, hang_s))
        self.records.append(record)
        self.lost += entry.fate == verdict.LOST
        self._sums.add(entry, hang_s)
        self._exchanges.append(rows.row_of(entry))
        self._failures += rows.failures_of(record)

    def take_back(self, entry: Entry) -> None:
        """Take an exchange that is to be deleted: another record of it has come."""
        self._sums.add(entry, self._terms.of_route(entry.record.route), -1)

    def inserted(self) -> list[bulk.Of]:
        """Return the rows that are new."""
        return [(tables.exchanges, self._exchanges), (tables.failures, self._failures)]

    def added(self) -> list[bulk.Of]:
        """Return the rows that are added to those of their keys."""
        made = self._sums
        return [
            (tables.traffic, made.traffic()),
            (tables.attempts, made.attempts()),
            (tables.refusals, made.refusals()),
            (tables.usage, made.usage()),
        ]
