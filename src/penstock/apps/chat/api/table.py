"""All endpoints of the chat's API, one line for each module that has some."""

from typing import Final

from penstock.apps.chat.api import accounts, conversations, exporting, me, messages, search
from penstock.apps.chat.waiting import table as waiting
from penstock.web.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *me.ENDPOINTS,
    *accounts.ENDPOINTS,
    *conversations.ENDPOINTS,
    *messages.ENDPOINTS,
    *search.ENDPOINTS,
    *exporting.ENDPOINTS,
    *waiting.ENDPOINTS,
)
