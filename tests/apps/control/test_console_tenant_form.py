"""The form of a tenant: what is shown is read again as it was; mistakes stand at their fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.control.console import fields, tenant_form
from penstock.apps.control.console.fields import Fields
from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.core.errors import ConfigError, Problem, StoreError
from penstock.ledger.book import SlaTerms, TenantEntry

COUNT = st.none() | st.integers(1, 10**15)
AMOUNT = st.none() | st.integers(0, 10**15)
RATIO = st.integers(1, 10**5).map(lambda n: n / 10**5)
ABOVE = st.integers(1, 10**6).map(lambda n: n / 100)
WORDS = st.text("abc é<&\"'", max_size=12).map(str.strip)
ENTRIES = st.builds(
    TenantEntry,
    tenant=st.builds(
        Tenant,
        id=st.text("abc-9", min_size=1, max_size=8),
        tier=st.sampled_from(TierName),
        weight=st.sampled_from([0.5, 1.0, 3.0]),
        contract=st.none()
        | st.builds(Contract, tokens_per_min=COUNT, concurrency=st.integers(1, 99)),
        limits=st.builds(
            Limits,
            requests_per_min=COUNT,
            concurrency=COUNT,
            budget_day_microusd=AMOUNT,
            budget_month_microusd=AMOUNT,
        ),
        may_degrade_model=st.booleans(),
        ttft_timeout_s=st.none() | st.sampled_from([0.5, 2.0, 600.0]),
    ),
    name=WORDS,
    note=WORDS,
    sla=st.none()
    | st.builds(
        SlaTerms,
        calculator=st.sampled_from(["request_ratio", "downtime_minutes"]),
        target_ratio=RATIO,
        credits=st.lists(st.tuples(RATIO, RATIO), max_size=3).map(tuple),
        ttft_s=st.none() | st.sampled_from([0.8, 3.0]),
        ttft_ratio=RATIO,
        speed_per_s=st.none() | st.sampled_from([20.0, 45.5]),
        speed_ratio=RATIO,
        latency_credit_ratio=RATIO,
        fee_microusd=AMOUNT,
    ),
)


@given(ENTRIES)
def test_what_is_shown_is_read_again_as_it_was(entry: TenantEntry) -> None:
    assert tenant_form.read(tenant_form.shown(entry)) == (entry, {})


@pytest.mark.parametrize(
    ("field", "raw", "words"),
    [
        ("tier", "gold", "choose one"),
        ("weight", "0", "above 0"),
        ("weight", "nan", "above 0"),
        ("ttft_timeout_s", "soon", "above 0"),
        ("limits_requests_per_min", "-5", "no whole number above 0"),
        ("limits_requests_per_min", "1.5", "no whole number above 0"),
        ("limits_tokens_per_min", "9" * 40, "no whole number above 0"),
        ("limits_tokens_per_min", "²", "no whole number above 0"),
        ("limits_budget_day_microusd", "12.3456789", "write dollars"),
        ("contract_concurrency", "0", "no whole number above 0"),
        ("sla_target", "101", "up to 100"),
        ("sla_credits", "99.9", "such as 99.9 10"),
        ("sla_credits", "99.9 200", "such as 99.9 10"),
        ("sla_credits", "1 1\n" * 11, "such as 99.9 10"),
    ],
)
def test_a_mistake_stands_at_its_field_with_a_remedy(field: str, raw: str, words: str) -> None:
    entry = TenantEntry(tenant=Tenant(id="a"), sla=SlaTerms())
    _, errors = tenant_form.read({**tenant_form.shown(entry), field: raw})
    assert list(errors) == [field]
    assert words in errors[field]


@given(st.dictionaries(st.sampled_from(["weight", "sla_credits", "limits_concurrency"]), st.text()))
def test_no_form_breaks_it(form: dict[str, str]) -> None:
    tenant_form.read({"sla_calculator": "request_ratio", **form})


def test_amounts_are_dollars_outside() -> None:
    read = Fields({"a": "$1,234.50", "b": " 600 "})
    assert read.dollars("a") == 1_234_500_000
    assert read.count("b") == 600
    assert read.errors == {}


def test_what_an_endpoint_says_finds_its_field() -> None:
    problems = [
        Problem("tenants.a.limits.concurrency", "is 0", "must be above 0"),
        Problem("tenants.a.weight", "is 0", "must be above 0"),
        Problem("upstreams", "too few", "add one"),
    ]
    told = fields.errors_of(ConfigError(problems), tenant_form.PLACES)
    assert told == {
        "limits_concurrency": "is 0: must be above 0",
        "weight": "is 0: must be above 0",
        "": "too few: add one",
    }
    assert list(fields.errors_of(StoreError("away"), tenant_form.PLACES)) == [""]
