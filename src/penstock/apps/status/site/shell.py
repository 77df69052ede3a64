"""What all public pages share: whose page it is, where its forms go, and what is said everywhere.

It is small and changes seldom: what a page shows is kept by it (``incident_pages.py``).
"""

import msgspec

from penstock.apps.status.parts import Parts
from penstock.apps.status.site import wording
from penstock.apps.status.site.files import PAGE, File
from penstock.apps.status.view import View
from penstock.web.page import render


class Shell(msgspec.Struct, frozen=True):
    """The frame of a page."""

    name: str
    url: str
    intake_url: str
    takes_reports: bool
    takes_subscriptions: bool
    takes_mail: bool
    is_emulated: bool
    drill: str = ""  # what is said of the one that is on


def shell_of(view: View) -> Shell:
    """Return what all pages of a view share."""
    return Shell(
        name=view.name,
        url=view.url,
        intake_url=view.intake_url,
        takes_reports=view.takes_reports,
        takes_subscriptions=view.takes_subscriptions,
        takes_mail=view.takes_mail,
        is_emulated=view.is_emulated,
        drill=wording.drill(view.drill) if view.drill else "",
    )


def shell_from(parts: Parts) -> Shell:
    """Return the frame of a page that the process answers with, beside the site."""
    status = parts.config.status
    return Shell(
        name=status.name,
        url=parts.url,
        intake_url="",  # it is where its forms go
        takes_reports=status.takes_reports,
        takes_subscriptions=status.takes_subscriptions,
        takes_mail=bool(parts.config.alerts.smtp.host),
        is_emulated=parts.is_emulated,
    )


def page(template: str, shell: Shell, current: str, /, **values: object) -> File:
    """Return a page; ``current`` is the address that its navigation marks."""
    name = f"apps/status/{template}.html"
    return File(render(name, shell=shell, current=current, **values).encode(), PAGE)
