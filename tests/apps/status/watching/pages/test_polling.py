"""Pages are polled politely, each of our models gets its post, and rows are of changes only."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import select
from tests.apps.status.installation import Clock, emulated, installed
from tests.apps.status.watching.pages.documents import BAD_SUMMARY, GOOD_SUMMARY, as_bytes, atom

from penstock.apps.status.parts import Parts
from penstock.apps.status.tables import posts
from penstock.apps.status.watching.pages.fetching import Fetched
from penstock.apps.status.watching.pages.polling import SELDOM_S, Pages, documents_of
from penstock.config.watching import PageKind, ProviderPage
from penstock.watch.component import Layer
from penstock.watch.evidence import PageState, Post

PAGE: Final = ProviderPage(
    name="Anthropic", provider="anthropic", kind=PageKind.STATUSPAGE, url="https://s.example/"
)
SUMMARY, FEED = "https://s.example/api/v2/summary.json", "https://s.example/history.atom"
GOOD, TROUBLE, UNREADABLE = PageState.GOOD, PageState.TROUBLE, PageState.UNREADABLE


async def _blocking(work: Callable[[], Any]) -> Any:
    return work()


class Provider:
    """A provider's server: says what it is told to, counts who asks, knows conditions."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.status = 200
        self.retry_after_s = 0.0
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def say(self, url: str, document: Any, kind: str = "application/json") -> None:
        self.documents[url] = document if isinstance(document, bytes) else as_bytes(document)
        self.kinds[url] = kind

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Fetched:
        self.asked.append((url, headers))
        if url not in self.documents or self.status != 200:
            status = 405 if self.status == 200 else self.status
            return Fetched(status=status, retry_after_s=self.retry_after_s)
        tag = f'"{hash(self.documents[url])}"'
        if headers.get("if-none-match") == tag:
            return Fetched(status=304)
        return Fetched(status=200, kind=self.kinds[url], body=self.documents[url], etag=tag)


class Watched:
    """Pages over a database, with a clock that is turned by hand."""

    def __init__(self, folder: Path, *pages: ProviderPage) -> None:
        self.clock = Clock()
        config = msgspec.structs.replace(emulated(), provider_pages=pages or (PAGE,))
        self.parts: Parts = installed(folder, self.clock, config)
        self.provider = Provider()
        self.told: list[Post] = []
        self.pages = self.again()

    def again(self) -> Pages:
        return Pages(self.parts, self.told.append, self.provider, _blocking, lambda: 0.5)

    def turn(self, after_s: float = 0.0) -> list[Post]:
        self.clock.now_unix_s += after_s
        self.told.clear()
        asyncio.run(self.pages.turn())
        return list(self.told)

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        with self.parts.store.reading() as connection:
            statement = select(posts).order_by(posts.c.id)
            return [(row.component, row.state, row.words) for row in connection.execute(statement)]

    @property
    def models(self) -> set[str]:
        return {
            one.id
            for one in self.parts.plan
            if one.watched.layer is Layer.MODEL and one.watched.provider == "anthropic"
        }

    def close(self) -> None:
        self.parts.store.close()


