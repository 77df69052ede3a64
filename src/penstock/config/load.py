"""The only reader of the environment and of the configuration file.

msgspec stops at the first bad field, so each field is converted by itself: the operator sees all
problems at once, each with its place, its line and its remedy. A required field that is missing
or bad gets a stand-in, so that the checks of the rest still run; what they then say about the
stand-in is dropped.
"""

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args, get_origin

import msgspec

from penstock.config import check, private_file
from penstock.config.locate import Lines
from penstock.config.model import Config, Struct, Upstream
from penstock.config.operations import Control
from penstock.core.errors import ConfigError, Problem, StoreError

FILE_BYTES_MAX = 4 * 1024 * 1024  # ten thousand upstreams; more is a wrong path
STATE_DIR_MODE = 0o700

SETTINGS: Final[dict[str, str]] = {
    "PENSTOCK_CONFIG": "The configuration file; without it, `penstock.toml` if it exists.",
    "PENSTOCK_STATE_DIR": "Where keys, snapshot and spool lie; without it, `.penstock`.",
}
DEFAULT_FILE = "penstock.toml"
DEFAULT_STATE_DIR = ".penstock"

_Struct = TypeVar("_Struct", bound=Struct)


def environment() -> Mapping[str, str]:
    """Return the variables of this process."""
    return os.environ


def config_path(given: str = "") -> Path | None:
    """Return the file to read: as given, else as the environment says, else ./penstock.toml."""
    named = given or os.environ.get("PENSTOCK_CONFIG", "")
    if named:
        return Path(named)
    default = Path(DEFAULT_FILE)
    return default if default.exists() else None


def state_dir_path() -> Path:
    """Return where the state directory is, or would be."""
    return Path(os.environ.get("PENSTOCK_STATE_DIR") or DEFAULT_STATE_DIR)


