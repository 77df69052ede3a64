"""LiteLLM's keys go on working, with the limits that mean the same here."""

import hashlib
import json

import pytest

from penstock.cli import litellm_keys
from penstock.cli.litellm_keys import ImportedKeys
from penstock.config.tenancy import Limits

DIGEST = hashlib.sha256(b"sk-caller").hexdigest()
ROUTES = frozenset({"gpt-4o", "claude"})
ROW = {
    "token": DIGEST,
    "key_name": "sk-...ller",
    "key_alias": "web shop",
    "team_id": "shop",
    "models": ["gpt-4o"],
    "max_budget": 12.5,
    "budget_duration": "30d",
    "tpm_limit": 1000,
    "rpm_limit": "60",
    "max_parallel_requests": None,
    "expires": "2027-01-01T00:00:00Z",
    "spend": 3.0,
}


def read(*rows: object) -> ImportedKeys:
    return litellm_keys.read(json.dumps(list(rows)), ROUTES)


def test_a_key_comes_over_with_its_limits() -> None:
    (one,) = read(ROW).keys
    assert (one.key.id, one.key.tenant, one.key.sha256) == ("web-shop", "shop", DIGEST)
    assert one.key.routes == ("gpt-4o",)
    assert one.key.limits == Limits(
        requests_per_min=60, tokens_per_min=1000, budget_month_microusd=12_500_000
    )
    assert one.expires_unix_s == 1798761600.0


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ROW]),
        json.dumps({"keys": [ROW], "total_count": 1}),
        json.dumps(ROW),
        f"{json.dumps(ROW)}\n{json.dumps(ROW | {'token': 'f' * 64})}\n",
        f"token,key_alias,models,tpm_limit\n{DIGEST},web shop,{{gpt-4o}},1000\n",
    ],
)
def test_every_form_is_read(text: str) -> None:
    first = litellm_keys.read(text, ROUTES).keys[0].key
    assert (first.id, first.sha256, first.routes) == ("web-shop", DIGEST, ("gpt-4o",))
    assert first.limits.tokens_per_min == 1000


def test_a_key_itself_is_hashed() -> None:
    assert read({"token": "sk-caller"}).keys[0].key.sha256 == DIGEST
    assert "sk-caller" not in repr(read({"token": "sk-caller"}))


def test_names_are_made_and_are_each_ones_own() -> None:
    found = read({"token": DIGEST}, ROW | {"token": "a" * 64}, ROW | {"token": "b" * 64})
    assert [one.key.id for one in found.keys] == [f"litellm-{DIGEST[:8]}", "web-shop", "web-shop-2"]


def test_a_key_whose_models_are_gone_may_do_nothing_rather_than_everything() -> None:
    found = read(ROW | {"models": ["gone"]})
    assert found.keys[0].key.routes == ("gone",)
    assert [one.place for one in found.notices] == ["keys[0].models"]
    assert read(ROW | {"models": ["all-team-models"]}).keys[0].key.routes == ()


def test_budgets_that_mean_something_else_are_named() -> None:
    found = read(ROW | {"budget_duration": "7d"}, ROW | {"budget_duration": None})
    assert [one.key.limits.budget_month_microusd for one in found.keys] == [None, None]
    assert [one.place for one in found.notices] == ["keys[0].max_budget", "keys[1].max_budget"]
    day = read(ROW | {"budget_duration": "24h"}).keys[0].key.limits
    assert day.budget_day_microusd == 12_500_000


def test_blocked_and_foreign_rows_stay_behind() -> None:
    found = read(ROW | {"blocked": True}, {"token": "what"}, "x", 3)
    assert found.keys == []
    assert found.rows == len(found.notices) == 4


def test_a_broken_expiry_lets_nobody_in() -> None:
    found = read(ROW | {"expires": "soon"})
    assert found.keys[0].expires_unix_s == 1.0
    assert [one.place for one in found.notices] == ["keys[0].expires"]


def test_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="neither JSON nor CSV"):
        litellm_keys.read("{nonsense", ROUTES)
