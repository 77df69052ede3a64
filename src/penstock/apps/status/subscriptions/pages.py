"""What people see who want to be told: the form, the answer, and the page behind each link.

    /subscribe              GET the form, POST kind, address, components: an answer in words
    /subscription/TOKEN     GET what there is; it changes nothing, as mail scanners follow links
                            POST do=confirm, change, end, resume; or List-Unsubscribe=One-Click,
                            as mail programs send it (RFC 8058): always 200, nothing to log in to

Nobody is logged in here, so a form may come from anywhere, also from the static site elsewhere: the
token is all that counts. No page may be kept, none is indexed.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.apps.status.parts import Parts
from penstock.apps.status.site.shell import shell_from
from penstock.apps.status.subscriptions import asking, subscribing
from penstock.apps.status.subscriptions.asking import Kind
from penstock.apps.status.subscriptions.joining import Joining
from penstock.apps.status.subscriptions.sending import PATH
from penstock.apps.status.subscriptions.subscribing import Subscriber
from penstock.apps.status.tables import components
from penstock.core.errors import PenstockError
from penstock.ledger.store import Store
from penstock.telemetry import log
from penstock.web import page, serving
from penstock.web.endpoint import InvalidError, MissingError

SUBSCRIBE: Final = "/subscribe"
BODY_BYTES_MAX: Final = 64 * 1024  # 200 components and an address
FIELDS_MAX: Final = asking.COMPONENTS_MAX + 20
TOKEN_CHARS_MAX: Final = 100
ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")

Answer = Callable[[Request], Awaitable[Response]]
Fields = list[tuple[str, str]]


class Choice(msgspec.Struct, frozen=True):
    """One line of the list of components."""

    id: str
    name: str
    group: str = ""
    is_chosen: bool = False


class Pages:
    """The pages. Owned by one event loop."""

    def __init__(self, parts: Parts, joining: Joining, blocking: Any) -> None:
        self._parts = parts
        self._joining = joining
        self._blocking = blocking

    def routes(self) -> list[Route]:
        """Return the pages."""
        link = f"{PATH}/{{token}}"
        return [
            Route(SUBSCRIBE, self._safe(self._form), methods=["GET"]),
            Route(SUBSCRIBE, self._safe(self._subscribe), methods=["POST"]),
            Route(link, self._safe(self._look), methods=["GET"]),
            Route(link, self._safe(self._act), methods=["POST"]),
        ]

    def _safe(self, answer: Answer) -> Answer:
        async def safe(request: Request) -> Response:
            try:
                return await answer(request)
            except PenstockError as error:
                return self._show("subscription_refused", error.status, error=error)

        return safe

    async def _form(self, request: Request) -> Response:
        self._joining.check_open()
        kind = request.query_params.get("kind", "")
        return await self._show_form({"kind": kind if kind in set(_kinds()) else "email"})

    async def _subscribe(self, request: Request) -> Response:
        self._joining.check_open()
        self._joining.check_rates(request)
        fields = await form(request)
        typed = dict(fields)
        chosen = _chosen(fields)
        try:
            asked = asking.asked(
                typed.get("kind", ""),
                typed.get("address", ""),
                chosen,
                await self._joining.known(),
                may_be_private=self._parts.config.status.subscribers_may_be_private,
            )
            joined = await self._joining.join(asked)
        except InvalidError as error:
            return await self._show_form(typed, chosen, error)
        return self._show("subscribed", joined=joined, kind=asked.kind.value, link=PATH)

    async def _look(self, request: Request) -> Response:
        one = await self._found(request)
        return await self._show_one(request, one)

    async def _act(self, request: Request) -> Response:
        fields = await form(request)
        token = _token(request)
        is_one_click = ONE_CLICK in fields
        do = "end" if is_one_click else dict(fields).get("do", "")
        wanted: tuple[str, ...] = ()
        if do == "change":
            wanted = asking.components(_chosen(fields), await self._joining.known())

        def act() -> Subscriber | None:
            return acted(self._parts.store, token, (do, wanted), self._parts.now_unix_s())

        one = await self._blocking(act)
        if one is None:
            if is_one_click:  # what is gone needs no ending
                return Response(status_code=200)
            raise _no_such()
        log.info("subscription_changed", did=do, kind=one.kind.value, subscriber=one.id)
        return await self._show_one(request, one, did=do)

    async def _found(self, request: Request) -> Subscriber:
        token = _token(request)

        def look() -> Subscriber | None:
            with self._parts.store.reading() as connection:
                return subscribing.look(connection, token, self._parts.now_unix_s())

        one = await self._blocking(look)
        if one is None:
            raise _no_such()
        return one

    async def _show_one(self, request: Request, one: Subscriber, did: str = "") -> Response:
        seals = await self._joining.sealing()
        told = seals.opened(one.address, one.id) if one.address else ""
        if one.kind is not Kind.EMAIL:
            told = told.partition("://")[2].partition("/")[0]  # the rest is a secret
        return self._show(
            "subscription",
            one=one,
            told=told,
            did=did,
            choices=await self._choices(one.components),
            action=f"{PATH}/{_token(request)}",
            now_unix_s=self._parts.now_unix_s(),
        )

    async def _show_form(
        self,
        typed: Mapping[str, str],
        chosen: tuple[str, ...] = (),
        error: InvalidError | None = None,
    ) -> Response:
        return self._show(
            "subscribe_form",
            error.status if error else 200,
            typed={"kind": typed.get("kind", "email"), "address": typed.get("address", "")},
            error=error,
            choices=await self._choices(chosen),
            has_mail=bool(self._parts.config.alerts.smtp.host),
        )

    async def _choices(self, chosen: tuple[str, ...]) -> list[Choice]:
        def read() -> list[Choice]:
            statement = select(components).where(components.c.is_gone == 0)
            with self._parts.store.reading() as connection:
                rows = connection.execute(statement.order_by(components.c.position)).all()
            groups = {row.id: row.name for row in rows if row.is_group}
            return [
                Choice(row.id, row.name, groups.get(row.group_id, ""), row.id in chosen)
                for row in rows
                if not row.is_group
            ]

        return await self._blocking(read)

    def _show(self, name: str, status: int = 200, /, **values: object) -> Response:
        parts = self._parts
        shared = {
            "name": parts.config.status.name,
            "home": parts.url,
            "shell": shell_from(parts),
            "current": SUBSCRIBE,
        }
        html = page.render(f"apps/status/{name}.html", **shared, **values)
        answer = serving.page(html, status)
        answer.headers["x-robots-tag"] = "noindex"
        error = values.get("error")
        if isinstance(error, PenstockError) and error.retry_after_s:
            answer.headers["retry-after"] = str(int(error.retry_after_s))
        return answer


def acted(
    store: Store, token: str, wish: tuple[str, tuple[str, ...]], now_unix_s: float
) -> Subscriber | None:
    """Do what is wished with a subscription; return it as it is then, None if there is none."""
    do, wanted = wish
    with store.writing(is_durable=True) as connection:
        one = subscribing.look(connection, token, now_unix_s)
        if one is None or one.ended_unix_s:
            return one
        match do:
            case "confirm":
                subscribing.confirm(connection, one, now_unix_s)
            case "change":
                subscribing.change(connection, one, wanted)
            case "resume":
                subscribing.resume(connection, one)
            case "end":
                subscribing.end(connection, one.id, now_unix_s)
            case _:
                raise InvalidError("say what is to be done", "do")
        return subscribing.look(connection, token, now_unix_s)


async def form(request: Request) -> Fields:
    """Return the fields of a form in their order; raises InvalidError."""
    raw = await body(request)
    try:
        found = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise InvalidError("the form cannot be understood", "form") from error
    if any("\0" in part for pair in found for part in pair):
        raise InvalidError("the form holds a zero byte", "form")
    return found


async def body(request: Request) -> bytes:
    """Return what is sent; raises InvalidError if it is too much."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            raise InvalidError(f"this is larger than {BODY_BYTES_MAX} bytes", "body")
    return bytes(raw)


def _chosen(fields: Fields) -> tuple[str, ...]:
    return tuple(value for name, value in fields if name in {"components", "components[]"})


def _kinds() -> list[str]:
    return [one.value for one in Kind]


def _token(request: Request) -> str:
    token: str = request.path_params["token"]
    if len(token) > TOKEN_CHARS_MAX:
        raise _no_such()
    return token


def _no_such() -> MissingError:
    error = MissingError("this link leads to no subscription, or its two days have passed")
    error.remedy = "Subscribe again on the status page."
    return error