def test_each_model_of_the_provider_gets_a_post_at_each_look_and_a_row_at_each_change(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    assert watched.models
    watched.provider.say(SUMMARY, GOOD_SUMMARY)
    told = watched.turn()
    assert {one.component for one in told} == watched.models
    assert {one.state for one in told} == {GOOD}
    assert watched.turn(after_s=1) == []
    again = watched.turn(after_s=60)
    assert {one.at_unix_s for one in again} == {watched.clock()}
    assert len(watched.rows) == len(watched.models)
    incident = BAD_SUMMARY["incidents"][0] | {"name": "Elevated errors"}
    watched.provider.say(SUMMARY, BAD_SUMMARY | {"incidents": [incident]})
    told = watched.turn(after_s=60)
    assert {(one.state, one.words, one.link) for one in told} == {
        (TROUBLE, "Elevated errors", "https://stspg.example/abc")
    }
    assert {one.posted_unix_s for one in told} == {1_772_452_140.0}
    assert len(watched.rows) == 2 * len(watched.models)
    watched.close()


def test_who_has_not_changed_is_asked_with_conditions_and_whole_again_each_hour(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    watched.provider.say(SUMMARY, GOOD_SUMMARY)
    for _ in range(3):
        assert {one.state for one in watched.turn(after_s=60)} == {GOOD}
    conditions = ["if-none-match" in headers for _, headers in watched.provider.asked]
    assert conditions == [False, True, True]
    watched.turn(after_s=3600)
    assert "if-none-match" not in watched.provider.asked[-1][1]
    watched.close()


def test_a_summary_that_is_challenged_is_made_up_for_by_the_feed(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    content = "<p><strong>Investigating</strong> - We look.</p>"
    feed = atom(("Elevated errors", "2026-03-02T00:00:00Z", content)).encode()
    watched.provider.say(FEED, feed, "application/atom+xml")
    assert {(one.state, one.words) for one in watched.turn()} == {(TROUBLE, "Elevated errors")}
    watched.turn(after_s=60)
    assert [url for url, _ in watched.provider.asked] == [SUMMARY, FEED, FEED]
    watched.close()


def test_a_page_that_cannot_be_read_is_neither_and_is_asked_less_and_less(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert {one.state for one in watched.turn()} == {UNREADABLE}
    waits: list[float] = []
    for _ in range(8):
        before = watched.clock()
        while not watched.turn(after_s=15):
            assert watched.clock() - before < 2 * SELDOM_S
        waits.append(watched.clock() - before)
    assert waits == sorted(waits)
    assert waits[0] >= 120
    assert waits[-1] == SELDOM_S
    assert {state for _, state, _ in watched.rows} == {"unreadable"}
    assert len(watched.rows) == len(watched.models)
    watched.provider.say(SUMMARY, GOOD_SUMMARY)
    assert {one.state for one in watched.turn(after_s=SELDOM_S)} == {GOOD}
    assert {one.state for one in watched.turn(after_s=60)} == {GOOD}
    watched.close()


def test_who_asks_for_patience_is_left_alone(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.provider.status, watched.provider.retry_after_s = 429, 3000.0
    watched.turn()
    assert watched.turn(after_s=2999) == []
    assert watched.turn(after_s=1) != []
    watched.close()


def test_a_restart_writes_nothing_twice(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.provider.say(SUMMARY, BAD_SUMMARY)
    watched.turn()
    before = watched.rows
    watched.pages = watched.again()
    assert watched.turn(after_s=60) != []
    assert watched.rows == before
    watched.close()


def test_pages_follow_the_configuration(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.provider.say(SUMMARY, GOOD_SUMMARY)
    watched.turn()
    watched.parts.config = msgspec.structs.replace(watched.parts.config, provider_pages=())
    assert watched.turn(after_s=600) == []
    watched.close()


def test_one_page_that_hangs_does_not_keep_another_from_being_read(tmp_path: Path) -> None:
    other = msgspec.structs.replace(PAGE, name="second", url="https://t.example")
    watched = Watched(tmp_path, PAGE, other)
    watched.provider.say("https://t.example/api/v2/summary.json", GOOD_SUMMARY)
    states = [one.state for one in watched.turn()]
    assert set(states) == {UNREADABLE, GOOD}
    watched.close()


def test_it_goes_on_until_it_is_ended(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.provider.say(SUMMARY, GOOD_SUMMARY)
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        watched.clock.now_unix_s += 60
        if len(waited) == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(watched.pages.run(pause))
    assert len(watched.provider.asked) == 3
    watched.close()


def test_where_a_page_is_read() -> None:
    assert [url for url, _ in documents_of(PAGE)] == [SUMMARY, FEED]
    exact = msgspec.structs.replace(PAGE, url="https://s.example/x/summary.json")
    assert documents_of(exact) == [("https://s.example/x/summary.json", PageKind.STATUSPAGE)]
    feed = msgspec.structs.replace(PAGE, kind=PageKind.FEED, url="https://s.example/feed")
    assert documents_of(feed) == [("https://s.example/feed", PageKind.FEED)]
