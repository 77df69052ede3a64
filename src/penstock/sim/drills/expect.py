"""Expectations: what a drill must show, as its user writes it, so that it can run in CI.

    schema = "penstock-drill-expectations/1"

    [[expect]]
    name = "contracts hold"      # left out: the figure and its bounds
    figure = "success_ratio"     # see ``reading``
    tier = "enterprise"          # left out: all tiers together
    arm = "penstock"             # this one, if left out; so place = "api"
    window = 1                   # the second one played; left out: the whole drill
    view = "customer"            # left out: everything; customer: while the API failed
    component = "login"          # of figures of who knew when
    at_least = 0.999             # and, or, at_most

TOML or JSON. All that is wrong is told at once. An expectation whose figure was not to be had is
not met: what nobody measured, nobody has shown. ``may_be_unknown = true`` lets it pass as not
judged.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, cast

import msgspec

from penstock.core.errors import ConfigError, Problem
from penstock.core.tier import NAMED
from penstock.sim.drills import impact, reading
from penstock.sim.drills.reading import Where
from penstock.sim.drills.shapes import ARMS, PENSTOCK, Check, Result

SCHEMA: Final = "penstock-drill-expectations/1"
REMEDY: Final = "see docs/reference/drill-file.md for what may be expected"
EXPECT_MAX: Final = 1_000  # more than a board reads, and more than a test report shows
TOP: Final = frozenset({"schema", "expect"})


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure, and between what it must lie."""

    figure: str  # its name, see below
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""  # empty: what it says
    arm: str = PENSTOCK  # bound, failover or penstock
    place: Literal["api", "chat"] = "api"  # where calls came from
    tier: str = ""  # empty: all together; a bill has a tier
    window: Annotated[int, msgspec.Meta(ge=0)] | None = None  # from 0; none: the whole drill
    view: Literal["whole", "customer"] = "whole"  # customer: calls while the API failed
    component: str = ""  # of the status page; empty: the worst of those that failed
    at_least: float | None = None  # the figure is this, or more
    at_most: float | None = None  # the figure is this, or less
    may_be_unknown: bool = False  # else a figure that was not measured is not as expected

    @property
    def title(self) -> str:
        """Return its name, or what it says."""
        where = " ".join(
            one
            for one in (
                self.arm,
                self.place if self.place != "api" else "",
                self.tier,
                self.component,
                "" if self.window is None else f"window {self.window + 1}",
                "as customers see it" if self.view == "customer" else "",
            )
            if one
        )
        return self.name or f"{where}: {self.figure} {self.bounds}"

    @property
    def bounds(self) -> str:
        """Return between what it must lie, in words."""
        told = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bound:g}" for word, bound in told if bound is not None)

    @property
    def where(self) -> Where:
        """Return which of the figures of its name is meant."""
        window = -1 if self.window is None else self.window
        return Where(
            self.arm, self.place, self.tier, window, self.component, self.view == "customer"
        )


def parse(text: str | bytes, place: str = "expect.toml") -> tuple[Expectation, ...]:
    """Return the expectations of a file; raises ConfigError with all that is wrong."""
    try:
        table = impact.decoded(text)
    except ValueError as error:
        raise ConfigError([Problem(place, f"neither TOML nor JSON: {error}", REMEDY)]) from error
    problems = list(_check_table(table, place))
    found: list[Expectation] = []
    raw = table.get("expect", [])
    for at, one in enumerate(
        cast("list[object]", raw)[:EXPECT_MAX] if isinstance(raw, list) else ()
    ):
        where = f"{place}: expect[{at}]"
        try:
            expectation = msgspec.convert(one, Expectation)
        except msgspec.ValidationError as error:
            problems.append(Problem(where, str(error), REMEDY))
            continue
        problems.extend(check(expectation, where))
        found.append(expectation)
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def check(one: Expectation, place: str) -> Iterator[Problem]:
    """Yield what cannot be."""
    if not reading.is_figure(one.figure):
        remedy = f"one of {', '.join(reading.names())}"
        yield Problem(place, f"there is no figure {one.figure!r}", remedy)
    if one.tier and one.tier not in NAMED:
        yield Problem(place, f"there is no tier {one.tier!r}", f"one of {', '.join(NAMED)}")
    if one.arm not in ARMS:
        yield Problem(place, f"there is no arm {one.arm!r}", f"one of {', '.join(ARMS)}")
    low, high = one.at_least, one.at_most
    if low is None and high is None:
        yield Problem(place, "it expects nothing", "give at_least or at_most")
    elif any(bound is not None and math.isnan(bound) for bound in (low, high)):
        yield Problem(place, "a bound is not a number", "give a number")
    elif low is not None and high is not None and low > high:
        yield Problem(place, f"nothing is at least {low:g} and at most {high:g}", "swap them")


def judged(expectations: tuple[Expectation, ...], result: Result) -> tuple[Check, ...]:
    """Return whether a result is as expected, one check each."""
    return tuple(_judged(one, result) for one in expectations)


def _judged(one: Expectation, result: Result) -> Check:
    value = reading.figure(result, one.figure, one.where)
    if value is None:
        words = f"{one.figure} was not measured; expected {one.bounds}"
        is_kept = None if one.may_be_unknown else False
        return Check(name=one.title, is_kept=is_kept, words=words, is_expectation=True)
    is_kept = (one.at_least is None or value >= one.at_least) and (
        one.at_most is None or value <= one.at_most
    )
    was = "never" if value == reading.NEVER else f"{value:.6g}"
    words = f"{one.figure} was {was}; expected {one.bounds}"
    return Check(name=one.title, is_kept=is_kept, words=words, is_expectation=True)


def _check_table(table: Mapping[str, object], place: str) -> Iterator[Problem]:
    if table.get("schema") != SCHEMA:
        yield Problem(place, f"its schema is {table.get('schema')!r}", f'schema = "{SCHEMA}"')
    for name in sorted(set(table) - TOP):
        yield Problem(place, f"there is no {name!r}", REMEDY)
    raw = table.get("expect")
    if not isinstance(raw, list) or not raw:
        yield Problem(place, "it expects nothing", "give [[expect]]")
    elif len(cast("list[object]", raw)) > EXPECT_MAX:
        yield Problem(place, "it expects too much", f"at most {EXPECT_MAX:,}")
