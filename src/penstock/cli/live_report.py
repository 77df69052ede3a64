"""``penstock drill live --report``: the last live drill, or one by its id, as a report in a folder.

The drill and its end are found in the audit log, its exchanges in the ledger, and what the status
page said in the page's own history if nobody looked on: so it can be asked for later, too. Written
are ``<state>/drills/<time>-<id>/report.html`` and ``result.json``, as of any other drill, and like
that of any other the result goes to control, once: what is kept there is never changed.
"""

import argparse
import datetime as dt
import threading
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.apps.drill import app, live
from penstock.apps.drill.live import BEFORE_S, Ended
from penstock.apps.drill.live_seeing import Looked
from penstock.cli import drill_judging, operating, state
from penstock.cli.live_following import seeing_of
from penstock.cli.operating import Api
from penstock.cli.terminal import Terminal
from penstock.config import load
from penstock.config.operations import Control
from penstock.core.errors import StoreError
from penstock.ledger.store import open_store
from penstock.sim.drills.judging import Stated, judged
from penstock.sim.drills.measuring import Joined, completed
from penstock.sim.drills.shapes import PENSTOCK, Result
from penstock.snapshot import live_drill, plan
from penstock.snapshot.live_drill import KIND, End, LiveDrill, Told
from penstock.wire import clock

READ_S: Final = 10.0  # for control to have read what the gateway has written
POLL_S: Final = 0.25
EARLIER: Final = 500  # drills whose ends are looked at


class Change(msgspec.Struct):
    """What is needed of a line of the audit log."""

    object: str = ""
    after: str = ""


class Log(msgspec.Struct):
    """A part of the audit log."""

    items: list[Change]


class Reading(msgspec.Struct):
    """How far control is with its reading."""

    behind_bytes: int = 0


class Status(msgspec.Struct):
    """What control says of itself."""

    reading: Reading | None = None


def write(
    home: state.State,
    terminal: Terminal,
    given: argparse.Namespace,
    stated: Stated,
    looked: Looked | None = None,
) -> int:
    """Write the report of a drill, the last one if none is named; raises StoreError.

    ``looked``: what was seen of the status page meanwhile. Returns the exit status.
    """
    with operating.opened(home) as api:
        ended = _ended(home, api, given.report or "", given.after_s)
        is_kept = _is_kept(api, ended.drill.id)
        _wait_until_read(api)
    found = _records(home, ended)
    ended = msgspec.structs.replace(ended, is_quiet=live.is_quiet(found))
    made = live.calls(found, ended)
    result = live.result(ended, made, looked or _history(home, ended))
    result = completed(judged(result, made, stated), Joined())  # findings are of checks, too
    at = dt.datetime.fromtimestamp(ended.drill.began_unix_s, dt.UTC)
    folder = home.root / drill_judging.FOLDER / f"{at:%Y%m%dT%H%M%S}-{ended.drill.id}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app.write(folder, result, made)
    _say(terminal, result, folder)
    drill_judging.after(given, result, terminal, is_kept=is_kept)
    return 0 if result.is_passed else 1


def _ended(home: state.State, api: Api, name: str, after_s: float) -> Ended:
    drill = _drill(_last(api, "begin", name))
    workers = [one for one in live_drill.told(home.root) if one.drill == drill.id]
    end = live_drill.end_of(drill.id, workers) if workers else _noted(api, drill)
    return Ended(
        drill=drill,
        at_unix_s=_over_unix_s(drill, workers, end),
        why=end.why if end is not None else "",
        before_s=_before_s(api, drill),
        struck=end.struck if end is not None else 0,
        seen=end.seen if end is not None else 0,
        after_s=after_s,
    )


def _last(api: Api, action: str, name: str) -> str:
    only = {"object": name} if name else {}
    raw = api.call("GET", "/audit", kind=KIND, action=action, limit=1, **only)
    items = msgspec.json.decode(raw, type=Log).items
    if not items:
        raise StoreError("the audit log has no such live drill")
    return items[0].after


def _drill(text: str) -> LiveDrill:
    try:
        return msgspec.json.decode(text, type=LiveDrill)
    except msgspec.MsgspecError as error:
        raise StoreError(f"the audit log's drill cannot be read: {error}") from error


def _noted(api: Api, drill: LiveDrill) -> End | None:
    """Return how it ended by the audit log: workers speak of another drill by now."""
    try:
        return msgspec.json.decode(_last(api, "end", drill.id), type=End)
    except (StoreError, msgspec.MsgspecError):
        return None


def _before_s(api: Api, drill: LiveDrill) -> float:
    """Return how much of what was before is usual: nothing of another drill."""
    raw = api.call("GET", "/audit", kind=KIND, action="end", limit=EARLIER)
    ends = [
        msgspec.json.decode(one.after, type=End).at_unix_s
        for one in msgspec.json.decode(raw, type=Log).items
        if one.object != drill.id
    ]
    gone_s = [drill.began_unix_s - one for one in ends if one <= drill.began_unix_s]
    return min((BEFORE_S, *gone_s))


def _over_unix_s(drill: LiveDrill, workers: list[Told], end: End | None) -> float:
    """Return when the last worker had ended it; while it is on, that is now."""
    is_on = any(one.state == live_drill.ON for one in workers)
    if end is not None and not is_on:
        return end.at_unix_s
    return min(drill.ends_unix_s, clock.now_unix_s())


def _is_kept(api: Api, name: str) -> bool:
    try:
        api.call("GET", f"/drills{operating.place(name)}")
    except StoreError:
        return False
    return True


def _wait_until_read(api: Api) -> None:
    """Wait for control to have read what there is; what it has not is missing in the report."""
    pause = threading.Event()  # never set: it only waits
    for _ in range(int(READ_S / POLL_S)):
        reading = api.get(Status, "/status").reading
        if reading is None or not reading.behind_bytes:
            return
        pause.wait(POLL_S)


def _records(home: state.State, ended: Ended) -> list[Any]:
    planned = plan.read(home.plan)
    control = planned.config.control if planned is not None else Control()
    store = open_store(control.database_url, home.root, load.database_password(control))
    try:
        return live.records(store, ended)
    finally:
        store.close()


def _history(home: state.State, ended: Ended) -> Looked | None:
    zero_unix_s = ended.drill.began_unix_s - BEFORE_S
    made = seeing_of(home, clock.now_s() - (clock.now_unix_s() - zero_unix_s))
    if made is None:
        return None
    with made as seeing:
        return seeing.history(zero_unix_s, ended.at_unix_s + ended.after_s)


def _say(terminal: Terminal, result: Result, folder: Path) -> None:
    for arm in result.arms:
        for one in arm.counts:
            if arm.name == PENSTOCK and one.tier and one.window == -1 and one.calls:
                bad = one.calls - one.complete
                words = f"{one.tier}: {one.complete:,} of {one.calls:,} complete"
                terminal.state("good" if not bad else "degraded", words)
    for check in result.checks:
        if check.is_kept is False:
            terminal.state("bad", f"{check.name}: {check.words}" if check.words else check.name)
    terminal.line(f"    {folder / app.REPORT}", "bright_black")
