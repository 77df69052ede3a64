"""What is written about an exchange: a short line before each dial, one record at the end.

    opened   before each dial: if the process dies, a reader finds an opened line without its
             record and closes the exchange as lost
    closed   once, before the caller's last byte

Times are wall time in seconds for the beginning and durations in seconds for the rest. Tokens are
in the common meaning of ``dialects.message.Usage``. ``is_estimated`` marks figures that no
provider gave. Neither line holds a body, a header or a secret.

A line with a figure that cannot be is none of these: whoever reads one is told so by the decoder.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from penstock.dialects.operation import Operation

COUNT_MAX: Final = 10**12  # so that millions of them can be added up
SECONDS_MAX: Final = 10**9
UNIX_S_MAX: Final = 10**11  # the year 5138
NEVER: Final = 0.0  # a default is left out by identity: this is the 0.0 that is not written

Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]
Status = Annotated[int, Meta(ge=0, lt=10**9)]
Number = Annotated[int, Meta(gt=0, lt=10**9)]
Seconds = Annotated[float, Meta(ge=0, lt=SECONDS_MAX)]
UnixS = Annotated[float, Meta(ge=0, lt=UNIX_S_MAX)]


class Opened(
    msgspec.Struct, omit_defaults=True, frozen=True, gc=False, tag="opened", tag_field="kind"
):
    """An attempt is about to be dialled."""

    id: str
    attempt: Number
    upstream: str
    model: str
    tenant: str
    key: str
    route: str
    at_unix_s: UnixS
    input_tokens_estimate: Count
    operation: Operation = Operation.GENERATE


class AttemptRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """One try at one upstream. ``outcome`` is success, ignored, or a kind of failure."""

    upstream: str
    model: str
    outcome: str
    dialled_s: Seconds  # after the exchange began
    duration_s: Seconds
    status: Status = 0
    ttft_s: Seconds = NEVER
    detail: str = ""
    request_id: str = ""  # the upstream's
    input_tokens: Count = 0
    output_tokens: Count = 0
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0
    reasoning_tokens: Count = 0
    is_estimated: bool = False
    waited_s: float = 0.0  # for nothing, when the caller left
    is_reused: bool = False  # went over a pooled connection
    seam: str = ""  # how its text joined what had come before, if it went on with an answer
    drill: str = ""  # the live drill that struck it, and the kind of fault
    drill_outcome: str = ""  # the kind of failure that it came to; the outcome is ignored, then


class Record(msgspec.Struct, omit_defaults=True, gc=False, tag="closed", tag_field="kind"):
    """One exchange. ``outcome`` is complete, failed, broken, refused or hung_up."""

    id: str
    at_unix_s: UnixS
    duration_s: Seconds
    tenant: str
    key: str
    route: str
    model: str
    dialect: str  # of the caller, or the sibling of it that speaks the operation
    is_stream: bool
    outcome: str
    status: Status
    operation: Operation = Operation.GENERATE
    code: str = ""
    ttft_s: Seconds = NEVER
    queued_s: Seconds = 0.0
    finish_reason: str = ""
    input_tokens: Count = 0
    output_tokens: Count = 0
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0
    reasoning_tokens: Count = 0
    is_estimated: bool = False
    bytes_in: Count = 0
    bytes_out: Count = 0
    events: Count = 0
    junk_lines: Count = 0
    hops: Count = 0  # that broke, and others went on; the tokens are the sum then
    dropped: tuple[str, ...] = ()
    tier: str = ""  # in which it was served, or refused
    degraded: tuple[str, ...] = ()  # what was taken from it under load: max_tokens, model
    trace: str = ""  # the caller's traceparent, if it sent a valid one
    attempts: list[AttemptRecord] = []


class Dropped(msgspec.Struct, frozen=True, tag="dropped", tag_field="kind"):
    """What could not be written since the last line of this kind, said once it can be again."""

    writer: str  # START-PID
    number: Count  # of these lines, from 1
    lines: Count
    exchanges: Count  # of which not one line is on disk; others are read as lost
    at_unix_s: UnixS
