"""The configuration: shown and checked here, owned by the file. Secrets are named, never shown."""

from typing import Annotated, Any, Final, cast

import msgspec

from penstock.apps.control.call import Call
from penstock.config import load
from penstock.config.check import warnings
from penstock.config.model import Config, Route, Upstream
from penstock.core.errors import ConfigError, Problem
from penstock.snapshot.plan import PlanFile
from penstock.web.endpoint import Endpoint, MissingError, Role

TEXT_CHARS_MAX: Final = 1024 * 1024
MASK: Final = "***"
CHANGES_MAX: Final = 1000  # more than anybody reads


class Shown(msgspec.Struct, frozen=True):
    """What is served, and where it comes from."""

    config: Config
    origin: str  # a file's path, or what was found
    is_emulated: bool


class CheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file's text, to be looked at."""

    text: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]


class Setting(msgspec.Struct, frozen=True):
    """One setting that differs; as JSON, empty if it is not there."""

    place: str
    before: str
    after: str


class Checked(msgspec.Struct, frozen=True):
    """What a text would mean. Problems: it cannot be served; warnings: it may not be meant."""

    problems: list[Problem]
    warnings: list[Problem]
    changes: list[Setting]  # against what is served


def show(call: Call) -> Shown:
    """Return what is served."""
    plan = _plan(call)
    return Shown(_masked(plan.config), plan.origin, plan.is_emulated)


def routes(call: Call) -> list[Route]:
    """Return the routes."""
    return list(_plan(call).config.routes)


def upstreams(call: Call) -> list[Upstream]:
    """Return the upstreams."""
    return list(_masked(_plan(call).config).upstreams)


def check(call: Call) -> Checked:
    """Look at a text; nothing is changed."""
    body: CheckBody = call.body
    try:
        config = load.parse(body.text)
    except ConfigError as error:
        return Checked(error.problems, [], [])
    problems = list(load.file_problems(config))
    served = call.parts.publisher.plan()
    before = msgspec.to_builtins(_masked(served.config if served else Config()))
    changes = _changes("", before, msgspec.to_builtins(_masked(config)))
    return Checked(problems, list(warnings(config)), changes[:CHANGES_MAX])


def _plan(call: Call) -> PlanFile:
    plan = call.parts.publisher.plan()
    if plan is None:
        raise MissingError("nothing is served yet: start 'penstock up'")
    return plan


def _masked(config: Config) -> Config:
    """Return it without what should be no secret, and may be one all the same."""
    replace = msgspec.structs.replace
    control = replace(config.control, database_url=_without_user(config.control.database_url))
    upstreams = tuple(
        replace(
            one,
            base_url=_without_user(one.base_url),
            metrics_url=_without_user(one.metrics_url),
            headers=dict.fromkeys(one.headers, MASK),
        )
        for one in config.upstreams
    )
    traces = replace(config.traces, endpoint=_without_user(config.traces.endpoint))
    return replace(config, control=control, upstreams=upstreams, traces=traces)


def _without_user(url: str) -> str:
    head, at, tail = url.rpartition("@")
    scheme, slashes, user = head.partition("://")
    if not at or not slashes:
        return url
    return f"{scheme}://{user.partition(':')[0]}@{tail}"


def _changes(place: str, before: Any, after: Any) -> list[Setting]:
    """Return the settings that differ: tables by name, lists of named tables by their names."""
    before, after = _named(before), _named(after)
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        found: list[Setting] = []
        for name in [*old, *(name for name in new if name not in old)]:
            at = f"{place}.{name}" if place else name
            found += _changes(at, old.get(name), new.get(name))
        return found
    return [Setting(place, _json(before), _json(after))]


def _named(value: Any) -> Any:
    """Return a list of named tables as a table."""
    if not isinstance(value, (list, tuple)):
        return value
    tables = list(cast("list[Any]", value))
    if not tables or not all(isinstance(one, dict) and "name" in one for one in tables):
        return tables
    return {str(one["name"]): one for one in tables}


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/configuration",
        summary="Show the configuration that is served; secrets by reference only",
        tag="configuration",
        role=Role.VIEWER,
        handler=show,
        answer=Shown,
        raises=(MissingError,),
    ),
    Endpoint(
        method="POST",
        path="/configuration/check",
        summary="Say what is wrong with a file's text, and what it would change",
        tag="configuration",
        role=Role.VIEWER,
        handler=check,
        body=CheckBody,
        answer=Checked,
    ),
    Endpoint(
        method="GET",
        path="/routes",
        summary="List the routes",
        tag="configuration",
        role=Role.VIEWER,
        handler=routes,
        answer=list[Route],
        raises=(MissingError,),
    ),
    Endpoint(
        method="GET",
        path="/upstreams",
        summary="List the upstreams; their keys by reference only",
        tag="configuration",
        role=Role.VIEWER,
        handler=upstreams,
        answer=list[Upstream],
        raises=(MissingError,),
    ),
)
