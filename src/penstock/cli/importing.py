"""``penstock import``: another gateway's configuration, keys and prices, taken over.

    litellm CONFIG   its config.yaml becomes penstock.toml; keys that stood in it become files
    --keys FILE      callers go on with the keys that they have: only their SHA-256 is read
    a report         what carried over, what only nearly, and what not, with what to do instead

Run again it changes nothing that is there; no key's value is ever shown.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from penstock.cli import litellm_keys, operating, state
from penstock.cli.litellm_keys import ImportedKey, ImportedKeys
from penstock.cli.terminal import Terminal
from penstock.config import litellm, load, private_file, toml
from penstock.config.litellm import Imported, Notice
from penstock.config.tenancy import Limits
from penstock.core.errors import ConfigError, Problem, StoreError

CONFIG_BYTES_MAX: Final = 4 * 1024 * 1024  # thousands of models
KEYS_BYTES_MAX: Final = 256 * 1024 * 1024  # 50,000 keys with all that LiteLLM exports of each
PART: Final = 5_000  # keys in one call, which control takes as one transaction
SHOWN: Final = 40  # notices of each kind; --json has them all
HEAD: Final = "# Written by 'penstock import litellm'. Every setting: docs/reference/settings.md\n"


class Told(msgspec.Struct):
    """What became of it all; ``clashes`` are keys that were left out."""

    file: str
    entries: int
    carried: int
    upstreams: int
    routes: int
    key_files: list[str]
    tenants: dict[str, int]
    keys: dict[str, int]
    prices: dict[str, int]
    changed: list[Notice]  # carried over, not quite as it was
    left_out: list[Notice]
    clashes: list[Problem]
    problems: list[Problem]  # of the file that was written


class KnownKey(msgspec.Struct, omit_defaults=True):
    """A key as control takes it over."""

    id: str
    sha256: str
    tenant: str
    routes: tuple[str, ...] = ()
    limits: Limits = Limits()
    expires_unix_s: float | None = None
    hint: str = ""


class Answer(msgspec.Struct):
    """What control says."""

    tenants: dict[str, int]
    keys: dict[str, int]
    costs: dict[str, int]
    clashes: list[Problem]


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock import``."""
    parser = argparse.ArgumentParser(
        prog="penstock import",
        description="Take over another gateway's configuration, keys and prices.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("litellm", help="LiteLLM's config.yaml, and its keys")
    one.add_argument("config", type=Path, help="LiteLLM's config.yaml")
    one.add_argument(
        "--keys", type=Path, metavar="FILE", help="its table of verification tokens, JSON or CSV"
    )
    one.add_argument(
        "--out", type=Path, metavar="FILE", default=Path("penstock.toml"),
        help="what is written (default: penstock.toml); keys go to keys/ beside it",
    )  # fmt: skip
    one.add_argument("--force", action="store_true", help="replace files that are there")
    one.add_argument(
        "--keys-only", action="store_true", help="leave files as they are: keys and prices alone"
    )
    one.add_argument("--dry-run", action="store_true", help="report, and change nothing")
    one.add_argument("--json", action="store_true", help="write the report as one JSON object")
    return parser


def run(argv: Sequence[str]) -> int:
    """Take over; 1 if the file that was written has problems, or keys were left out."""
    args = build_parser().parse_args(argv)
    found = _config(args.config)
    routes = frozenset(route.name for route in found.config.routes)
    keys = _keys(args.keys, routes) if args.keys else ImportedKeys()
    files = _key_files(found, args.out)
    text = HEAD + toml.document(found.config)
    notices = [*found.notices, *keys.notices]
    told = Told(
        file=str(args.out),
        entries=found.entries,
        carried=found.carried,
        upstreams=len(found.config.upstreams),
        routes=len(found.config.routes),
        key_files=[str(path) for path in files],
        tenants={},
        keys={"read": len(keys.keys)},
        prices={"read": len(found.prices)},
        changed=[one for one in notices if not one.is_left_out],
        left_out=[one for one in notices if one.is_left_out],
        clashes=[],
        problems=[] if args.keys_only else _problems(text),
    )
    if not args.dry_run:
        if not args.keys_only:
            _write(args.out, text, files, is_forced=args.force)
        if not told.problems:  # else there is no telling which database they go to
            _take_over(found, keys, told)
    _tell(told, is_json=args.json, is_dry=args.dry_run)
    return 1 if told.problems or told.clashes else 0


def _config(path: Path) -> Imported:
    text = _read(path, CONFIG_BYTES_MAX)
    try:
        return litellm.read(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)  # its words would quote the file
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise StoreError(f"{path} is not YAML{where}") from error
    except ValueError as error:
        raise StoreError(f"{path}: {error}") from error


def _keys(path: Path, routes: frozenset[str]) -> ImportedKeys:
    try:
        return litellm_keys.read(_read(path, KEYS_BYTES_MAX), routes)
    except ValueError as error:
        raise StoreError(f"{path} {error}") from error


def _read(path: Path, bytes_max: int) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(bytes_max + 1)
        if len(raw) > bytes_max:
            raise StoreError(f"{path} is larger than {bytes_max} bytes")
        return raw.decode("utf-8")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not text in UTF-8") from error


def _key_files(found: Imported, out: Path) -> dict[Path, str]:
    """Return the files for keys that stood in the configuration, and name them in it."""
    folder = out.resolve().parent / "keys"
    files = {folder / f"{name}.key": key for name, key in found.secrets.items()}
    upstreams = tuple(
        msgspec.structs.replace(one, api_key_file=str(folder / f"{one.name}.key"))
        if one.name in found.secrets
        else one
        for one in found.config.upstreams
    )
    found.config = msgspec.structs.replace(found.config, upstreams=upstreams)
    return files


def _problems(text: str) -> list[Problem]:
    try:
        load.parse(text)
    except ConfigError as error:
        return error.problems
    return []


def _write(out: Path, text: str, files: dict[Path, str], *, is_forced: bool) -> None:
    """Write all files, or none: what is there and differs is replaced only by force."""
    wanted = {out: text, **{path: f"{key}\n" for path, key in files.items()}}
    there = [
        path for path, content in wanted.items()
        if path.exists() and path.read_bytes() != content.encode()
    ]  # fmt: skip
    if there and not is_forced:
        raise StoreError(f"{there[0]} is there already: --force replaces it, --out names another")
    if files:
        (out.resolve().parent / "keys").mkdir(mode=0o700, exist_ok=True)
    for path, content in reversed(wanted.items()):
        private_file.write(path, content)


def _take_over(found: Imported, keys: ImportedKeys, told: Told) -> None:
    """Give tenants, keys and prices to control, part by part; each is whole or not at all."""
    home = state.open_state()
    own = {one.key.id for one in keys.keys}
    tenants = sorted({one.key.tenant for one in keys.keys} - own)
    costs = [{**msgspec.to_builtins(one), "source": "litellm"} for one in found.prices]
    told.keys = told.tenants = told.prices = {}
    with operating.opened(home) as api:
        for part in _parts(keys.keys, tenants, costs):
            answer = msgspec.json.decode(api.call("POST", "/imports", part), type=Answer)
            told.tenants = _sum(told.tenants, answer.tenants)
            told.keys = _sum(told.keys, answer.keys)
            told.prices = _sum(told.prices, answer.costs)
            told.clashes += answer.clashes
        operating.announce(home, api)


def _parts(
    keys: list[ImportedKey], tenants: list[str], costs: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for at in range(0, max(len(keys), len(tenants), len(costs)), PART):
        yield {
            "tenants": tenants[at : at + PART],
            "keys": [_known(one) for one in keys[at : at + PART]],
            "costs": costs[at : at + PART],
        }


def _known(one: ImportedKey) -> KnownKey:
    key = one.key
    return KnownKey(
        key.id,
        key.sha256,
        key.tenant,
        key.routes,
        key.limits,
        one.expires_unix_s or None,
        one.hint,
    )


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other[name] for name in other}


def _tell(told: Told, *, is_json: bool, is_dry: bool) -> None:
    if is_json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return
    terminal = Terminal()
    words = "would be written" if is_dry else "is written"
    terminal.state(
        "good",
        f"{told.file} {words}: {told.routes} routes and {told.upstreams} upstreams, from "
        f"{told.carried} of {told.entries} models",
    )
    for path in told.key_files:
        terminal.state("good", f"{path} {words}: a key that stood in the file")
    for name, counts in (("tenants", told.tenants), ("keys", told.keys), ("prices", told.prices)):
        if any(counts.values()):
            each = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)
            terminal.state("good", f"{name}: {each}")
    _notices(terminal, "degraded", "Not quite as it was", told.changed)
    _notices(terminal, "partial", "Left out", told.left_out)
    if told.clashes:
        terminal.line("\nKeys that were left out", "bold")
        terminal.problems("bad", told.clashes)
    if told.problems:
        terminal.line("\nTo be corrected in the file before it can be served", "bold")
        terminal.problems("bad", told.problems)
        terminal.line("keys and prices were not taken over: correct it, then do so by --keys-only.")
    elif not is_dry:
        terminal.line("\nNext: penstock check, then penstock up (or penstock reload).")


def _notices(terminal: Terminal, shape: str, title: str, notices: list[Notice]) -> None:
    if not notices:
        return
    terminal.line(f"\n{title}", "bold")
    for one in notices[:SHOWN]:
        terminal.state(shape, f"{one.place}: {one.message}")
        if one.remedy:
            terminal.line(f"    {one.remedy}", "bright_black")
    if len(notices) > SHOWN:
        terminal.line(f"    and {len(notices) - SHOWN} more: --json has them all", "bright_black")
