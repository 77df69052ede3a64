"""Configuration: what is served now, and what a file would change. The file owns it, not this page.

    /configuration         upstreams and routes as they are served; secrets by reference only
    /configuration/check   POST text: everything that is wrong with it, by line; else what differs

Nothing is written here: the operator saves the file and runs ``penstock reload``.
"""

import tomllib
from typing import Any, Final

import msgspec
from starlette.responses import Response

from penstock.apps.control.console import difference
from penstock.apps.control.console.difference import Line
from penstock.apps.control.console.view import Page, View
from penstock.config import check, load
from penstock.config.locate import Lines
from penstock.config.model import Config, Upstream
from penstock.core.errors import Problem
from penstock.snapshot import file
from penstock.snapshot.model import Snapshot
from penstock.web import serving
from penstock.web.endpoint import Role

MARKS: Final = "/configuration"


class Checked(msgspec.Struct, frozen=True):
    """What came of a text: problems, or warnings and differences."""

    text: str
    problems: list[Problem] = []
    warnings: list[Problem] = []
    lines: list[Line] = []


def configuration(view: View) -> str:
    """Return the page."""
    return _page(view, None)


def checked(view: View) -> Response:
    """Return the page with what a text would change."""
    text = view.form.get("text", "").replace("\r\n", "\n")
    served = _served(view)
    told = examine(text, served.config if served else Config())
    return serving.page(_page(view, told), 422 if told.problems else 200)


def examine(text: str, served: Config) -> Checked:
    """Return what is wrong with a text, or what it would change of what is served."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Checked(text, [Problem("the text", f"is not TOML: {error}", "see toml.io")])
    config, found = load.convert(table)
    lines = Lines(text)
    if found:
        placed = [_placed(one, lines) for one in found]
        return Checked(text, sorted(placed, key=lambda one: one.line))
    warnings = [_placed(one, lines) for one in check.warnings(config)]
    differs = difference.lines(builtins(served), builtins(config))
    return Checked(text, [], warnings, differs)


def builtins(config: Config) -> Any:
    """Return a configuration as plain tables; of an upstream's headers only the names."""
    hidden = tuple(
        msgspec.structs.replace(one, headers=dict.fromkeys(one.headers, "set"))
        for one in config.upstreams
    )
    return msgspec.to_builtins(msgspec.structs.replace(config, upstreams=hidden))


def reference(upstream: Upstream) -> str:
    """Return where an upstream's key is, never the key."""
    if upstream.api_key_env:
        return f"variable {upstream.api_key_env}"
    return f"file {upstream.api_key_file}" if upstream.api_key_file else "needs none"


def _placed(problem: Problem, lines: Lines) -> Problem:
    return Problem(problem.place, problem.message, problem.remedy, lines.of(problem.place))


def _served(view: View) -> Snapshot | None:
    path = view.parts.publisher.path
    return file.read(path) if path.exists() else None


def _page(view: View, told: Checked | None) -> str:
    served = _served(view)
    plan = view.parts.publisher.plan() if served else None
    return view.page(
        "configuration.html",
        title="Configuration",
        served=served,
        origin=plan.origin if plan else "",
        reference=reference,
        told=told,
        warnings=list(check.warnings(served.config)) if served else [],
    )


PAGES: Final = (
    Page(path="/configuration", handler=configuration),
    Page(
        path="/configuration/check",
        handler=checked,
        method="POST",
        role=Role.VIEWER,
        marks=MARKS,
    ),
)
