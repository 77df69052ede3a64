"""Prices are exact, and a file that is wrong is refused by name."""

from pathlib import Path

import pytest

from penstock.config.model import Config, DialectName, Route, Target, Upstream
from penstock.config.tenancy import NO_LIMITS, Limits, Price
from penstock.core.errors import StoreError
from penstock.snapshot import prices

CONFIG = Config(
    upstreams=(Upstream(name="up", dialect=DialectName.OPENAI_CHAT, base_url="http://h/v1"),),
    routes=(
        Route(name="auto", targets=(Target(upstream="up", model="gpt-5"),)),
        Route(name="own", targets=(Target(upstream="up"),)),
        Route(name="x*", targets=(Target(upstream="up"),)),
    ),
)
BUDGET = Limits(budget_day_microusd=1)


def test_prices_are_read_as_whole_micro_dollars(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    assert prices.read(path) == ()
    path.write_text(
        '[[prices]]\nmodel = "a*"\ninput = 0.07\noutput = 15\ncached = "0.3"\nrequest = 0.01\n'
        '[[prices]]\nmodel = "b"\ncache_write = 3.75\n'
    )
    assert prices.read(path) == (
        Price(
            model="a*",
            input_microusd=70_000,
            output_microusd=15_000_000,
            cached_microusd=300_000,
            request_microusd=10_000,
        ),
        Price(model="b", cache_write_microusd=3_750_000),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[prices]]\n", "model"),
        ('[[prices]]\nmodel = "a"\ninput = -1\n', "the price of 'a': -1 is not between"),
        ('[[prices]]\nmodel = "a"\ninput = nan\n', "the price of 'a'"),
        ('[[prices]]\nmodel = "a"\ninput = true\n', "input"),
        ('[[prices]]\nmodel = "a"\ninptu = 1\n', "inptu"),
        ("[[price]]\n", "price"),
        ("prices = 1\n", "array"),
        ("[[prices\n", "cannot be understood"),
        ("\udcff", "cannot be understood"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StoreError, match="cannot be understood") as caught:
        prices.read(path)
    assert words in caught.value.message


def test_a_budget_without_prices_is_doubted() -> None:
    (doubt,) = prices.missing(CONFIG, (), [NO_LIMITS, BUDGET])
    assert "no price for gpt-5, own" in doubt.message
    listed = (Price(model="gpt-*"), Price(model="own"))
    assert list(prices.missing(CONFIG, listed, [BUDGET])) == []
    assert list(prices.missing(CONFIG, (), [NO_LIMITS, Limits(requests_per_min=1)])) == []
