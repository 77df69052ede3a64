"""Exchanges, one by one: the list with its filters, and the inspector.

/exchanges            ?tenant= key= route= upstream= tier= fate= outcome= code= model= status=
                      since= until= (days, or instants of UTC) before= (a place), id= (goes there)
/exchanges.csv        the same, CSV_ROWS_MAX lines at most
/exchanges/ID         one exchange; /exchanges/ID/json the same for programs
"""

import csv
import datetime as dt
import io
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.responses import RedirectResponse, Response

from penstock.apps.control.console import links, periods, story
from penstock.apps.control.console.view import Page, View
from penstock.apps.control.queries import exchanges as asked_for
from penstock.apps.control.queries.exchanges import EXACT, Place, Wanted
from penstock.core.tier import WORDS
from penstock.ledger.tables import FATES
from penstock.web.endpoint import MissingError
from penstock.web.http import json

ROWS: Final = 50
CSV_ROWS_MAX: Final = 10_000  # a spreadsheet's worth; the API has the rest
CSV_WINDOWS: Final = 50
NAMES_DAYS: Final = 30  # whose names stand in the choices
DAY_US: Final = 86_400 * asked_for.US
STATUS_DIGITS: Final = 3
PLACE_DIGITS: Final = 18  # each half fits 64 bits


class Asked(msgspec.Struct, frozen=True):
    """What the list is asked to show; ``errors`` by field."""

    values: dict[str, str]
    wanted: Wanted
    errors: dict[str, str]

    @property
    def only(self) -> dict[str, str]:
        """The values that are set, as an address has them."""
        return {name: value for name, value in self.values.items() if value}

    def href(self, **changes: str) -> str:
        """Return this list's address with other values; an empty one is left out."""
        return links.href("/exchanges", {**self.only, **changes})

    @property
    def csv(self) -> str:
        """Where the same is as CSV."""
        return links.href("/exchanges.csv", self.only)


def asked(query: Mapping[str, str]) -> Asked:
    """Read an address; what cannot be understood is told beside its field, and not applied."""
    values = {name: query.get(name, "").strip() for name in (*EXACT, "status", "since", "until")}
    errors: dict[str, str] = {}
    bounds: dict[str, int] = {}
    for name in ("since", "until"):
        try:
            bounds[name] = _instant_us(values[name], is_end=name == "until")
        except ValueError:
            errors[name] = "is no time: write it as 2026-11-22 or 2026-11-22T14:30"
    status = values["status"]
    if status and not _is_number(status, STATUS_DIGITS):
        errors["status"] = "is no status: write it as 503"
        status = ""
    wanted = Wanted(
        values,
        int(status or 0),
        bounds.get("since", 0),
        bounds.get("until", 0),
        _place(query.get("before", "")),
    )
    return Asked(values, wanted, errors)


def exchanges(view: View) -> str | Response:
    """Return the list."""
    sought = view.query.get("id", "").strip()
    if sought:
        return RedirectResponse(f"/exchanges/{quote(sought, safe='')}", 303)
    told = asked(view.query)
    today_s = int(view.now_unix_s) - NAMES_DAYS * periods.DAY_S
    with view.parts.store.reading() as connection:
        found = asked_for.page(connection, told.wanted, ROWS)
        names = asked_for.names(connection, today_s)
    return view.page(
        "exchanges.html",
        title="Exchanges",
        asked=told,
        found=found,
        names=names,
        tiers=WORDS,
        fates=FATES,
        is_later=bool(view.query.get("before")),
        story=story,
    )


def exchanges_csv(view: View) -> Response:
    """Return the same as CSV."""
    with view.parts.store.reading() as connection:
        wanted = asked(view.query).wanted
        found = asked_for.page(connection, wanted, CSV_ROWS_MAX, CSV_WINDOWS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([one.name for one in asked_for.COLUMNS])
    for row in found.rows:
        writer.writerow([links.in_cell(one) if isinstance(one, str) else one for one in row])
    return links.csv_response(text.getvalue(), "exchanges.csv")


def exchange(view: View) -> str:
    """Return the inspector."""
    name = view.path["id"]
    with view.parts.store.reading() as connection:
        row = asked_for.one(connection, name)
        opened = [] if row is not None else asked_for.under_way(connection, name)
    if row is None:
        return _missing(view, name, opened)
    try:
        detail = asked_for.detail_of(bytes(row.detail))
        is_damaged = False
    except msgspec.MsgspecError:
        detail, is_damaged = asked_for.Detail(), True
    return view.page(
        "exchange.html",
        title=story.sentence(row, detail),
        state=story.FATES.get(row.fate, ("unknown", ""))[0],
        row=row,
        detail=detail,
        is_damaged=is_damaged,
        chart=story.chart(row, detail),
        why=story.why(row, detail),
        attempts=story.attempts(detail),
    )


def exchange_json(view: View) -> Response:
    """Return one exchange for programs."""
    with view.parts.store.reading() as connection:
        row = asked_for.one(connection, view.path["id"])
    if row is None:
        raise MissingError(f"the ledger has no exchange {view.path['id']!r}")
    told: dict[str, Any] = {one.name: getattr(row, one.name) for one in asked_for.COLUMNS}
    told["detail"] = msgspec.to_builtins(asked_for.detail_of(bytes(row.detail)))
    return json(told)


def _missing(view: View, name: str, opened: list[bytes]) -> str:
    if not opened:
        raise MissingError(f"the ledger has no exchange {name!r}")
    return view.page("exchange_open.html", title="This exchange is under way", name=name, opened=[
        msgspec.json.decode(line) for line in opened
    ])  # fmt: skip


def _instant_us(raw: str, *, is_end: bool) -> int:
    """Return an instant; a day as an end is all of that day. Raises ValueError."""
    if not raw:
        return 0
    found = dt.datetime.fromisoformat(raw)
    found = found.replace(tzinfo=found.tzinfo or dt.UTC)
    is_day = len(raw) == len("2026-11-22")
    return int(found.timestamp() * asked_for.US) + (DAY_US if is_end and is_day else 0)


def _place(raw: str) -> Place | None:
    at_us, _, seq = raw.partition("-")
    if not (_is_number(at_us, PLACE_DIGITS) and _is_number(seq, PLACE_DIGITS)):
        return None
    return Place(int(at_us), int(seq))


def _is_number(raw: str, digits_max: int) -> bool:
    return raw.isascii() and raw.isdigit() and len(raw) <= digits_max


PAGES: Final = (
    Page(path="/exchanges", handler=exchanges),
    Page(path="/exchanges.csv", handler=exchanges_csv),
    Page(path="/exchanges/{id}", handler=exchange, marks="/exchanges"),
    Page(path="/exchanges/{id}/json", handler=exchange_json, marks="/exchanges"),
)
