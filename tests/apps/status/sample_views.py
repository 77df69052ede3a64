"""Views of all kinds that a page may have to show, made by hand and by seed.

The history is GitHub's: a small part of the fixture in data/, or all of it where a file is named.
"""

import datetime as dt
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.apps.status.drilling import WORDS, Announced
from penstock.apps.status.view import (
    Affected,
    ComponentView,
    Day,
    Detection,
    Evidence,
    Figures,
    IncidentView,
    Point,
    UpdateView,
    View,
)
from penstock.watch.component import State

HISTORY: Final = Path(__file__).parent / "data" / "github_incidents.jsonl"
NOW: Final = dt.datetime(2026, 8, 22, 13, 5, 12, tzinfo=dt.UTC).timestamp()
DAY_S: Final = 86_400
NAMES: Final = (
    ("surface", "Web chat", ""),
    ("surface", "Log-in", ""),
    ("surface", "API", ""),
    ("surface", "Streaming", ""),
    ("model", "claude-opus-4", "Anthropic"),
    ("model", "claude-sonnet-4", "Anthropic"),
    ("model", "gpt-5.2", "OpenAI"),
    ("model", "gpt-5.2-mini", "OpenAI"),
    ("route", "assistant", "Routes"),
    ("route", "bulk-summaries", "Routes"),
    ("shared", "Status page", ""),
)
STATUSES: Final[dict[str, str]] = {"Update": "investigating", "In progress": "in_progress"}
POSTMORTEM: Final = """# What happened

From 11:44 to 15:47 UTC **log-in** failed for most people. The API answered `200` all the time.

| UTC | What |
|---|---|
| 11:44 | First failed probe |
| 11:49 | First post |

1. Probes noticed it.
2. Failover carried the API.

Causes are still open: see https://example.org/post.
"""


def identity(number: int) -> str:
    """Return an opaque id."""
    return f"c{number:011d}"


def days(seed: int, *, is_troubled: bool = True) -> tuple[Day, ...]:
    """Return 90 days with some trouble."""
    dice = random.Random(seed)
    found: list[Day] = []
    for at in range(90):
        date = dt.datetime.fromtimestamp(NOW - (89 - at) * DAY_S, dt.UTC).date().isoformat()
        total_s = float(NOW % DAY_S) if at == 89 else 86_400.0
        kind = dice.random() if is_troubled else 1.0
        found.append(
            Day(
                date,
                degraded_s=dice.expovariate(1 / 2400) if kind < 0.10 else 0.0,
                partial_s=dice.expovariate(1 / 3000) if kind < 0.05 else 0.0,
                major_s=dice.expovariate(1 / 3600) if kind < 0.02 else 0.0,
                maintenance_s=7200.0 if 0.10 < kind < 0.12 else 0.0,
                unknown_s=total_s if at < seed % 20 else 0.0,
                total_s=total_s,
            )
        )
    return tuple(found)


def figures(found: Sequence[Day]) -> Figures:
    """Return what days come to."""
    total_s = sum(day.total_s for day in found)
    major_s, partial_s = sum(day.major_s for day in found), sum(day.partial_s for day in found)
    return Figures(
        weighted_ratio=1 - (major_s + 0.3 * partial_s) / total_s,
        clear_ratio=1 - (major_s + partial_s) / total_s,
        exchanges_ratio=1 - 0.4 * (major_s + partial_s) / total_s,
        known_ratio=1 - sum(day.unknown_s for day in found) / total_s,
    )


def response(seed: int) -> tuple[Point, ...]:
    """Return response times of a day by five minutes, with a gap."""
    dice = random.Random(seed)
    found: list[Point] = []
    for at in range(288):
        low = (0.4 + seed % 3 * 0.3) * (1.3 + math.sin(at / 40)) * dice.uniform(0.9, 1.1)
        is_gap = 100 <= at < 112 and seed % 4 == 0
        at_s = NOW - (288 - at) * 300
        found.append(
            Point(at_s, None, None)
            if is_gap
            else Point(at_s, low, low * dice.uniform(2, 3.5), 40 + seed)
        )
    return tuple(found)


