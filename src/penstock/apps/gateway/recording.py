"""Where records go: the spool first, then the counters, then perhaps a line of the log."""

from collections.abc import Callable
from typing import Final

import msgspec

from penstock.exchange.record import Opened, Record
from penstock.ledger.spool import SpoolWriter
from penstock.telemetry import log
from penstock.telemetry.metrics import Counters

LINE_FEED: Final = ord("\n")


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
        self._encode_into = msgspec.json.Encoder().encode_into
        self._opened, self._closed = bytearray(), bytearray()  # the last line of either kind: used
        # again, they are as large as most lines already, and need not grow from nothing
        self._was_in_error = ""
        self._was_filling = False
        self._untold: set[str] = set()  # exchanges of which no line is on disk, while there are any
        self.sample_ratio = 0.0
        self.on_closed: Callable[[Record], None] = _nobody  # who else hears of the end of exchanges
        self.in_flight = 0

    def opened(self, line: Opened) -> None:
        """Write that an attempt is about to be dialled."""
        text = self._opened
        self._encode_into(line, text)
        text.append(LINE_FEED)
        if self._spool.append(text):
            if self._untold:
                self._untold.discard(line.id)
        elif line.attempt == 1:
            self._untold.add(line.id)

    def closed(self, record: Record) -> None:
        """Write and count the end of an exchange."""
        self.in_flight -= 1
        self.write(record)

    def write(self, record: Record) -> None:
        """Write and count a record, also one of a request that never became an exchange."""
        text, spool = self._closed, self._spool
        self._encode_into(record, text)
        text.append(LINE_FEED)
        is_told = spool.append(text)
        if not is_told or self._untold:
            if not is_told and (not record.attempts or record.id in self._untold):
                spool.dropped_exchanges += 1  # others are read as lost
            self._untold.discard(record.id)
        if spool.is_filling != self._was_filling or spool.error != self._was_in_error:
            self._tell_of_spool()
        self._counters.count(record)
        self.on_closed(record)
        is_plain = record.outcome == "complete" and len(record.attempts) <= 1
        ratio = self.sample_ratio
        if not is_plain or (ratio and self._chance() < ratio):
            fields: dict[str, object] = msgspec.to_builtins(record)
            log.info("exchange", **fields)

    def _tell_of_spool(self) -> None:
        """Log what has changed."""
        spool = self._spool
        if spool.is_filling != self._was_filling:
            self._was_filling = spool.is_filling
            fields = {"used_bytes": spool.used_bytes, "bytes_max": spool.bytes_max}
            if self._was_filling:
                log.warn("spool_filling", **fields, reason="nobody reads it: is control running?")
            else:
                log.info("spool_emptied", **fields)
        if spool.error != self._was_in_error:
            self._was_in_error = spool.error
            if self._was_in_error:
                log.warn("spool_failing", reason=self._was_in_error, dropped=spool.dropped)
            else:
                log.info("spool_recovered", dropped=spool.dropped)


def _nobody(record: Record) -> None:
    del record
