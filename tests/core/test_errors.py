"""What callers are told: by whose fault it is, with a stable code and a remedy."""

import pytest

from penstock.core import errors
from penstock.core.errors import (
    CallerError,
    ConfigError,
    DialectError,
    LimitError,
    PenstockError,
    Problem,
    ShedError,
    UpstreamError,
)
from penstock.core.outcome import RULES, Failure, FailureKind

CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PenstockError)
]


def test_about_ten_classes_and_all_in_the_header() -> None:
    assert len(CLASSES) <= 10
    header = errors.__doc__ or ""
    listed = [line.split()[0] for line in header.splitlines() if line.startswith("    ")]
    assert set(listed) - {"class"} == {kind.__name__ for kind in CLASSES} - {"PenstockError"}


@pytest.mark.parametrize("kind", CLASSES)
def test_each_has_a_status_a_code_and_a_remedy(kind: type[PenstockError]) -> None:
    assert 400 <= kind.status <= 599
    assert kind.code == kind.code.lower().replace(" ", "_")
    assert kind.remedy.endswith(".")


def test_codes_are_told_apart() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("status", [0, 400, 401, 409, 413, 500, 529])
def test_an_exhausted_exchange_has_the_status_of_its_last_failure(
    kind: FailureKind, status: int
) -> None:
    error = UpstreamError(Failure(kind, status=status))
    assert error.status == (RULES[kind].exhausted_status or status or 400)
    assert error.message == kind.value
    assert error.retry_after_s >= 1.0
    assert error.should_retry is False


def test_our_account_trouble_is_never_shown_as_the_callers() -> None:
    for status in (401, 402, 403):
        assert UpstreamError(Failure(FailureKind.ACCOUNT, status=status)).status == 503


def test_a_shed_says_when_to_come_back_and_whether_an_sdk_may_wait_for_it() -> None:
    assert ShedError("full", retry_after_s=60.0).should_retry is True
    assert ShedError("full", retry_after_s=60.1).should_retry is False
    assert ShedError("full", retry_after_s=1.0, code="queue_full").code == "queue_full"
    assert ShedError("full", retry_after_s=1.0).code == "no_capacity"


def test_a_callers_error_names_its_field() -> None:
    error = CallerError("too large", status=413, code="too_large", param="messages")
    assert (error.status, error.code, error.param) == (413, "too_large", "messages")
    assert CallerError("no").code == "invalid_request"
    assert DialectError("no", param="model").param == "model"


def test_a_configuration_error_lists_every_problem() -> None:
    problems = [Problem("a[0].b", "is bad", "make it good", line=7), Problem("c", "no", "yes")]
    error = ConfigError(problems)
    assert error.problems == problems
    assert error.message == "line 7, a[0].b: is bad (make it good)\nc: no (yes)"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("the connection broke", "the connection broke. Do."),
        ("It broke.", "It broke. Do."),
        ("It broke.\n", "It broke. Do."),
        ("Why?", "Why? Do."),
        ("They say 'no.'", "They say 'no.' Do."),
        ("They say (no)", "They say (no). Do."),
        ("\u58ca\u308c\u305f\u3002", "\u58ca\u308c\u305f\u3002 Do."),
        ("", "Do."),
    ],
)
def test_an_error_is_told_in_two_sentences(message: str, told: str) -> None:
    error = PenstockError(message)
    error.remedy = "Do."
    assert error.text == told
    error.remedy = ""
    assert error.text == told.removesuffix("Do.").strip()


@pytest.mark.parametrize(
    ("dimension", "limit", "words"),
    [
        ("requests_per_min", 1_200, "1,200 requests a minute"),
        ("tokens_per_min", 60, "60 tokens a minute"),
        ("concurrency", 8, "8 exchanges at once"),
        ("budget_day_microusd", 12_500_000, "$12.50 a day"),
        ("budget_month_microusd", 1_000_000_000, "$1,000.00 a month"),
    ],
)
def test_a_limit_is_told_in_its_unit(dimension: str, limit: int, words: str) -> None:
    error = LimitError("This key", dimension, limit, 0, retry_after_s=1.0)
    assert error.message == f"This key is over its limit of {words}."
