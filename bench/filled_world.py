"""The world that ``filled.py`` fills a ledger with: who asks, by which routes, and what they get.

weather   calm, rush (free and batch are shed), outage (the first upstream of "assistant" and
          "deep" overloads and breaks streams: exchanges fail over, some are spliced, some fail)
shape     one exchange without its name and instant: all columns, attempts, and what it adds to
          each sum. A few hundred for each route, tier and weather are drawn once; exchanges
          then pick among them, which is what makes a million of them a matter of seconds
"""

import random
from typing import Any, Final, NamedTuple

import msgspec

from penstock.core.price import Rates, Used, cost_microusd
from penstock.exchange.record import AttemptRecord
from penstock.ledger import tables
from penstock.ledger.rows import Detail

SHAPES: Final = 256  # of one route, tier and weather
CALM, RUSH, OUTAGE = "calm", "rush", "outage"
WEATHERS: Final = (CALM, RUSH, OUTAGE)
BROKEN: Final = "anthropic-main"  # the upstream that has the outage
CHARGE_RATIO: Final = 1.2  # what tenants pay, by cost
PRICE_VERSION: Final = 1


class Answerer(NamedTuple):
    """One upstream and model of a route: how fast, and for how much."""

    upstream: str
    model: str
    ttft_s: float
    speed_per_s: float
    rates: Rates | None


class Way(NamedTuple):
    """A route: the answerers in order, and the mean tokens of an exchange."""

    name: str
    answerers: tuple[Answerer, ...]
    input_tokens: int
    output_tokens: int
    operation: str = "generate"


def rates(dollars_in: float, dollars_out: float, cached: float) -> Rates:
    """Return rates from dollars a million tokens."""
    a, b, c = (round(one * 1_000_000) for one in (dollars_in, dollars_out, cached))
    return Rates(a, b, c, round(a * 1.25))


SONNET: Final = Answerer(BROKEN, "claude-sonnet-4-5", 0.9, 70, rates(3, 15, 0.3))
OPUS: Final = Answerer(BROKEN, "claude-opus-4-1", 1.6, 45, rates(15, 75, 1.5))
HAIKU: Final = Answerer("anthropic-two", "claude-haiku-4-5", 0.45, 130, rates(1, 5, 0.1))
GPT: Final = Answerer("openai-main", "gpt-5", 1.2, 80, rates(1.25, 10, 0.125))
GPT_MINI: Final = Answerer("openai-main", "gpt-5-mini", 0.6, 110, rates(0.25, 2, 0.025))
FLASH: Final = Answerer("gemini-eu", "gemini-2.5-flash", 0.4, 160, rates(0.3, 2.5, 0.03))
OWN: Final = Answerer("vllm-own", "qwen3-32b", 0.3, 60, None)
VECTORS: Final = Answerer("openai-main", "text-embedding-3-small", 0.12, 0, rates(0.02, 0, 0.02))

WAYS: Final = (
    Way("assistant", (SONNET, GPT), 2400, 420),
    Way("fast", (FLASH, HAIKU, GPT_MINI), 900, 210),
    Way("deep", (OPUS, GPT), 6500, 1100),
    Way("local", (OWN, FLASH), 1200, 260),
    Way("vectors", (VECTORS,), 640, 0, "embed"),
)
TIERS: Final = ("enterprise", "standard", "free", "batch")

# Columns of a shape after those that name the exchange and its instant.
COLUMNS: Final = (
    "route", "model", "dialect", "operation", "tier", "upstream", "served_model", "outcome", "fate",
    "code", "status", "is_stream", "is_estimated", "attempts", "hops", "duration_s", "ttft_s",
    "queued_s", *tables.TOKENS, *tables.MONEY, "price_version", "detail",
)  # fmt: skip

Delta = tuple[tuple[int, float], ...]


class Shape(NamedTuple):
    """One exchange, but for its name, its instant, and whose it is."""

    tail: tuple[object, ...]  # COLUMNS
    upstream: str
    model: str
    traffic: Delta  # by index into TRAFFIC_SUMS
    attempts: tuple[tuple[tuple[str, str, str, int], Delta], ...]
    refusal: tuple[int, str] | None
    usage: Delta
    failures: tuple[tuple[Any, ...], ...]  # number, after_us, upstream, model, outcome, ...


TRAFFIC_AT: Final = {name: at for at, name in enumerate(tables.TRAFFIC_SUMS)}
ATTEMPTS_AT: Final = {name: at for at, name in enumerate(tables.ATTEMPTS_SUMS)}
USAGE_SUMS: Final = ("exchanges", *tables.TOKENS, *tables.MONEY, "estimated")
USAGE_AT: Final = {name: at for at, name in enumerate(USAGE_SUMS)}


def bucket(name: str, bounds: tuple[float, ...], value: float) -> str:
    """Return the histogram column that counts a value."""
    return f"{name}_{sum(value > bound for bound in bounds):02d}"


