"""What is written reads back as it was."""

import tomllib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.config import toml
from penstock.config.model import (
    Config,
    DialectName,
    ModelOverrides,
    OnBreak,
    Policy,
    Quota,
    Route,
    Target,
    TimeoutOverrides,
    Upstream,
)

NAMES = st.text(min_size=1, max_size=12)
SECONDS = st.none() | st.floats(0, 1e6, allow_nan=False)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    upstreams = st.builds(
        Upstream,
        name=NAMES,
        dialect=st.sampled_from(DialectName),
        base_url=NAMES,
        headers=st.dictionaries(NAMES, NAMES, max_size=2),
        concurrency_max=st.integers(1, 10**6),
        quota=st.builds(Quota, requests_per_min=st.none() | st.integers(1, 10**9)),
        models=st.dictionaries(
            NAMES,
            st.builds(ModelOverrides, tools=st.none() | st.booleans(), efforts=st.just(("low",))),
            max_size=2,
        ),
    )
    targets = st.builds(
        Target, upstream=NAMES, model=NAMES | st.just(""), weight=st.floats(0, 9, allow_nan=False)
    )
    routes = st.builds(
        Route,
        name=NAMES,
        targets=st.lists(targets, max_size=3).map(tuple),
        policy=st.sampled_from(Policy),
        on_break=st.sampled_from(OnBreak),
        timeouts=st.builds(TimeoutOverrides, total_s=SECONDS, queue_s=SECONDS),
        failover_on=st.lists(NAMES, max_size=2).map(tuple),
    )
    return Config(
        upstreams=tuple(draw(st.lists(upstreams, max_size=3))),
        routes=tuple(draw(st.lists(routes, max_size=3))),
    )


@given(configs())
def test_what_is_written_reads_back(config: Config) -> None:
    text = toml.document(config)
    assert msgspec.convert(tomllib.loads(text), Config) == config


def test_nothing_unusual_is_an_empty_file() -> None:
    assert toml.document(Config()) == ""
