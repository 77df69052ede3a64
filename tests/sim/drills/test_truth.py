"""What was seen beside what was true: in time and place, per component and episode."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.sim.drills import truth
from penstock.sim.drills.shapes import Seen, Strike, Timetable, Window
from penstock.sim.drills.truth import GOAL_S, Line, Sighting, Told

WEB = Line(id="web", name="Web chat", layer="surface", surface="web")
LOGIN = Line(id="login", name="Log-in", layer="surface", surface="login")
API = Line(id="api", name="API", layer="surface", surface="api")
OPUS = Line(id="opus", name="claude-opus-5-5", layer="model", provider="anthropic")
HAIKU = Line(id="haiku", name="claude-haiku-4-5", layer="model", provider="anthropic")
GPT = Line(id="gpt", name="gpt-5.6", layer="model", provider="openai")
LINES = (WEB, LOGIN, API, OPUS, HAIKU, GPT)
UNIX = 1_772_451_420.0


def strike(
    place: str, share: float, from_s: float, to_s: float, *, provider: str = "", model: str = "*"
) -> Strike:
    return Strike(
        place=place, kind="http_500", share=share, from_s=from_s, to_s=to_s, surface="",
        provider=provider, model=model,
    )  # fmt: skip


def table(*strikes: Strike, until_s: float = 1000.0) -> Timetable:
    window = Window(from_s=0.0, to_s=until_s, from_unix_s=UNIX, to_unix_s=UNIX + until_s)
    return Timetable(windows=(window,), strikes=strikes, played_s=until_s, true_s=until_s)


def says(line: Line, at_s: float, verdict: str, culprit: str = "", state: str = "") -> Sighting:
    shown = state or ("major_outage" if verdict == "problem" else "operational")
    return Sighting(at_s=at_s, component=line.id, state=shown, verdict=verdict, culprit=culprit)


def of(line: Line, timetable: Timetable, *said: Sighting) -> list[Seen]:
    found = truth.seen(LINES, timetable, Told(said))
    return [one for one in found if one.component == line.id]


def test_log_in_alone_is_found_in_time_and_place() -> None:
    timetable = table(strike("login", 1.0, 10.0, 100.0))
    (one,) = of(LOGIN, timetable, says(LOGIN, 0.0, "none"), says(LOGIN, 40.0, "problem", "login"))
    assert (one.failed_at_s, one.ended_at_s, one.watch_s, one.page_s) == (10.0, 100.0, 30.0, 30.0)
    assert (one.expected, one.culprit, one.is_right) == ("login", "login", True)
    (web,) = of(WEB, timetable)
    assert (web.failed_at_s, web.is_right) == (None, True)
    assert of(API, timetable) == []  # it may be carried by others: nothing is claimed


@pytest.mark.parametrize(
    ("found_at_s", "culprit", "is_right"),
    [(10.0 + GOAL_S, "login", True), (11.0 + GOAL_S, "login", False), (20.0, "us", False)],
)
def test_too_late_or_in_the_wrong_place_is_wrong(
    found_at_s: float, culprit: str, *, is_right: bool
) -> None:
    timetable = table(strike("login", 1.0, 10.0, 200.0))
    (one,) = of(LOGIN, timetable, says(LOGIN, found_at_s, "problem", culprit))
    assert one.is_right is is_right


@pytest.mark.parametrize(
    ("share", "lasts_s", "is_right"),
    [(1.0, 90.0, False), (1.0, 30.0, None), (0.1, 90.0, None), (0.3, 90.0, False)],
)
def test_what_was_not_found_is_wrong_where_there_was_time_to_see_it(
    share: float, lasts_s: float, *, is_right: bool | None
) -> None:
    timetable = table(strike("api", share, 10.0, 10.0 + lasts_s, provider="claude"))
    (one,) = of(OPUS, timetable, says(OPUS, 0.0, "none"))
    assert (one.watch_s, one.is_right) == (None, is_right)


def test_all_models_of_a_provider_are_its_own_fault_and_one_is_the_models() -> None:
    (all_of_them,) = of(OPUS, table(strike("api", 1.0, 0.0, 90.0, provider="claude")))
    assert all_of_them.expected == "provider"
    one_alone = table(strike("api", 1.0, 0.0, 90.0, provider="claude", model="claude-opus-*"))
    (opus,) = of(OPUS, one_alone)
    assert opus.expected == "model"
    (haiku,) = of(HAIKU, one_alone, says(HAIKU, 5.0, "problem", "provider"))
    assert (haiku.failed_at_s, haiku.is_right) == (None, False)  # blamed, and innocent


@pytest.mark.parametrize(("culprit", "is_right"), [("provider", None), ("us", False)])
def test_a_web_chat_whose_models_fail_may_be_said_to_suffer_from_them(
    culprit: str, *, is_right: bool | None
) -> None:
    said = says(WEB, 40.0, "problem", culprit)
    (web,) = of(WEB, table(strike("api", 1.0, 10.0, 90.0, provider="gpt")), said)
    assert (web.failed_at_s, web.is_right) == (None, is_right)
    (shut,) = of(WEB, table(strike("login", 1.0, 10.0, 90.0)), says(WEB, 40.0, "problem", "login"))
    assert shut.is_right is None
    (alone,) = of(WEB, table(strike("console", 1.0, 10.0, 90.0)), said)
    assert alone.is_right is False


def test_what_fails_together_may_be_called_shared() -> None:
    timetable = table(
        strike("chat", 1.0, 0.0, 90.0), strike("api", 0.5, 50.0, 90.0, provider="claude")
    )
    (opus,) = of(OPUS, timetable)
    assert opus.expected == "provider, shared"
    (web,) = of(WEB, timetable)
    assert web.expected == "us, provider, shared"


def test_each_episode_stands_alone_and_what_is_still_said_counts_from_its_begin() -> None:
    timetable = table(strike("chat", 1.0, 10.0, 100.0), strike("chat", 1.0, 200.0, 300.0))
    said = (says(WEB, 40.0, "problem", "us"), says(WEB, 150.0, "none"))
    first, second = of(WEB, timetable, *said)
    assert (first.watch_s, second.watch_s, second.is_right) == (30.0, None, False)
    (_, held) = of(WEB, timetable, says(WEB, 40.0, "problem", "us"))
    assert (held.watch_s, held.page_s) == (0.0, 0.0)


def test_what_grows_manifold_is_news_of_its_own() -> None:
    timetable = table(
        strike("api", 0.1, 100.0, 280.0, provider="claude"),
        strike("api", 0.3, 190.0, 370.0, provider="claude", model="claude-opus-*"),
    )
    said = (says(OPUS, 130.0, "possible", "provider"), says(OPUS, 200.0, "problem", "model"))
    few, many = of(OPUS, timetable, *said)
    assert (few.failed_at_s, few.ended_at_s, few.watch_s, few.is_right) == (
        100.0,
        190.0,
        None,
        None,
    )
    assert (many.failed_at_s, many.watch_s, many.is_right) == (190.0, 10.0, True)
    assert (few.expected, many.expected) == ("provider", "provider, model")
    (kin,) = of(HAIKU, timetable, says(HAIKU, 130.0, "problem", "model"))
    assert kin.is_right is False  # as many of all models fail, or more


def test_reports_and_posts_are_of_the_episode_in_which_they_fall() -> None:
    timetable = table(strike("chat", 1.0, 10.0, 100.0), strike("chat", 1.0, 200.0, 300.0))
    told = Told((), {"web": (5.0, 60.0, 61.0)}, (UNIX + 70.0,))
    first, second = (one for one in truth.seen(LINES, timetable, told) if one.component == WEB.id)
    assert (first.people_s, first.provider_s) == (50.0, 60.0)
    assert (second.people_s, second.provider_s) == (None, None)


@given(
    spans=st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 100), st.floats(0.02, 1.0)), max_size=6
    )
)
def test_episodes_are_in_order_apart_and_cover_what_fails(
    spans: Sequence[tuple[int, int, float]],
) -> None:
    strikes = [strike("chat", share, at, at + lasts) for at, lasts, share in spans]
    found = truth.episodes(strikes)
    for one in found:
        assert one.from_s < one.to_s
        assert 0.0 < one.share <= 1.0
        assert (
            one.to_s < one.told_until_s <= one.to_s + truth.TAIL_S or one.told_until_s == one.to_s
        )
    for one, other in pairwise(found):
        has_grown = other.share >= truth.GROWTH * one.share and other.from_s >= one.to_s
        assert has_grown or other.from_s - one.to_s >= truth.GAP_S
        assert one.told_until_s <= other.from_s
    for one in strikes:
        for at_s in (one.from_s, one.to_s - 0.5):
            (of_it,) = [each for each in found if each.from_s <= at_s < each.to_s]
            assert of_it.share >= one.share