def component(number: int, layer: str, name: str, group_id: str, **more: Any) -> ComponentView:
    """Return one component that is well, unless told otherwise."""
    found = days(number)
    values: dict[str, Any] = {
        "state": State.OPERATIONAL,
        "days": found,
        "figures": figures(found),
        "response": response(number) if layer != "shared" else (),
        "report_hours": tuple((at * number) % 5 for at in range(24)),
        "reports_hour": 23 * number % 5,
        "position": number,
        **more,
    }
    return ComponentView(id=identity(number), name=name, layer=layer, group_id=group_id, **values)


def grouped(
    members: Sequence[ComponentView], groups: Sequence[tuple[str, str]]
) -> list[ComponentView]:
    """Return components with their groups before them."""
    order = [State.OPERATIONAL, State.UNKNOWN, State.MAINTENANCE]
    order += [State.DEGRADED, State.PARTIAL, State.MAJOR]
    found = [one for one in members if not one.group_id]
    for key, name in groups:
        those = [one for one in members if one.group_id == key]
        worst = max((one.state for one in those), key=order.index, default=State.UNKNOWN)
        ids = tuple(one.id for one in those)
        found.append(ComponentView(id=key, name=name, is_group=True, members=ids, state=worst))
        found += those
    return found


def components(**changed: dict[str, Any]) -> list[ComponentView]:
    """Return the usual components; ``changed`` by name, with _ for what is no letter or digit."""
    groups = list(dict.fromkeys(group for _, _, group in NAMES if group))
    ids = {group: f"g{at:011d}" for at, group in enumerate(groups)}
    members = [
        component(at, layer, name, ids.get(group, ""), **changed.get(key_of(name), {}))
        for at, (layer, name, group) in enumerate(NAMES, start=1)
    ]
    return grouped(members, [(ids[group], group) for group in groups])


def key_of(name: str) -> str:
    """Return a name as a keyword."""
    return "".join(one if one.isalnum() else "_" for one in name)


def named(found: Sequence[ComponentView], *names: str) -> tuple[str, ...]:
    """Return the ids of components."""
    return tuple(one.id for one in found if one.name in names)


def view(found: Sequence[ComponentView] | None = None, **more: Any) -> View:
    """Return a view."""
    values: dict[str, Any] = {
        "page_id": "p00000000001",
        "name": "Example",
        "url": "https://status.example.org",
        "rendered_unix_s": NOW,
        "updated_unix_s": NOW,
        "components": tuple(components() if found is None else found),
        **more,
    }
    return View(**values)


def seen(text: str) -> float:
    """Return an instant."""
    return dt.datetime.fromisoformat(text).timestamp()


def history(file: Path = HISTORY, *, is_maintenance: bool = False) -> tuple[IncidentView, ...]:
    """Return GitHub's incidents, or its maintenance, the newest first."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    ids = [identity(at) for at in range(1, len(NAMES) + 1)]
    found = [
        incident_of(row, ids) for row in rows if (row["impact"] == "maintenance") is is_maintenance
    ]
    return tuple(sorted(found, key=lambda one: -one.started_unix_s))


def incident_of(row: dict[str, Any], ids: Sequence[str]) -> IncidentView:
    """Return one row of the fixture."""
    key = f"i{int(row['id']):011d}"
    updates = tuple(
        UpdateView(
            id=f"{key}{at}",
            incident=key,
            status=STATUSES.get(said["status"], str(said["status"]).lower()),
            body=said["message"],
            display_unix_s=seen(said["at"]),
        )
        for at, said in enumerate(row["updates"])
    )[::-1]
    parts = sorted({hash_of(name) % len(ids) for name in row.get("components", ())})
    is_maintenance = row["impact"] == "maintenance"
    started_s, resolved_s = seen(row["started_at"]), seen(row["resolved_at"])
    return IncidentView(
        id=key,
        number=int(row["id"]),
        name=row["title"],
        status="completed" if is_maintenance else "resolved",
        impact=row["impact"],
        is_maintenance=is_maintenance,
        components=tuple(ids[at] for at in parts),
        updates=updates,
        created_unix_s=started_s,
        updated_unix_s=resolved_s,
        started_unix_s=started_s,
        resolved_unix_s=resolved_s,
        scheduled_for_unix_s=started_s if is_maintenance else 0.0,
        scheduled_until_unix_s=resolved_s if is_maintenance else 0.0,
    )


def hash_of(text: str) -> int:
    """Return a number that is the same in each process."""
    return sum(text.encode())


def evidence(started_s: float) -> Evidence:
    """Return three charts' worth of an outage, from an hour before it."""
    dice = random.Random(7)
    share = [0.0] * 60 + [min(0.9, at / 12) for at in range(90)]
    return Evidence(
        from_unix_s=started_s - 3600,
        grain_s=60,
        reports=tuple(int(40 * one * dice.uniform(0.6, 1.4)) + dice.randrange(2) for one in share),
        probes_failed_ratio=tuple(None if at % 37 == 5 else one for at, one in enumerate(share)),
        exchanges_failed_ratio=tuple(one * 0.4 * dice.uniform(0.8, 1.2) for one in share),
    )


