"""The pure parts of probing: canaries, when what is due, what it may cost, forms, the network."""

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.status.watching.probing import budget, canary, chat, health
from penstock.apps.status.watching.probing.budget import Budget, Spent
from penstock.apps.status.watching.probing.form import log_in_form, log_out_form
from penstock.apps.status.watching.probing.network import FRESH_S, Network, is_local
from penstock.apps.status.watching.probing.schedule import FIRST_S, JITTER_RATIO, Schedule
from penstock.core.price import PriceList, Rates
from penstock.watch.confirming import EARNS, GAP_S, PURSE
from penstock.watch.evidence import ProbeResult

DAY_S = 86_400.0


@given(st.randoms(use_true_random=False), st.text(max_size=20), st.text(max_size=20))
def test_a_canary_is_right_whatever_stands_around_it(
    dice: random.Random, before: str, after: str
) -> None:
    asked = canary.question(dice.random)
    assert asked.is_answered_by(f"{before}\n**{' '.join(asked.words).upper()}**. {after}")
    assert not asked.is_answered_by(" ".join(asked.words[:-1]))
    assert not asked.is_answered_by("")


@given(st.randoms(use_true_random=False), st.integers(0, canary.COUNT - 1))
def test_a_canary_with_one_word_spoilt_is_wrong(dice: random.Random, at: int) -> None:
    asked = canary.question(dice.random)
    said = [word if index != at else "ฟหก" for index, word in enumerate(asked.words)]
    assert not asked.is_answered_by(" ".join(said))


@given(
    st.dictionaries(st.text("ab", min_size=1, max_size=3), st.floats(1.0, 60.0), min_size=1),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_probes_come_in_time_never_twice_at_once_and_never_too_many(
    intervals: dict[str, float], most: int, dice: random.Random
) -> None:
    schedule = Schedule(dice.random)
    schedule.use(intervals, 0.0)
    began: dict[str, list[float]] = {name: [] for name in intervals}
    now_s = 0.0
    for _ in range(200):
        due = schedule.due(now_s, most)
        assert len(due) <= most
        assert schedule.due(now_s, most - len(due)) == []
        for name in due:
            began[name].append(now_s)
            schedule.begun(name, intervals[name], now_s)
        for name in due:
            schedule.done(name)
        if not due:
            now_s += schedule.next_s(now_s, 1.0) or 0.001
    for name, instants in began.items():
        assert not instants or instants[0] <= FIRST_S + 0.1
        gaps = [after - before for before, after in pairwise(instants)]
        assert all(gap >= intervals[name] * (1 - JITTER_RATIO) - 1e-6 for gap in gaps)


def test_one_that_hangs_is_not_begun_again_and_a_new_one_begins_soon() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.use(["a"], 0.0)
    assert schedule.due(0.0, 8) == ["a"]
    schedule.begun("a", 5.0, 0.0)
    assert schedule.due(100.0, 8) == []
    schedule.use(["a", "b"], 100.0)
    assert schedule.due(100.0, 8) == ["b"]
    schedule.done("a")
    assert schedule.due(100.0, 8) == ["a"]


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_bad_one_is_made_again_at_once_and_never_while_it_is_under_way(bad: list[bool]) -> None:
    schedule, now_s, soon = Schedule(lambda: 0.5), FIRST_S, 0
    schedule.use(["a"], 0.0)
    for is_bad in bad:
        assert schedule.due(now_s, 8) == ["a"]
        schedule.begun("a", 15.0, now_s)
        schedule.told("gone", ProbeResult.FAILED, now_s)
        assert schedule.due(now_s + 100.0, 8) == []  # it may take longer than its interval
        schedule.done("a")
        schedule.told("a", ProbeResult.FAILED if is_bad else ProbeResult.GOOD, now_s)
        wait_s = schedule.next_s(now_s, 60.0)
        assert wait_s == pytest.approx(GAP_S) or wait_s == pytest.approx(15.0)
        is_soon = wait_s < 2.0 * GAP_S
        assert is_soon or not is_bad or soon >= PURSE
        soon += is_soon
        now_s += wait_s + 0.001
        schedule.use(["a"], now_s)  # what is known of it stays
    assert soon <= PURSE + len(bad) / EARNS


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 500)), max_size=40),
    st.integers(0, 1000),
)
def test_a_day_never_costs_more_than_the_budget(
    asked: list[tuple[int, int]], microusd: int
) -> None:
    reckoned, spent = Budget(), dict[int, int]()
    for day, cost in sorted(asked):
        now_unix_s = day * DAY_S + 5.0
        if not reckoned.is_spent("one", cost, microusd / 1e6, now_unix_s):
            reckoned.add("one", cost, now_unix_s)
            spent[day] = spent.get(day, 0) + cost
        reckoned = Budget(Spent(reckoned.spent.day, reckoned.spent.microusd))  # a restart
    assert all(cost <= microusd for cost in spent.values())


