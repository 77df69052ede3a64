"""A page that says one thing: thank you, please confirm, unsubscribed, no such page.

Others answer forms with it; what it asks, it asks by one form with one button.
"""

from collections.abc import Sequence
from typing import NamedTuple

from penstock.apps.status.site.shell import page, shell_of
from penstock.apps.status.view import View


class Ask(NamedTuple):
    """A form of one button: where it goes, what it says, and what it carries."""

    action: str
    verb: str
    hidden: Sequence[tuple[str, str]] = ()


def message_page(
    view: View, title: str, words: str, state: str = "good", ask: Ask | None = None
) -> str:
    """Return a page with a title and words; ``state`` is a shape: good, degraded, bad, unknown.

    Of the view only name, addresses and the flags are used; blank lines part paragraphs.
    """
    made = page("message", shell_of(view), "", title=title, words=words, state=state, ask=ask)
    return made.body.decode()