def open_incident(**more: Any) -> IncidentView:
    """Return the incident of the seed outage, as it is in the middle of it."""
    started_s = NOW - 5100
    ids = {name: identity(at) for at, (_, name, _) in enumerate(NAMES, start=1)}

    def update(at: int, status: str, body: str, *parts: tuple[str, str, str]) -> UpdateView:
        affected = tuple(Affected(ids[name], name, old, new) for name, old, new in parts)
        at_s = started_s + at
        return UpdateView(
            id=f"u{at}", incident="i1", status=status, body=body, affected=affected,
            display_unix_s=at_s,
        )  # fmt: skip

    values: dict[str, Any] = {
        "id": "inc000000001",
        "number": 1,
        "name": "Log-in fails for most people",
        "status": "identified",
        "impact": "critical",
        "components": (ids["Log-in"], ids["Web chat"]),
        "updates": (
            update(
                3900, "identified",
                "The API fails too since 12:40 UTC for one call in five. Failover carries most of"
                " it.\n\nNext update by 13:30 UTC.",
                ("API", "operational", "degraded_performance"),
            ),
            update(
                900, "investigating",
                "Log-in fails for most people. Who is logged in stays in. The API works.",
                ("Log-in", "operational", "major_outage"),
                ("Web chat", "operational", "partial_outage"),
            ),
        ),
        "started_unix_s": started_s,
        "created_unix_s": started_s + 60,
        "updated_unix_s": started_s + 3900,
        "culprit": "provider",
        "culprit_name": "Anthropic",
        "detections": (
            Detection(
                detector="probes", at_unix_s=started_s + 45, words="3 of 4 log-ins failed",
                lead_s=1880.0,
            ),
            Detection(
                detector="reports", at_unix_s=started_s + 240, words="9 people in 5 minutes",
                lead_s=1685.0,
            ),
            Detection(detector="page", at_unix_s=started_s + 1940, words="Elevated errors"),
        ),
        "provider_posted_unix_s": started_s + 1925,
        "provider_link": "https://status.example.com/incidents/abc",
        "evidence": evidence(started_s),
        **more,
    }  # fmt: skip
    return IncidentView(**values)


def maintenance(status: str, name: str, after_s: float) -> IncidentView:
    """Return one maintenance."""
    from_s = NOW + after_s
    return IncidentView(
        id=f"m{hash_of(name):011d}",
        number=9,
        name=name,
        status=status,
        impact="maintenance",
        is_maintenance=True,
        components=(identity(11),),
        updates=(
            UpdateView(
                id="mu", incident="m", status=status, display_unix_s=NOW - 3600,
                body="We move the database to a new machine. Pages can be read all the time.",
            ),
        ),
        scheduled_for_unix_s=from_s,
        scheduled_until_unix_s=from_s + 7200,
        started_unix_s=from_s,
        updated_unix_s=NOW - 3600,
    )  # fmt: skip


def failing(state: State, **more: Any) -> dict[str, Any]:
    """Return what makes a component fail."""
    reasons = ("9 of 12 probes failed in the last 3 minutes: timeout",)
    return {"state": state, "verdict": "problem", "reasons": reasons, "reports_hour": 41, **more}