def shapes(seed: int) -> dict[tuple[str, str, str], tuple[Shape, ...]]:
    """Return the shapes by route, tier and weather; the same for the same seed."""
    dice = random.Random(seed)
    return {
        (way.name, tier, weather): tuple(_shape(dice, way, tier, weather) for _ in range(SHAPES))
        for way in WAYS
        for tier in TIERS
        for weather in WEATHERS
    }


def _shape(dice: random.Random, way: Way, tier: str, weather: str) -> Shape:
    drawn = _Drawn(dice, way, tier)
    luck = dice.random()
    sheds = {"free": 0.22, "batch": 0.35}.get(tier, 0.0) if weather == RUSH else 0.0005
    for ratio, status, code, fate in (
        (sheds, 503, "tier_capacity", "shed"),
        (0.004, 429, "rate_limit_exceeded", "limited"),
        (0.003, 400, "invalid_request", "rejected"),
    ):
        if luck < ratio:
            return drawn.ended("refused", fate, status, code)
        luck -= ratio
    at = _answerer(drawn, dice, way, weather)
    if at < 0:
        return drawn.ended("failed", "failed", 502, "upstream_failed")
    return _ending(drawn, dice, way.answerers[at])


def _answerer(drawn: "_Drawn", dice: random.Random, way: Way, weather: str) -> int:
    """Return who answers, after those that failed; -1 if none does."""
    if weather == OUTAGE and way.answerers[0].upstream == BROKEN:
        return drawn.meet_outage(way)
    if dice.random() < 0.004 and len(way.answerers) > 1:
        drawn.fail(way.answerers[0], "server_error", 500)
        return 1
    if len(way.answerers) > 2 and dice.random() < 0.2:
        return 1 + dice.randrange(len(way.answerers) - 1)  # by weight
    return 0


def _ending(drawn: "_Drawn", dice: random.Random, answerer: Answerer) -> Shape:
    luck = dice.random()
    if luck < 0.006:
        drawn.answer(answerer, "ignored")
        return drawn.ended("hung_up", "left", 200, "")
    if luck < 0.007:
        drawn.answer(answerer, "broken_stream")
        return drawn.ended("broken", "failed", 200, "upstream_failed")
    drawn.answer(answerer, "success")
    return drawn.ended("complete", "served", 200, "")


