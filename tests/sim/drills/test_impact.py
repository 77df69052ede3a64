"""What an outage costs, as it is stated: read strictly, all problems at once."""

import pytest

from penstock.core.errors import ConfigError
from penstock.core.sla import CALCULATORS
from penstock.sim.drills import impact


def test_toml_and_json_say_the_same() -> None:
    toml = impact.parse("[free]\nper_request_usd = 0.001\n[standard]\n")
    json = impact.parse(b'{"free": {"per_request_usd": 0.001}, "standard": {}}')
    assert toml == json
    assert toml.of("free").per_request_microusd == 1_000
    assert toml.of("enterprise").per_minute_microusd is None


def test_all_formulas_of_contracts_can_be_named() -> None:
    for name in CALCULATORS:
        assert impact.parse(f'[free]\ncalculator = "{name}"').of("free").calculator == name


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as found:
        impact.parse(
            """
            [gold]
            per_minute_usd = 1
            [free]
            monthly_fee_usd = -1
            [batch]
            calculator = "feeling"
            """
        )
    places = [one.place for one in found.value.problems]
    assert places == [f"impact.toml: {name}" for name in ("gold", "free", "batch")]


@pytest.mark.parametrize(
    "text", ["", "{}", "free = 3", "[free]\nper_minute = 3", "[", "{", b"\xff"]
)
def test_what_cannot_be_read_is_said(text: str | bytes) -> None:
    with pytest.raises(ConfigError):
        impact.parse(text)
