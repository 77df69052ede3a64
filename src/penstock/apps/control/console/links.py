"""Addresses within the console, and what leaves it as CSV."""

import datetime as dt
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from penstock.apps.control.console import periods
from penstock.apps.control.queries.now import Refused
from penstock.apps.control.queries.usage import Span

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets compute


def href(path: str, params: Mapping[str, str]) -> str:
    """Return an address; what is empty is left out."""
    told = urlencode({name: value for name, value in params.items() if value})
    return f"{path}?{told}" if told else path


def exchanges(span: Span, only: Mapping[str, str]) -> str:
    """Return where the exchanges of a span with these values are listed."""
    days = {"since": periods.written(span.since_s), "until": periods.written(span.until_s)}
    return href("/exchanges", {**only, **days})


def since(since_s: int, only: Mapping[str, str]) -> str:
    """Return where the exchanges from an instant on with these values are listed."""
    at = dt.datetime.fromtimestamp(since_s, dt.UTC).strftime("%Y-%m-%dT%H:%M")
    return href("/exchanges", {**only, "since": at})


def refused(since_s: int, one: Refused) -> str:
    """Return where the exchanges that were refused for a reason are listed."""
    return since(since_s, {"status": str(one.status or ""), "code": one.code})


def tenant(name: str) -> str:
    """Return a tenant's page."""
    return f"/tenants/{quote(name, safe='')}"


def in_cell(text: str) -> str:
    """Return a name as a spreadsheet may have it: as text, whatever it begins with."""
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_response(text: str, name: str) -> Response:
    """Return a file of CSV."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(text, 200, headers, "text/csv; charset=utf-8")
