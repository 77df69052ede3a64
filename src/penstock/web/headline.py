"""One line that says in words what a gateway is doing, the worst first.

    no answer                    who does not answer, and why
    every breaker open           bad       who, and when it is tried again
    a contract waits             bad       as full
    full                         partial   whose slots, and how long each tier waits
    something is shed            partial   how much, and why
    resting, probing, failing    degraded  who, and for how long or how much
    a ladder's level             degraded  which
    somebody waits all the same  degraded  how many: for an upstream that rests
    nothing of this              good      how much goes through

Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from penstock.web.quantities import number, seconds

LEVEL_MAX: Final = 5  # of the ladder
PROMPT: Final = ("control", "enterprise")  # tiers whose wait is bad news
PROMPT_S: Final = 1.0  # beyond which it is
WAITS_MAX: Final = 2  # tiers that wait, that are named
SEVERITIES: Final = ("bad", "partial", "degraded", "good")


class Said(NamedTuple):
    """A headline in parts, the most important first."""

    severity: str  # a shape of the terminal's
    parts: tuple[str, ...]

    @property
    def words(self) -> str:
        """The whole line."""
        return "; ".join(self.parts)


class Upstream(NamedTuple):
    """What the headline looks at of an upstream."""

    name: str
    condition: str
    in_flight: int
    limit: int
    waits_s: Mapping[str, float]  # the oldest, of the tiers that wait
    rest_s: float
    failing_ratio: float
    failing_how: str


class Flow(NamedTuple):
    """What goes through; None is not known yet."""

    level: int
    in_flight: int
    waiting: int
    exchanges_per_s: float | None
    tokens_per_s: float | None


def down(url: str, error: str) -> Said:
    """Return the line for a gateway that does not answer."""
    where = f" at {url}" if url else ""
    return Said("bad", (f"no gateway answers{where}: {error}",))


def up(upstreams: Iterable[Upstream], sheds: Mapping[str, float], flow: Flow) -> Said:
    """Return the line for a gateway that answers."""
    found = [one for upstream in upstreams if (one := _upstream(upstream))]
    found.sort(key=lambda one: SEVERITIES.index(one[0]))
    if sheds:
        at = sum(severity in ("bad", "partial") for severity, _ in found)
        found.insert(at, ("partial", shed_words(sheds)))
    if flow.level:
        found.append(("degraded", f"consumers at level {flow.level} of {LEVEL_MAX}"))
    if not found:
        return Said("degraded" if flow.waiting else "good", (_flow(flow),))
    return Said(found[0][0], tuple(words for _, words in found))


def _upstream(one: Upstream) -> tuple[str, str] | None:
    severity, words = "degraded", ""
    match one.condition:
        case "broken":
            again = f", retry in {seconds(one.rest_s)}" if one.rest_s else ""
            severity, words = "bad", f"{one.name}: breaker open{again}"
        case "full" if one.waits_s:  # without a queue it is used well, and no news
            is_bad = any(one.waits_s.get(tier, 0.0) > PROMPT_S for tier in PROMPT)
            waits = [f"{tier} waits {seconds(wait_s)}" for tier, wait_s in one.waits_s.items()]
            slots = f"{one.in_flight} of {one.limit} slots"
            severity = "bad" if is_bad else "partial"
            words = f"{one.name} full: {', '.join([slots, *waits[:WAITS_MAX]])}"
        case "resting":
            words = f"{one.name} rests for {seconds(one.rest_s)}"
        case "probing":
            words = f"{one.name} is being probed"
        case "failing":
            how = f" ({one.failing_how})" if one.failing_how else ""
            words = f"{one.name} fails {one.failing_ratio:.0%} of attempts{how}"
        case _:
            pass
    return (severity, words) if words else None


def shed_words(sheds: Mapping[str, float]) -> str:
    """Return how much is shed, and what for most of it."""
    most = max(sheds, key=lambda word: sheds[word])
    more = ", ..." if len(sheds) > 1 else ""
    return f"{number(sum(sheds.values()))} shed/s ({most}{more})"


def _flow(flow: Flow) -> str:
    if flow.waiting:
        return f"{flow.waiting} wait, {flow.in_flight} under way"
    if flow.exchanges_per_s is None or flow.tokens_per_s is None:
        return f"{flow.in_flight} under way, nobody waits"
    if not flow.exchanges_per_s and not flow.in_flight:
        return "idle"
    rates = f"{number(flow.exchanges_per_s)} exchanges/s, {number(flow.tokens_per_s)} tokens/s"
    return f"all is well: {rates}, {flow.in_flight} under way, nobody waits"
