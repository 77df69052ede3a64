"""A route asks only those who have what a request needs, and refuses nobody by a guess."""

import msgspec
import pytest
from tests.exchange.world import CHAT, Spec, World

from penstock.config.model import Feature, Policy
from penstock.core.outcome import FailureKind
from penstock.dialects.contract import Inquiry
from penstock.dialects.registry import DIALECTS
from penstock.exchange.route import Route, needs

IMAGE: dict[str, object] = {
    "type": "image_url",
    "image_url": {"url": "data:image/png;base64," + "A" * 40_000},
}
DOCUMENT: dict[str, object] = {
    "type": "file",
    "file": {"file_data": "data:application/pdf;base64," + "A" * 40_000},
}
TOOLS: dict[str, object] = {"tools": [{"type": "function", "function": {"name": "f"}}]}
SCHEMA: dict[str, object] = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}
}


def asking(content: object = "Hi", **fields: object) -> Inquiry:
    body = {"model": "m", "messages": [{"role": "user", "content": content}]} | fields
    return CHAT.inquire(msgspec.json.encode(body))


def names(route: Route, inquiry: Inquiry) -> str:
    return "".join(target.upstream.name for target in route.able(inquiry))


@pytest.mark.parametrize(
    ("inquiry", "needed"),
    [
        (asking(), set[Feature]()),
        (asking(**TOOLS), {Feature.TOOLS}),
        (asking(tools=[]), set[Feature]()),
        (asking([IMAGE]), {Feature.IMAGES}),
        (asking(**SCHEMA), {Feature.STRUCTURED_OUTPUT}),
        (asking([DOCUMENT]), {Feature.DOCUMENTS}),
        (asking([IMAGE, DOCUMENT], **TOOLS, **SCHEMA), set(Feature)),
    ],
)
def test_what_a_request_needs(inquiry: Inquiry, needed: set[Feature]) -> None:
    assert needs(inquiry) == needed


def test_who_lacks_something_needed_is_left_out_and_the_order_is_kept() -> None:
    world = World()
    route = world.route(
        Spec("a", lacks=(Feature.TOOLS,)),
        Spec("b", lacks=(Feature.IMAGES, Feature.STRUCTURED_OUTPUT)),
        Spec("c"),
        Spec("d", lacks=(Feature.DOCUMENTS, Feature.TOOLS, Feature.IMAGES)),
    )
    assert names(route, asking()) == "abcd"
    assert names(route, asking([DOCUMENT])) == "abc"
    assert names(route, asking(**TOOLS)) == "bc"
    assert names(route, asking([IMAGE])) == "ac"
    assert names(route, asking(**TOOLS, **SCHEMA)) == "c"


def test_who_is_too_small_is_left_out_while_there_is_another() -> None:
    world = World()
    small, large, unknown = Spec("a", context=100), Spec("b", context=10_000), Spec("c")
    long = asking("x" * 4000)
    assert names(world.route(small, large, unknown), asking()) == "abc"
    assert names(world.route(small, large, unknown), long) == "bc"
    assert names(world.route(small), long) == "a", "an estimate refuses nobody"


def test_what_the_table_says_of_a_model_counts_as_well() -> None:
    world = World()
    route = world.route(Spec("a", "gpt-3.5-turbo"), Spec("b", "gpt-4o"))
    assert names(route, asking()) == "ab"
    assert names(route, asking([IMAGE])) == "b"
    assert names(route, asking(**SCHEMA)) == "b"
    assert names(route, asking("x" * 100_000)) == "b"


def test_a_schema_that_can_be_put_in_words_excludes_nobody() -> None:
    world = World()
    world.upstream("a", dialect=DIALECTS["anthropic_messages"])
    route = world.route(Spec("a", "claude-3-opus-latest"), "b")
    assert names(route, asking(**SCHEMA)) == "ab"


def test_the_bytes_of_a_picture_are_no_tokens() -> None:
    world = World()
    route = world.route(Spec("a", context=1000), Spec("b", context=100_000))
    assert names(route, asking([IMAGE])) == "ab"


def test_a_route_without_limits_is_not_looked_through() -> None:
    world = World()
    route = world.route("a", "b")
    assert route.able(asking(**TOOLS)) is route.targets


def test_kinds_that_the_operator_names_and_all_if_none_is_named() -> None:
    world = World()
    every = world.route("a")
    some = world.route("a", failover_on=("quota", "server_error"))
    assert all(every.may_fail_over(kind) for kind in FailureKind)
    allowed = {kind for kind in FailureKind if some.may_fail_over(kind)}
    assert allowed == {FailureKind.QUOTA, FailureKind.SERVER_ERROR}


@pytest.mark.parametrize("policy", list(Policy))
def test_every_policy_chooses_one_of_those_that_are_free(policy: Policy) -> None:
    world = World()
    route = world.route("a", "b", "c", policy=policy)
    picked = {route.choose(route.targets, world.chance, world.now_s) for _ in range(100)}
    assert picked == ({route.targets[0]} if policy is Policy.ORDER else set(route.targets))


SMALL = Spec("s", is_degraded=True)
TINY = Spec("t", is_degraded=True, context=100, lacks=(Feature.TOOLS,))


def test_smaller_models_are_asked_first_by_those_who_may_and_else_by_nobody() -> None:
    world = World()
    route = world.route("a", SMALL, "b", TINY)
    assert names(route, asking()) == "ab"
    assert names(route, asking(**TOOLS)) == "ab"

    def degraded(inquiry: Inquiry) -> str:
        return "".join(one.upstream.name for one in route.able(inquiry, may_degrade=True))

    assert degraded(asking()) == "stab"
    assert degraded(asking(**TOOLS)) == "sab"
    assert degraded(asking("x" * 4000)) == "sab"
    plain = world.route("a", "b")
    assert plain.able(asking(), may_degrade=True) is plain.targets


@pytest.mark.parametrize("policy", list(Policy))
def test_every_policy_chooses_a_smaller_model_that_is_free(policy: Policy) -> None:
    world = World()
    route = world.route("a", SMALL, "b", TINY, policy=policy)
    able = route.able(asking(), may_degrade=True)
    picked = {route.choose(able, world.chance, world.now_s).upstream.name for _ in range(100)}
    assert picked == ({"s"} if policy is Policy.ORDER else {"s", "t"})
    others = [target for target in able if not target.is_degraded]
    picked = {route.choose(others, world.chance, world.now_s).upstream.name for _ in range(100)}
    assert picked == ({"a"} if policy is Policy.ORDER else {"a", "b"})


def test_a_smaller_model_makes_no_vectors() -> None:
    world = World()
    route = world.route("a", SMALL)
    speakers = {"openai_chat": CHAT}
    able = route.able(asking(), speakers, may_degrade=True)
    assert [target.upstream.name for target in able] == ["a"]
