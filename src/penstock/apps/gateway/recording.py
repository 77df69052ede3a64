"""Where records go: the spool first, then the counters, then perhaps a line of the log."""

from collections.abc import Callable

import msgspec

from penstock.exchange.record import Opened, Record
from penstock.ledger.spool import SpoolWriter
from penstock.telemetry import log
from penstock.telemetry.metrics import Counters


class SpoolRecorder:
    """The Recorder port. Owned by one event loop; not thread-safe."""

    def __init__(
        self,
        spool: SpoolWriter,
        counters: Counters,
        chance: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._counters = counters
        self._chance = chance
        self._encode = msgspec.json.Encoder().encode
        self._was_in_error = ""
        self._was_filling = False
        self._untold: set[str] = set()  # exchanges of which no line is on disk, while there are any
        self.sample_ratio = 0.0
        self.on_closed: Callable[[Record], None] = _nobody  # who else hears of the end of exchanges
        self.in_flight = 0

    def opened(self, line: Opened) -> None:
        """Write that an attempt is about to be dialled."""
        if self._spool.append(self._encode(line) + b"\n"):
            self._untold.discard(line.id)
        elif line.attempt == 1:
            self._untold.add(line.id)

    def closed(self, record: Record) -> None:
        """Write and count the end of an exchange."""
        self.in_flight -= 1
        self.write(record)

    def write(self, record: Record) -> None:
        """Write and count a record, also one of a request that never became an exchange."""
        is_told = self._spool.append(self._encode(record) + b"\n")
        if not is_told and (not record.attempts or record.id in self._untold):
            self._spool.dropped_exchanges += 1  # others are read as lost
        self._untold.discard(record.id)
        if self._spool.is_filling != self._was_filling:
            self._was_filling = self._spool.is_filling
            self._warn_of_filling()
        if self._spool.error != self._was_in_error:
            self._was_in_error = self._spool.error
            if self._was_in_error:
                log.warn("spool_failing", reason=self._was_in_error, dropped=self._spool.dropped)
            else:
                log.info("spool_recovered", dropped=self._spool.dropped)
        self._counters.count(record)
        self.on_closed(record)
        is_plain = record.outcome == "complete" and len(record.attempts) <= 1
        if not is_plain or (self.sample_ratio and self._chance() < self.sample_ratio):
            fields: dict[str, object] = msgspec.to_builtins(record)
            log.info("exchange", **fields)

    def _warn_of_filling(self) -> None:
        fields = {"used_bytes": self._spool.used_bytes, "bytes_max": self._spool.bytes_max}
        if self._was_filling:
            log.warn("spool_filling", **fields, reason="nobody reads it: is control running?")
        else:
            log.info("spool_emptied", **fields)


def _nobody(record: Record) -> None:
    del record
