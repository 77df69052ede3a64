"""What admission is to know of a request, as its key, its body and its headers say.

    tier       the lowest of: the tenant's, the key's, service_tier in the body, x-penstock-tier;
               so a request can only lower itself. A word that nobody knows is counted, and asks
               for nothing
    deadline   x-penstock-ttft-timeout-s, else the tenant's; a bad value is the caller's error
    user       x-penstock-user, if the key may say for whom it asks; what is too long or is no
               plain text is as if it were not there
    line       x-penstock-line, if there is a user: how many people have joined the line that the
               front end keeps, since it began; its newcomers are let in by a rate, in its order
    size       an estimate of the input by the bytes of the body, and the caller's own bound of
               the output

Sources: TIERING 1 of the reference shelf; ``dialects.service_tier`` for the words.
"""

import re
from typing import Final

from penstock.apps.gateway.context import Context
from penstock.config.tenancy import Tenant, TierName
from penstock.core.claim import Claim
from penstock.core.errors import CallerError
from penstock.core.estimate import tokens
from penstock.core.tier import Tier, served
from penstock.dialects import service_tier
from penstock.dialects.contract import Inquiry
from penstock.dialects.operation import Operation
from penstock.snapshot.model import Key
from penstock.telemetry.metrics import Counters
from penstock.wire.call import Call

TIER: Final = b"x-penstock-tier"
TTFT_TIMEOUT: Final = b"x-penstock-ttft-timeout-s"
USER: Final = b"x-penstock-user"
LINE: Final = b"x-penstock-line"
PLACES: Final = b"x-penstock-queue-events"
NOTES: Final = b"x-penstock-notes"
TTFT_TIMEOUT_S_MAX: Final = 3600.0  # the longest time that a client's own timeout is set to
OUTPUT_TOKENS_MAX: Final = 1 << 31  # no model writes as much; a claim may travel as 64-bit numbers
USER_CHARS_MAX: Final = 128  # twice a SHA-256 in hex
GENERATE: Final = Operation.GENERATE  # a look into an enumeration costs as much as a call
LINE_DIGITS_MAX: Final = 15  # more than there are people, and less than 64 bits
_USER: Final = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TIERS: Final[dict[TierName, Tier]] = {name: Tier[name.name] for name in TierName}


def claim_of(call: Call, context: Context, inquiry: Inquiry, counters: Counters) -> Claim:
    """Return what admission is to know; raises CallerError for a timeout that is none."""
    key, tenant, wishes = context.key, context.tenant, context.wishes
    tier = context.tier_max
    if inquiry.service_tier:
        tier = _lowered(tier, inquiry.service_tier, counters)
    if TIER in wishes:
        tier = _lowered(tier, call.headers[TIER].decode("latin-1"), counters)
    claim = Claim(key.tenant, key.id, tier, tokens(len(inquiry.body)), call.received_at_s)
    if context.endpoint.operation is not GENERATE:
        claim.output_tokens_max = 1  # a count or a vector has no output to be reserved for
    elif inquiry.output_tokens_max:
        claim.output_tokens_max = min(inquiry.output_tokens_max, OUTPUT_TOKENS_MAX)
    if tenant.ttft_timeout_s is not None:
        claim.ttft_timeout_s = tenant.ttft_timeout_s
    if tenant.may_degrade_model:
        claim.may_degrade_model = True
    if wishes:
        _add_wishes(claim, context, call.headers)
    return claim


def ceiling(key: Key, tenant: Tenant) -> Tier:
    """Return the highest tier that a key may have: the lower of its own and its tenant's."""
    own = key.tier_max
    if own is None:
        return _TIERS[tenant.tier]
    return max(_TIERS[own], _TIERS[tenant.tier])


def wants_places(call: Call) -> bool:
    """Tell whether a caller wants to be told its place in the queue, whatever its tier."""
    return call.headers.get(PLACES) == b"1"


def wants_notes(call: Call) -> bool:
    """Tell whether a caller wants to be told in the stream who answers, and why."""
    return call.headers.get(NOTES) == b"1"


def _add_wishes(claim: Claim, context: Context, headers: dict[bytes, bytes]) -> None:
    wishes = context.wishes
    if TTFT_TIMEOUT in wishes:
        claim.ttft_timeout_s = _timeout_s(headers[TTFT_TIMEOUT])
    if USER in wishes and context.key.may_assert_user:
        claim.user = _user(headers[USER])
        if claim.user and LINE in wishes:
            claim.line = _line(headers[LINE])


def _lowered(tier: Tier, word: str, counters: Counters) -> Tier:
    known = service_tier.plain(word)
    if known not in service_tier.ASKED:
        counters.unknown_tiers += 1
        return tier
    return served(service_tier.ASKED[known], tier)


def _timeout_s(value: bytes) -> float:
    try:
        timeout_s = float(value)
    except ValueError:
        timeout_s = 0.0
    if not 0.0 < timeout_s <= TTFT_TIMEOUT_S_MAX:
        name = TTFT_TIMEOUT.decode()
        message = f"{name} must be a number of seconds above 0, of {TTFT_TIMEOUT_S_MAX:.0f} at most"
        raise CallerError(f"{message}.", param=name)
    return timeout_s


def _user(value: bytes) -> str:
    is_plain = len(value) <= USER_CHARS_MAX and _USER.fullmatch(value) is not None
    return value.decode("latin-1") if is_plain else ""


def _line(value: bytes) -> int:
    is_plain = value.isdigit() and len(value) <= LINE_DIGITS_MAX
    return int(value) if is_plain else 0
