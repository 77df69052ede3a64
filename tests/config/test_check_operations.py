"""Objectives and receivers: each contradiction is found at its place, and what is meant passes."""

from typing import Any

import msgspec
import pytest

from penstock.config import check
from penstock.config.model import Config, DialectName, Emulate, Route, Target, Upstream
from penstock.config.operations import Alerts, Objective, Receiver, ReceiverKind, Sli, Smtp

A = Upstream(name="a", dialect=DialectName.OPENAI_CHAT, base_url="https://a.example/v1")
R = Route(name="auto", targets=(Target(upstream="a"),))
CONFIG = Config(upstreams=(A,), routes=(R,))
AVAILABLE = Objective(name="available", route="auto", tier="enterprise", tenant="anyone")
HOOK = Receiver(
    name="hook", kind=ReceiverKind.WEBHOOK, url_env="HOOK_URL", secret_env="HOOK_SECRET"
)
SLACK = Receiver(name="slack", kind=ReceiverKind.SLACK, url_file="/run/slack")
MAIL = Receiver(name="mail", kind=ReceiverKind.EMAIL, to=("ops@example.org",))
SMTP = Smtp(host="mail.example.org", sender="penstock@example.org")


def changed(struct: Any, **values: Any) -> Any:
    return msgspec.structs.replace(struct, **values)


def objective(**values: Any) -> Config:
    return changed(CONFIG, objectives=(changed(AVAILABLE, **values),))


def receiver(one: Receiver, **values: Any) -> Config:
    return changed(CONFIG, alerts=Alerts(receivers=(changed(one, **values),), smtp=SMTP))


def mailing(smtp: Smtp) -> Config:
    return changed(CONFIG, alerts=Alerts(receivers=(MAIL,), smtp=smtp))


def places(config: Config) -> list[str]:
    return [problem.place for problem in check.problems(config)]


GOOD = [
    objective(),
    objective(sli=Sli.TTFT, threshold_s=2.0),
    objective(sli=Sli.SPEED, threshold_per_s=30.0),
    objective(tenant="", tier="", route="", upstream="a"),
    objective(window_days=90, target_ratio=0.9999),
    *(receiver(one) for one in (HOOK, SLACK, MAIL)),
    changed(Config(emulate=Emulate(is_enabled=True)), objectives=(AVAILABLE,)),
]


@pytest.mark.parametrize("config", GOOD)
def test_what_is_meant_has_no_problems(config: Config) -> None:
    assert places(config) == []


O0 = "objectives[0]"
R0 = "alerts.receivers[0]"
BAD: list[tuple[Config, str]] = [
    (objective(name="with space"), f"{O0}.name"),
    (objective(target_ratio=1.0), f"{O0}.target_ratio"),
    (objective(target_ratio=0.0), f"{O0}.target_ratio"),
    (objective(target_ratio=99.5), f"{O0}.target_ratio"),
    (objective(window_days=0), f"{O0}.window_days"),
    (objective(window_days=91), f"{O0}.window_days"),
    (objective(tier="gold"), f"{O0}.tier"),
    (objective(route="other"), f"{O0}.route"),
    (objective(tenant="", tier="", route="", upstream="b"), f"{O0}.upstream"),
    (objective(tenant="", tier="", upstream="a"), f"{O0}.route"),
    (objective(threshold_s=1.0), f"{O0}.threshold_s"),
    (objective(sli=Sli.TTFT), f"{O0}.threshold_s"),
    (objective(sli=Sli.TTFT, threshold_s=0.01), f"{O0}.threshold_s"),
    (objective(sli=Sli.SPEED), f"{O0}.threshold_per_s"),
    (objective(sli=Sli.SPEED, threshold_per_s=9000.0), f"{O0}.threshold_per_s"),
    (objective(events_min=0), f"{O0}.events_min"),
    (changed(CONFIG, objectives=(AVAILABLE, AVAILABLE)), "objectives[1].name"),
    (receiver(HOOK, name=""), f"{R0}.name"),
    (receiver(HOOK, url_env=""), R0),
    (receiver(HOOK, url_file="/x"), f"{R0}.url_file"),
    (receiver(HOOK, secret_file="/x"), f"{R0}.secret_file"),
    (receiver(HOOK, severities=("loud",)), f"{R0}.severities[0]"),
    (receiver(HOOK, severities=()), f"{R0}.severities"),
    (receiver(HOOK, to=("a@b.c",)), f"{R0}.to"),
    (receiver(SLACK, secret_env="X"), f"{R0}.secret_env"),
    (receiver(MAIL, to=()), f"{R0}.to"),
    (receiver(MAIL, to=("nobody",)), f"{R0}.to[0]"),
    (receiver(MAIL, to=("a@b.c\r\nBcc: d@e.f",)), f"{R0}.to[0]"),
    (receiver(MAIL, url_env="X"), f"{R0}.url_env"),
    (mailing(Smtp(sender="a@b.c")), "alerts.smtp.host"),
    (mailing(Smtp(host="h")), "alerts.smtp.sender"),
    (changed(CONFIG, alerts=Alerts(receivers=(HOOK, HOOK))), "alerts.receivers[1].name"),
    (changed(CONFIG, alerts=Alerts(repeat_hours=0.0)), "alerts.repeat_hours"),
    (changed(CONFIG, alerts=Alerts(repeat_hours=float("nan"))), "alerts.repeat_hours"),
    (
        changed(CONFIG, alerts=Alerts(smtp=Smtp(password_env="X", password_file="/x"))),
        "alerts.smtp.password_file",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("config", "place"), BAD)
def test_each_contradiction_is_found_once(config: Config, place: str) -> None:
    assert set(places(config)) == {place}


def test_there_is_a_bound() -> None:
    many = tuple(changed(AVAILABLE, name=f"o{at}") for at in range(101))
    assert places(changed(CONFIG, objectives=many)) == ["objectives"]


def test_a_typing_error_is_told_with_the_right_name() -> None:
    (problem,) = check.problems(objective(route="autp"))
    assert "'auto'" in problem.remedy


def test_unsigned_webhooks_and_objectives_without_receivers_are_warned_of() -> None:
    unsigned = receiver(HOOK, secret_env="")
    assert R0 in [one.place for one in check.warnings(unsigned)]
    assert R0 not in [one.place for one in check.warnings(receiver(HOOK))]
    assert "alerts.receivers" in [one.place for one in check.warnings(objective())]
    assert "alerts.receivers" not in [one.place for one in check.warnings(CONFIG)]
