"""The turnstile: each line of its header, and its bounds."""

import pytest

from penstock.core.line_standing import Standing, Why
from penstock.core.turnstile import ASKING_FIRST, INSIDE_S, Turnstile


def joined(names: str, turnstile: Turnstile | None = None, now_s: float = 0.0) -> Turnstile:
    """A line in which each name is a message of a person of that name."""
    turnstile = Turnstile() if turnstile is None else turnstile
    for name in names:
        turnstile.join(name, f"person-{name}", now_s)
    return turnstile


def positions(turnstile: Turnstile, names: str, now_s: float = 0.0) -> list[int]:
    return [turnstile.place(name, now_s).position for name in names]


def held(turnstile: Turnstile, now_s: float = 0.0, wait_s: float = 1.0) -> Turnstile:
    """A line whose first has asked and been refused."""
    first = turnstile.may_ask(now_s)[0]
    turnstile.refused(first, wait_s, now_s)
    return turnstile


def test_first_come_first_asked() -> None:
    turnstile = joined("abcdefghijkl")
    assert turnstile.may_ask(0.0) == list("abcdefgh")[:ASKING_FIRST]
    assert turnstile.may_ask(0.1) == []
    assert positions(turnstile, "ahil") == [0, 0, 9, 12]
    turnstile.let_in("a", 0.2)
    assert turnstile.may_ask(0.2) == ["i", "j"]  # one more for each that is let in
    assert positions(turnstile, "al") == [0, 11]


def test_standard_stands_before_free() -> None:
    turnstile = joined("ab")
    turnstile.join("s", "payer", 1.0, is_standard=True)
    assert positions(turnstile, "sab") == [1, 2, 3]
    assert turnstile.may_ask(1.0) == ["s", "a", "b"]


def test_the_fifth_message_of_one_stands_behind_the_first_of_others() -> None:
    turnstile = Turnstile(asking_max=3)
    for at in range(5):
        turnstile.join(f"a{at}", "a", 0.0)
    joined("bc", turnstile, 1.0)
    assert turnstile.may_ask(1.0) == ["a0", "b", "c"]
    assert turnstile.place("a4", 1.0) == Standing(1, -1.0, "person")


def test_where_nobody_else_waits_all_of_one_are_asked() -> None:
    turnstile = Turnstile()
    for at in range(5):
        turnstile.join(f"a{at}", "a", 0.0)
    assert turnstile.may_ask(0.0) == [f"a{at}" for at in range(5)]


def test_who_is_inside_does_not_stand_in_line_again() -> None:
    turnstile = joined("a")
    turnstile.may_ask(0.0)
    turnstile.let_in("a", 0.0)
    turnstile.ended("person-a", 20.0)
    joined("bcdefghijklmnop", turnstile, 21.0)
    held(turnstile, 21.0, 30.0)
    turnstile.join("a2", "person-a", 52.0)
    assert turnstile.may_ask(52.0)[0] == "a2"
    assert turnstile.place("p", 52.0).position == 15
    turnstile.let_in("a2", 53.0)
    turnstile.join("late", "person-a", 53.0 + INSIDE_S + 1.0)
    assert turnstile.place("late", 53.0 + INSIDE_S + 1.0).position == 16


def test_who_is_put_out_stands_before_those_who_never_were_in() -> None:
    turnstile = joined("a")
    turnstile.may_ask(0.0)
    turnstile.let_in("a", 0.0)
    joined("bc", turnstile)
    turnstile.join("again", "person-a", 1.0)
    assert turnstile.may_ask(1.0) == ["again", "b", "c"]
    for one in ("again", "b", "c"):
        turnstile.refused(one, 5.0, 1.0, Why.SESSION)
    assert [turnstile.place(one, 1.0).position for one in ("again", "b", "c")] == [1, 2, 3]
    assert turnstile.may_ask(5.9) == []
    assert turnstile.may_ask(6.0)[0] == "again"


def test_nobody_asks_before_the_time_that_was_told() -> None:
    turnstile = held(joined("abcdefghijkl"), 0.0, 7.0)
    for one in "bcdefgh":
        turnstile.refused(one, 7.0, 0.1)
    assert turnstile.may_ask(7.0) == []
    assert turnstile.next_s(6.9) == 7.0 or turnstile.next_s(6.9) == pytest.approx(7.1, abs=0.2)
    assert turnstile.may_ask(7.2) == ["a"]  # one too many, after none


def test_a_place_that_refuses_is_asked_about_one_too_many() -> None:
    """Five are let in each second: after a while, six ask."""
    turnstile = Turnstile()
    for at in range(500):
        turnstile.join(str(at), str(at), 0.0)
    asked: list[int] = []
    for second in range(30):
        found = [*turnstile.may_ask(float(second))]
        asked.append(len(found))
        for at, one in enumerate(found):
            if at < 5:
                turnstile.let_in(one, second + 0.1)
            else:
                turnstile.refused(one, 1.0, second + 0.0)
    assert max(asked[5:]) <= 7


def test_free_being_refused_holds_nobody_who_pays() -> None:
    turnstile = held(joined("ab"), 0.0, 50.0)
    turnstile.join("s", "payer", 1.0, is_standard=True)
    assert turnstile.may_ask(1.0) == ["s"]
    turnstile.refused("s", 60.0, 1.0)
    assert turnstile.may_ask(55.0) == []  # what has no room for those has none for these


def test_a_limit_of_one_person_holds_nobody_else() -> None:
    turnstile = joined("ab")
    turnstile.may_ask(0.0)
    turnstile.refused("a", 5.0, 0.0, Why.PERSON)
    assert turnstile.place("a", 0.0).reason == "person"
    joined("c", turnstile, 1.0)
    assert turnstile.may_ask(1.0) == ["c"]
    assert turnstile.may_ask(5.0) == ["a"]


def test_where_the_place_cannot_be_reached_one_asks_and_no_wait_is_told() -> None:
    turnstile = joined("abcdef")
    turnstile.may_ask(0.0)
    for one in "abcdef":
        turnstile.refused(one, 4.0, 0.0, Why.GATEWAY)
    assert turnstile.place("f", 1.0) == Standing(6, -1.0, "gateway")
    assert turnstile.may_ask(3.9) == []
    assert turnstile.may_ask(4.0) == ["a"]
    turnstile.let_in("a", 4.1)
    assert turnstile.place("f", 4.2).reason == "capacity"
    assert turnstile.may_ask(4.2) == ["b", "c"]


def test_the_line_is_bounded_and_forgets_who_left() -> None:
    turnstile = Turnstile(waiting_max=3)
    assert [turnstile.join(one, one, 0.0) for one in "abcd"] == [True, True, True, False]
    turnstile.leave("b", 1.0)
    assert turnstile.join("d", "d", 1.0)
    assert positions(turnstile, "acd") == [1, 2, 3]
    for one in "acd":
        turnstile.leave(one, 2.0)
    assert len(turnstile) == 0
    assert turnstile.may_ask(2.0) == []
    assert turnstile.place("a", 2.0).position == 0


def test_news_are_told_once_until_enough_changes() -> None:
    turnstile = held(joined("abcdefghijkl"), 0.0, 3.0)
    assert len(turnstile.news(0.0)) == 12
    assert turnstile.news(0.9) == []
    turnstile.leave("b", 1.0)
    told = turnstile.news(20.0)
    assert {one for one, _ in told} >= set("ijkl")
    assert turnstile.news(41.0) == []
