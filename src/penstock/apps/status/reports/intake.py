"""Where reports come in: "is it down for you?", for anybody, without script, log-in or cookie.

    POST /report           the form of the page: component, category, words; an HTML answer
    POST /api/v1/reports   the same as JSON. With the service token of another surface of ours it
                           also says the account's opaque id, and the app's version and region

A report of another site's page counts for nothing. Whatever happens to the database, the person is
thanked and the watch hears of it. The answer says whether it was counted, and how many others said
the same in this hour.
"""

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from penstock.apps.status import service
from penstock.apps.status.parts import Parts
from penstock.apps.status.reports import storing
from penstock.apps.status.reports.desk import Desk, Fate, Sender, Vote, day_of
from penstock.apps.status.reports.storing import Row, Waiting
from penstock.apps.status.site import shell
from penstock.core.errors import PenstockError, StoreError
from penstock.telemetry import log
from penstock.watch.evidence import Report
from penstock.web import address, serving
from penstock.web.endpoint import InvalidError
from penstock.web.http import fields_of, json, refusal
from penstock.web.keeping_up import pause

FORM: Final = "/report"
API: Final = "/api/v1/reports"
PATHS: Final = frozenset({FORM, API})
BODY_BYTES_MAX: Final = 4096
FIELDS_MAX: Final = 8
REFUSED: Final = 400  # statuses from here on
BODY_S: Final = 5.0  # a browser sends it in one piece
WRITE_S: Final = 1.0
FORGET_S: Final = 3600.0
HOUR_S: Final = 3600.0  # that people are told the others of
PEOPLE_MAX: Final = 20_000  # remembered for it by component: more is said as this many
WORDS_MAX: Final = 140

