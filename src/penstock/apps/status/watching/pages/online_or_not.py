"""Uptime of endpoints as OpenRouter tells it, whose page OnlineOrNot makes.

shape      ``data.endpoints``, a list in which at least one says its ``uptime_last_30m`` in percent
trouble    an endpoint below BAD_PERCENT; its name is the component, its provider is named in it
good       all that say anything are above
"""

from collections.abc import Mapping
from typing import Any, Final

from penstock.apps.status.watching.pages import reading
from penstock.apps.status.watching.pages.reading import Reading, table, tables, text

BAD_PERCENT: Final = 95.0  # of half an hour: below, it is more than a blip of a minute
ALL_PERCENT: Final = 100.0


def read(document: Any) -> Reading:
    """Return what the endpoints say."""
    data = table(table(document).get("data"))
    told = [(one, percent) for one in tables(data.get("endpoints")) for percent in _percent(one)]
    if not told:
        return reading.unreadable("it is not a list of endpoints with their uptime")
    lines = [
        reading.line(f"{_name(data, one)}: up {percent:.1f} % of 30 minutes", [_name(data, one)])
        for one, percent in told
        if percent < BAD_PERCENT
    ]
    return reading.of(lines, is_good=True)


def _percent(one: Mapping[str, Any]) -> list[float]:
    found = one.get("uptime_last_30m")
    if isinstance(found, bool) or not isinstance(found, int | float):
        return []
    return [float(found)] if 0 <= found <= ALL_PERCENT else []


def _name(data: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    name = text(one.get("name")) or text(data.get("name")) or text(data.get("id"))
    return reading.short(name or text(one.get("provider_name"))) or "an endpoint"
