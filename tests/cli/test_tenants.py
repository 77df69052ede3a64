"""Tenants and limits on the command line: what is said is kept, what is wrong changes nothing."""

import json
from pathlib import Path

import msgspec
import pytest
from tests.cli import stored
from tests.cli.running import penstock

from penstock.config.model import Config, DialectName, Quota, Route, Target, Upstream
from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.snapshot import build, file

TOML = """
[[upstreams]]
name = "a"
dialect = "openai_chat"
base_url = "http://127.0.0.1:1/v1"
quota = {tokens_per_min = 1000}
[[upstreams]]
name = "b"
dialect = "openai_chat"
base_url = "http://127.0.0.1:2/v1"
quota = {tokens_per_min = 1000}
[[routes]]
name = "auto"
targets = [{upstream = "a"}, {upstream = "b"}]
"""
MUST_HOLD = "[admission]\ncontracts_must_hold = true\n"


@pytest.mark.slow
def test_what_is_not_given_stays_as_it_was(tmp_path: Path) -> None:
    told = penstock(
        tmp_path, "tenants", "set", "acme", "--tier", "enterprise", "--weight", "2",
        "--contract-tpm", "2,000,000", "--contract-concurrency", "64", "--degrade-model",
        "--rpm", "1200", "--budget-month", "12500.50", "--ttft-timeout-s", "2.5",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    expected = Tenant(
        id="acme",
        tier=TierName.ENTERPRISE,
        weight=2.0,
        contract=Contract(tokens_per_min=2_000_000, concurrency=64),
        limits=Limits(requests_per_min=1200, budget_month_microusd=12_500_500_000),
        may_degrade_model=True,
        ttft_timeout_s=2.5,
    )
    assert stored.tenants(tmp_path) == (expected,)
    penstock(tmp_path, "tenants", "set", "other")
    told = penstock(tmp_path, "tenants", "set", "acme", "--contract-rpm", "60", "--rpm", "none")
    assert told.returncode == 0, told.stderr
    contract = Contract(tokens_per_min=2_000_000, requests_per_min=60, concurrency=64)
    limits = Limits(budget_month_microusd=12_500_500_000)
    changed = msgspec.structs.replace(expected, contract=contract, limits=limits)
    assert stored.tenants(tmp_path) == (changed, Tenant(id="other"))
    penstock(
        tmp_path, "tenants", "set", "acme", "--no-degrade-model", "--ttft-timeout-s", "none",
        "--contract-tpm", "none", "--contract-rpm", "none", "--contract-concurrency", "none",
    )  # fmt: skip
    found = stored.tenants(tmp_path)[0]
    assert found.contract is None
    assert not found.may_degrade_model
    assert found.ttft_timeout_s is None


def test_a_key_has_a_tenant_a_tier_and_limits(tmp_path: Path) -> None:
    told = penstock(
        tmp_path, "keys", "add", "k", "--tenant", "acme", "--tier-max", "free",
        "--may-assert-user", "--rpm", "60", "--tpm", "100_000", "--concurrency", "8",
        "--budget-day", "12.50", "--budget-month", "$100",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    (key,) = stored.keys(tmp_path)
    assert (key.tenant, key.tier_max, key.may_assert_user) == ("acme", TierName.FREE, True)
    assert key.limits == Limits(
        requests_per_min=60,
        tokens_per_min=100_000,
        concurrency=8,
        budget_day_microusd=12_500_000,
        budget_month_microusd=100_000_000,
    )
    listed = penstock(tmp_path, "keys", "list").stdout
    assert "at most free" in listed
    assert "60 requests/min, 100,000 tokens/min, 8 at once, $12.50 a day, $100.00" in listed


@pytest.mark.slow
def test_tenants_are_listed_for_people_and_for_programs(tmp_path: Path) -> None:
    assert "There are no tenants" in penstock(tmp_path, "tenants", "list").stdout
    penstock(tmp_path, "tenants", "set", "acme", "--tier", "enterprise", "--contract-tpm", "5000")
    penstock(tmp_path, "keys", "add", "k", "--tenant", "acme")
    head, row, more = penstock(tmp_path, "tenants", "list").stdout.splitlines()
    assert head.split() == ["name", "tier", "weight", "keys"]
    assert row.split() == ["acme", "enterprise", "1", "1"]
    assert more.split() == ["contract", "5,000", "tokens/min"]
    as_json = json.loads(penstock(tmp_path, "tenants", "list", "--json").stdout)
    assert msgspec.convert(as_json, Tenant) == stored.tenants(tmp_path)[0]


@pytest.mark.slow
def test_a_tenant_with_keys_is_not_removed_by_mistake(tmp_path: Path) -> None:
    penstock(tmp_path, "tenants", "set", "acme")
    penstock(tmp_path, "keys", "add", "k", "--tenant", "acme")
    told = penstock(tmp_path, "tenants", "remove", "acme")
    assert told.returncode == 1
    assert "'acme' has keys (k): revoke them, or force it" in told.stderr
    assert penstock(tmp_path, "tenants", "remove", "nobody").returncode == 1
    assert penstock(tmp_path, "tenants", "remove", "acme", "--force").returncode == 0
    assert stored.tenants(tmp_path) == ()
    assert len(stored.keys(tmp_path)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("set", "a", "--rpm", "0"), 2, "'0' is not a number above 0"),
        (("set", "a", "--rpm", "-5"), 2, "--rpm"),
        (("set", "a", "--budget-day", "1,5"), 2, "not an amount in dollars"),
        (("set", "a", "--budget-day", "0"), 2, "nothing is no budget"),
        (("set", "a", "--tier", "gold"), 2, "gold"),
        (("set", "a", "--weight", "0"), 1, "tenants.a.weight: is 0"),
        (("set", "a", "--weight", "nan"), 1, "tenants.a.weight: is nan"),
        (("set", "a b"), 1, "'a b' is not a name"),
        (("set", "a", "--ttft-timeout-s", "soon"), 2, "not a number of seconds"),
    ],
)
def test_what_is_wrong_changes_nothing(
    args: tuple[str, ...], status: int, words: str, tmp_path: Path
) -> None:
    told = penstock(tmp_path, "tenants", *args)
    assert told.returncode == status
    assert words in told.stderr
    assert stored.tenants(tmp_path) == ()


