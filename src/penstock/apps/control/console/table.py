"""All pages of the console."""

from typing import Final

from penstock.apps.control.console import overview
from penstock.apps.control.console.view import Page

PAGES: Final[tuple[Page, ...]] = (*overview.PAGES,)