def many(count: int = 200) -> list[ComponentView]:
    """Return very many components, in groups of 25."""
    groups = [(f"g{at:011d}", f"Region {at + 1}") for at in range(count // 25)]
    members = [
        component(at, "route", f"route-{at}", groups[at % len(groups)][0]) for at in range(count)
    ]
    members[17] = msgspec.structs.replace(members[17], state=State.PARTIAL)
    return grouped(members, groups)


LONG: Final = "a-name-that-is-as-long-as-names-of-departments-and-their-models-can-become-" * 2
HOSTILE: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7 * 7 }} [[x]]"


def several() -> View:
    """Return a page with two open incidents, and maintenance under way."""
    found = components(
        Log_in=failing(State.MAJOR),
        Web_chat=failing(State.PARTIAL),
        API=failing(State.DEGRADED),
        gpt_5_2=failing(State.PARTIAL, carried_by="claude-sonnet-4"),
        Status_page={"state": State.MAINTENANCE},
    )
    second = open_incident(
        id="inc000000002", name="gpt-5.2 answers slowly", impact="major", status="monitoring",
        components=named(found, "gpt-5.2"), detections=(), provider_posted_unix_s=0.0,
        evidence=None, culprit="model", culprit_name="gpt-5.2",
    )  # fmt: skip
    return view(
        found,
        incidents=(open_incident(), second, *history()),
        maintenances=(
            maintenance("in_progress", "The database moves", -1800),
            maintenance("scheduled", "New certificates", 3 * DAY_S),
        ),
    )


def drill(words: str) -> Announced:
    """A drill that is on."""
    return Announced(words=words, from_unix_s=NOW - 60, until_unix_s=NOW + 600, author="ann")


def kinds() -> dict[str, View]:
    """Return a view of each kind, by name."""
    over = open_incident(
        status="postmortem", resolved_unix_s=NOW - 600, postmortem=POSTMORTEM,
        postmortem_unix_s=NOW - 300,
    )  # fmt: skip
    unknown: dict[str, Any] = {
        "state": State.UNKNOWN, "days": (), "figures": Figures(), "response": (),
        "reports_hour": 0, "report_hours": (),
    }  # fmt: skip
    fresh = components(**{key_of(name): unknown for _, name, _ in NAMES})
    carried = {
        key_of(name): failing(State.MAJOR, carried_by="gpt-5.2")
        for _, name, group in NAMES
        if group == "Anthropic"
    }
    rising = {"verdict": "possible", "reasons": ("23 people in the last hour, usually 2",)}
    down = {key_of(name): failing(State.MAJOR) for _, name, _ in NAMES}
    long = [msgspec.structs.replace(one, name=LONG, description=LONG) for one in components()]
    return {
        "good": view(incidents=(over, *history()), maintenances=history(is_maintenance=True)),
        "empty": view((), name="Penstock", takes_reports=False),
        "fresh": view(fresh, is_emulated=True),
        "silent": view(
            components(Log_in={"state": State.UNKNOWN}),
            sources_silent=("The gateway has not answered since 12:51 UTC; probes go on.",),
        ),
        "rising": view(components(Web_chat={**rising, "reports_hour": 23}), drill=drill(WORDS)),
        "degraded": view(components(API=failing(State.DEGRADED)), incidents=history()),
        "partial": view(components(gpt_5_2=failing(State.PARTIAL))),
        "carried": view(components(**carried), is_emulated=True),
        "major": view(components(**down), incidents=(open_incident(),)),
        "several": several(),
        "maintenance": view(
            components(Status_page={"state": State.MAINTENANCE}),
            maintenances=(
                maintenance("in_progress", "The database moves", -1800),
                maintenance("scheduled", "New certificates", 3 * DAY_S),
            ),
        ),
        "long": view(long, incidents=(open_incident(name=LONG * 2),), drill=drill(LONG)),
        "many": view(many(), incidents=history()),
        "quiet": view(takes_reports=False, takes_subscriptions=False),
    }
