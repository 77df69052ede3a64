"""What a caller can be told, by whose fault it is.

    class            whose fault           status
    CallerError      the caller's          400, 404, 405, 413, ... as given
    KeyRefusedError  the caller's key      401
    ShedError        capacity              503; ``code`` is the reason
    LimitError       the caller's limit    429
    DeadlineError    the deadline's        504
    UpstreamError    the upstream's        as the kind of failure says (outcome.RULES)
    DialectError     the bytes'            400 from a caller; a broken stream from an upstream
    ConfigError      the operator's        never on the wire
    StoreError       ours                  503; never shown as the caller's

Each has a status, a stable ``code`` and a one-line remedy; ``text`` is both in words. What is
expected (no permit, no upstream free) is a value, not an exception.
"""

from dataclasses import dataclass
from typing import Final

from penstock.core.outcome import RULES, Failure


class PenstockError(Exception):
    """An error that can be told: status, stable code, and what to do about it."""

    status: int = 500
    code: str = "internal_error"
    remedy: str = "Try again; if it persists, report it with the request id."
    retry_after_s: float = 0.0
    should_retry: bool | None = None
    param: str = ""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def text(self) -> str:
        """What happened and what to do about it, a sentence each, whoever's words they are."""
        message = self.message.rstrip()
        is_whole = message.rstrip(CLOSERS).endswith(STOPS)
        return f"{message}{'' if is_whole or not message else '.'} {self.remedy}".strip()


