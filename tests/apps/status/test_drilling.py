"""That a drill is on stands on every page, and goes by itself at its end."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.apps.status.operator import Operator, operator

from penstock.apps.status import drilling, viewing
from penstock.apps.status.drilling import LASTS_S_MAX, WORDS, Announced
from penstock.apps.status.incidents.turning import Turning
from penstock.apps.status.site import rendering, wording
from penstock.apps.status.site.files import File

PAGES = ("/", "/history", "/uptime", "/maintenance", "/subscribe", "/report")
NOON = 1_772_452_800.0


@pytest.fixture
def api(tmp_path: Path) -> Any:
    with operator(tmp_path) as one:
        yield one


def site(api: Operator) -> dict[str, File]:
    with api.page.store.reading() as connection:
        return rendering.render(viewing.read(connection, api.page.parts, api.page.now_s))


def has_banner(api: Operator) -> set[bool]:
    files = site(api)
    return {b"A drill is on." in files[path].body for path in PAGES}


def own(api: Operator) -> Any:
    return msgspec.json.decode(site(api)["/api/status.json"].body)["page"]["drill"]


def announce(api: Operator, for_s: float = 600.0, **more: str) -> dict[str, Any]:
    return api.done("PUT", "/drill", {"until_unix_s": api.page.now_s + for_s, **more})


def test_every_page_says_it_until_its_end_and_then_by_itself_no_more(api: Operator) -> None:
    assert has_banner(api) == {False}
    assert own(api) is None
    made = announce(api)
    assert (made["words"], made["author"], made["is_shown"]) == (WORDS, "break-glass", True)
    assert has_banner(api) == {True}
    assert own(api)["words"] == WORDS
    api.page.now_s += 599.0
    assert has_banner(api) == {True}
    assert not drilling_turned(api)
    api.page.now_s += 1.0
    assert has_banner(api) == {False}
    assert own(api) is None
    assert api.ask("GET", "/drill")[0] == 404
    assert drilling_turned(api)  # so that the site is rendered at once, and not a minute later
    assert not drilling_turned(api)


def drilling_turned(api: Operator) -> bool:
    with api.page.writing() as connection:
        return drilling.turn(connection, api.page.now_s)


def test_the_end_has_the_site_rendered_anew(api: Operator) -> None:
    async def blocking(work: Any) -> Any:
        return work()

    turning = Turning(api.page.parts, blocking)
    announce(api)
    asyncio.run(turning.turn())
    before = api.touched
    api.page.now_s += 601.0
    assert asyncio.run(turning.turn())
    assert api.touched == before + 1


def test_a_second_one_stands_in_place_of_the_first_and_an_operator_ends_it(api: Operator) -> None:
    announce(api)
    announce(api, 60.0, words="We practise 2 March <b>again</b>.")
    front = site(api)["/"].body.decode()
    assert front.count("A drill is on.") == 1
    assert "We practise 2 March &lt;b&gt;again&lt;/b&gt;." in front
    assert api.done("GET", "/drill")["words"].startswith("We practise 2 March")
    assert api.ask("DELETE", "/drill")[0] == 204
    assert has_banner(api) == {False}
    assert api.ask("DELETE", "/drill")[0] == 404
    items = api.done("GET", "/audit")["items"]
    assert [one["action"] for one in reversed(items)] == ["announce", "announce", "end"]


def test_a_page_that_shows_no_drills_says_nothing(api: Operator) -> None:
    config = api.page.parts.config
    status = msgspec.structs.replace(config.status, shows_drills=False)
    api.page.parts.config = msgspec.structs.replace(config, status=status)
    assert announce(api)["is_shown"] is False
    assert has_banner(api) == {False}
    assert own(api) is None


@pytest.mark.parametrize("for_s", [-1.0, 0.0, LASTS_S_MAX + 1.0])
def test_an_end_that_is_past_or_too_far_away_is_refused(api: Operator, for_s: float) -> None:
    status, told = api.ask("PUT", "/drill", {"until_unix_s": api.page.now_s + for_s})
    assert status == 422
    assert told["error"]["param"] == "body.until_unix_s"
    assert has_banner(api) == {False}


def test_words_that_nobody_reads_to_the_end_are_refused(api: Operator) -> None:
    body = {"until_unix_s": api.page.now_s + 60.0, "words": "w" * 301}
    status, told = api.ask("PUT", "/drill", body)
    assert (status, told["error"]["param"]) == (422, "body.words")


@given(for_s=st.floats(1.0, LASTS_S_MAX))
def test_its_words_name_the_hour_and_another_day_where_it_is_one(for_s: float) -> None:
    one = Announced(words="Words.", from_unix_s=NOON, until_unix_s=NOON + for_s, author="")
    assert wording.drill(one).startswith("Words. It ends by 1")
    assert " on " not in wording.drill(one)
    late = msgspec.structs.replace(one, until_unix_s=NOON + 86_400.0)
    assert wording.drill(late) == "Words. It ends by 12:00 UTC on 3 March."