Category = Literal["timeout", "errors", "login", "slow", "wrong", "billing", ""]
Short = Annotated[str, msgspec.Meta(max_length=40)]
Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report as it comes in. ``account``, ``version`` and ``region``: of our own surfaces."""

    component: Annotated[str, msgspec.Meta(max_length=100)]  # its id, or a surface: web, login
    category: Category = ""
    words: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)] = ""
    account: Annotated[str, msgspec.Meta(max_length=100)] = ""
    version: Short = ""
    region: Short = ""


class Answer(msgspec.Struct, frozen=True):
    """What became of a report."""

    is_counted: bool
    why: str  # counted, repeated, crowded, full
    reports_hour: int  # people who reported this component in the last hour, with this one
    status_url: str


class Intake:
    """Takes reports. Owned by one event loop."""

    def __init__(
        self, parts: Parts, blocking: Blocking, on_report: Callable[[Report], None]
    ) -> None:
        self._parts = parts
        self._blocking = blocking
        self._on_report = on_report
        self._token = service.make(parts.state_dir)
        self._desk = Desk(secrets.token_bytes(32))  # until the database has told the day's
        self._day = -1
        self._waiting = Waiting()
        self._people: dict[str, OrderedDict[str, float]] = {}  # voter -> last counted, by component
        self._forgotten_unix_s = 0.0

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(FORM, self._form, methods=["POST"]),
            Route(API, self._api, methods=["POST"]),
        ]

    async def run(self) -> None:
        """Write what has come in, once a second, for ever."""
        try:
            while True:
                await self.turn()
                await pause(WRITE_S)
        finally:
            rows = self._waiting.taken()
            if rows:
                with contextlib.suppress(StoreError):
                    storing.write(self._parts.store, rows)

    async def turn(self) -> None:
        """Write what has come in; a new day has a new salt."""
        now_unix_s = self._parts.now_unix_s()
        rows = self._waiting.taken()
        try:
            if day_of(now_unix_s) != self._day:
                store = self._parts.store
                self._desk.use(await self._blocking(lambda: storing.salt_of(store, now_unix_s)))
                self._day = day_of(now_unix_s)
            if rows:
                await self._blocking(lambda: storing.write(self._parts.store, rows))
                self._parts.touch()
                rows = []
            if now_unix_s - self._forgotten_unix_s >= FORGET_S:
                days = self._parts.config.status.reports_days
                await self._blocking(lambda: storing.forget(self._parts.store, days, now_unix_s))
                self._forgotten_unix_s = now_unix_s
        except PenstockError as error:
            log.warn("reports_not_written", reason=error.message)
        finally:
            self._waiting.back(rows)

    def take(self, body: Body, sender: Sender, source: str) -> Answer:
        """Take a report; raises InvalidError if it names no component of the page."""
        now_unix_s = self._parts.now_unix_s()
        component = self._component(body.component)
        vote = self._desk.take(sender, component, now_unix_s)
        if vote.fate in (Fate.COUNTED, Fate.CROWDED):
            row = Row(
                component=component,
                voter=vote.voter,
                network=vote.network,
                category=body.category,
                version=body.version,
                region=body.region,
                words=" ".join(body.words.split()),
                source=source,
                is_counted=vote.fate is Fate.COUNTED,
                at_unix_s=now_unix_s,
            )
            self._waiting.add(row)
            self._on_report(_report(row))
        others = self._others(component, vote, now_unix_s)
        is_counted = vote.fate is Fate.COUNTED
        return Answer(
            is_counted=is_counted,
            why=vote.fate.value,
            reports_hour=others + int(is_counted or vote.fate is Fate.REPEATED),
            status_url=self._parts.url,
        )

    async def _api(self, request: Request) -> Response:
        try:
            raw = await _body(request)
            body = _decoded(raw)
            is_ours = service.is_told(self._token, request.headers.get("authorization", ""))
            if not is_ours:
                if body.account or body.version or body.region:
                    words = "account, version and region need a surface's service token"
                    raise InvalidError(words, "body.account")
                self._look_at_origin(request)
            self._check_open()
            sender = self._sender(request, body.account)
            return json(self.take(body, sender, "surface" if is_ours else "page"), 202)
        except PenstockError as error:
            return refusal(error)

    async def _form(self, request: Request) -> Response:
        try:
            fields = _fields(await _body(request))
            self._look_at_origin(request)
            self._check_open()
            answer = self.take(_converted(fields), self._sender(request), "page")
        except PenstockError as error:
            return self._page(error.message, error.remedy, error.status)
        return self._page(*_thanks(answer), 200)

    def _page(self, title: str, words: str, status: int) -> Response:
        state = "good" if status < REFUSED else "degraded"
        file = shell.page(
            "said", shell.shell_from(self._parts), FORM, title=title, words=words, state=state
        )
        return HTMLResponse(file.body, status, {**serving.headers(), "cache-control": "no-store"})

    def _check_open(self) -> None:
        if not self._parts.config.status.takes_reports:
            raise InvalidError("this page takes no reports", "component")

    def _look_at_origin(self, request: Request) -> None:
        """Refuse what a page of another site sends: its visitors have said nothing."""
        origin = request.headers.get("origin", "")
        ours = {self._parts.url, self._parts.own_url, str(request.scope.get("penstock.origin", ""))}
        if origin and origin.lower() not in {_origin(one) for one in ours}:
            raise InvalidError("this was sent by a page of another site", "origin")

    def _sender(self, request: Request, account: str = "") -> Sender:
        trusted = address.networks(self._parts.config.status.trusted_proxies)
        peer = request.client.host if request.client else ""
        client = address.client_of(peer, request.headers.getlist(address.FORWARDED), trusted)
        device = "\0".join(
            request.headers.get(name, "")[:400] for name in ("user-agent", "accept-language")
        )
        return Sender(client, device, account)

    def _component(self, named: str) -> str:
        for one in self._parts.plan:
            if named and named in (one.id, one.watched.surface):
                return one.id
        raise InvalidError(f"there is no component {named!r} on this page", "component")

    def _others(self, component: str, vote: Vote, now_unix_s: float) -> int:
        """Return how many others counted for a component in the last hour."""
        people = self._people.setdefault(component, OrderedDict())
        while people and next(iter(people.values())) <= now_unix_s - HOUR_S:
            people.popitem(last=False)
        if vote.fate is Fate.COUNTED and (vote.voter in people or len(people) < PEOPLE_MAX):
            people[vote.voter] = now_unix_s
            people.move_to_end(vote.voter)
        return len(people) - int(vote.voter in people)


def _report(row: Row) -> Report:
    return Report(
        component=row.component,
        at_unix_s=row.at_unix_s,
        voter=row.voter,
        network=row.network,
        category=row.category,
        version=row.version,
        region=row.region,
    )


def _thanks(answer: Answer) -> tuple[str, str]:
    """Return what the person is told: what happened, and what others say."""
    others = answer.reports_hour - int(answer.is_counted or answer.why == Fate.REPEATED.value)
    if others <= 0:
        said = "You are the first to say so in this hour."
    else:
        people = "person says" if others == 1 else "people say"
        said = f"{others} other {people} so in this hour."
    match answer.why:
        case "repeated":
            return "We have your report already", f"It counts for ten minutes. {said}"
        case "full":
            return "Thank you. Reports are not counted just now", "There are too many at once."
        case _:
            return "Thank you, your report has come in", said


async def _body(request: Request) -> bytes:
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > BODY_BYTES_MAX:
                    raise InvalidError(f"a report has at most {BODY_BYTES_MAX} bytes", "body")
    except TimeoutError as error:
        raise InvalidError(f"the report has not come within {BODY_S:g} s", "body") from error
    return bytes(raw)


def _decoded(raw: bytes) -> Body:
    try:
        return msgspec.json.decode(raw, type=Body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidError(str(error).replace("`", "'"), "body") from error


def _fields(raw: bytes) -> dict[str, str]:
    try:
        return fields_of(raw.decode("utf-8"), FIELDS_MAX)
    except ValueError as error:
        raise InvalidError("the form cannot be read", "body") from error


def _converted(fields: dict[str, str]) -> Body:
    known = {name: fields[name] for name in ("component", "category", "words") if name in fields}
    known["words"] = known.get("words", "")[:WORDS_MAX]
    try:
        return msgspec.convert(known, Body)
    except msgspec.ValidationError as error:
        raise InvalidError(str(error).replace("`", "'"), "body") from error


def _origin(url: str) -> str:
    return "/".join(url.lower().split("/")[:3])
