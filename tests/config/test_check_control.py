"""Control and traces: each contradiction is found at its place, and what is meant passes."""

from typing import Any

import msgspec
import pytest

from penstock.config import check, load
from penstock.config.model import Config, Emulate
from penstock.config.operations import (
    Alerts,
    Control,
    Receiver,
    ReceiverKind,
    Retention,
    Smtp,
    Traces,
)

CONFIG = Config(emulate=Emulate(is_enabled=True))


def control(**values: Any) -> Config:
    return msgspec.structs.replace(CONFIG, control=Control(**values))


def keeping(**days: int) -> Config:
    return control(retention=Retention(**days))


def traced(endpoint: str) -> Config:
    return msgspec.structs.replace(CONFIG, traces=Traces(endpoint=endpoint))


def found(config: Config) -> list[tuple[str, str]]:
    return [(problem.place, problem.message) for problem in check.problems(config)]


GOOD = [
    CONFIG,
    control(
        host="::1", hosts=("console.example.org", "10.0.0.7:8443", "http://console.example:8402")
    ),
    control(database_url="postgresql://penstock@db:5432/penstock", database_password_env="PW"),
    control(database_url="postgresql:///penstock?host=/run/postgresql"),
    control(oidc_issuer="https://id.example.org/realms/a", oidc_client_id="penstock"),
    control(oidc_issuer="http://127.0.0.1:9000", oidc_client_id="penstock"),
    keeping(minutes_days=4, exchanges_days=1),
    traced("http://127.0.0.1:4318/v1/traces"),
]


@pytest.mark.parametrize("config", GOOD)
def test_what_is_meant_has_no_problems(config: Config) -> None:
    assert found(config) == []


OIDC = "https://id.example.org"
BAD: list[tuple[Config, str]] = [
    (control(host=""), "control.host"),
    (control(hosts=("good.example", "https://bad.example/console")), "control.hosts[1]"),
    (control(hosts=("ftp://bad.example",)), "control.hosts[0]"),
    (control(hosts=("a b",)), "control.hosts[0]"),
    (control(database_url="mysql://u@h/x"), "control.database_url"),
    (control(database_url="penstock"), "control.database_url"),
    (control(database_url="postgresql://u@h:port/x"), "control.database_url"),
    (control(database_url="postgresql://u:hidden-word@h/x"), "control.database_url"),
    (control(database_url="postgresql://h/x?password=hidden-word"), "control.database_url"),
    (control(database_password_env="PW"), "control.database_url"),
    (
        control(
            database_url="postgresql://h/x", database_password_env="A", database_password_file="b"
        ),
        "control.database_password_file",
    ),
    (control(session_hours=0), "control.session_hours"),
    (control(session_idle_minutes=-5), "control.session_idle_minutes"),
    (control(oidc_client_id="a"), "control.oidc_issuer"),
    (control(oidc_issuer="http://id.example.org", oidc_client_id="a"), "control.oidc_issuer"),
    (control(oidc_issuer=OIDC), "control.oidc_client_id"),
    (keeping(minutes_days=3), "control.retention.minutes_days"),
    (keeping(audit_days=0), "control.retention.audit_days"),
    (traced("127.0.0.1:4318"), "traces.endpoint"),
    (traced("http://"), "traces.endpoint"),
]


@pytest.mark.parametrize(("config", "place"), BAD)
def test_each_contradiction_is_found_at_its_place(config: Config, place: str) -> None:
    told = found(config)
    assert [at for at, _ in told] == [place]
    assert "hidden-word" not in str(told)


def test_a_console_that_a_network_reaches_is_warned_of() -> None:
    told = [problem.place for problem in check.warnings(control(host="192.0.2.7"))]
    assert told == ["control.host"]


def test_secrets_that_are_not_there_are_named_by_place_and_variable() -> None:
    config = msgspec.structs.replace(
        control(
            database_url="postgresql://h/x",
            database_password_env="PENSTOCK_NOT_SET",
            oidc_issuer=OIDC,
            oidc_client_id="a",
            oidc_client_secret_file="/not/there",
        ),
        alerts=Alerts(
            receivers=(
                Receiver(
                    name="hook",
                    kind=ReceiverKind.WEBHOOK,
                    url_env="PENSTOCK_NOT_SET",
                    secret_file="/not/there",
                ),
            ),
            smtp=Smtp(password_env="PENSTOCK_NOT_SET"),
        ),
        traces=Traces(endpoint="http://127.0.0.1:4318", headers_env="PENSTOCK_NOT_SET"),
    )
    told = {problem.place: problem.message for problem in load.secret_warnings(config)}
    assert list(told) == [
        "control.database_password_env",
        "control.oidc_client_secret_file",
        "alerts.receivers[0].url_env",
        "alerts.receivers[0].secret_file",
        "alerts.smtp.password_env",
        "traces.headers_env",
    ]
    assert "PENSTOCK_NOT_SET" in told["alerts.receivers[0].url_env"]
    assert "/not/there" in told["control.oidc_client_secret_file"]
    assert list(load.secret_warnings(CONFIG)) == []
