"""A drill that nobody played, as large and as mixed as a real one: for tests, and to look at.

Not a model of anything: only the figures' shape is that of a drill.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from penstock.sim.drills import shapes
from penstock.sim.drills.measuring import TITLES, Drilled, Joined, measured
from penstock.sim.drills.shapes import (
    Bill,
    Call,
    Check,
    Outage,
    Reckoning,
    Result,
    Room,
    Seen,
    Strike,
    Timetable,
    Unplayed,
    Window,
)

DAY_UNIX_S = 1_772_409_600.0  # 2026-03-02
BEFORE_S, AFTER_S = 10.0, 80.0
CHANGES = (
    ("11:37", "chat, console and log-in begin to fail"),
    ("13:37", "the API begins to fail"),
    ("14:35", "Opus 4.6 begins to fail"),
    ("15:47", "chat, console, log-in and API work again"),
    ("15:50", "Opus 4.6 works again"),
    ("17:15", "chat, Haiku 4.5 and Opus 4.6 fail again"),
    ("17:35", "they work for a while"),
)
ROOMS = (
    Room(provider="claude", slots=12.0),
    Room(provider="gpt", slots=3.0),
    Room(provider="gemini", calls_per_s=1.0),
)
SPAN_S = BEFORE_S + AFTER_S
CHAT = ("chat", "http_500", 0.5, "web, mobile, coding-cli", "", "*")
LOGIN = ("login", "http_500", 0.8, "login", "", "*")
CONSOLE = ("console", "http_500", 0.5, "console", "", "*")
API = ("api", "http_500", 0.1, "api", "claude", "*")
OPUS = ("api", "http_529", 0.3, "model:opus-4.6", "claude", "*opus-4-6*")
HAIKU = ("api", "http_529", 0.3, "model:haiku-4.5", "claude", "*haiku-4-5*")
ON = {
    0: (CHAT, LOGIN, CONSOLE),
    1: (CHAT, LOGIN, CONSOLE, API),
    2: (CHAT, LOGIN, CONSOLE, API, OPUS),
    3: (OPUS,),
    4: (),
    5: (CHAT, OPUS, HAIKU),
    6: (),
}
MIX = (  # tier, place, a second, turns
    ("enterprise", "api", 1.2, 1),
    ("standard", "api", 1.5, 3),
    ("free", "api", 0.7, 4),
    ("free", "chat", 0.9, 3),
    ("batch", "api", 0.4, 1),
)


def timetable() -> Timetable:
    """Return seven windows of an outage."""
    windows: list[Window] = []
    strikes: list[Strike] = []
    was: tuple[tuple[str, str, float, str, str, str], ...] = ()
    for at, (clock, words) in enumerate(CHANGES):
        from_s = at * SPAN_S
        hours, minutes = clock.split(":")
        true_s = DAY_UNIX_S + int(hours) * 3600 + int(minutes) * 60 - BEFORE_S
        windows.append(
            Window(
                from_s=from_s,
                to_s=from_s + SPAN_S,
                from_unix_s=true_s,
                to_unix_s=true_s + SPAN_S,
                changes=(words,),
            )
        )
        spans = [(from_s, from_s + BEFORE_S, was), (from_s + BEFORE_S, from_s + SPAN_S, ON[at])]
        for begins_s, ends_s, on in spans:
            for place, kind, share, surface, provider, model in on:
                strikes.append(
                    Strike(
                        place=place,
                        kind=kind,
                        share=share,
                        from_s=begins_s,
                        to_s=ends_s,
                        surface=surface,
                        provider=provider,
                        model=model,
                        is_assumed=True,
                    )
                )
        was = ON[at]
    return Timetable(
        windows=tuple(windows),
        strikes=tuple(strikes),
        unplayed=(Unplayed(surface="api:batches", why="nothing of ours stands for it"),),
        notes=(
            "web, mobile and coding-cli are one thing here: our chat",
            "13:37 to 15:47: the share of web is that of the first phase, carried over (50 %)",
            "17:15 to 21:16: of 24 changes the first two are played, and the flapping is assumed",
        ),
        played_s=len(windows) * SPAN_S,
        true_s=34_740.0,
    )


class _Asked(NamedTuple):
    """One call before anybody has tried to answer it."""

    tier: str
    place: str
    at_s: float
    number: int
    turns: int
    home: str
    is_struck: bool


def calls(arm: str, seed: int = 7, load: float = 1.0) -> Iterator[Call]:
    """Yield what an arm's callers saw; the dice of all arms fall alike."""
    dice, fate = random.Random(seed), random.Random(f"{seed}{arm}")
    table = timetable()
    for tier, place, per_s, turns in MIX:
        at_s, number = 0.0, 0
        while (at_s := at_s + dice.expovariate(per_s * load)) < table.played_s:
            number += 1
            home = dice.choice(("claude", "claude", "gpt", "gemini"))
            is_struck = dice.random() < _struck(table, at_s, place, home)
            yield _call(arm, _Asked(tier, place, at_s, number, turns, home, is_struck), fate)