def state_dir() -> Path:
    """Return the state directory, made with mode 0700 if it is not there; raises StoreError."""
    path = state_dir_path()
    try:
        for folder in (path, path / "run", path / "spool"):
            folder.mkdir(mode=STATE_DIR_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the state directory {path} cannot be made: {error.strerror}") from error
    return path


def secret(upstream: Upstream) -> str:
    """Return an upstream's key, read anew at each call; empty if it needs none.

    Raises StoreError that names the variable or the file, never what is in it.
    """
    variable, path = upstream.api_key_env, upstream.api_key_file
    found = referenced(variable, path, f"the key of {upstream.name}")
    if not found.isascii() or not found.isprintable() or " " in found:
        origin = f"the file {path}" if path else f"the variable {variable}"
        raise StoreError(f"{origin} does not hold a key: a key is printable ASCII without spaces")
    return found


def database_password(control: Control) -> str:
    """Return the password of the ledger's database; empty if it needs none. Raises StoreError."""
    variable, path = control.database_password_env, control.database_password_file
    return referenced(variable, path, "the database's password")


def referenced(variable: str, path: str, what: str) -> str:
    """Return a secret that a file or a variable holds, read anew; empty if neither is named.

    Raises StoreError that names the variable or the file, never what is in it.
    """
    if path:
        found, origin = private_file.read(Path(path)).strip(), f"the file {path}"
    elif variable:
        found, origin = os.environ.get(variable, "").strip(), f"the variable {variable}"
    else:
        return ""
    if not found:
        raise StoreError(f"{origin} is empty or not set: it should hold {what}")
    return found


def load(path: Path) -> Config:
    """Read and check a file; raises ConfigError with all of its problems."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        remedy = "name a file with --config, or write one with 'penstock init'"
        raise ConfigError([Problem(str(path), f"cannot be read: {error.strerror}", remedy)]) from (
            error
        )
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigError([Problem(str(path), "is too large", f"at most {FILE_BYTES_MAX} bytes")])
    try:
        return parse(raw.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), f"is not TOML: {error}", "see toml.io")]) from error


def parse(text: str, place: str = "the text") -> Config:
    """Check a file's text; raises ConfigError with all of its problems."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(place, f"is not TOML: {error}", "see toml.io")]) from error
    config, found = convert(table)
    if found:
        lines = Lines(text)
        placed = [dataclasses.replace(one, line=lines.of(one.place)) for one in found]
        raise ConfigError(sorted(placed, key=lambda one: one.line))
    return config


def convert(table: Mapping[str, Any]) -> tuple[Config, list[Problem]]:
    """Turn a parsed file into a configuration, and list everything that is wrong with it."""
    found: list[Problem] = []
    config = _struct(Config, table, "", found)
    wrong = {problem.place for problem in found}
    found += [p for p in check.problems(config) if not _is_about(p.place, wrong)]
    return config, found


def _is_about(place: str, wrong: set[str]) -> bool:
    """Tell whether a place is, holds, or lies within one that could not be converted."""
    return any(_is_within(place, other) or _is_within(other, place) for other in wrong)


def _is_within(place: str, outer: str) -> bool:
    return place == outer or place.startswith((f"{outer}.", f"{outer}["))


def _struct(
    kind: type[_Struct], raw: Mapping[str, Any], place: str, found: list[Problem]
) -> _Struct:
    """Convert a table field by field; a bad field gets its default, or a stand-in."""
    values: dict[str, Any] = {}
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    found += [_unknown(_join(place, name), name, list(fields)) for name in raw.keys() - fields]
    for name, field in fields.items():
        at = _join(place, name)
        value: Any = msgspec.UNSET
        if name in raw:
            value = _value(field.type, raw[name], at, found)
        elif field.required:
            found.append(Problem(at, "is missing", f"add '{name} = ...'"))
        if value is msgspec.UNSET and field.required:
            value = _stand_in(field.type)
        if value is not msgspec.UNSET:
            values[name] = value
    return kind(**values)


def _value(kind: Any, raw: object, place: str, found: list[Problem]) -> Any:
    """Convert one value, or note what is wrong with it and return UNSET."""
    problem: Problem
    if inner := _struct_type(kind):
        if isinstance(raw, dict):
            return _struct(inner, cast("dict[str, Any]", raw), place, found)
        problem = Problem(place, "is not a table", f"write it as [{place}]")
    elif get_origin(kind) is tuple and (inner := _struct_type(get_args(kind)[0])):
        if isinstance(raw, list):
            return tuple(_entries(inner, cast("list[object]", raw), place, found))
        problem = Problem(place, "is not a list of tables", f"write each as [[{place}]]")
    elif get_origin(kind) is dict and (inner := _struct_type(get_args(kind)[1])):
        if isinstance(raw, dict):
            return dict(_named(inner, cast("dict[str, Any]", raw), place, found))
        problem = Problem(place, "is not a table", f"write each as [{place}.NAME]")
    else:
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            problem = _bad_value(kind, raw, place, str(error))
    found.append(problem)
    return msgspec.UNSET


def _entries(
    kind: type[_Struct], raw: list[object], place: str, found: list[Problem]
) -> Iterator[_Struct]:
    for at, entry in enumerate(raw):
        if isinstance(entry, dict):
            yield _struct(kind, cast("dict[str, Any]", entry), f"{place}[{at}]", found)
        else:
            found.append(Problem(f"{place}[{at}]", "is not a table", f"write it as [[{place}]]"))
            yield _struct(kind, {}, "", [])  # keeps the places of the entries after it right


def _named(
    kind: type[_Struct], raw: Mapping[str, Any], place: str, found: list[Problem]
) -> Iterator[tuple[str, _Struct]]:
    for name, entry in raw.items():
        at = check.named(place, name)
        if isinstance(entry, dict):
            yield name, _struct(kind, cast("dict[str, Any]", entry), at, found)
        else:
            found.append(Problem(at, "is not a table", f"write it as [{at}]"))


def _struct_type(kind: Any) -> type[Struct] | None:
    return kind if isinstance(kind, type) and issubclass(kind, Struct) else None


def _stand_in(kind: Any) -> Any:
    """Return the emptiest value of a required field's type."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return () if get_origin(kind) is tuple else kind()


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _unknown(place: str, name: str, known: list[str]) -> Problem:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
    return Problem(place, "is not a setting", remedy)


def _bad_value(kind: Any, raw: object, place: str, message: str) -> Problem:
    """Say in words what msgspec says of a value; a choice gets its list."""
    words, _, at = message.replace("`", "").partition(" - at $")
    for choice in (kind, *get_args(kind)):
        if isinstance(choice, type) and issubclass(choice, Enum):
            known = [str(member.value) for member in choice]
            bad = _first_bad(raw, known)
            close = difflib.get_close_matches(bad, known, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(known)}"
            return Problem(place + at, f"{bad[:60]!r} is not known", remedy)
    return Problem(place + at, words[0].lower() + words[1:], "see docs/reference/settings.md")


def _first_bad(raw: object, known: list[str]) -> str:
    given = cast("list[object]", raw) if isinstance(raw, list) else [raw]
    return next((str(one) for one in given if one not in known), str(given))


def file_problems(config: Config) -> Iterator[Problem]:
    """Yield what is wrong outside the file: keys that are not there, files that cannot be read."""
    for at, upstream in enumerate(config.upstreams):
        try:
            secret(upstream)
        except StoreError as error:
            name = "api_key_file" if upstream.api_key_file else "api_key_env"
            remedy = "set it before the start, or remove the upstream"
            yield Problem(f"upstreams[{at}].{name}", error.message, remedy)
        yield from _unreadable(f"upstreams[{at}].tls_ca_file", upstream.tls_ca_file)
    yield from _unreadable("gateway.tls_cert_file", config.gateway.tls_cert_file)
    yield from _unreadable("gateway.tls_key_file", config.gateway.tls_key_file)


def secret_warnings(config: Config) -> Iterator[Problem]:
    """Yield which secrets of operating are not there: callers are answered without them."""
    control, smtp = config.control, config.alerts.smtp
    named: list[tuple[str, Struct, str]] = [
        ("control.", control, "database_password"),
        ("control.", control, "oidc_client_secret"),
        ("chat.oidc.", config.chat.oidc, "client_secret"),
    ]
    for at, receiver in enumerate(config.alerts.receivers):
        place = f"alerts.receivers[{at}]."
        named += [(place, receiver, "url"), (place, receiver, "secret")]
    named += [(f"probes[{at}].", probe, "password") for at, probe in enumerate(config.probes)]
    named += [("alerts.smtp.", smtp, "password"), ("traces.", config.traces, "headers")]
    for place, struct, name in named:
        variable = str(getattr(struct, f"{name}_env"))
        path = str(getattr(struct, f"{name}_file", ""))
        try:
            referenced(variable, path, f"the {name.replace('_', ' ')}")
        except StoreError as error:
            remedy = "set it before the start"
            yield Problem(f"{place}{name}_{'file' if path else 'env'}", error.message, remedy)


def _unreadable(place: str, path: str) -> Iterator[Problem]:
    if path and not os.access(path, os.R_OK):
        yield Problem(place, f"{path} cannot be read", "name a file that this user may read")
