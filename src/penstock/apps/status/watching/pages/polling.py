"""Providers' pages looked at again and again: evidence for the watch, rows for the record.

when       every interval_s of the page, a tenth earlier or later by chance; a page that cannot be
           read is asked half as often each time, down to SELDOM_S; Retry-After is honoured
what       with If-None-Match and If-Modified-Since; whatever was unchanged for FRESH_S is read
           again whole, because what an old feed says depends on the day
Statuspage the summary; where that cannot be read, the feed beside it, for FRESH_S
evidence   one Post for each of our models of that provider, at each look: good posts grow stale.
           Trouble stands over good; unreadable concerns all of them, and is neither
rows       of ``posts``, only where what is said of a component has changed

Nothing depends on a provider's page: whatever fails here is logged once and tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select

from penstock.apps.status.components import Planned
from penstock.apps.status.parts import Parts
from penstock.apps.status.tables import posts
from penstock.apps.status.watching.pages import concerning, reader, reading
from penstock.apps.status.watching.pages.fetching import Fetch, Fetched
from penstock.apps.status.watching.pages.reader import Answer
from penstock.apps.status.watching.pages.reading import Line, Reading
from penstock.config.watching import PageKind, ProviderPage
from penstock.core.errors import StoreError
from penstock.telemetry import log
from penstock.watch.evidence import PageState, Post

INTERVAL_MIN_S: Final = 15.0  # whatever the setting says: it is somebody else's server
JITTER: Final = 0.1
SELDOM_S: Final = 900.0
DOUBLINGS_MAX: Final = 10
FRESH_S: Final = 3600.0
LOOK_S: Final = 1.0  # between two looks at which page is due
AT_ONCE_MAX: Final = 8
NOT_MODIFIED: Final = 304

OnPost = Callable[[Post], None]
Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]
Pause = Callable[[float], Awaitable[None]]


class _Document(msgspec.Struct):
    """What is remembered of one address."""

    etag: str = ""
    modified: str = ""
    said: Reading | None = None
    whole_unix_s: float = 0.0  # when it was last read whole


class _Memory(msgspec.Struct):
    """What is remembered of one page."""

    next_unix_s: float = 0.0
    failures: int = 0
    documents: dict[str, _Document] = {}
    instead_until_unix_s: float = 0.0  # until when the second address is asked first
    posted: dict[str, Post] = {}  # by component: the last that was written


class Pages:
    """Polls the pages of the configuration. Owned by one event loop."""

    def __init__(
        self,
        parts: Parts,
        on_post: OnPost,
        fetch: Fetch,
        blocking: Blocking,
        chance: Callable[[], float],
    ) -> None:
        self._parts = parts
        self._on_post = on_post
        self._fetch = fetch
        self._blocking = blocking
        self._chance = chance
        self._memories: dict[str, _Memory] | None = None

    async def run(self, pause: Pause) -> None:
        """Go on for ever."""
        while True:
            await self.turn()
            await pause(LOOK_S)

    async def turn(self) -> None:
        """Look at every page that is due."""
        if self._memories is None:
            self._memories = await self._remembered()
        now_unix_s = self._parts.now_unix_s()
        pages = {one.name: one for one in self._parts.config.provider_pages}
        self._memories = {name: self._memories.get(name) or _Memory() for name in pages}
        due = [
            (pages[name], memory)
            for name, memory in self._memories.items()
            if memory.next_unix_s <= now_unix_s
        ]
        for begin in range(0, len(due), AT_ONCE_MAX):
            some = due[begin : begin + AT_ONCE_MAX]
            await asyncio.gather(*(self._look(page, memory) for page, memory in some))

    async def _look(self, page: ProviderPage, memory: _Memory) -> None:
        found, retry_after_s = await self._read(page, memory)
        now_unix_s = self._parts.now_unix_s()
        is_unreadable = found.state is PageState.UNREADABLE
        if is_unreadable and not memory.failures:
            log.warn("page_unreadable", page=page.name, reason=found.why)
        memory.failures = memory.failures + 1 if is_unreadable else 0
        memory.next_unix_s = now_unix_s + max(retry_after_s, self._wait_s(page, memory.failures))
        models = concerning.models(self._parts.plan, page)
        told = posts_of(page, models, found, now_unix_s)
        await self._write(page, memory, told)
        for one in told:
            self._on_post(one)

    def _wait_s(self, page: ProviderPage, failures: int) -> float:
        usual_s = max(page.interval_s, INTERVAL_MIN_S)
        slower_s = usual_s * 2 ** min(failures, DOUBLINGS_MAX)
        wait_s = min(slower_s, max(usual_s, SELDOM_S))
        return wait_s * (1 - JITTER + 2 * JITTER * self._chance())

    async def _read(self, page: ProviderPage, memory: _Memory) -> tuple[Reading, float]:
        """Return what the first document says that can be read, and how long to wait at least."""
        documents = documents_of(page)
        if memory.instead_until_unix_s > self._parts.now_unix_s():
            documents = documents[::-1]
        failed: list[Reading] = []
        retry_after_s = 0.0
        for url, kind in documents:
            found, wait_s = await self._document(memory, url, kind)
            retry_after_s = max(retry_after_s, wait_s)
            if found.state is not PageState.UNREADABLE:
                if failed and url != documents_of(page)[0][0]:
                    memory.instead_until_unix_s = self._parts.now_unix_s() + FRESH_S
                return found, retry_after_s
            failed.append(found)
        return failed[0], retry_after_s

    async def _document(self, memory: _Memory, url: str, kind: PageKind) -> tuple[Reading, float]:
        known = memory.documents.setdefault(url, _Document())
        now_unix_s = self._parts.now_unix_s()
        if now_unix_s - known.whole_unix_s > FRESH_S:
            known.etag = known.modified = ""
        answer = await self._fetch(url, _conditions(known))
        if answer.status == NOT_MODIFIED and known.said is not None and _conditions(known):
            return known.said, answer.retry_after_s
        found = _said(kind, answer, now_unix_s)
        is_kept = found.state is not PageState.UNREADABLE
        known.etag, known.modified = (answer.etag, answer.modified) if is_kept else ("", "")
        known.said, known.whole_unix_s = (found if is_kept else None), now_unix_s
        return found, answer.retry_after_s

    async def _write(self, page: ProviderPage, memory: _Memory, told: Sequence[Post]) -> None:
        changed = [one for one in told if not _is_same(memory.posted.get(one.component), one)]
        if not changed:
            return
        rows = [_row(page, one) for one in changed]

        def write() -> None:
            with self._parts.store.writing() as connection:
                connection.execute(insert(posts), rows)

        try:
            await self._blocking(write)
        except StoreError as error:
            log.warn("posts_not_written", page=page.name, reason=error.message)
            return
        memory.posted.update({one.component: one for one in changed})

    async def _remembered(self) -> dict[str, _Memory]:
        """Return what was last written of each page, so that a restart writes nothing twice."""

        def read() -> dict[str, _Memory]:
            with self._parts.store.reading() as connection:
                return _last(connection)

        try:
            return await self._blocking(read)
        except StoreError:
            return {}


def documents_of(page: ProviderPage) -> list[tuple[str, PageKind]]:
    """Return where a page is read, and how; the second in place of the first."""
    url = page.url.rstrip("/")
    if page.kind is not PageKind.STATUSPAGE:
        return [(page.url, page.kind)]
    if url.endswith(".json"):
        return [(url, page.kind)]
    summary = (f"{url}/api/v2/summary.json", page.kind)
    return [summary, (f"{url}/history.atom", PageKind.FEED)]


def posts_of(
    page: ProviderPage, models: Sequence[Planned], found: Reading, now_unix_s: float
) -> list[Post]:
    """Return what a page says of each of our models."""
    by_id: dict[str, Line] = {}
    for line in sorted(found.lines, key=lambda one: one.posted_unix_s):
        for id_ in concerning.concerned(models, page, line):
            by_id.setdefault(id_, line)
    is_unreadable = found.state is PageState.UNREADABLE
    return [
        _trouble(one.id, by_id[one.id], now_unix_s)
        if one.id in by_id
        else Post(
            component=one.id,
            at_unix_s=now_unix_s,
            state=PageState.UNREADABLE if is_unreadable else PageState.GOOD,
            words=found.why,
        )
        for one in models
    ]


def _trouble(component: str, line: Line, now_unix_s: float) -> Post:
    return Post(
        component=component,
        at_unix_s=now_unix_s,
        state=PageState.TROUBLE,
        words=line.title,
        posted_unix_s=line.posted_unix_s,
        link=line.link,
    )


def _said(kind: PageKind, answer: Fetched, now_unix_s: float) -> Reading:
    if answer.why:
        return reading.unreadable(answer.why)
    found = Answer(status=answer.status, kind=answer.kind, body=answer.body)
    return reader.read(kind, found, now_unix_s)


def _conditions(known: _Document) -> dict[str, str]:
    found = {"if-none-match": known.etag, "if-modified-since": known.modified}
    return {name: value for name, value in found.items() if value}


def _is_same(before: Post | None, now: Post) -> bool:
    """Tell whether nothing has changed but the instant."""
    return before is not None and msgspec.structs.replace(now, at_unix_s=before.at_unix_s) == before


def _row(page: ProviderPage, one: Post) -> dict[str, Any]:
    return {
        "page": page.name,
        "provider": page.provider,
        "component": one.component,
        "state": one.state.value,
        "words": one.words,
        "link": one.link,
        "at_unix_s": one.at_unix_s,
        "posted_unix_s": one.posted_unix_s,
    }


def _last(connection: Connection) -> dict[str, _Memory]:
    newest = select(func.max(posts.c.id)).group_by(posts.c.page, posts.c.component)
    found: dict[str, _Memory] = {}
    for row in connection.execute(select(posts).where(posts.c.id.in_(newest))):
        memory = found.setdefault(row.page, _Memory())
        memory.posted[row.component] = Post(
            component=row.component,
            at_unix_s=row.at_unix_s,
            state=PageState(row.state),
            words=row.words,
            posted_unix_s=row.posted_unix_s,
            link=row.link,
        )
    return found
