"""What upstreams declare, which of them a tenant reaches, and what follows for its contract."""

from typing import Any

import msgspec
import pytest

from penstock.config.model import (
    Admission,
    Config,
    DialectName,
    Quota,
    Route,
    Target,
    Upstream,
)
from penstock.config.tenancy import Contract, Tenant, TierName
from penstock.snapshot import contracts, soundness
from penstock.snapshot.model import Key, Snapshot


def upstream(name: str, url: str, **more: Any) -> Upstream:
    return Upstream(name=name, dialect=DialectName.OPENAI_CHAT, base_url=url, **more)


A = upstream("a", "https://api.openai.com/v1", quota=Quota(tokens_per_min=1_000_000))
B = upstream(
    "b",
    "https://eu.api.openai.com/v1",
    quota=Quota(input_tokens_per_min=500_000, output_tokens_per_min=300_000),
)
C = upstream("c", "http://10.0.0.7:8000", quota=Quota(input_tokens_per_min=1), concurrency_max=10)
CONFIG = Config(
    upstreams=(A, B, C),
    routes=(
        Route(name="auto", targets=(Target(upstream="a"), Target(upstream="b"))),
        Route(name="own", targets=(Target(upstream="c"),)),
    ),
)
ACME = Tenant(
    id="acme", tier=TierName.ENTERPRISE, contract=Contract(tokens_per_min=600_000, concurrency=8)
)


def snapshot(*tenants: Tenant, keys: tuple[Key, ...] = (), must_hold: bool = False) -> Snapshot:
    admission = Admission(contracts_must_hold=must_hold)
    return Snapshot(
        version=1,
        built_unix_s=0.0,
        config=msgspec.structs.replace(CONFIG, admission=admission),
        keys=keys,
        tenants=tenants,
    )


def key(tenant: str, *routes: str) -> Key:
    return Key(id=f"{tenant}{routes}", tenant=tenant, sha256="00" * 32, routes=routes)


def found(one: Snapshot) -> dict[tuple[str, bool], tuple[int, int]]:
    return {
        (rule.dimension, rule.is_provider): (rule.total, rule.allowed)
        for rule in contracts.rule(one)
    }


def test_each_dimension_counts_what_is_declared() -> None:
    assert found(snapshot(ACME)) == {
        ("tokens_per_min", False): (1_800_000, 640_000),
        ("tokens_per_min", True): (1_800_000, 0),
        ("concurrency", False): (2_010, 808),
        ("concurrency", True): (2_010, 8),
    }
    (told,) = contracts.problems(snapshot(ACME))
    assert "largest provider: 600,000 > 0.8 x (1,800,000 - 1,800,000 of openai.com)" in told.message
    assert "c not declared" in told.message


def test_only_the_routes_of_its_keys_count() -> None:
    confined = snapshot(ACME, keys=(key("acme", "own"), key("other")))
    assert found(confined)["concurrency", False] == (10, 0)
    assert found(snapshot(ACME, keys=(key("acme", "own"), key("acme"))))["concurrency", False] == (
        2_010,
        808,
    )
    both = snapshot(ACME, keys=(key("acme", "own"), key("acme", "auto")))
    assert found(both)["concurrency", False] == (2_010, 808)


@pytest.mark.parametrize(
    "tenant",
    [
        Tenant(id="s", contract=Contract(tokens_per_min=10**9)),
        Tenant(id="e", tier=TierName.ENTERPRISE),
        Tenant(id="e", tier=TierName.ENTERPRISE, contract=Contract()),
    ],
)
def test_who_is_owed_nothing_breaks_nothing(tenant: Tenant) -> None:
    assert contracts.rule(snapshot(tenant)) == []
    doubts = [one.place for one in contracts.problems(snapshot(tenant))]
    assert doubts == (["tenants.e"] if tenant.id == "e" else [])


def test_it_is_a_warning_unless_contracts_must_hold() -> None:
    greedy = msgspec.structs.replace(ACME, contract=Contract(tokens_per_min=640_001))
    assert soundness.broken(snapshot(greedy)) == []
    assert len(list(soundness.doubts(snapshot(greedy)))) == 2
    (refusal,) = soundness.broken(snapshot(greedy, must_hold=True))
    assert refusal.place == "contracts.tokens_per_min"
    assert "640,001 > 0.8 x (1,800,000 - 1,000,000 of a) = 640,000" in refusal.message
    fits = msgspec.structs.replace(ACME, contract=Contract(tokens_per_min=640_000))
    assert soundness.broken(snapshot(fits, must_hold=True)) == []
    assert soundness.wrongs(snapshot(greedy, must_hold=True)) == []
    wrong = msgspec.structs.replace(ACME, weight=0.0)
    assert [one.place for one in soundness.wrongs(snapshot(wrong))] == ["tenants.acme.weight"]


def test_the_gauge_is_the_tightest_share() -> None:
    assert contracts.used_ratios(snapshot(ACME)) == {
        "tokens_per_min": 600 / 640,
        "concurrency": 8 / 808,
    }
    assert contracts.used_ratios(snapshot()) == {}


def test_whose_an_upstream_is() -> None:
    names = {
        "https://api.openai.com/v1": "openai.com",
        "https://my-team.openai.azure.com": "azure.com",
        "http://10.0.0.7:8000": "10.0.0.7",
        "http://[::2]:8000": "::2",
        "http://127.0.0.1:8405/v1": "127.0.0.1:8405",
        "http://vllm:8000": "vllm",
    }
    assert {url: contracts.provider(url) for url in names} == names
