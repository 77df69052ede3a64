"""Each filter alone, several values, all together, and what is no filter."""

import argparse
from typing import Any

import msgspec
import pytest

from penstock.cli import tail_filter
from penstock.cli.tail import Spool, build_parser
from penstock.cli.tail_filter import ALL, filter_of
from penstock.exchange.record import AttemptRecord, Opened, Record

encode = msgspec.json.encode


def record(**more: Any) -> bytes:
    values: dict[str, Any] = {
        "id": "x1", "at_unix_s": 1.0, "duration_s": 2.5, "tenant": "acme", "key": "k1",
        "route": "fast", "model": "fast", "dialect": "openai_chat", "is_stream": True,
        "outcome": "complete", "status": 200, "tier": "standard",
    }  # fmt: skip
    tried = ("a", "overloaded"), ("b", "success")
    attempts = [AttemptRecord(name, f"m-{name}", outcome, 0.0, 1.0) for name, outcome in tried]
    return encode(Record(attempts=attempts, **(values | more))) + b"\n"


def wanted(*argv: str) -> tail_filter.Filter:
    return filter_of(build_parser().parse_args(argv))


@pytest.mark.parametrize(
    ("argv", "other"),
    [
        ("--tenant acme", {"tenant": "other"}),
        ("--key k1", {"key": "k2"}),
        ("--route fast --route slow", {"route": "third"}),
        ("--id x1", {"id": "x2"}),
        ("--tier standard --tier free", {"tier": "batch"}),
        ("--outcome complete", {"outcome": "failed"}),
        ("--status 200", {"status": 429}),
        ("--status 2xx", {"status": 503}),
        ("--status 429 --status 2XX", {"status": 400}),
        ("--min-duration 2.5", {"duration_s": 2.4}),
        ("--tenant acme --status 200", {"status": 500}),
        ("--tenant acme --status 200", {"tenant": "other"}),
    ],
)
def test_a_filter_keeps_what_it_names(argv: str, other: dict[str, Any]) -> None:
    asked = wanted(*argv.split())
    assert asked.passes(record())
    assert not asked.passes(record(**other))


@pytest.mark.parametrize(
    ("argv", "passes"),
    [
        ("--upstream a", True),
        ("--upstream b --upstream z", True),
        ("--upstream z", False),
        ("--model fast", True),
        ("--model m-b", True),
        ("--model m-z", False),
        ("--failed-over", True),
    ],
)
def test_attempts_are_looked_at(argv: str, *, passes: bool) -> None:
    assert wanted(*argv.split()).passes(record()) is passes


def test_one_upstream_tried_twice_is_no_failover() -> None:
    twice = msgspec.json.decode(record(), type=Record)
    twice.attempts[1].upstream = "a"
    assert not wanted("--failed-over").passes(encode(twice))
    twice.attempts = []
    assert not wanted("--failed-over").passes(encode(twice))


def test_a_line_before_a_dial_passes_where_it_can_be_known() -> None:
    line = encode(
        Opened(
            id="x1", attempt=1, upstream="a", model="m-a", tenant="acme", key="k1", route="fast",
            at_unix_s=1.0, input_tokens_estimate=3,
        )
    )  # fmt: skip
    assert wanted("--tenant", "acme", "--upstream", "a", "--model", "m-a").passes(line)
    assert not wanted("--upstream", "b").passes(line)
    for argv in ("--status 200", "--outcome complete", "--min-duration 0.1", "--failed-over"):
        assert not wanted(*argv.split()).passes(line)


def test_without_filters_everything_passes_even_what_is_no_record() -> None:
    assert wanted() == ALL
    assert wanted().passes(b"not json\n")
    assert not wanted("--tenant", "acme").passes(b"not json\n")


def test_the_last_lines_are_the_last_that_pass(tmp_path: Any) -> None:
    mine, other = record(id="x1"), record(id="x2", tenant="other")
    (tmp_path / "1.jsonl").write_bytes(mine + other * 30)
    spool = Spool(tmp_path, wanted("--tenant", "acme"))
    assert spool.last(5, opened=True) == [mine]
    (tmp_path / "2.jsonl").write_bytes(other + mine)
    assert list(spool.more()) == [mine]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--status 700", "no status: write 429, or 5xx"),
        ("--status ok", "no status"),
        ("--min-duration long", "no number of seconds"),
        ("--min-duration -1", "no number of seconds"),
        ("--min-duration nan", "no number of seconds"),
        ("--tier gold", "invalid choice: 'gold'"),
        ("--outcome lost", "invalid choice: 'lost'"),
    ],
)
def test_what_is_no_filter_is_told(
    argv: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(argv.split())
    assert said in capsys.readouterr().err


def test_the_help_lists_them() -> None:
    parser = argparse.ArgumentParser()
    tail_filter.add_arguments(parser)
    assert "--failed-over" in parser.format_help()
