"""Scripts and headers are read strictly, with all problems at once."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.fault import Fault, FaultKind, Flavour, Shape
from penstock.core.fault_script import RULES_MAX, read_header, read_script

PROVIDERS = ("claude", "gpt", "gemini")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rules", "kind", "status", "end_s", "model", "shape"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)

WRONG: list[tuple[object, str]] = [
    ([], "must be an object"),
    ({}, "must be a list"),
    ({"rules": [{"kind": "reset"}] * (RULES_MAX + 1)}, "too many"),
    ({"rules": [{"kind": "hang", "shape": "ramp"}]}, "a ramp needs an end"),
    ({"rules": [3]}, "must be an object with at least a kind"),
    ({"rules": [{}]}, "kind: missing"),
]


@given(JSON)
def test_any_document_gives_a_script_or_problems_but_never_half(document: object) -> None:
    script, problems = read_script(document, PROVIDERS)
    assert not (problems and script.rules)


@given(st.text(max_size=40))
def test_any_header_gives_a_fault_or_problems(value: str) -> None:
    fault, problems = read_header(value)
    assert (fault is None) == bool(problems)


@given(st.sampled_from(list(FaultKind)), st.floats(0.0, 1.0))
def test_a_rule_is_read_as_it_was_written(kind: FaultKind, share: float) -> None:
    entry = {"kind": kind.value, "provider": "gpt", "share_ratio": share, "after_events": 7}
    script, problems = read_script(json.loads(json.dumps({"rules": [entry]})), PROVIDERS)
    assert not problems
    (rule,) = script.rules
    assert (rule.fault.kind, rule.share_ratio, rule.fault.after_events) == (kind, share, 7)
    assert (rule.provider, rule.shape, rule.end_s) == ("gpt", Shape.CONSTANT, math.inf)


def test_all_problems_appear_at_once_each_with_its_place() -> None:
    document = {
        "rules": [
            {"kind": "http_599", "share_ratio": 1.5},
            {"provider": "claud", "kind": "reset", "start_s": 5, "end_s": 5},
            {"kind": "hang", "shape": "ramp", "dealy_s": 1},
            {"kind": "stall", "after_events": 1.5, "delay_s": True},
        ],
        "version": 1,
    }
    _, problems = read_script(document, PROVIDERS)
    places = [problem.partition(":")[0] for problem in problems]
    assert places == [
        "version",
        "rules[0].kind",
        "rules[0].share_ratio",
        "rules[1].provider",
        "rules[1].end_s",
        "rules[2].dealy_s",
        "rules[3].after_events",
        "rules[3].delay_s",
    ]


@pytest.mark.parametrize(("document", "text"), WRONG)
def test_what_is_wrong_is_said(document: object, text: str) -> None:
    _, problems = read_script(document, PROVIDERS)
    assert any(text in problem for problem in problems)


def test_a_model_must_exist_where_models_are_known() -> None:
    document = {"rules": [{"kind": "reset", "model": "gpt-6*"}, {"kind": "reset", "model": "g*"}]}
    _, problems = read_script(document, PROVIDERS, ("gpt-5.6",))
    assert problems == ["rules[0].model: 'gpt-6*' matches none of gpt-5.6"]


def test_a_header_names_a_kind_and_parameters() -> None:
    fault, problems = read_header("http_429; retry_after_s=3; flavour=shared_capacity")
    assert not problems
    assert fault == Fault(kind=FaultKind.HTTP_429, retry_after_s=3, flavour=Flavour.SHARED_CAPACITY)


@pytest.mark.parametrize(
    "value", ["", "http_999", "hang;", "hang;delay_s", "hang;delay_s=soon", "hang;share_ratio=1"]
)
def test_a_bad_header_is_refused(value: str) -> None:
    fault, problems = read_header(value)
    assert fault is None
    assert problems
