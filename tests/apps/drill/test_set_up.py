"""What the arms are made of: a configuration that holds, and what plain failover leaves out."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.drill import set_up, sizing
from penstock.apps.drill.brought import PROVIDERS, Brought
from penstock.apps.drill.driving import traces
from penstock.apps.drill.driving.plan import GATEWAY_PATHS
from penstock.apps.drill.set_up import Emulated, Emulator
from penstock.apps.drill.sizing import Asked
from penstock.config import load, toml
from penstock.config.check import problems
from penstock.config.model import OnBreak
from penstock.config.tenancy import TierName
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC, FRONTIER, Traffic
from penstock.snapshot.keys import sha256

URL = "http://127.0.0.1:1"
URLS = {
    "claude": f"{URL}/claude",
    "gpt": f"{URL}/gpt/v1",
    "gemini": f"{URL}/gemini/v1beta/openai",
    "gemini_native": f"{URL}/gemini",
}
WHERE = Emulated(Emulator(URL, URLS), Emulator(URL, URLS), dict.fromkeys(PROVIDERS, "up.key"))
BOUND_ELSEWHERE = Traffic(name="other", per_s=1.0, route=FRONTIER, provider="gpt")
PROVIDER_NAMES = tuple(PROVIDERS)


def brought(traffic: Sequence[Traffic] = DEFAULT_TRAFFIC, struck: str = "claude") -> Brought:
    return Brought(traffic, struck, lambda _: 100.0)


@pytest.mark.parametrize("struck", PROVIDER_NAMES)
def test_the_file_that_up_is_given_reads_back_and_has_no_problem(struck: str) -> None:
    config = brought(struck=struck).config(WHERE)
    assert load.parse(toml.document(config)) == config
    assert not list(problems(config))
    assert not list(problems(set_up.plain(config)))


def test_callers_own_provider_is_asked_first_with_a_gateway_and_alone_without() -> None:
    made = brought((*DEFAULT_TRAFFIC, BOUND_ELSEWHERE))
    keys = set_up.tiered_keys(made.tenants)
    targets = {one.name: one.targets for one in made.config(WHERE).routes}
    with_gateway, without = made.gateway_places(URL, keys), made.bound_places(WHERE)
    for one in (*DEFAULT_TRAFFIC, BOUND_ELSEWHERE):
        (alone,) = without[one.name]
        first = targets[made.route_of(one)][0]
        assert (first.upstream, first.model) == (alone.provider, alone.model)
        assert {place.model for place in with_gateway[one.name]} == {made.route_of(one)}
        assert {place.base_url for place in with_gateway[one.name]} == {
            URL + path for path in GATEWAY_PATHS.values()
        }
    assert made.route_of(BOUND_ELSEWHERE) == "frontier-gpt"
    assert all(len(one) == len(PROVIDERS) for one in targets.values())


def test_plain_failover_keeps_the_routes_and_nothing_else() -> None:
    config = brought().config(WHERE)
    plain = set_up.plain(config)
    assert [one.targets for one in plain.routes] == [one.targets for one in config.routes]
    assert {one.on_break for one in plain.routes} == {OnBreak.ERROR}
    assert {one.on_break for one in config.routes} == {OnBreak.CONTINUE}
    assert not any(one.is_adaptive for one in plain.upstreams)
    assert not plain.admission.ladder.is_enabled


def test_every_tier_has_a_key_and_only_one_arm_has_tiers() -> None:
    tiered, equal = set_up.tiered_keys(brought().tenants), set_up.equal_keys()
    for one in (tiered, equal):
        assert set(one.secrets) == {tier.value for tier in set_up.TIERS}
        assert {key.sha256 for key in one.book.keys} == {
            sha256(secret) for secret in one.secrets.values()
        }
    tiers = {tenant.id: tenant.tier for tenant in tiered.book.tenants}
    assert {tier: tiers[tenant] for tier, tenant in tiered.tenants.items()} == {
        tier.value: tier for tier in set_up.TIERS
    }
    assert {tenant.tier for tenant in equal.book.tenants} == {TierName.STANDARD}


@given(
    st.floats(min_value=0.1, max_value=10.0),
    st.floats(min_value=0.1, max_value=10.0),
    st.floats(min_value=1.0, max_value=5000.0),
)
def test_survivors_carry_the_contracts_and_not_everybody(
    sure_per_s: float, free_per_s: float, tokens: float
) -> None:
    asked = [
        Asked("enterprise", "claude", sure_per_s, tokens),
        Asked("free", "claude", free_per_s, tokens),
    ]
    limits = sizing.limits(asked, "claude", PROVIDER_NAMES)
    sure = sure_per_s * 60.0 * tokens
    survivors = limits["gpt"]["tokens_per_min"] + limits["gemini"]["tokens_per_min"]
    assert sure <= survivors <= sizing.SPARE * sure + 2 * sizing.OTHERS
    assert limits["claude"]["tokens_per_min"] >= sure + free_per_s * 60.0 * tokens


def test_a_mean_call_is_what_sessions_ask_for_with_what_they_bring_along() -> None:
    known = traces.load()
    for one in DEFAULT_TRAFFIC:
        mean = sizing.mean_tokens(one, known.lengths)
        alone = msgspec.structs.replace(one, turns=1)
        assert mean >= sizing.mean_tokens(alone, known.lengths)
        assert (one.turns == 1) == (mean == sizing.mean_tokens(alone, known.lengths))