def _struck(table: Timetable, at_s: float, place: str, home: str) -> float:
    return sum(
        one.share
        for one in table.strikes
        if one.from_s <= at_s < one.to_s
        and one.place == place
        and (place == "chat" or one.provider == home)
    )


def _call(arm: str, asked: _Asked, fate: random.Random) -> Call:
    ttft_s = fate.lognormvariate(-0.6, 0.4)
    end, code, added_s, waited_s, seams = _fate(arm, asked, fate)
    is_answer = end in {"complete", "broken"}
    upstream = asked.home
    if asked.is_struck and arm != "bound":
        upstream = "gpt" if asked.home == "claude" else "claude"
    return Call(
        arm=arm,
        place=asked.place,
        tier=asked.tier,
        traffic=f"{asked.tier} {asked.place}",
        user=f"{asked.tier}-{asked.place}-{asked.number // asked.turns}",
        session=f"s{asked.number // asked.turns}" if asked.turns > 1 else "",
        turn=asked.number % asked.turns,
        is_last=asked.number % asked.turns == asked.turns - 1,
        provider=asked.home,
        at_s=asked.at_s,
        tries=3 if end in {"failed", "refused"} else 1,
        end=end,
        code=code,
        ttft_s=ttft_s + waited_s + added_s if is_answer else 0.0,
        took_s=ttft_s + waited_s + fate.expovariate(0.3),
        itl_p50_s=fate.lognormvariate(-3.7, 0.25) if is_answer else 0.0,
        waited_s=waited_s if arm == "penstock" else 0.0,
        added_s=added_s + waited_s if is_answer and arm != "bound" else None,
        output_tokens=fate.randrange(50, 700) if is_answer else 0,
        upstream=upstream if is_answer and arm != "bound" else "",
        continued=seams,
        cost_microusd=fate.randrange(900, 9000) if is_answer else 0,
    )


def _fate(arm: str, asked: _Asked, fate: random.Random) -> tuple[str, str, float, float, int]:
    """Return how a call ended, its error, its added wait, its wait at the gate, and its seams."""
    if not asked.is_struck:
        return "complete", "", 0.004, 0.0, 0
    if arm == "bound" or (arm == "failover" and asked.place == "chat"):
        return fate.choice(("failed", "failed", "failed", "broken")), "api_error", 0.0, 0.0, 0
    is_short = asked.tier in {"free", "batch"} and fate.random() < 0.6
    waited_s = fate.expovariate(0.2) if is_short else 0.0
    if is_short and (waited_s > 10.0 or arm == "failover"):
        return "refused", "no_capacity", 0.0, waited_s, 0
    added_s = fate.uniform(0.01, 0.2)
    if fate.random() < 0.3:
        is_ours = arm == "penstock"
        end, code = ("complete", "") if is_ours else ("broken", "upstream_failed")
        return end, code, added_s, waited_s, int(is_ours)
    return "complete", "", added_s, waited_s, 0