def test_a_model_without_a_price_is_dear() -> None:
    prices = PriceList([("cheap", Rates(input=100_000, output=400_000))])
    assert budget.rates_of(prices, "cheap") == Rates(input=100_000, output=400_000)
    assert budget.rates_of(prices, "new") == budget.DEAR
    assert budget.estimate([budget.DEAR, Rates()]) == 1800  # a fifth of a cent


PAGE = """
<form action="/search"><input name="q"></form>
<form method="post" action="/in"><input type="hidden" name="csrf" value="t0">
<input name="email" type="email"><input type="password" name="pw"><input type="checkbox" name="c">
<button>Log in</button></form><form method="post" action="/log-out"></form>
"""


def test_a_form_is_found_and_filled() -> None:
    form = log_in_form(PAGE)
    assert form is not None
    assert (form.action, form.method) == ("/in", "post")
    assert form.filled("a@b", "s") == {"csrf": "t0", "email": "a@b", "pw": "s"}
    found = log_out_form(PAGE)
    assert found is not None
    assert found.action == "/log-out"
    assert log_in_form("<p>Hello</p>") is None
    assert log_out_form("<p>Hello</p>") is None


@given(st.text())
def test_no_page_is_too_strange(page: str) -> None:
    log_in_form(page)
    log_out_form(f"<form action={page}><input name={page}>")


PLACES = [("a.example", 443), ("b.example", 443), ("127.0.0.1", 80)]


@pytest.mark.parametrize(
    ("host", "reachable", "is_cut_off"),
    [
        ("a.example", {"b.example"}, False),
        ("a.example", set[str](), True),
        ("a.example", {"127.0.0.1"}, True),  # this machine is no witness
        ("127.0.0.1", set[str](), False),  # and has no excuse
    ],
)
def test_nobody_is_accused_while_nobody_can_be_reached(
    host: str, reachable: set[str], *, is_cut_off: bool
) -> None:
    asked: list[str] = []

    async def connects(name: str, port: int) -> bool:
        assert port
        asked.append(name)
        return name in reachable

    now_s = 0.0
    network = Network(lambda: now_s, connects)
    assert asyncio.run(network.is_cut_off(host, PLACES)) is is_cut_off
    before = len(asked)
    asyncio.run(network.is_cut_off(host, PLACES))
    assert len(asked) == before  # the answer is fresh
    now_s = FRESH_S + 1.0
    asyncio.run(network.is_cut_off(host, PLACES))
    assert len(asked) == 2 * before


def test_with_nobody_else_to_ask_a_failure_stands() -> None:
    async def connects(name: str, port: int) -> bool:
        raise AssertionError((name, port))

    alone: Callable[[], float] = float
    assert not asyncio.run(Network(alone, connects).is_cut_off("a.example", PLACES[:1]))


@pytest.mark.parametrize(
    "host", ["localhost", "console.localhost", "127.0.0.1", "127.8.0.1", "::1"]
)
def test_this_machine_is_known(host: str) -> None:
    assert is_local(host)
    assert not is_local("10.0.0.1")
    assert not is_local("example.org")


@given(st.dictionaries(st.text(max_size=5), st.sampled_from(["ok", "failing", "off"])), st.text())
def test_a_state_is_read_by_its_name_and_nothing_is_too_strange(
    states: dict[str, str], text: str
) -> None:
    document = msgspec.json.encode({name: {"state": one} for name, one in states.items()}).decode()
    assert {name: health.state_of(document, name) for name in states} == states
    assert not health.state_of(document, "sessions!")
    assert not health.state_of(text, "sessions")


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1), st.randoms(use_true_random=False))
def test_an_answer_grows_by_its_deltas_whatever_comes_twice(
    pieces: list[str], dice: random.Random
) -> None:
    reading = chat.Reading("mine")
    told: list[bytes] = []
    for at, piece in enumerate(pieces):
        units = sum(len(one.encode("utf-16-le")) // 2 for one in pieces[:at])
        delta = {"message": "mine", "at": units, "text": piece}
        told.append(msgspec.json.encode(delta))
        again = told[dice.randrange(len(told)) :]
        for one in again:
            reading.take("delta", one, 1.0)
        reading.take("delta", msgspec.json.encode(delta | {"message": "other"}), 0.5)
        reading.take("place", b"not even JSON", 0.5)
    assert reading.text == "".join(pieces)
    assert reading.ttft_s == 1.0
    assert not reading.is_over
    reading.take("message", b'{"id":"mine","state":"broken","error":{"code":"c"}}', 2.0)
    assert reading.is_over
    outcome = chat.verdict(reading, canary.question(dice.random), 5.0, 2.0)
    assert (outcome.result.value, outcome.how) == ("failed", "c")
