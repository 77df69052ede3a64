"""From an answer over HTTP to what a provider's page says. Never raises, whatever came.

status         200, or it cannot be read: 405 is a challenge for scripts, 3xx a page that has moved
content type   JSON or XML as the kind has it; HTML with 200 is a page that has migrated. Without a
               type, or with a plain one, the beginning of the body decides
shape          what each kind's reader asks for
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from penstock.apps.status.watching.pages import (
    better_stack,
    feed,
    google,
    instatus,
    online_or_not,
    reading,
    statuspage,
)
from penstock.apps.status.watching.pages.reading import Reading
from penstock.config.watching import PageKind

OK: Final = 200
UNTYPED: Final = ("", "text/plain", "application/octet-stream", "binary/octet-stream")
WORDS: Final = {
    403: "it refuses us (403)",
    404: "there is nothing at this address (404): has the page moved?",
    405: "it challenges programs (405)",
    429: "it asks for fewer requests (429)",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    kind: str = ""  # Content-Type
    body: bytes = b""


def read(kind: PageKind, answer: Answer, now_unix_s: float) -> Reading:
    """Return what an answer says."""
    if answer.status != OK:
        return reading.unreadable(WORDS.get(answer.status, f"it answers {answer.status}"))
    named = answer.kind.partition(";")[0].strip().lower()
    is_feed = kind is PageKind.FEED
    wanted = ("xml",) if is_feed else ("json",)
    if named not in UNTYPED and not named.endswith(wanted):
        return reading.unreadable(f"it answers with {reading.short(named)}")
    if is_feed:
        return feed.read(answer.body.decode("utf-8-sig", "replace"), now_unix_s)
    try:
        document = msgspec.json.decode(answer.body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return reading.unreadable("it is not JSON")
    return _readers(now_unix_s)[kind](document)


def _readers(now_unix_s: float) -> dict[PageKind, Callable[[Any], Reading]]:
    return {
        PageKind.STATUSPAGE: statuspage.read,
        PageKind.GOOGLE: google.read,
        PageKind.BETTER_STACK: lambda document: better_stack.read(document, now_unix_s),
        PageKind.INSTATUS: instatus.read,
        PageKind.ONLINE_OR_NOT: online_or_not.read,
    }
