"""``penstock drill live``: let the running gateway fail on purpose, watch it, stop it.

    nothing                  says what is on
    KIND, --outage, --file   begins a drill over the operator API, then follows it until it is over
    --outage ID or FILE      of the drills that ``penstock drill`` plays: the providers' part of it,
                             at the upstreams that are theirs, in the seconds that are played
    followed to its end      its report is written and its result kept, as of any other drill
    Ctrl-C while following   stops it; --detach does not follow, and writes no report
    --report                 the last one as a report, or --report ID: also of one begun elsewhere

The gateway bounds, ends and stops it; this command may die without harm.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from penstock.apps.drill import files
from penstock.apps.drill.live import AFTER_S
from penstock.apps.drill.live_seeing import Looked
from penstock.cli import drill_judging, live_report, live_words, operating, state
from penstock.cli.drill_stop import stop
from penstock.cli.live_following import Following
from penstock.cli.terminal import Terminal
from penstock.config.model import Upstream
from penstock.core.errors import ConfigError, StoreError
from penstock.core.live_faults import ACTIONS
from penstock.sim.drills.judging import Stated
from penstock.sim.drills.live import live_script
from penstock.sim.drills.timetable import timetable
from penstock.snapshot.live_drill import AIMS, PLAIN_AIMS, LiveDrill, Told
from penstock.wire import clock

PATH: Final = "/live-drills"
WRONG: Final = 1
LATER: Final = "penstock drill live --report writes what each tier saw"
HOSTS: Final = {
    "anthropic": "claude",
    "openai": "gpt",
    "google": "gemini",
}  # azure, bedrock: theirs
SPEAKERS: Final = {
    "anthropic_messages": "claude",
    "openai_chat": "gpt",
    "openai_responses": "gpt",
    "gemini_generate": "gemini",
}


class Now(msgspec.Struct):
    """What the operator API says."""

    is_allowed: bool = False
    drill: LiveDrill | None = None
    workers: list[Told] = []


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        prog="penstock drill live",
        description="Let the running gateway fail on purpose: for a share of real exchanges, "
        "never more than the blast radius, for at most 15 minutes. It stops by itself when a "
        "contract is in danger. Needs allow_live_drills under [gateway].",
    )
    kinds = sorted(kind.value for kind in ACTIONS)
    parser.add_argument("kind", nargs="?", metavar="KIND", choices=kinds, help=", ".join(kinds))
    parser.add_argument(
        "--outage", metavar="ID", help="a drill of the drill file: ID, FILE or FILE#ID"
    )
    parser.add_argument(
        "--first-changes", type=int, default=0, help="of --outage: only the first so many"
    )
    parser.add_argument("--file", type=Path, help="the whole request as JSON, for several faults")
    parser.add_argument("--reason", default="", help="why; stands in the audit log")
    parser.add_argument("--minutes", type=float, default=5.0, help="until its end (default: 5)")
    parser.add_argument(
        "--share", type=float, default=100.0, help="percent of whom it may strike (default: 100)"
    )
    parser.add_argument(
        "--radius", type=float, default=5.0, help="percent of all exchanges, at most (default: 5)"
    )
    parser.add_argument("--tenant", default="*", help="only this one (default: all)")
    parser.add_argument(
        "--tier", action="append", choices=AIMS, help=f"default: {', '.join(PLAIN_AIMS)}"
    )
    parser.add_argument("--route", default="*", help="a glob (default: all)")
    parser.add_argument("--upstream", default="*", help="a glob (default: all)")
    parser.add_argument("--model", default="*", help="a glob (default: all)")
    parser.add_argument("--delay-s", type=float, default=5.0, help="of hang, slow_ttft and stall")
    parser.add_argument("--after-events", type=int, default=3, help="of stall and stream_cut")
    parser.add_argument("--detach", action="store_true", help="begin it, and do not follow it")
    parser.add_argument(
        "--report", nargs="?", const="", metavar="ID", help="write the report of the last, or of ID"
    )
    parser.add_argument(
        "--after-s",
        type=float,
        default=AFTER_S,
        metavar="S",
        help=f"seconds after its end that the report goes on (default: {AFTER_S:g})",
    )
    drill_judging.add_options(parser)
    parser.add_argument("--json", action="store_true", help="say what is on, as JSON")
    return parser


def run(argv: Sequence[str]) -> int:
    """Begin a drill, or say what is on; returns the exit status."""
    given = build_parser().parse_args(argv)
    terminal = Terminal(is_error=not given.json)
    home = state.open_state()
    try:
        stated = drill_judging.stated(given, None, clock.now_unix_s())
        if given.report is not None:
            return live_report.write(home, terminal, given, stated)
        if given.kind is None and given.file is None and given.outage is None:
            return _show(home, given)
        with operating.opened(home) as api:
            body = _outage(given, api, terminal) if given.outage else _body(given)
            made = msgspec.json.decode(api.call("POST", PATH, body), type=Now)
        assert made.drill is not None
        live_words.drill(terminal, made.drill, clock.now_unix_s())
        return _follow(Following(home, made.drill, terminal), given, stated)
    except ConfigError as error:
        terminal.problems("bad", error.problems)
        return WRONG
    except StoreError as error:
        terminal.state("bad", error.message)
        return WRONG


def _show(home: state.State, given: argparse.Namespace) -> int:
    with operating.opened(home) as api:
        raw = api.call("GET", PATH)
    if given.json:
        Terminal().line(raw.decode())
        return 0
    terminal, now = Terminal(), msgspec.json.decode(raw, type=Now)
    if now.drill is not None:
        live_words.drill(terminal, now.drill, clock.now_unix_s())
    else:
        terminal.state("good" if now.is_allowed else "unknown", "no live drill is on")
    if not now.is_allowed:
        terminal.line("    none is allowed: [gateway] allow_live_drills is off", "bright_black")
    for told in now.workers:
        live_words.worker(terminal, told)
    return 0


def _body(given: argparse.Namespace) -> Any:
    if given.file is not None:
        try:
            return msgspec.json.decode(given.file.read_bytes())
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(f"{given.file} cannot be read: {error}") from error
    fault = {
        "kind": given.kind,
        "share_ratio": given.share / 100.0,
        **_whom(given),
        "upstream": given.upstream,
        "model": given.model,
        "delay_s": given.delay_s,
        "after_events": given.after_events,
        "lasts_s": given.minutes * 60.0,
    }
    return _asked(given, [fault])


def _outage(given: argparse.Namespace, api: operating.Api, terminal: Terminal) -> Any:
    """Return what a drill of the file asks for here, and say what of it is not struck."""
    drills, drill = files.find(given.outage)
    table = timetable(drills, drill, first_changes=given.first_changes)
    ours: dict[str, list[str]] = {}
    for upstream in api.get(list[Upstream], "/upstreams"):
        ours.setdefault(provider_of(upstream), []).append(upstream.name)
    found = live_script(table, ours)
    for one in found.unplayed:
        terminal.line(f"    not struck: {one.surface}: {one.why}", "bright_black")
    if not found.faults:
        raise StoreError(f"nothing of {drill.id} can be struck here")
    faults = [msgspec.to_builtins(one) | _whom(given) for one in found.faults]
    return _asked(given, faults) | {"outage": drill.id}


def provider_of(upstream: Upstream) -> str:
    """Return whose upstream it is, by its address, else by what it speaks; empty: our own."""
    if upstream.engine is not None:
        return ""
    host = urlsplit(upstream.base_url).hostname or ""
    named = (one for mark, one in HOSTS.items() if mark in host)
    return next(named, SPEAKERS.get(upstream.dialect.value, ""))


def _whom(given: argparse.Namespace) -> dict[str, Any]:
    return {"tenant": given.tenant, "tiers": given.tier or PLAIN_AIMS, "route": given.route}


def _asked(given: argparse.Namespace, faults: list[dict[str, Any]]) -> dict[str, Any]:
    if not given.reason.strip():
        raise StoreError("say why: --reason 'game day of the payments team'")
    return {
        "faults": faults,
        "reason": given.reason.strip(),
        "blast_radius_ratio": given.radius / 100.0,
    }


def _follow(one: Following, given: argparse.Namespace, stated: Stated) -> int:
    """Say how it goes, then write its report; returns 1 if something was not as it should be."""
    looked: Looked | None = None
    try:
        if not one.taken():
            return WRONG
        if given.detach:
            one.terminal.line(f"    {LATER}", "bright_black")
            return one.tell()
        status, looked = one.follow(given.after_s)
    except KeyboardInterrupt:  # before it was followed
        status = stop(one.home, one.terminal)
    given.report = one.drill.id
    return max(status, live_report.write(one.home, one.terminal, given, stated, looked))
