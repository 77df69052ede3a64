"""The overview: what goes through the gateway now, and what stands in the way."""

from typing import Final

from penstock.apps.control.console.view import Page, View


def overview(view: View) -> str:
    """Return the page."""
    return view.page("overview.html", title="Overview")


PAGES: Final = (Page(path="/", handler=overview),)
