"""``penstock emulate``: stand in for the Claude, GPT and Gemini APIs."""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvloop

from penstock.apps.emulate.catalogue import ALL_MODELS, PROVIDERS
from penstock.apps.emulate.control import limit_problems
from penstock.apps.emulate.limits import RateLimit
from penstock.apps.emulate.pace import SPREAD, PaceSetting, pace_problems
from penstock.apps.emulate.serve import serve
from penstock.apps.emulate.settings import Settings, new_token
from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.core.fault_script import read_script

PORT = 8405
URLS = (
    ("claude", "/claude"),
    ("gpt", "/gpt/v1"),
    ("gemini", "/gemini/v1beta/openai"),
    ("gemini_native", "/gemini"),
)
_Number = TypeVar("_Number", int, float)


class _UsageError(Exception):
    """Arguments or files that cannot be used; one line for each problem."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the reference is generated from it."""
    parser = argparse.ArgumentParser(
        prog="penstock emulate",
        description="Stand in for the Claude, GPT and Gemini APIs, with their limits and failures.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=PORT, help="port, 0 for any free one (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed of texts, paces and chance (default: 0)")
    each = "for one provider as NAME=VALUE, for all as VALUE; may be repeated"
    add("--ttft-s", action="append", default=[], help=f"seconds to the first token, {each}")
    add("--tokens-per-s", action="append", default=[], help=f"tokens a second, {each}")
    add(
        "--spread",
        type=float,
        default=SPREAD,
        help="spread of the pace: sigma of its logarithm (default: %(default)s)",
    )
    add("--instant", action="store_true", help="no pace: answer at once")
    add("--requests-per-min", action="append", default=[], help=f"rate limit, {each}")
    add("--tokens-per-min", action="append", default=[], help=f"rate limit, {each}")
    add("--faults", type=Path, help="fault script, TOML or JSON, in force from the start")
    add(
        "--allow-fault-header",
        action="store_true",
        help="obey x-emulate-fault: KIND[;parameter=value...]",
    )
    add(
        "--shared-text",
        action="store_true",
        help="all providers and models say the same to the same conversation",
    )
    add("--control-token-file", type=Path, help="file with the control token (default: a new one)")
    add("--ready-file", type=Path, help="write addresses, token and pid here, once listening")
    return parser


def run(argv: list[str]) -> int:
    """Serve until SIGTERM or SIGINT. Returns 2 for bad arguments, 1 if the port is taken."""
    arguments = build_parser().parse_args(argv)
    try:
        settings = _settings(arguments)
    except _UsageError as error:
        sys.stderr.write(f"penstock emulate: {error}\n")
        return 2
    host: str = arguments.host
    ready_file: Path | None = arguments.ready_file

    def on_ready(port: int) -> None:
        url = f"http://{host}:{port}"
        if ready_file is not None:
            _write_ready_file(ready_file, url, settings.control_token)
        sys.stdout.write(f"penstock emulate: {url} ({', '.join(path for _, path in URLS)})\n")
        sys.stdout.flush()

    try:
        uvloop.run(serve(settings, host, arguments.port, on_ready))
    except (OSError, StoreError) as error:
        sys.stderr.write(f"penstock emulate: cannot serve on {host}:{arguments.port}: {error}\n")
        return 1
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    problems: list[str] = []
    ttft_s = _each(arguments.ttft_s, "--ttft-s", float, problems)
    tokens_per_s = _each(arguments.tokens_per_s, "--tokens-per-s", float, problems)
    requests_per_min = _each(arguments.requests_per_min, "--requests-per-min", int, problems)
    tokens_per_min = _each(arguments.tokens_per_min, "--tokens-per-min", int, problems)
    pace = {
        name: PaceSetting(
            ttft_s=ttft_s.get(name),
            tokens_per_s=tokens_per_s.get(name),
            spread=arguments.spread,
            is_instant=arguments.instant,
        )
        for name in PROVIDERS
    }
    limits = {
        name: RateLimit(requests_per_min.get(name), tokens_per_min.get(name))
        for name in PROVIDERS
        if name in requests_per_min or name in tokens_per_min
    }
    for name in PROVIDERS:
        problems += pace_problems(pace[name], f"pace of {name}")
        problems += limit_problems(limits.get(name, RateLimit()), f"limits of {name}")
    faults = _faults(arguments.faults, problems)
    token = _token(arguments.control_token_file, problems)
    if problems:
        raise _UsageError("\n  ".join(["cannot start:", *problems]))
    return Settings(
        seed=arguments.seed,
        pace=pace,
        limits=limits,
        faults=faults,
        control_token=token,
        allows_fault_header=arguments.allow_fault_header,
        is_text_shared=arguments.shared_text,
    )


def _each(
    values: list[str], flag: str, read: Callable[[str], _Number], problems: list[str]
) -> dict[str, _Number]:
    """Read VALUE or PROVIDER=VALUE; what is for one provider outranks what is for all."""
    for_all: dict[str, _Number] = {}
    for_one: dict[str, _Number] = {}
    for value in values:
        name, equals, text = value.rpartition("=")
        if equals and name not in PROVIDERS:
            problems.append(f"{flag} {value}: the provider may be {', '.join(PROVIDERS)}")
            continue
        try:
            number = read(text)
        except ValueError:
            problems.append(f"{flag} {value}: {text!r} is not a number")
            continue
        if equals:
            for_one[name] = number
        else:
            for_all = dict.fromkeys(PROVIDERS, number)
    return for_all | for_one


def _faults(path: Path | None, problems: list[str]) -> object:
    if path is None:
        return None
    try:
        text = path.read_text()
        document: Any = tomllib.loads(text) if path.suffix == ".toml" else msgspec.json.decode(text)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        problems.append(f"--faults {path}: cannot be read: {error}")
        return None
    _, found = read_script(document, PROVIDERS, [model.name for model in ALL_MODELS])
    problems += [f"--faults {path}: {problem}" for problem in found]
    return document


def _token(path: Path | None, problems: list[str]) -> str:
    if path is None:
        return new_token()
    try:
        token = private_file.read(path).strip()
    except StoreError as error:
        problems.append(f"--control-token-file: {error}")
        return ""
    if not token or not token.isascii():
        problems.append(f"--control-token-file {path}: must hold a token in ASCII")
    return token


def _write_ready_file(path: Path, url: str, token: str) -> None:
    """Write the file whole or not at all; it holds a secret, so only its owner may read it."""
    ready = {
        "url": url,
        "urls": {name: url + prefix for name, prefix in URLS},
        "control_token": token,
        "pid": os.getpid(),
    }
    private_file.write(path, msgspec.json.encode(ready).decode())
