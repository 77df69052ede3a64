"""What is wrong with objectives, and with whom alerts go to.

    objective   a name of its own; a target above 0 and below 1; a window of 1 to 90 days; the
                threshold of its SLI and no other; a tier, route and upstream that there is
    upstream    its attempts are measured, and these are not counted by tenant, tier or route
    receiver    a webhook has a URL, e-mail has addresses and a server; both by reference

Pure, as ``check`` is.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Final

from penstock.config.model import Config
from penstock.config.operations import Alerts, Objective, Receiver, ReceiverKind, Sli, Smtp
from penstock.core.errors import Problem
from penstock.core.slo import Severity
from penstock.core.tier import WORDS

OBJECTIVES_MAX: Final = 100  # each is measured every half minute
RECEIVERS_MAX: Final = 20
ADDRESSES_MAX: Final = 50
WINDOW_DAYS_MAX: Final = 90  # a quarter; sums are kept for longer
REPEAT_HOURS_MIN: Final = 0.25
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # stands in paths of the API
NAMED_BY: Final = "letters, digits and . _ -, starting with a letter or digit"
ADDRESS: Final = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
SEVERITIES: Final = tuple(one.word for one in Severity if one)
# Where the histograms of the sums begin and end: outside, nothing is told apart.
TTFT_S: Final = (0.05, 60.0)
SPEED_PER_S: Final = (5.0, 500.0)
THRESHOLDS: Final = (
    ("threshold_s", Sli.TTFT, TTFT_S, "seconds"),
    ("threshold_per_s", Sli.SPEED, SPEED_PER_S, "tokens a second"),
)


def problems(config: Config) -> Iterator[Problem]:
    """Yield every contradiction: where it is, what is wrong, what would be right."""
    yield from _many("objectives", len(config.objectives), OBJECTIVES_MAX)
    yield from _twice("objectives", [one.name for one in config.objectives])
    routes = [one.name for one in config.routes]
    upstreams = [one.name for one in config.upstreams]
    for at, objective in enumerate(config.objectives):
        place = f"objectives[{at}]"
        yield from _objective(objective, place)
        yield from _threshold(objective, place)
        yield from _known(place, "tier", objective.tier, WORDS)
        if routes or not config.emulate.is_enabled:  # else they are made at the start
            yield from _known(place, "route", objective.route, routes)
            yield from _known(place, "upstream", objective.upstream, upstreams)
    yield from _alerts(config.alerts)


def warnings(config: Config) -> Iterator[Problem]:
    """Yield what is allowed but may not be meant."""
    for at, receiver in enumerate(config.alerts.receivers):
        is_signed = receiver.secret_env or receiver.secret_file
        if receiver.kind is ReceiverKind.WEBHOOK and not is_signed:
            remedy = "add secret_env or secret_file"
            yield Problem(f"alerts.receivers[{at}]", "gets messages without a signature", remedy)
    if config.objectives and not config.alerts.receivers:
        remedy = "add [[alerts.receivers]]; the console shows alerts all the same"
        yield Problem("alerts.receivers", "there are none, so nobody is told of an alert", remedy)


def _objective(objective: Objective, place: str) -> Iterator[Problem]:
    if not NAME.fullmatch(objective.name):
        yield Problem(f"{place}.name", f"{objective.name!r} is not a name", NAMED_BY)
    if objective.target_ratio in {0.0, 1.0}:
        remedy = "above 0 and below 1: at 1 there is no budget, and every failure is an alert"
        yield Problem(f"{place}.target_ratio", f"is {objective.target_ratio:g}", remedy)
    if not 1 <= objective.window_days <= WINDOW_DAYS_MAX:
        remedy = f"a window is 1 to {WINDOW_DAYS_MAX} days"
        yield Problem(f"{place}.window_days", f"is {objective.window_days}", remedy)
    if objective.upstream:
        for name in ("tenant", "tier", "route"):
            if getattr(objective, name):
                message = "is set beside upstream, whose attempts are not counted by it"
                yield Problem(f"{place}.{name}", message, "remove one of them")


def _threshold(objective: Objective, place: str) -> Iterator[Problem]:
    for name, sli, (low, high), unit in THRESHOLDS:
        given: float | None = getattr(objective, name)
        at = f"{place}.{name}"
        if objective.sli is not sli:
            if given is not None:
                yield Problem(at, f"says nothing of {objective.sli.value}", "remove it")
        elif given is None:
            yield Problem(at, "is missing", f"add '{name} = ...', in {unit}")
        elif not low <= given <= high:
            yield Problem(at, f"is {given:g}", f"{low:g} to {high:g} {unit} are told apart")


def _alerts(alerts: Alerts) -> Iterator[Problem]:
    yield from _many("alerts.receivers", len(alerts.receivers), RECEIVERS_MAX)
    yield from _twice("alerts.receivers", [one.name for one in alerts.receivers])
    if not alerts.repeat_hours >= REPEAT_HOURS_MIN:
        remedy = f"at least {REPEAT_HOURS_MIN:g}: whoever is told more often stops to read"
        yield Problem("alerts.repeat_hours", f"is {alerts.repeat_hours:g}", remedy)
    for at, receiver in enumerate(alerts.receivers):
        yield from _receiver(receiver, alerts.smtp, f"alerts.receivers[{at}]")
    if alerts.smtp.password_env and alerts.smtp.password_file:
        remedy = "keep one of them"
        yield Problem("alerts.smtp.password_file", "password_env is set too", remedy)


def _receiver(receiver: Receiver, smtp: Smtp, place: str) -> Iterator[Problem]:
    if not NAME.fullmatch(receiver.name):
        yield Problem(f"{place}.name", f"{receiver.name!r} is not a name", NAMED_BY)
    for index, severity in enumerate(receiver.severities):
        if severity not in SEVERITIES:
            remedy = f"one of {', '.join(SEVERITIES)}"
            yield Problem(f"{place}.severities[{index}]", f"{severity!r} is no severity", remedy)
    if not receiver.severities:
        yield Problem(f"{place}.severities", "are none, so it is never told", "leave it out")
    if receiver.kind is ReceiverKind.EMAIL:
        yield from _mail(receiver, smtp, place)
    else:
        yield from _hook(receiver, place)


def _hook(receiver: Receiver, place: str) -> Iterator[Problem]:
    if not receiver.url_env and not receiver.url_file:
        remedy = "add url_env or url_file: who has the URL can write, so it stays out of this file"
        yield Problem(place, "has no URL", remedy)
    for name in ("url", "secret"):
        if getattr(receiver, f"{name}_env") and getattr(receiver, f"{name}_file"):
            yield Problem(f"{place}.{name}_file", f"{name}_env is set too", "keep one of them")
    if receiver.to:
        yield Problem(f"{place}.to", f"says nothing to a {receiver.kind.value}", "remove it")
    if receiver.kind is ReceiverKind.SLACK and (receiver.secret_env or receiver.secret_file):
        yield Problem(f"{place}.secret_env", "is of no use: Slack checks none", "remove it")


def _mail(receiver: Receiver, smtp: Smtp, place: str) -> Iterator[Problem]:
    if not receiver.to:
        yield Problem(f"{place}.to", "is missing", "add 'to = [\"NAME@HOST\"]'")
    yield from _many(f"{place}.to", len(receiver.to), ADDRESSES_MAX)
    for index, address in enumerate(receiver.to):
        if not ADDRESS.fullmatch(address):
            yield Problem(f"{place}.to[{index}]", "is not an address", "write NAME@HOST")
    if not smtp.host:
        yield Problem("alerts.smtp.host", "is empty, and a receiver wants mail", "name the server")
    if not ADDRESS.fullmatch(smtp.sender):
        yield Problem("alerts.smtp.sender", "is not an address", "write NAME@HOST")
    for name in ("url_env", "url_file", "secret_env", "secret_file"):
        if getattr(receiver, name):
            yield Problem(f"{place}.{name}", "says nothing of e-mail", "remove it")


def _known(place: str, name: str, given: str, known: Sequence[str]) -> Iterator[Problem]:
    if given and given not in known:
        close = difflib.get_close_matches(given, known, n=1)
        listed = f"there are: {', '.join(known)}" if known else "there are none yet"
        remedy = f"did you mean {close[0]!r}?" if close else listed
        yield Problem(f"{place}.{name}", f"no {name} is named {given!r}", remedy)


def _twice(place: str, names: Sequence[str]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for at, name in enumerate(names):
        if name in first:
            other = f"{place}[{first[name]}]"
            yield Problem(f"{place}[{at}].name", f"{name!r} is {other} too", "rename one")
        first.setdefault(name, at)


def _many(place: str, number: int, most: int) -> Iterator[Problem]:
    if number > most:
        yield Problem(place, f"are {number}", f"there may be {most}")