class _Drawn:
    """One exchange as it is drawn."""

    def __init__(self, dice: random.Random, way: Way, tier: str) -> None:
        self.dice, self.way, self.tier = dice, way, tier
        self.is_stream = way.operation == "generate" and dice.random() < 0.8
        waits = dice.random() < {"free": 0.3, "batch": 0.5}.get(tier, 0.03)
        self.queued_s = round(dice.expovariate(1 / 0.8), 3) if waits else 0.0
        self.at_s = self.queued_s + 0.002
        self.ttft_s = 0.0
        self.hops = 0
        self.tries: list[AttemptRecord] = []
        self.costs: list[int] = []
        self.generating_s = 0.0

    def fail(self, answerer: Answerer, kind: str, status: int) -> None:
        """Meet a failure before any content."""
        lasted_s = round(self.dice.uniform(0.05, 1.5), 3)
        self._add(answerer, kind, lasted_s, status=status, detail=f"answered {status}")

    def meet_outage(self, way: Way) -> int:
        """Return which answerer goes on, or -1 if none does."""
        luck = self.dice.random()
        if luck < 0.08 and self.is_stream:
            self.answer(way.answerers[0], "broken_stream")
            self.hops = 1
        else:
            self.fail(way.answerers[0], "overloaded", 529)
        return 1 if self.dice.random() < 0.97 else -1

    def answer(self, answerer: Answerer, outcome: str) -> None:
        """Answer, whole or in part."""
        dice, way = self.dice, self.way
        share = 1.0 if outcome == "success" else dice.random()
        asked = max(8, int(dice.lognormvariate(0, 0.9) * way.input_tokens * 0.7))
        output = int(max(1, dice.lognormvariate(0, 0.8) * way.output_tokens * 0.75) * share)
        output = output if way.output_tokens else 0
        cached = int(asked * dice.choice((0, 0, 0.5, 0.8))) if way.operation == "generate" else 0
        ttft_s = answerer.ttft_s * dice.lognormvariate(0, 0.35)
        generating_s = output / answerer.speed_per_s if answerer.speed_per_s else 0.0
        self.generating_s += generating_s
        if not self.ttft_s:
            self.ttft_s = round(self.at_s + ttft_s, 4)
        self._add(
            answerer,
            outcome,
            ttft_s + generating_s,
            status=200,
            ttft_s=round(ttft_s, 4),
            detail="" if outcome in {"success", "ignored"} else "ended early",
            input_tokens=asked,
            output_tokens=output,
            cached_tokens=cached,
            cache_write_tokens=asked // 10 if cached == 0 and asked > 4000 else 0,
            reasoning_tokens=output // 3 if answerer.model in {"gpt-5", "gpt-5-mini"} else 0,
            is_estimated=outcome != "success",
        )

    def ended(self, outcome: str, fate: str, status: int, code: str) -> Shape:
        """Return the shape."""
        last = self.tries[-1] if self.tries else None
        said = [one for one in self.tries if one.ttft_s]
        tokens = tuple(sum(getattr(one, name) for one in said) for name in tables.TOKENS)
        cost = sum(self.costs)
        charge = round(cost * CHARGE_RATIO) if fate in {"served", "left"} else 0
        is_estimated = any(one.is_estimated for one in said)
        upstream, model = (last.upstream, last.model) if last else ("", "")
        way, asked = self.way, self.way.name
        duration_s = round(self.at_s, 4)
        tail = (
            way.name, asked, "openai_chat", way.operation, self.tier, upstream, model, outcome,
            fate, code, status, int(self.is_stream), int(is_estimated), len(self.tries), self.hops,
            duration_s, self.ttft_s, self.queued_s, *tokens, cost, charge, PRICE_VERSION,
            self._detail(outcome),
        )  # fmt: skip
        adds = {
            "exchanges": 1, fate: 1, "streams": int(self.is_stream),
            "failovers": max(0, len(self.tries) - 1), "continued": int(self.hops > 0),
            "queued": int(self.queued_s > 0), "estimated": int(is_estimated),
            "unpriced": int(last is not None and model == OWN.model),
            **dict(zip(tables.TOKENS, tokens, strict=True)),
            "cost_microusd": cost, "charge_microusd": charge, "duration_s": duration_s,
            "ttft_s": self.ttft_s, "queued_s": self.queued_s, "generating_s": self.generating_s,
            bucket("wait", tables.WAIT_BOUNDS_S, self.queued_s): 1,
        }  # fmt: skip
        if self.ttft_s:
            adds[bucket("ttft", tables.TTFT_BOUNDS_S, self.ttft_s)] = 1
        if self.generating_s and fate == "served":
            speed = tokens[1] / self.generating_s
            adds[bucket("speed", tables.SPEED_BOUNDS_PER_S, speed)] = 1
        used = {name: adds[name] for name in (*tables.TOKENS, *tables.MONEY)}
        return Shape(
            tail,
            upstream,
            model,
            delta(adds, TRAFFIC_AT),
            tuple(_attempt(one, cost) for one, cost in zip(self.tries, self.costs, strict=True)),
            None if fate == "served" else (status, code or outcome),
            delta({"exchanges": 1, "estimated": int(is_estimated), **used}, USAGE_AT),
            tuple(_failure(at, one) for at, one in enumerate(self.tries) if _is_failure(one)),
        )

    def _detail(self, outcome: str) -> bytes:
        detail = Detail(
            attempts=self.tries,
            finish_reason="stop" if outcome == "complete" else "",
            bytes_in=1200,
            bytes_out=5600,
            events=64,
            costs_microusd=tuple(self.costs),
        )
        return msgspec.json.encode(detail)

    def _add(self, answerer: Answerer, outcome: str, lasted_s: float, **more: object) -> None:
        one = AttemptRecord(
            answerer.upstream, answerer.model, outcome, round(self.at_s, 4), round(lasted_s, 4)
        )
        for name, value in more.items():
            setattr(one, name, value)
        self.at_s += lasted_s
        self.tries.append(one)
        used = Used(one.input_tokens, one.output_tokens, one.cached_tokens, one.cache_write_tokens)
        self.costs.append(cost_microusd(answerer.rates, used) if answerer.rates else 0)


def delta(adds: dict[str, float], at: dict[str, int]) -> Delta:
    """Return what is not zero, by its place."""
    return tuple((at[name], value) for name, value in adds.items() if value)


def _is_failure(one: AttemptRecord) -> bool:
    return one.outcome not in {"success", "ignored"}


def _attempt(one: AttemptRecord, cost: int) -> tuple[tuple[str, str, str, int], Delta]:
    adds: dict[str, float] = {
        "attempts": 1,
        "estimated": int(one.is_estimated),
        **{name: getattr(one, name) for name in tables.TOKENS},
        "cost_microusd": cost,
        "duration_s": one.duration_s,
    }
    if one.ttft_s:
        adds[bucket("ttft", tables.TTFT_BOUNDS_S, one.ttft_s)] = 1
        lasted_s = one.duration_s - one.ttft_s
        if lasted_s > 0 and one.output_tokens:
            speed = one.output_tokens / lasted_s
            adds[bucket("speed", tables.SPEED_BOUNDS_PER_S, speed)] = 1
    return (one.upstream, one.model, one.outcome, one.status), delta(adds, ATTEMPTS_AT)


def _failure(at: int, one: AttemptRecord) -> tuple[object, ...]:
    after_us = int(one.dialled_s * 1e6)
    return (
        at, after_us, one.upstream, one.model, one.outcome, one.detail, "", one.status,
        one.duration_s,
    )  # fmt: skip
