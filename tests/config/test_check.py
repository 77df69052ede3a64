"""Each contradiction is found, at its place, and nothing that is meant is refused."""

from typing import Any

import msgspec
import pytest

from penstock.config import check
from penstock.config.model import (
    Admission,
    Breaker,
    Config,
    DialectName,
    Emulate,
    Gateway,
    Keep,
    Ladder,
    ModelOverrides,
    Policy,
    Retry,
    Route,
    Target,
    TierHeaders,
    TimeoutOverrides,
    Timeouts,
    Upstream,
)
from penstock.dialects.capability import Engine

A = Upstream(name="a", dialect=DialectName.OPENAI_CHAT, base_url="https://a.example/v1")
CLAUDE = DialectName.ANTHROPIC_MESSAGES
B = Upstream(name="b", dialect=DialectName.OPENAI_CHAT, base_url="http://127.0.0.1:8000/v1")
R = Route(name="auto", targets=(Target(upstream="a"), Target(upstream="b")))
GOOD = Config(upstreams=(A, B), routes=(R,))


def changed(struct: Any, **values: Any) -> Any:
    return msgspec.structs.replace(struct, **values)


def with_upstream(**values: Any) -> Config:
    return changed(GOOD, upstreams=(changed(A, **values), B))


def with_route(**values: Any) -> Config:
    return changed(GOOD, routes=(changed(R, **values),))


def with_ladder(**values: Any) -> Config:
    return changed(GOOD, admission=Admission(ladder=Ladder(**values)))


def test_a_good_configuration_has_no_problems() -> None:
    assert list(check.problems(GOOD)) == []
    assert list(check.problems(Config(emulate=Emulate(is_enabled=True)))) == []


CONTRADICTIONS: list[tuple[Config, str]] = [
    (Config(), "upstreams"),
    (changed(GOOD, routes=()), "routes"),
    (with_ladder(entries=(0.7, 0.8, 0.8, 0.94, 1.0)), "admission.ladder.entries"),
    (with_ladder(entries=(0.0, 0.8, 0.88, 0.94, 1.0)), "admission.ladder.entries"),
    (with_ladder(entries=(0.7, 0.8, 0.88, 0.94, 1.01)), "admission.ladder.entries"),
    (with_ladder(output_tokens_caps=(256, -1)), "admission.ladder.output_tokens_caps[1]"),
    (with_ladder(up_s=0.0), "admission.ladder.up_s"),
    (with_ladder(tickets_max=0), "admission.ladder.tickets_max"),
    (with_route(targets=(Target(upstream="a", is_degraded=True),)), "routes[0].targets"),
    (changed(GOOD, upstreams=(A, B, A)), "upstreams[2].name"),
    (changed(GOOD, routes=(R, R)), "routes[1].name"),
    (changed(GOOD, gateway=Gateway(port=0)), "gateway.port"),
    (changed(GOOD, gateway=Gateway(port=65_536)), "gateway.port"),
    (changed(GOOD, gateway=Gateway(port=8401)), "gateway.admin_port"),
    (changed(GOOD, gateway=Gateway(host="")), "gateway.host"),
    (changed(GOOD, gateway=Gateway(admin_host="")), "gateway.admin_host"),
    (changed(GOOD, gateway=Gateway(tls_cert_file="x")), "gateway.tls_key_file"),
    (changed(GOOD, gateway=Gateway(tls_key_file="x")), "gateway.tls_cert_file"),
    (changed(GOOD, gateway=Gateway(drain_s=-1.0)), "gateway.drain_s"),
    (changed(GOOD, gateway=Gateway(exchanges_max=0)), "gateway.exchanges_max"),
    (
        changed(GOOD, gateway=Gateway(keep=Keep(bytes_max=1))),
        "gateway.keep.exchange_bytes_max",
    ),
    (changed(GOOD, gateway=Gateway(keep=Keep(window_s=0.0))), "gateway.keep.window_s"),
    (changed(GOOD, timeouts=Timeouts(connect_s=600.0)), "timeouts.connect_s"),
    (changed(GOOD, timeouts=Timeouts(total_s=float("inf"))), "timeouts.total_s"),
    (changed(GOOD, timeouts=Timeouts(total_s=float("nan"))), "timeouts.total_s"),
    (changed(GOOD, timeouts=Timeouts(total_s=86_401.0)), "timeouts.total_s"),
    (changed(GOOD, breaker=Breaker(failure_ratio=1.1)), "breaker.failure_ratio"),
    (changed(GOOD, breaker=Breaker(cooldown_s=61.0)), "breaker.cooldown_s"),
    (changed(GOOD, breaker=Breaker(probes_to_close=0)), "breaker.probes_to_close"),
    (changed(GOOD, retry=Retry(attempts_max=0)), "retry.attempts_max"),
    (changed(GOOD, retry=Retry(floor_per_s=0.0)), "retry.floor_per_s"),
    (changed(GOOD, upstreams=(A, B, changed(A, name=" a"))), "upstreams[2].name"),
    (with_upstream(base_url="ftp://a"), "upstreams[0].base_url"),
    (with_upstream(base_url="https://"), "upstreams[0].base_url"),
    (with_upstream(base_url="https://h:99999"), "upstreams[0].base_url"),
    (with_upstream(base_url="https://h:x"), "upstreams[0].base_url"),
    (with_upstream(base_url="https://u:p@h"), "upstreams[0].base_url"),
    (with_upstream(base_url="https://h/?a=b"), "upstreams[0].base_url"),
    (with_upstream(base_url="https://h/#a"), "upstreams[0].base_url"),
    (with_upstream(base_url="https://h/a b"), "upstreams[0].base_url"),
    (with_upstream(api_key_env="A", api_key_file="b"), "upstreams[0].api_key_file"),
    (with_upstream(concurrency_max=0), "upstreams[0].concurrency_max"),
    (with_upstream(headers={"Content-Length": "1"}), "upstreams[0].headers.Content-Length"),
    (with_upstream(headers={"authorization": "x"}), "upstreams[0].headers.authorization"),
    (with_upstream(headers={"x-penstock-a": "x"}), "upstreams[0].headers.x-penstock-a"),
    (with_upstream(headers={"a b": "x"}), "upstreams[0].headers.a b"),
    (with_upstream(headers={"a": "x\r\ny"}), "upstreams[0].headers.a"),
    (
        changed(GOOD, upstreams=(changed(A, engine=Engine.VLLM, dialect=CLAUDE), B)),
        "upstreams[0].engine",
    ),
    (with_upstream(passes_priority=True), "upstreams[0].passes_priority"),
    (with_upstream(sla="bedrock"), "upstreams[0].sla"),
    (
        with_upstream(engine=Engine.OLLAMA, passes_priority=True),
        "upstreams[0].passes_priority",
    ),
    (with_upstream(models={"a b": ModelOverrides()}), 'upstreams[0].models."a b"'),
    (
        with_upstream(models={"gpt-4": ModelOverrides(efforts=("low", "lots"))}),
        "upstreams[0].models.gpt-4.efforts[1]",
    ),
    (
        with_upstream(models={"gpt-4.1": ModelOverrides(output_tokens_max=0)}),
        'upstreams[0].models."gpt-4.1".output_tokens_max',
    ),
    (with_route(name="a*b"), "routes[0].name"),
    (with_route(name=""), "routes[0].name"),
    (with_route(targets=()), "routes[0].targets"),
    (with_route(targets=(Target(upstream="c"),)), "routes[0].targets[0].upstream"),
    (
        with_route(policy=Policy.WEIGHT, targets=(Target(upstream="a", weight=0.0),)),
        "routes[0].targets",
    ),
    (
        with_route(targets=(Target(upstream="a", weight=-1.0),)),
        "routes[0].targets[0].weight",
    ),
    (with_route(failover_on=("overload",)), "routes[0].failover_on[0]"),
    (with_route(failover_on=("rejected",)), "routes[0].failover_on[0]"),
    (with_route(timeouts=TimeoutOverrides(total_s=1.0)), "routes[0].timeouts.connect_s"),
    (with_route(timeouts=TimeoutOverrides(unary_s=0.0)), "routes[0].timeouts.unary_s"),
]


