"""Forms: from fields as a browser sends them to values, each mistake with its field and remedy.

An empty field is None: without a limit. Amounts are dollars outside, micro-dollars inside; shares
are percent outside, 0 to 1 inside.
"""

from collections.abc import Mapping
from typing import Final

from penstock.config import money
from penstock.core.errors import ConfigError, PenstockError

COUNT_MAX: Final = 10**15  # as ``config.check_tenancy``
DIGITS_MAX: Final = 18  # with zeros in front; what is longer costs time to read
SHOWN_MAX: Final = 40  # characters of what was typed
PERCENT: Final = 100
GENERAL: Final = ""  # the place of what belongs to no field


class Fields:
    """Reads a form; what is wrong stands in ``errors`` by field."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form
        self.errors: dict[str, str] = {}

    def text(self, name: str) -> str:
        """Return a field without the space around it."""
        return self._form.get(name, "").strip()

    def ticked(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return bool(self._form.get(name))

    def count(self, name: str) -> int | None:
        """Return a whole number above 0."""
        raw = self.text(name).replace(",", "").replace("_", "")
        if not raw:
            return None
        if raw.isascii() and raw.isdigit() and len(raw) <= DIGITS_MAX and 0 < int(raw) <= COUNT_MAX:
            return int(raw)
        return self._wrong(
            name, f"{raw[:SHOWN_MAX]!r} is no whole number above 0; leave it empty for no limit"
        )

    def dollars(self, name: str) -> int | None:
        """Return an amount in micro-dollars, from dollars."""
        raw = self.text(name).replace(",", "").removeprefix("$")
        if not raw:
            return None
        try:
            return money.microusd(raw)
        except ValueError as error:
            return self._wrong(name, f"{error}: write dollars, such as 12.50")

    def number(self, name: str, high: float) -> float | None:
        """Return a number above 0, and at most ``high``."""
        raw = self.text(name)
        if not raw:
            return None
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if 0 < value <= high:
            return value
        return self._wrong(name, f"{raw!r} is no number above 0 and up to {high:g}")

    def percent(self, name: str) -> float | None:
        """Return a share of 0 to 1, from percent."""
        value = self.number(name, PERCENT)
        return None if value is None else round(value / PERCENT, 9)

    def _wrong(self, name: str, words: str) -> None:
        self.errors[name] = words


def errors_of(error: PenstockError, places: Mapping[str, str]) -> dict[str, str]:
    """Return what an endpoint says against a form, by field; ``places`` maps its places to fields.

    A place belongs to the field whose place it is or lies in. What belongs to none is general.
    """
    problems: list[tuple[str, str]] = [(error.param, f"{error.message}. {error.remedy}")]
    found = getattr(error, "problems", None)
    if isinstance(error, ConfigError) or found:
        problems = [(one.place, f"{one.message}: {one.remedy}") for one in found or ()]
    told: dict[str, str] = {}
    for place, words in problems:
        field = _field(place, places)
        told[field] = f"{told[field]} {words}" if field in told else words
    return told


def _field(place: str, places: Mapping[str, str]) -> str:
    fits = [one for one in places if place == one or place.endswith(f".{one}")]
    return places[max(fits, key=len)] if fits else GENERAL


def whole(amount: float | None) -> str:
    """Return a count as a form shows it."""
    return "" if amount is None else f"{amount:.0f}"


def in_dollars(amount_microusd: int | None) -> str:
    """Return an amount as a form shows it."""
    return "" if amount_microusd is None else money.dollars(amount_microusd).replace(",", "")


def in_percent(ratio: float | None) -> str:
    """Return a share as a form shows it."""
    return "" if ratio is None else f"{ratio * PERCENT:.7g}"
