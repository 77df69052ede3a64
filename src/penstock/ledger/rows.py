"""From a record of the spool to a row of ``exchanges``: what has no column of its own."""

import msgspec

from penstock.exchange.record import AttemptRecord


class Detail(msgspec.Struct, omit_defaults=True):
    """The rest of a record, as JSON in ``exchanges.detail``."""

    attempts: list[AttemptRecord] = []
    finish_reason: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    events: int = 0
    junk_lines: int = 0
    dropped: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    costs_microusd: list[int] = []  # of each attempt
    trace: str = ""  # the caller's traceparent, if it sent one
