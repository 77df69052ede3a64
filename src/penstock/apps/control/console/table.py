"""All pages of the console."""

from typing import Final

from penstock.apps.control.console import (
    audit,
    configuration,
    exchanges,
    keys,
    objectives,
    operators,
    overview,
    prices,
    reports,
    tenants,
    tokens,
    usage,
)
from penstock.apps.control.console.view import Page

PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *exchanges.PAGES,
    *usage.PAGES,
    *reports.PAGES,
    *tenants.PAGES,
    *keys.PAGES,
    *objectives.PAGES,
    *prices.PAGES,
    *configuration.PAGES,
    *audit.PAGES,
    *operators.PAGES,
    *tokens.PAGES,
)