@pytest.mark.parametrize(("config", "place"), CONTRADICTIONS)
def test_each_contradiction_is_named_by_its_place(config: Config, place: str) -> None:
    assert [problem.place for problem in check.problems(config)] == [place]
    assert all(problem.message and problem.remedy for problem in check.problems(config))


@pytest.mark.parametrize(
    "config",
    [
        changed(GOOD, timeouts=Timeouts(queue_s=0.0)),
        changed(GOOD, admission=Admission(reserve=0)),
        changed(GOOD, timeouts=Timeouts(total_s=30.0)),
        changed(GOOD, breaker=Breaker(failure_ratio=0.0)),
        with_upstream(headers={"x-team": "search"}),
        with_upstream(base_url="http://[::1]:8000/v1"),
        with_upstream(engine=Engine.LLAMA_CPP),
        with_upstream(engine=Engine.SGLANG, passes_priority=True, tier_headers=TierHeaders.SMG),
        with_upstream(models={"*": ModelOverrides(context_tokens_max=0, efforts=())}),
        with_route(name="*"),
        with_route(name="claude-*"),
        with_route(failover_on=("overloaded", "timed_out")),
        with_route(timeouts=TimeoutOverrides(total_s=30.0, unary_s=20.0)),
    ],
)
def test_what_is_meant_passes(config: Config) -> None:
    assert list(check.problems(config)) == []


def test_a_password_in_a_url_is_not_repeated() -> None:
    told = [str(one) for one in check.problems(with_upstream(base_url="https://u:canary@h"))]
    assert told
    assert "canary" not in "".join(told)


def test_doubts_are_told_apart_from_problems() -> None:
    config = Config(
        gateway=Gateway(host="192.0.2.1", admin_host="192.0.2.1"),
        upstreams=(changed(A, base_url="http://a.example"), B),
        routes=(changed(R, targets=(Target(upstream="a"),)),),
    )
    assert [problem.place for problem in check.warnings(config)] == [
        "gateway.host",
        "gateway.admin_host",
        "upstreams[0].base_url",
        "upstreams[0]",
        "upstreams[1]",
        "routes[0]",
    ]
