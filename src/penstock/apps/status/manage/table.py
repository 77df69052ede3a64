"""All pages of operators."""

from typing import Final

from penstock.apps.status.manage import components, incidents, maintenance, now, people, rules
from penstock.apps.status.manage.view import Page

PAGES: Final[tuple[Page, ...]] = (
    *now.PAGES,
    *incidents.PAGES,
    *components.PAGES,
    *maintenance.PAGES,
    *people.PAGES,
    *rules.PAGES,
)
