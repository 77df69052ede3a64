"""Reasons read like something that a person would say."""

from penstock.watch import words


def test_probes() -> None:
    assert words.probes("failed", (12, 9), 300.0, "time-outs") == (
        "9 of 12 probes failed in the last 5 minutes: time-outs"
    )
    assert words.probes("failed", (12, 0), 60.0, "") == (
        "all 12 probes were good in the last 1 minute"
    )
    assert words.probes("wrong", (4, 3), 300.0, "").startswith("3 of 4 probes had a wrong answer")


def test_requests() -> None:
    told = words.telemetry("failed", (240, 75), 0.003, "overload")
    assert told == "31 % of 240 requests failed lately (0.3 % is usual): overload"


def test_reports_count_people_and_networks() -> None:
    assert words.reports(57, 31, 2.4, 600.0) == (
        "57 people on 31 networks reported trouble in the last 10 minutes (2 is usual)"
    )
    assert words.reports(1, 1, 0.0, 600.0).startswith("1 person on 1 network ")


def test_silence_and_holding() -> None:
    assert words.silent("telemetry", None) == "no telemetry yet"
    assert words.silent("probes", 240.0) == "no probes for 4 minutes"
    assert words.holding(180.0, 480.0) == (
        "nothing bad for 3 minutes; it counts as over after 8 minutes"
    )


def test_the_most_frequent_kind_is_told() -> None:
    assert words.kind({"timeout": 3.0, "http_5xx": 1.0}) == "time-outs"
    assert words.kind({"http_5xx": 1.0}) == "http 5xx"
    assert words.kind({}) == ""
