"""What is written under a cap: by the same dialect and by another, and what is left alone."""

import json
from typing import Any, cast

import msgspec
import pytest
from tests.exchange.world import CHAT, Spec, World

from penstock.core.circuit_breaker import Permit
from penstock.core.claim import Claim
from penstock.core.tier import Tier
from penstock.dialects.message import Request
from penstock.dialects.registry import DIALECTS
from penstock.exchange import asking
from penstock.exchange.attempt import Attempt, AttemptOwner
from penstock.exchange.demand import Demand, Grant
from penstock.exchange.order import Order

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
LIMITS = {
    "openai_chat": "max_tokens",
    "openai_responses": "max_output_tokens",
    "anthropic_messages": "max_tokens",
    "gemini_generate": "maxOutputTokens",
}


LARGE = Spec("a")
SMALL = Spec("a", is_degraded=True)


class Nobody:
    """An attempt's owner, or a demand, that is told nothing."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def asked(
    dialect: str,
    cap: int,
    *,
    speakers: bool = False,
    watched: bool = False,
    spec: Spec = LARGE,
    **fields: Any,
) -> tuple[Attempt, Request | None]:
    """An attempt at an upstream of a dialect, for a caller of chat; and the request as read."""
    world = World()
    world.upstream("a", dialect=DIALECTS[dialect])
    route = world.route("b", spec)
    route.unary_via_stream = watched
    inquiry = CHAT.inquire(json.dumps(BODY | fields).encode())
    claim = Claim("tenant", "key", Tier.FREE, 1, 0.0)
    claim.output_tokens_cap = cap
    order = Order("x", route, CHAT, inquiry, {}, claim)
    order.speakers = {dialect: DIALECTS[dialect]} if speakers else None
    target = route.able(inquiry, may_degrade=spec.is_degraded)[0 if spec.is_degraded else 1]
    grant = Grant(target, Permit(0), cast("Demand", Nobody()), 0.0)
    attempt = Attempt(cast("AttemptOwner", Nobody()), grant, 1, 0.0)
    request = asking.write(order, attempt, None, None)
    return attempt, request


def limit_of(attempt: Attempt, dialect: str) -> object:
    """The limit that the upstream is told."""
    read: dict[str, Any] = msgspec.json.decode(attempt.body)
    read |= read.get("generationConfig", {})
    return read.get(LIMITS[dialect])


# A Gemini of no known name may think, and is not cut.
@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "gemini_generate"])
@pytest.mark.parametrize("watched", [False, True])
def test_a_cap_is_told_in_the_upstreams_words(dialect: str, *, watched: bool) -> None:
    attempt, request = asked(dialect, 128, watched=watched, max_tokens=999)
    assert attempt.is_shortened
    assert limit_of(attempt, dialect) == 128
    if request is not None:  # which the next attempt starts from
        assert request.output_tokens_max == 999


@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_a_cap_or_under_it_nothing_changes(dialect: str) -> None:
    plain, _ = asked(dialect, 0, max_tokens=100)
    capped, _ = asked(dialect, 128, max_tokens=100)
    assert plain.body == capped.body
    assert not plain.is_shortened
    assert not capped.is_shortened


def test_only_answers_are_shortened() -> None:
    attempt, _ = asked("openai_chat", 128, speakers=True)
    assert not attempt.is_shortened
    assert json.loads(attempt.body) == BODY


def test_what_is_told_of_it() -> None:
    assert asked("openai_chat", 0)[0].degraded == ()
    assert asked("openai_chat", 128)[0].degraded == ("max_tokens",)
    assert asked("openai_chat", 0, spec=SMALL)[0].degraded == ("model",)
    assert asked("openai_chat", 128, spec=SMALL)[0].degraded == ("max_tokens", "model")
    assert asked("openai_chat", 128, max_tokens=9)[0].degraded == ()
