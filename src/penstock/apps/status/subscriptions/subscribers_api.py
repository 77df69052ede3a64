"""Statuspage's endpoint to subscribe: /api/v2/subscribers.json.

    body     {"subscriber": {"email" | "endpoint" | "phone_number", "component_ids"}} as JSON, or
             the same as a form: subscriber[email]=... With an endpoint, an e-mail address beside it
             is whom to ask about it, and is not kept
    GET      with the same in the query: a client that is in use sends it so. Nothing comes of it
             without the click in a mail or the challenge, so it may be a GET
    answer   page, can_select_components, mode and what was given, as that client expects it, and
             ``subscriber`` as the API's own text has it. A webhook that is new is told its
             signing secret and its link, once
    errors   {"error": {...}}, as everywhere here. CORS: anybody's script may ask

Source: Statuspage, "Status API"; the typings of the npm package statuspage.io.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.apps.status.parts import Parts
from penstock.apps.status.site.serving import PREFLIGHT
from penstock.apps.status.subscriptions import asking
from penstock.apps.status.subscriptions.asking import Kind
from penstock.apps.status.subscriptions.joining import Joined, Joining
from penstock.apps.status.subscriptions.pages import body, form
from penstock.apps.status.subscriptions.sending import PATH
from penstock.core.errors import PenstockError
from penstock.web.endpoint import InvalidError
from penstock.web.http import json, refusal

HERE: Final = "/api/v2/subscribers.json"
EVERYBODY: Final = {"access-control-allow-origin": "*"}
FORM: Final = "application/x-www-form-urlencoded"
COMPONENTS: Final = ("component_ids", "component_ids[]", "component_id", "components")


class Wish(msgspec.Struct, frozen=True):
    """What a client sends; what else it sends is nothing to us."""

    email: str = ""
    endpoint: str = ""
    phone_number: str = ""
    incident_id: str = ""
    component_id: str = ""
    component_ids: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


class Body(msgspec.Struct, frozen=True):
    """The body."""

    subscriber: Wish


class SubscribersApi:
    """The endpoint. Owned by one event loop."""

    def __init__(self, parts: Parts, joining: Joining) -> None:
        self._parts = parts
        self._joining = joining

    def routes(self) -> list[Route]:
        """Return it."""
        return [Route(HERE, self._answer, methods=["GET", "POST", "OPTIONS"])]

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            headers = {name.decode(): value.decode() for name, value in PREFLIGHT}
            return Response(status_code=204, headers=headers)
        try:
            answer = json(await self._subscribed(request))
        except PenstockError as error:
            answer = refusal(error)
            if error.retry_after_s:
                answer.headers["retry-after"] = str(int(error.retry_after_s))
        answer.headers.update(EVERYBODY)
        return answer

    async def _subscribed(self, request: Request) -> dict[str, Any]:
        self._joining.check_open()
        self._joining.check_rates(request)
        wish = await _wish(request)
        if wish.phone_number and not (wish.email or wish.endpoint):
            raise InvalidError(asking.NO_PHONE, "subscriber.phone_number")
        if wish.incident_id:
            words = "subscribe to components, or to all: one incident alone is not offered"
            raise InvalidError(words, "subscriber.incident_id")
        kind = Kind.WEBHOOK if wish.endpoint else Kind.EMAIL
        asked = asking.asked(
            kind.value,
            wish.endpoint or wish.email,
            (*wish.component_ids, *wish.components, wish.component_id),
            await self._joining.known(),
            may_be_private=self._parts.config.status.subscribers_may_be_private,
        )
        return self._told(await self._joining.join(asked))

    def _told(self, joined: Joined) -> dict[str, Any]:
        asked = joined.asked
        is_webhook = asked.kind is Kind.WEBHOOK
        subscriber: dict[str, Any] = {
            "id": joined.public_id,
            "mode": asked.kind.value,
            "email": None if is_webhook else asked.address,
            "endpoint": asked.address if is_webhook else None,
            "phone_number": None,
            "phone_country": None,
            "components": list(asked.components),
            "skip_confirmation_notification": False,
        }
        if joined.token:
            subscriber["signing_secret"] = joined.secret
            subscriber["manage_url"] = f"{self._parts.reached_url}{PATH}/{joined.token}"
        status = self._parts.config.status
        return {
            "page": {"id": self._parts.page.id, "name": status.name, "url": self._parts.url},
            "can_select_components": True,
            "mode": "webhook" if is_webhook else "email_sms",
            "webhook" if is_webhook else "email": asked.address,
            "subscriber": subscriber,
        }


async def _wish(request: Request) -> Wish:
    if request.method == "GET":
        return _of_fields(request.query_params.multi_items())
    if request.headers.get("content-type", "").startswith(FORM):
        return _of_fields(await form(request))
    raw = await body(request)
    try:
        return msgspec.json.decode(raw, type=Body).subscriber
    except (msgspec.MsgspecError, RecursionError) as error:
        words = 'send {"subscriber": {"email": "..."}}, or "endpoint" for a webhook'
        raise InvalidError(words, "subscriber") from error


def _of_fields(fields: Iterable[tuple[str, str]]) -> Wish:
    """Return what stands in subscriber[NAME] of a form or a query."""
    found: dict[str, Any] = {}
    chosen: list[str] = []
    for name, value in fields:
        inner = name.removeprefix("subscriber[").replace("]", "", 1)
        if inner == name:
            continue
        if inner in COMPONENTS:
            chosen.append(value)
        elif inner in Wish.__struct_fields__:
            found[inner] = value
    return _made(found, chosen)


def _made(found: Mapping[str, Any], chosen: list[str]) -> Wish:
    return Wish(**found, component_ids=tuple(chosen))
