"""Full-text search in one's own conversations."""

from typing import Annotated, Final

import msgspec

from penstock.apps.chat.call import Call
from penstock.apps.chat.queries.searching import FOUND_MAX, TITLES_MAX, search
from penstock.apps.chat.shapes import Conversation
from penstock.web.endpoint import Endpoint, Page, Role, Text

PAGE_MAX: Final = 50  # each has a snippet, cut from its text
PAGE: Final = 20
After = Annotated[int, msgspec.Meta(ge=0, le=FOUND_MAX + TITLES_MAX)]


class SearchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for: all of these words; the last may be a beginning."""

    q: Text = ""
    after: After = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE


def find(call: Call) -> Page[Conversation]:
    """Return conversations that have all words in their title or in one message."""
    query: SearchQuery = call.query
    with call.parts.store.reading() as connection:
        hits = search(connection, call.actor.account, query.q, query.after, query.limit)
    return Page(hits.items, str(query.after + query.limit) if hits.is_more else "")


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/search",
        summary="Search in titles and messages; the words stand between U+2068 and U+2069",
        tag="conversations",
        role=Role.VIEWER,
        handler=find,
        query=SearchQuery,
        answer=Page[Conversation],
    ),
)
