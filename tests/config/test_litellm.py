"""A LiteLLM file means the same here, or the notices say what does not."""

from typing import Any

import pytest
import yaml

from penstock.config import check, litellm
from penstock.config.litellm import Imported
from penstock.config.model import DialectName, Policy, Route


def read(text: str) -> Imported:
    return litellm.read(yaml.safe_load(text))


def entry(name: str, model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, **params}}


def of(*entries: dict[str, Any], **sections: Any) -> Imported:
    return litellm.read({"model_list": list(entries), **sections})


def route(found: Imported, name: str) -> Route:
    return next(one for one in found.config.routes if one.name == name)


def targets(found: Imported, name: str) -> list[tuple[str, str, float]]:
    return [(one.upstream, one.model, one.weight) for one in route(found, name).targets]


FILE = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      rpm: 480
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://x.openai.azure.com/
      api_key: sk-stands-in-the-file
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, timeout: 300, stream_timeout: 20}
  - model_name: bedrock-claude
    litellm_params: {model: bedrock/anthropic.claude-3}
litellm_settings:
  num_retries: 6
  fallbacks: [{gpt-4o: [claude, bedrock-claude]}]
  callbacks: [langfuse]
router_settings:
  model_group_alias: {gpt-4: gpt-4o}
general_settings: {master_key: sk-1234}
"""


def test_a_usual_file_carries_over() -> None:
    found = read(FILE)
    assert [(one.name, one.dialect, one.base_url) for one in found.config.upstreams] == [
        ("openai-gpt-4o", DialectName.OPENAI_CHAT, "https://api.openai.com/v1"),
        ("azure", DialectName.OPENAI_CHAT, "https://x.openai.azure.com/openai/v1"),
        ("anthropic", DialectName.ANTHROPIC_MESSAGES, "https://api.anthropic.com"),
    ]
    assert targets(found, "gpt-4o") == [
        ("openai-gpt-4o", "gpt-4o", 1.0),
        ("azure", "gpt-4o-eu", 1.0),
        ("anthropic", "claude-sonnet-4-5", 0.0),
    ]
    assert route(found, "gpt-4o").policy is Policy.WEIGHT
    assert targets(found, "gpt-4") == targets(found, "gpt-4o")
    assert route(found, "claude").timeouts.total_s == 300
    assert route(found, "claude").timeouts.first_token_s == 20
    assert found.config.retry.attempts_max == 7
    assert found.config.upstreams[0].quota.requests_per_min == 480
    assert (found.entries, found.carried) == (4, 3)


def test_what_carries_over_is_a_configuration_without_problems() -> None:
    assert list(check.problems(read(FILE).config)) == []


def test_a_key_in_the_file_goes_to_a_file_and_into_no_notice() -> None:
    found = read(FILE)
    assert found.secrets == {"azure": "sk-stands-in-the-file"}
    assert found.config.upstreams[1].api_key_file == "keys/azure.key"
    assert "sk-stands-in-the-file" not in repr((found.config, found.notices))
    assert "sk-1234" not in repr((found.config, found.notices))


def test_what_does_not_carry_over_is_named_with_its_place() -> None:
    places = {one.place: one for one in read(FILE).notices if one.is_left_out}
    assert "model_list[3].litellm_params.model" in places
    assert "litellm_settings.fallbacks[0].gpt-4o" in places
    assert "general_settings.master_key" in places
    assert "ledger" in places["litellm_settings.callbacks"].remedy


@pytest.mark.parametrize(
    ("model", "upstream", "asked"),
    [
        ("gpt-4o", "openai", "gpt-4o"),
        ("claude-3-opus", "anthropic", "claude-3-opus"),
        ("gemini/gemini-2.5-pro", "gemini", "gemini-2.5-pro"),
        ("openrouter/meta/llama", "openrouter", "meta/llama"),
        ("ollama_chat/llama3", "ollama", "llama3"),
    ],
)
def test_a_model_names_its_provider(model: str, upstream: str, asked: str) -> None:
    assert targets(of(entry("m", model)), "m") == [(upstream, asked, 1.0)]


def test_entries_of_one_account_share_an_upstream_unless_one_has_limits() -> None:
    found = of(
        entry("a", "openai/a"), entry("b", "openai/b"), entry("c", "openai/c", tpm=5),
        entry("d", "openai/d", api_key="os.environ/OTHER"),
    )  # fmt: skip
    assert [one.name for one in found.config.upstreams] == ["openai", "openai-c", "openai-2"]
    assert found.config.upstreams[2].api_key_env == "OTHER"


def test_order_outranks_strategy() -> None:
    found = of(entry("m", "openai/b", order=2), entry("m", "openai/a", order=1))
    assert route(found, "m").policy is Policy.ORDER
    assert [model for _, model, _ in targets(found, "m")] == ["a", "b"]


def test_other_strategies_go_by_load() -> None:
    two = (entry("m", "openai/a"), entry("m", "openai/b"))
    found = of(*two, router_settings={"routing_strategy": "latency-based-routing"})
    assert route(found, "m").policy is Policy.LOAD
    with_fallback = of(
        *two,
        entry("n", "openai/c"),
        router_settings={"routing_strategy": "least-busy", "default_fallbacks": ["n"]},
    )
    assert targets(with_fallback, "m")[-1] == ("openai", "c", 0.0)
    assert targets(with_fallback, "n") == [("openai", "c", 1.0)]


def test_costs_become_prices_to_the_micro_dollar() -> None:
    found = of(
        entry("m", "openai/m", input_cost_per_token=2.5e-06, output_cost_per_token="0.00001")
    )
    assert [(one.input_microusd, one.output_microusd) for one in found.prices] == [
        (2_500_000, 10_000_000)
    ]


def test_wildcards_that_rewrite_names_are_left_out() -> None:
    assert targets(of(entry("*", "openai/*")), "*") == [("openai", "", 1.0)]
    found = of(entry("openai/*", "openai/*"))
    assert not found.config.routes
    assert [one.place for one in found.notices] == ["model_list[0].model_name"]


@pytest.mark.parametrize("raw", [None, [], "text", {}, {"models": []}])
def test_something_else_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match="model_list"):
        litellm.read(raw)


ODD: list[Any] = [
    {"model_list": [None, 3, "x", {}, {"model_name": "m"}, {"litellm_params": []}]},
    {"model_list": "x", "router_settings": [1], "litellm_settings": "y"},
    {"model_list": [entry("m", "openai/m", rpm="many", timeout={}, weight="-1")]},
    {"model_list": [entry("m", "openai/m")], "litellm_settings": {"fallbacks": [{"m": 3}, 4]}},
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_shapes_are_no_reason_to_stop(odd: Any) -> None:
    litellm.read(odd)