@pytest.mark.slow
def test_check_tells_the_rule_of_contracts_and_missing_prices(tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    path.write_text(TOML)
    assert penstock(tmp_path, "check").returncode == 0
    assert not (tmp_path / "state").exists()
    penstock(
        tmp_path, "tenants", "set", "acme", "--tier", "enterprise", "--contract-tpm", "801",
        "--budget-day", "1",
    )  # fmt: skip
    told = penstock(tmp_path, "check")
    assert told.returncode == 0
    assert "largest upstream: 801 > 0.8 x (2,000 - 1,000 of a) = 800" in told.stdout
    assert "there are budgets, but no price for auto" in told.stdout
    prices = tmp_path / "prices.toml"
    prices.write_text('[[prices]]\nmodel = "*"\ninput = 1.0\n')
    assert penstock(tmp_path, "prices", "set", str(prices), "--yes").returncode == 0
    assert "no price" not in penstock(tmp_path, "check").stdout
    assert "contracts" not in penstock(tmp_path, "check", "--text-only").stdout
    path.write_text(MUST_HOLD + TOML)
    told = penstock(tmp_path, "check", "--json")
    assert told.returncode == 1
    assert [one["place"] for one in json.loads(told.stdout)["problems"]] == [
        "contracts.tokens_per_min"
    ]
    penstock(tmp_path, "tenants", "set", "acme", "--contract-tpm", "800")
    assert penstock(tmp_path, "check").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("must_hold", [False, True])
def test_a_promise_that_cannot_be_kept_is_said_when_it_is_made(
    tmp_path: Path, *, must_hold: bool
) -> None:
    penstock(tmp_path, "tenants", "list")  # makes the state directory
    upstreams = tuple(
        Upstream(
            name=name,
            dialect=DialectName.OPENAI_CHAT,
            base_url=f"http://127.0.0.1:{port}/v1",
            quota=Quota(tokens_per_min=1_000),
        )
        for port, name in enumerate(("a", "b"), 1)
    )
    route = Route(name="auto", targets=(Target(upstream="a"), Target(upstream="b")))
    config = Config(upstreams=upstreams, routes=(route,))
    admission = msgspec.structs.replace(config.admission, contracts_must_hold=must_hold)
    config = msgspec.structs.replace(config, admission=admission)
    snapshot = build.build(config, (), version=1, now_unix_s=0.0)
    file.write(tmp_path / "state" / "snapshot", snapshot)
    args = ("tenants", "set", "acme", "--tier", "enterprise", "--contract-tpm")
    told = penstock(tmp_path, *args, "801")
    assert told.returncode == must_hold
    assert "801 > 0.8 x (2,000 - 1,000 of a) = 800" in told.stderr
    assert (stored.tenants(tmp_path) == ()) == must_hold
    told = penstock(tmp_path, *args, "800")
    assert told.returncode == 0
    assert "0.8" not in told.stderr
    penstock(tmp_path, "keys", "add", "all", "--tenant", "acme")
    told = penstock(tmp_path, "keys", "add", "none", "--tenant", "acme", "--route", "nowhere")
    assert "0.8" not in told.stderr
    told = penstock(tmp_path, "keys", "revoke", "all")  # a key must go, whatever it breaks
    assert told.returncode == 0
    assert "800 > 0.8 x (0 - 0 of nobody) = 0" in told.stderr
