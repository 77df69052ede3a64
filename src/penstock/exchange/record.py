"""What is written about an exchange: a short line before each dial, one record at the end.

    opened   before each dial: if the process dies, a reader finds an opened line without its
             record and closes the exchange as lost
    closed   once, before the caller's last byte

Times are wall time in seconds for the beginning and durations in seconds for the rest. Tokens are
in the common meaning of ``dialects.message.Usage``. ``is_estimated`` marks figures that no
provider gave. Neither line holds a body, a header or a secret.
"""

import msgspec

from penstock.dialects.operation import Operation


class Opened(msgspec.Struct, omit_defaults=True, frozen=True, tag="opened", tag_field="kind"):
    """An attempt is about to be dialled."""

    id: str
    attempt: int
    upstream: str
    model: str
    tenant: str
    key: str
    route: str
    at_unix_s: float
    input_tokens_estimate: int
    operation: Operation = Operation.GENERATE


class AttemptRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """One try at one upstream. ``outcome`` is success, ignored, or a kind of failure."""

    upstream: str
    model: str
    outcome: str
    dialled_s: float  # after the exchange began
    duration_s: float
    status: int = 0
    ttft_s: float = 0.0
    detail: str = ""
    request_id: str = ""  # the upstream's
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False
    waited_s: float = 0.0  # for nothing, when the caller left
    is_reused: bool = False  # went over a pooled connection
    seam: str = ""  # how its text joined what had come before, if it went on with an answer


class Record(msgspec.Struct, omit_defaults=True, tag="closed", tag_field="kind", kw_only=True):
    """One exchange. ``outcome`` is complete, failed, broken, refused or hung_up."""

    id: str
    at_unix_s: float
    duration_s: float
    tenant: str
    key: str
    route: str
    model: str
    dialect: str  # of the caller, or the sibling of it that speaks the operation
    is_stream: bool
    outcome: str
    status: int
    operation: Operation = Operation.GENERATE
    code: str = ""
    ttft_s: float = 0.0
    queued_s: float = 0.0
    finish_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False
    bytes_in: int = 0
    bytes_out: int = 0
    events: int = 0
    junk_lines: int = 0
    hops: int = 0  # that broke, and others went on; the tokens are the sum then
    dropped: tuple[str, ...] = ()
    tier: str = ""  # in which it was served, or refused
    degraded: tuple[str, ...] = ()  # what was taken from it under load: max_tokens, model
    trace: str = ""  # the caller's traceparent, if it sent a valid one
    attempts: list[AttemptRecord] = []
