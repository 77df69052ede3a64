"""What strikes a request at a door: shares add up, one draw decides, files of caches stay up."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.sim.drills import front_door
from penstock.sim.drills.front_door import CHAT, CONSOLE, LOGIN, NOT_HERE, WAYS, Blow, Way
from penstock.sim.drills.shapes import Strike

KINDS = ("http_500", "hang", "login_loop", "connect_error", "stream_cut", "challenge_block")
STEPS = 1000


def strike(kind: str = "http_500", share: float = 0.5, **more: object) -> Strike:
    given: dict[str, object] = {"place": CHAT, "from_s": 0.0, "to_s": 10.0, "surface": "web"}
    return msgspec.convert({"kind": kind, "share": share, **given, **more}, Strike)


@given(
    shares=st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0.0, 1.0)), min_size=1, max_size=4)
)
def test_a_request_is_struck_at_most_once_and_shares_add_up_to_one_at_most(
    shares: list[tuple[str, float]],
) -> None:
    strikes = [strike(kind, share) for kind, share in shares]
    drawn = [(step + 0.5) / STEPS for step in range(STEPS)]
    struck = [front_door.blow(strikes, CHAT, 5.0, lambda one=one: one) for one in drawn]
    ratio = sum(one is not None for one in struck) / STEPS
    assert ratio == pytest.approx(min(1.0, sum(share for _, share in shares)), abs=2 / STEPS)
    reached = 0.0
    for kind, share in shares:
        mine = min(1.0, reached + share) - min(1.0, reached)
        reached += share
        if [one for one, _ in shares].count(kind) == 1:
            found = sum(one is not None and one.kind == kind for one in struck) / STEPS
            assert found == pytest.approx(mine, abs=2 / STEPS)


@pytest.mark.parametrize(
    ("at_s", "is_struck"), [(-1.0, False), (0.0, True), (9.9, True), (10.0, False)]
)
def test_a_strike_holds_from_begin_to_before_its_end(at_s: float, *, is_struck: bool) -> None:
    found = front_door.blow([strike(share=1.0)], CHAT, at_s, lambda: 0.0)
    assert (found is not None) is is_struck


@pytest.mark.parametrize(
    ("door", "path", "place"),
    [
        (CHAT, "/", CHAT),
        (CHAT, "/api/v1/events", CHAT),
        (CHAT, "/login", LOGIN),
        (CHAT, "/login/oidc/back", LOGIN),
        (CHAT, "/logout", LOGIN),
        (CHAT, "/loginx", CHAT),
        (CHAT, "/assets/1/app.js", ""),
        (CHAT, "/healthz", ""),
        (CONSOLE, "/login", CONSOLE),
        (CONSOLE, "/static/1/tokens.css", ""),
    ],
)
def test_each_path_belongs_to_one_place(door: str, path: str, place: str) -> None:
    assert front_door.place_of(door, path) == place


@pytest.mark.parametrize(
    ("kind", "blow"),
    [
        ("http_529", Blow(Way.ERROR, "http_529", 529)),
        ("http_5xx", Blow(Way.ERROR, "http_5xx", 503)),
        ("elevated_errors", Blow(Way.ERROR, "elevated_errors", 503)),
        ("auth_error", Blow(Way.ERROR, "auth_error", 403)),
        ("dns_failure", Blow(Way.RESET, "dns_failure")),
        ("hang", Blow(Way.WAIT, "hang", wait_s=60.0)),
        ("login_loop", Blow(Way.FORGET, "login_loop")),
        ("stream_cut", Blow(Way.CUT, "stream_cut")),
    ],
)
def test_each_kind_has_its_way(kind: str, blow: Blow) -> None:
    assert front_door.blow([strike(kind, 1.0)], CHAT, 1.0, lambda: 0.99) == blow


def test_a_stall_that_is_published_is_kept() -> None:
    found = front_door.blow([strike("hang", 1.0, stall_s=30.0)], CHAT, 1.0, lambda: 0.0)
    assert found is not None
    assert found.wait_s == 30.0


@pytest.mark.parametrize("kind", sorted(NOT_HERE))
def test_what_is_about_answers_of_models_strikes_no_door(kind: str) -> None:
    assert front_door.blow([strike(kind, 1.0)], CHAT, 1.0, lambda: 0.0) is None


@given(at=st.sampled_from([CHAT, LOGIN]), share=st.floats(0.1, 1.0), drawn=st.floats(0.0, 0.99))
def test_health_tells_of_the_ways_whose_place_is_struck(
    at: str, share: float, drawn: float
) -> None:
    found = front_door.failing_ways([strike(share=share, place=at)], 1.0, lambda: drawn)
    assert found == (
        {way for way, place in WAYS.items() if place == at} if drawn < share else set()
    )
