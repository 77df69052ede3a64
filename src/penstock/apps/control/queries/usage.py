"""Usage and money over days of UTC, from the sums by day (``tables.usage``).

    by day     all figures of each day
    groups     all figures of each tenant, route, model, key or upstream; the largest first
    stacks     one figure by day, for a few of them

A span is from one midnight to another. However many exchanges there are, what is read is a row for
each day, key, route, model and upstream.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, case, cast, func, select

from penstock.ledger import tables

DIMENSIONS: Final = ("tenant", "route", "model", "key", "upstream")
FIGURES: Final = ("exchanges", *tables.TOKENS, *tables.MONEY, "estimated")
GROUPS_MAX: Final = 500  # that a page lists; CSV has all, and says so
LINES_MAX: Final = 100_000  # of a CSV: what a spreadsheet opens
OTHERS: Final = ""  # the name of all others together in ``stacks``


class Span(msgspec.Struct, frozen=True):
    """From one midnight of UTC to another, which is no longer in it."""

    since_s: int
    until_s: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until_s - self.since_s) // 86400

    @property
    def before(self) -> "Span":
        """The span of the same length just before."""
        return Span(2 * self.since_s - self.until_s, self.since_s)


class Figures(msgspec.Struct, frozen=True):
    """Sums of exchanges, tokens and money."""

    exchanges: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_microusd: int = 0
    charge_microusd: int = 0
    estimated: int = 0

    @property
    def tokens(self) -> int:
        """All tokens, both ways."""
        return self.input_tokens + self.output_tokens

    @property
    def estimated_ratio(self) -> float:
        """The share of exchanges whose figures no provider gave."""
        return self.estimated / self.exchanges if self.exchanges else 0.0

    def plus(self, other: "Figures") -> "Figures":
        """Return both together."""
        return Figures(*(getattr(self, one) + getattr(other, one) for one in FIGURES))


class Group(msgspec.Struct, frozen=True):
    """What one tenant, route, model, key or upstream has used."""

    name: str
    figures: Figures


class Slice(msgspec.Struct, frozen=True):
    """What is looked at: a span, and only what has these values."""

    span: Span
    only: dict[str, str] = {}

    def where(self) -> ColumnElement[bool]:
        """Return the condition on rows of usage."""
        u = tables.usage.c
        days = u.day_s.between(self.span.since_s, self.span.until_s - 1)
        return and_(days, *(u[name] == value for name, value in self.only.items()))


def by_day(connection: Connection, part: Slice) -> dict[int, Figures]:
    """Return all figures by the midnight that their day began with; days without any are not."""
    day = tables.usage.c.day_s
    found = connection.execute(select(day, *_sums()).where(part.where()).group_by(day))
    return {row[0]: Figures(*row[1:]) for row in found}


def groups(
    connection: Connection, part: Slice, dimension: str, order: str, limit: int = GROUPS_MAX
) -> list[Group]:
    """Return all figures by one dimension, those with the most of ``order`` first."""
    name = tables.usage.c[dimension]
    query = select(name, *_sums()).where(part.where()).group_by(name)
    query = query.order_by(_order(order), name).limit(limit)
    return [Group(row[0], Figures(*row[1:])) for row in connection.execute(query)]


def stacks(
    connection: Connection, part: Slice, dimension: str, names: Sequence[str], figure: str
) -> dict[str, dict[int, int]]:
    """Return one figure by name and day: of the names, and of all others under ``OTHERS``."""
    u = tables.usage.c
    named = case((u[dimension].in_(names), u[dimension]), else_=OTHERS).label("named")
    query = (
        select(named, u.day_s, _whole(_value(figure))).where(part.where()).group_by(named, u.day_s)
    )
    found: dict[str, dict[int, int]] = {}
    for name, day_s, value in connection.execute(query):
        found.setdefault(name, {})[day_s] = value
    return found


def lines(part: Slice, dimension: str) -> Select[Any]:
    """Return the query of a CSV: a line for each day and value of a dimension."""
    u = tables.usage.c
    query = select(u.day_s, u[dimension], *_sums()).where(part.where())
    return query.group_by(u.day_s, u[dimension]).order_by(u.day_s, u[dimension]).limit(LINES_MAX)


def charged(connection: Connection, since_s: int) -> dict[str, int]:
    """Return what each tenant has been charged since a midnight, in micro-dollars."""
    u = tables.usage.c
    query = select(u.tenant, _whole(u.charge_microusd)).where(u.day_s >= since_s)
    return {row[0]: row[1] for row in connection.execute(query.group_by(u.tenant))}


def unpriced(connection: Connection, since_s: int) -> list[tuple[str, str, int]]:
    """Return upstream, model and exchanges of what had no price since a midnight."""
    t = tables.traffic.c
    number = _whole(t.unpriced)
    query = (
        select(t.upstream, t.model, number)
        .where(t.grain_s == tables.GRAINS_S[-1], t.start_s >= since_s, t.unpriced > 0)
        .group_by(t.upstream, t.model)
        .order_by(number.desc())
        .limit(GROUPS_MAX)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def _value(figure: str) -> ColumnElement[int]:
    u = tables.usage.c
    return u.input_tokens + u.output_tokens if figure == "tokens" else u[figure]


def _sums() -> list[ColumnElement[int]]:
    return [_whole(tables.usage.c[name]) for name in FIGURES]


def _whole(column: ColumnElement[int]) -> ColumnElement[int]:
    """Return a sum as a whole number: PostgreSQL makes a numeric of it."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _order(order: str) -> ColumnElement[Any]:
    return func.sum(_value(order)).desc()
