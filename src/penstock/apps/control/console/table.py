"""All pages of the console."""

from typing import Final

from penstock.apps.control.console import (
    audit,
    configuration,
    exchanges,
    objectives,
    overview,
    usage,
)
from penstock.apps.control.console.view import Page

PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *exchanges.PAGES,
    *usage.PAGES,
    *objectives.PAGES,
    *configuration.PAGES,
    *audit.PAGES,
)
