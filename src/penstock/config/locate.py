"""Where in a TOML text a setting stands: ``upstreams[1].base_url`` -> line 12.

A scan, not a parser: tables, arrays of tables and plain keys, one a line. What stands inside a
value (an inline table, a list over several lines) is found at the nearest line that names it.
"""

import re
from typing import Final

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*((?:[A-Za-z0-9_.\-]|\"[^\"]*\")+)\s*\]\]?\s*(#.*)?$")
_WORD: Final = re.compile(r"\"[^\"]*\"|[A-Za-z0-9_\-]+")
_BARE: Final = re.compile(r"\"([A-Za-z0-9_\-]+)\"")  # quoted without need
_SETTING: Final = re.compile(r"^\s*([A-Za-z0-9_.\-]+)\s*=")


class Lines:
    """The lines of one text, by place."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        counts: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = self._place(header.group(2), counts, is_array=header.group(1) == "[[")
                self._lines.setdefault(table, number)
            elif setting := _SETTING.match(line):
                name = setting.group(1)
                self._lines.setdefault(f"{table}.{name}" if table else name, number)

    @staticmethod
    def _place(name: str, counts: dict[str, int], *, is_array: bool) -> str:
        """Give each array of tables on the way to a header the index of its last entry."""
        words = [_BARE.sub(r"\1", word) for word in _WORD.findall(name)]
        place = ""
        for at, word in enumerate(words):
            place = f"{place}.{word}" if place else word
            if is_array and at == len(words) - 1:
                counts[place] = counts.get(place, -1) + 1
            if place in counts:
                place = f"{place}[{counts[place]}]"
        return place

    def of(self, place: str) -> int:
        """Return the line of a place, else of what it stands in; 0 if neither is known."""
        while place:
            if place in self._lines:
                return self._lines[place]
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return 0
