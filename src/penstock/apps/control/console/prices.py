"""Prices: the list in force, what has no price, and a new list with a preview before it counts.

/prices           ?version= shows an older list
/prices/edit      the list in force as text
/prices/preview   POST text: what is wrong with it, else what would change
/prices           POST text, version: puts it in force, unless another has been put since
"""

from typing import Final

import msgspec
from starlette.responses import Response

from penstock.apps.control.api import prices as api
from penstock.apps.control.console import difference, periods, price_form
from penstock.apps.control.console.difference import Line
from penstock.apps.control.console.view import Page, View, see_other
from penstock.apps.control.queries import usage
from penstock.core.errors import ConfigError, Problem
from penstock.ledger import price_table
from penstock.ledger.book import PriceList, Versioned
from penstock.ledger.price_check import wrongs
from penstock.web import serving
from penstock.web.endpoint import BookError, ConflictError, Role

MARKS: Final = "/prices"
VERSIONS_SHOWN: Final = 20
UNPRICED_DAYS: Final = 30


class Preview(msgspec.Struct, frozen=True):
    """What came of a text: problems, or differences."""

    text: str
    version: int  # that was in force when it was edited
    problems: list[Problem] = []
    lines: list[Line] = []


def prices(view: View) -> str:
    """Return the page."""
    asked = view.query.get("version", "")
    call = view.call(query=api.VersionsQuery(limit=VERSIONS_SHOWN))
    current = api.get_prices(view.call())
    shown = current
    if asked and asked != str(current.version):
        shown = api.get_version(msgspec.structs.replace(view.call(), path={"version": asked}))
    since_s = periods.midnight_s(periods.day_of(view.now_unix_s))
    since_s -= (UNPRICED_DAYS - 1) * periods.DAY_S
    with view.parts.store.reading() as connection:
        unpriced = usage.unpriced(connection, since_s)
    return view.page(
        "prices.html",
        title="Prices",
        current=current,
        shown=shown,
        versions=api.list_versions(call).items,
        unpriced=unpriced,
        unpriced_days=UNPRICED_DAYS,
        shipped=price_table.shipped(),
        may_change=view.actor.role >= Role.OPERATOR,
    )


def edit_form(view: View) -> str:
    """Return the list in force as text."""
    current = api.get_prices(view.call())
    return _form(view, Preview(_text(current), current.version), is_first=True)


def preview(view: View) -> Response:
    """Return what a text would change."""
    told = _preview(view)
    return serving.page(_form(view, told), 422 if told.problems else 200)


def put(view: View) -> Response:
    """Put a list in force, if it is sound and nobody else has put one since."""
    told = _preview(view)
    if told.problems:
        return serving.page(_form(view, told), 422)
    try:
        done: Versioned = api.put_prices(
            view.call(price_form.read(told.text), api.PutQuery(version=told.version))
        )
    except BookError as error:
        told = msgspec.structs.replace(told, problems=error.problems)
    except ConflictError as error:
        found = [Problem("version", error.message, "look at it, and edit that one")]
        told = msgspec.structs.replace(told, problems=found)
    else:
        return see_other("/prices", f"Version {done.version} of the prices is in force.")
    return serving.page(_form(view, told), 422)


def examine(text: str, version: int, current: PriceList) -> Preview:
    """Return what is wrong with a text, or what it would change."""
    try:
        found = price_form.read(text)
    except ConfigError as error:
        return Preview(text, version, error.problems)
    if problems := list(wrongs(found)):
        return Preview(text, version, problems)
    differs = difference.lines(msgspec.to_builtins(current), msgspec.to_builtins(found))
    return Preview(text, version, [], differs)


def _preview(view: View) -> Preview:
    text = view.form.get("text", "").replace("\r\n", "\n")
    raw = view.form.get("version", "")
    version = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= api.DIGITS_MAX else 0
    return examine(text, version, api.get_prices(view.call()).prices)


def _text(current: Versioned) -> str:
    return price_form.written(current.prices) if current.version else ""


def _form(view: View, told: Preview, *, is_first: bool = False) -> str:
    return view.page(
        "price_form.html",
        title="New price list" if not told.version else "Edit prices",
        told=told,
        is_first=is_first,
    )


PAGES: Final = (
    Page(path="/prices", handler=prices),
    Page(path="/prices/edit", handler=edit_form, role=Role.OPERATOR, marks=MARKS),
    Page(path="/prices/preview", handler=preview, method="POST", role=Role.OPERATOR, marks=MARKS),
    Page(path="/prices", handler=put, method="POST", role=Role.OPERATOR, marks=MARKS),
)
