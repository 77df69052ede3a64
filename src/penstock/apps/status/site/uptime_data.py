"""Uptime by day for scripts: what Statuspage's page embeds, as files of their own.

    /uptime.json       {"COMPONENT": {"component": {...}, "days": [...]}}
    /uptime-data.js    the same as ``var uptimeData = ...``, for scripts that look for that name
    /embed.js          a line for any page: how we are, with a link; see docs/STATUS_PAGE.md

A day has its ``outages`` in whole seconds, p partial and m major, each only where there are some;
``related_events`` are the incidents that touched it. What Statuspage does not have is beside that:
``unknown`` seconds, which are not uptime, and the ``measured`` length of the day. Groups have none.
"""

from collections.abc import Mapping
from typing import Any, Final

from penstock.apps.status.site import statuspage
from penstock.apps.status.site.files import API_AGE_S, JSON, File
from penstock.apps.status.site.statuspage_api import file
from penstock.apps.status.view import Day, IncidentView, View
from penstock.web import assets

SCRIPT: Final = "text/javascript; charset=utf-8"
EMBED: Final = "status-embed.js"
UPTIME_JSON: Final = "/uptime.json"
UPTIME_SCRIPT: Final = "/uptime-data.js"
EMBED_SCRIPT: Final = "/embed.js"


def files(view: View) -> dict[str, File]:
    """Return the files by path."""
    found = file(data(view))
    script = b"var uptimeData = " + _for_scripts(found.body) + b";\n"
    embed = assets.text(EMBED).encode()
    return {
        UPTIME_JSON: File(found.body, JSON, API_AGE_S, is_for_all=True),
        UPTIME_SCRIPT: File(script, SCRIPT, API_AGE_S, is_for_all=True),
        EMBED_SCRIPT: File(embed, SCRIPT, API_AGE_S, is_for_all=True),
    }


def data(view: View) -> dict[str, Any]:
    """Return the days of each component by its id."""
    by_id = {one.id: one for one in (*view.incidents, *view.maintenances)}
    return {
        one.id: {
            "component": {
                "code": one.id,
                "name": one.name,
                "startDate": statuspage.day(one.start_unix_s),
            },
            "days": [_day(each, by_id) for each in one.days],
        }
        for one in view.components
        if not one.is_group
    }


def _day(one: Day, by_id: Mapping[str, IncidentView]) -> dict[str, Any]:
    outages = {"p": round(one.partial_s), "m": round(one.major_s)}
    return {
        "date": one.day,
        "outages": {letter: seconds for letter, seconds in outages.items() if seconds},
        "related_events": [
            {"name": by_id[id_].name, "code": id_} for id_ in one.incidents if id_ in by_id
        ],
        "unknown": round(one.unknown_s),
        "measured": round(one.total_s),
    }


def _for_scripts(json: bytes) -> bytes:
    """Return JSON that is JavaScript in every engine, and in every page that it is pasted into."""
    for character in ("<", "\u2028", "\u2029"):
        json = json.replace(character.encode(), f"\\u{ord(character):04x}".encode())
    return json
