"""All pages of the console."""

from typing import Final

from penstock.apps.control.console import (
    audit,
    configuration,
    drills,
    exchanges,
    keys,
    live_drills,
    objectives,
    operators,
    overview,
    prices,
    reports,
    status_page,
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
    *status_page.PAGES,
    *drills.PAGES,
    *live_drills.PAGES,
    *prices.PAGES,
    *configuration.PAGES,
    *audit.PAGES,
    *operators.PAGES,
    *tokens.PAGES,
)