class CallerError(PenstockError):
    """The request is at fault; ``param`` names the field, if it is one."""

    status = 400
    code = "invalid_request"
    remedy = "Correct the request."

    def __init__(self, message: str, *, status: int = 400, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        if code:
            self.code = code


class KeyRefusedError(PenstockError):
    """The caller's key is missing, unknown or revoked, or has expired (``code`` says that)."""

    status = 401
    code = "invalid_api_key"
    remedy = "Send a key of this gateway as 'Authorization: Bearer ...' or 'x-api-key'."

    def __init__(self, message: str, *, is_expired: bool = False) -> None:
        super().__init__(message)
        if is_expired:
            self.code = KEY_EXPIRED
            self.remedy = "Ask whoever runs this gateway for a new key."


class ShedError(PenstockError):
    """There is no capacity for this exchange now; says whose limit, and when to come back.

    ``code`` is the reason, one of ``SHED``.
    """

    status = 503
    code = "no_capacity"
    remedy = "Come back after the time in Retry-After."

    def __init__(self, message: str, *, retry_after_s: float, code: str = "") -> None:
        super().__init__(message)
        if code:
            self.code = code
        wait_s = PREEMPTED_RETRY_S if code == PREEMPTED else retry_after_s
        self.retry_after_s = min(wait_s, WAIT_S_MAX)
        self.should_retry = self.retry_after_s <= RETRY_AFTER_MAX_S


class LimitError(PenstockError):
    """A tenant or a key is over a limit of its own; says whose, which, and until when.

    ``dimension`` is a field of ``config.tenancy.Limits``. ``limit`` and ``remaining`` are in its
    unit, ``retry_after_s`` is until there is enough again.
    """

    status = 429
    code = "rate_limit_exceeded"
    remedy = "Come back after the time in Retry-After, or ask the operator for a higher limit."
    should_retry = True

    def __init__(
        self, whose: str, dimension: str, limit: int, remaining: int, *, retry_after_s: float
    ) -> None:
        amount = f"${limit / 1_000_000:,.2f}" if dimension.endswith("_microusd") else f"{limit:,}"
        super().__init__(f"{whose} is over its limit of {amount} {LIMITED[dimension]}.")
        self.whose = whose
        self.dimension = dimension
        self.limit = limit
        self.remaining = remaining
        self.retry_after_s = min(retry_after_s, WAIT_S_MAX)
        self.should_retry = retry_after_s <= RETRY_AFTER_MAX_S


class DeadlineError(PenstockError):
    """The exchange's deadline passed before an answer."""

    status = 504
    code = "deadline_exceeded"
    remedy = "Allow more time, or ask for a shorter answer."
    should_retry = False


class UpstreamError(PenstockError):
    """Every upstream that could have answered has failed; this is the last one's failure.

    ``translated_for`` is who refused a request that we had translated into another dialect.
    """

    status = 502
    code = "upstream_failed"
    remedy = "The gateway has already tried the other upstreams of the route."
    should_retry = False

    def __init__(self, failure: Failure, translated_for: str = "") -> None:
        super().__init__(failure.detail or failure.kind.value)
        self.failure = failure
        self.status = RULES[failure.kind].exhausted_status or failure.status or 400
        self.code = EXHAUSTED_CODES.get(self.status, "upstream_failed")
        self.retry_after_s = max(1.0, failure.retry_after_s)
        if translated_for:
            self.message = f"{translated_for} refused our translation: {self.message}"
            self.code = TRANSLATION_CODE
            self.remedy = TRANSLATION_REMEDY


class DialectError(PenstockError):
    """Bytes that are not what their dialect allows; ``at`` says where."""

    status = 400
    code = "invalid_json"
    remedy = "Send a valid body; the message names the place."

    def __init__(self, message: str, *, param: str = "") -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration: where, what, and what would be right.

    ``line`` is the line of the file, 0 if it is not known.
    """

    place: str
    message: str
    remedy: str
    line: int = 0

    def __str__(self) -> str:
        where = f"line {self.line}, {self.place}" if self.line else self.place
        return f"{where}: {self.message} ({self.remedy})"


class ConfigError(PenstockError):
    """A configuration with all its problems at once."""

    code = "invalid_configuration"
    remedy = "Correct the file; 'penstock check' lists what is wrong."

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class StoreError(PenstockError):
    """A file or a store of ours cannot be read or written."""

    status = 503
    code = "store_unavailable"
    remedy = "Nothing is wrong with the request; the operator has been told."


# SDKs sleep for what Retry-After says; above this an older SDK falls into its own short back-off
# and storms (TIERING 5), so a longer wait is told in a header of ours instead.
RETRY_AFTER_MAX_S = 60.0
WAIT_S_MAX: Final = 31 * 86_400.0  # the longest budget is a month's; what never comes is told so
PREEMPTED: Final = "preempted"
PREEMPTED_RETRY_S: Final = 1.0  # the slot went to somebody else once; that is no overload
QUEUE_TIMEOUT: Final = "queue_timeout"
TIER_CAPACITY: Final = "tier_capacity"
NO_NEW_SESSIONS: Final = "no_new_sessions"
KEY_EXPIRED: Final = "expired_api_key"
USER_STREAMS: Final = "user_streams"
# Why an exchange is shed, as ``code`` and ``x-penstock-shed-reason`` say it.
SHED: Final[dict[str, str]] = {
    "no_capacity": "no upstream of the route is to be had now, for any tier",
    TIER_CAPACITY: "what is left of the capacity is for tiers above this one",
    NO_NEW_SESSIONS: "users who have begun a conversation go on with it, others come later",
    USER_STREAMS: "this user has as many streams as one may have in its tier now",
    QUEUE_TIMEOUT: "it has waited for as long as its tier waits",
    PREEMPTED: "its slot went to a contract, and no other became free",
}
LIMITED: Final = {
    "requests_per_min": "requests a minute",
    "tokens_per_min": "tokens a minute",
    "concurrency": "exchanges at once",
    "budget_day_microusd": "a day",
    "budget_month_microusd": "a month",
}
STOPS: Final = (".", "!", "?", ":", "\u2026", "\u3002", "\uff01", "\uff1f")
CLOSERS: Final = "\"')]}*`\u00bb\u2019\u201d\u300d"  # that may stand behind a sentence's stop
TRANSLATION_CODE: Final = "translation_refused"
TRANSLATION_REMEDY: Final = "Leave out what that model may not know, or ask one of this dialect."
EXHAUSTED_CODES: Final = {502: "upstream_failed", 503: "no_capacity", 504: "upstream_timeout"}
