"""What admission is told of a request: never a tier above the key's, whatever is asked for."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.offline import offline

from penstock.apps.gateway import tiering
from penstock.apps.gateway.context import Context, wishes_of
from penstock.apps.gateway.tiering import claim_of, wants_places
from penstock.config.tenancy import Tenant, TierName
from penstock.core.claim import Claim
from penstock.core.errors import CallerError
from penstock.core.tier import Tier
from penstock.dialects import service_tier
from penstock.dialects.contract import Inquiry
from penstock.dialects.registry import ENDPOINTS
from penstock.snapshot.model import Key
from penstock.telemetry.metrics import Counters
from penstock.wire.call import Call

KNOWN = sorted(service_tier.ASKED)
TIMEOUT = "x-penstock-ttft-timeout-s"


def call_of(headers: dict[str, str]) -> Call:
    """Return a call with these headers."""
    call = Call(offline()[0])
    call.headers = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    return call


KEY = Key(id="k", tenant="t", sha256="")
ASSERTS = msgspec.structs.replace(KEY, may_assert_user=True)
TENANT = Tenant(id="t")


def inquiry_of(word: str = "", output_tokens_max: int = 77) -> Inquiry:
    """Return a request of 41 bytes."""
    made = Inquiry("m", is_stream=False, fields={}, body=b"x" * 41)
    made.service_tier = word
    made.output_tokens_max = output_tokens_max
    return made


def claim(
    headers: dict[str, str],
    inquiry: Inquiry | None = None,
    key: Key = KEY,
    tenant: Tenant = TENANT,
    counters: Counters | None = None,
) -> Claim:
    """Return the claim of a request."""
    call, counters = call_of(headers), counters or Counters()
    call.received_at_s = 5.0
    context = Context(
        generation=0,
        endpoint=ENDPOINTS["openai_chat"],
        key=key,
        tenant=tenant,
        tier_max=tiering.ceiling(key, tenant),
        wishes=wishes_of(call.headers),
    )
    return claim_of(call, context, inquiry or inquiry_of(), counters)


def test_a_plain_request_is_what_its_tenant_is() -> None:
    made = claim({})
    assert (made.tenant, made.key) == ("t", "k")
    assert made.tier is made.served is Tier.STANDARD
    assert (made.input_tokens, made.output_tokens_max, made.arrived_at_s) == (11, 77, 5.0)
    assert (made.user, made.ttft_timeout_s) == ("", 0.0)


@given(
    st.sampled_from(TierName),
    st.none() | st.sampled_from(TierName),
    st.sampled_from(["", "ultrafast", *KNOWN]),
    st.sampled_from(["", "gold", *KNOWN]),
)
def test_a_request_can_only_lower_itself(
    tenant: TierName, key: TierName | None, body: str, header: str
) -> None:
    counters = Counters()
    made = claim(
        {"x-penstock-tier": header} if header else {},
        inquiry_of(body),
        msgspec.structs.replace(KEY, tier_max=key),
        Tenant(id="t", tier=tenant),
        counters,
    )
    asked = [Tier[tenant.name]]
    asked += [Tier[key.name]] if key is not None else []
    asked += [tier for word in (body, header) if (tier := service_tier.ASKED.get(word)) is not None]
    assert made.tier is max(asked)
    assert counters.unknown_tiers == ("ultrafast" in body) + ("gold" in header)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "3600.1", "soon", "", "1,2"])
def test_a_bad_timeout_is_the_callers_error_and_names_the_header(value: str) -> None:
    with pytest.raises(CallerError, match=TIMEOUT) as caught:
        claim({TIMEOUT: value})
    assert (caught.value.status, caught.value.param) == (400, TIMEOUT)


def test_the_callers_timeout_goes_before_the_tenants() -> None:
    tenant = Tenant(id="t", ttft_timeout_s=2.0)
    assert claim({}, tenant=tenant).ttft_timeout_s == 2.0
    assert claim({TIMEOUT: "0.25"}, tenant=tenant).ttft_timeout_s == 0.25
    assert claim({TIMEOUT: "3600"}).ttft_timeout_s == 3600.0
    assert math.isfinite(tiering.TTFT_TIMEOUT_S_MAX)


@pytest.mark.parametrize(
    ("value", "user"),
    [
        ("u-1", "u-1"),
        ("a b", "a b"),
        ("x" * 128, "x" * 128),
        ("x" * 129, ""),
        ("", ""),
        ("a\tb", ""),
        ("\xe9", ""),
        (" a", ""),
    ],
)
def test_a_user_is_taken_only_from_a_key_that_may_say_so(value: str, user: str) -> None:
    headers = {"x-penstock-user": value}
    assert claim(headers, key=ASSERTS).user == user
    assert claim(headers).user == ""


@pytest.mark.parametrize(
    ("value", "line"),
    [("1", 1), ("4711", 4711), ("9" * 15, 10**15 - 1), ("9" * 16, 0), ("", 0), ("-1", 0), ("x", 0)],
)
def test_a_line_is_kept_by_a_front_end_whose_key_says_for_whom(value: str, line: int) -> None:
    headers = {"x-penstock-user": "u-1", "x-penstock-line": value}
    assert claim(headers, key=ASSERTS).line == line
    assert claim(headers).line == 0
    assert claim({"x-penstock-line": value}, key=ASSERTS).line == 0


def test_a_bound_that_no_model_reaches_is_cut() -> None:
    assert claim({}, inquiry_of("", 1 << 80)).output_tokens_max == 1 << 31


def test_who_wants_to_know_its_place_says_so() -> None:
    assert wants_places(call_of({"x-penstock-queue-events": "1"}))
    assert not wants_places(call_of({"x-penstock-queue-events": "0"}))
    assert not wants_places(call_of({}))