def seen() -> tuple[Seen, ...]:
    """Return what the status page said."""
    return (
        Seen(
            component="chat", name="Chat", failed_at_s=10.0, ended_at_s=280.0, watch_s=18.0,
            page_s=19.4, people_s=41.0, provider_s=720.0, verdict="major outage",
            culprit="us", expected="us", is_right=True,
        ),
        Seen(
            component="login", name="Log-in", failed_at_s=10.0, ended_at_s=280.0, watch_s=12.0,
            page_s=13.1, people_s=65.0, provider_s=720.0, verdict="major outage",
            culprit="login", expected="login", is_right=True,
        ),
        Seen(
            component="claude", name="Claude API", failed_at_s=100.0, ended_at_s=280.0,
            watch_s=24.0, page_s=25.2, people_s=None, provider_s=0.0, verdict="degraded",
            culprit="provider", expected="provider", is_right=True,
        ),
        Seen(
            component="opus", name="Claude Opus 4.6", failed_at_s=190.0, ended_at_s=370.0,
            watch_s=31.0, page_s=32.4, people_s=120.0, provider_s=None, verdict="partial outage",
            culprit="provider", expected="model", is_right=False,
        ),
        Seen(component="gpt", name="GPT API", failed_at_s=None, is_right=True),
    )  # fmt: skip


def bills() -> tuple[Bill, ...]:
    """Return what the outage costs."""
    figures = {
        "bound": ((141.0, 0.9967, 10.0, 4_200_000_000, 118_000_000_000, 0),
                  (139.0, 0.9968, 10.0, 900_000_000, 31_000_000_000, 0)),
        "failover": ((22.0, 0.9995, 0.0, 0, 19_300_000_000, 61_000_000),
                     (25.0, 0.9994, 0.0, 0, 6_100_000_000, 44_000_000)),
        "penstock": ((0.0, 1.0, 0.0, 0, 0, 83_000_000), (0.4, 0.99999, 0.0, 0, 210_000_000, 52e6)),
    }  # fmt: skip
    return tuple(
        Bill(
            arm=arm,
            tier=tier,
            lost_minutes=row[0],
            availability_ratio=row[1],
            credit_percent=row[2],
            credit_microusd=row[3],
            impact_microusd=row[4],
            failover_microusd=int(row[5]),
        )
        for arm, rows in figures.items()
        for tier, row in zip(("enterprise", "standard"), rows, strict=True)
    )


def joined() -> Joined:
    """Return what others found."""
    return Joined(
        seen=seen(),
        bills=bills(),
        reckonings=(
            Reckoning(
                arm=shapes.PENSTOCK, exchanges=2961, seen=2958, attempts=3277, exact=3205,
                estimated=72, is_equal=True,
                words=("72 attempts were broken off: their tokens are estimated",),
            ),
        ),
        checks=(
            Check(name="No silent truncation", is_kept=True, words="0 of 9,012 calls"),
            Check(name="Ledger and dropped lines are all exchanges", is_kept=True),
            Check(name="Nothing is charged twice", is_kept=True),
            Check(name="No tier inversion", is_kept=True),
            Check(name="Processes stay alive", is_kept=None, words="not looked at in this mode"),
            Check(name="enterprise success at least 0.999", is_kept=True, is_expectation=True),
            Check(
                name="free success at least 0.97", is_kept=False, words="0.951 in the arm penstock",
                is_expectation=True,
            ),
        ),
    )  # fmt: skip


def drilled() -> Drilled:
    """Return what the drill knows of itself."""
    return Drilled(
        name="2026-11-23T02-10-00Z-claude-2026-03-02",
        mode=shapes.EMULATED,
        began_unix_s=1_795_399_800.0,
        took_s=668.0,
        seed=7,
        version="0.8.0",
        set_up="the drill's own: three upstreams, four tiers",
        outage=Outage(
            id="claude-2026-03-02",
            title="Front end and log-in fail, API mostly up",
            provider="anthropic",
            confidence="high",
            sources=("StatusGator blog", "udit.co", "daillac.com", "dawncsimmons.com"),
            published=(
                "11:37 to 13:37: web, mobile, console, coding-cli: kinds and times",
                "13:37 the provider's page: some API methods are not working",
            ),
            assumed=(
                "11:37 to 13:37: 50 % of requests to web, mobile, console and coding-cli fail",
                "13:37 to 15:47: 10 % of API requests fail",
                "14:35 to 15:50: 30 % of requests to Opus 4.6 fail",
            ),
        ),
        timetable=timetable(),
        arms=tuple(one._replace(rooms=ROOMS) for one in TITLES),
    )


def result(seed: int = 7, load: float = 1.0) -> Result:
    """Return the whole drill."""
    made = [call for arm in shapes.ARMS for call in calls(arm, seed, load)]
    return measured(drilled(), made, joined())
