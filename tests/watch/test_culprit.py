"""Each row of the table of STATUS 5.6, and who else can be to blame."""

import pytest
from tests.watch.world import (
    ALL,
    API,
    BEST,
    CODE,
    GPT,
    HAIKU,
    LOGIN,
    MINI,
    MODELS,
    NETWORK,
    OPUS,
    SONNET,
    T0,
    WEB,
    World,
)

from penstock.watch.assessment import Culprit, Verdict
from penstock.watch.component import State
from penstock.watch.evidence import PageState, Post
from penstock.watch.watch import Watch


@pytest.fixture
def world() -> World:
    world = World()
    assert not any(one.verdict for one in world.run(1800).values())
    return world


def test_log_in_and_web_fail_while_the_api_works(world: World) -> None:
    world.failing = {LOGIN.id: "auth", WEB.id: "http_5xx"}
    for _ in range(8):
        world.report(LOGIN.id, 5)
        told = world.run(15)
    told = world.run(15)
    assert told[LOGIN.id].verdict is told[WEB.id].verdict is Verdict.PROBLEM
    assert told[LOGIN.id].culprit is told[WEB.id].culprit is Culprit.LOGIN
    assert told[API.id].verdict is Verdict.NONE
    assert told[API.id].state is State.OPERATIONAL


def test_one_provider_fails_and_failover_carries_it(world: World) -> None:
    world.failing = {one.id: "server_error" for one in (OPUS, SONNET, HAIKU, CODE)}
    told = world.run(120)
    for one in (OPUS, SONNET, HAIKU):
        assert (told[one.id].culprit, told[one.id].culprit_name) == (Culprit.PROVIDER, "anthropic")
    assert told[OPUS.id].carried_by == "gpt"
    assert told[BEST.id].verdict is Verdict.NONE
    assert told[CODE.id].culprit is Culprit.PROVIDER  # it has no other model


@pytest.mark.parametrize(
    ("outage_s", "culprit"), [(0, Culprit.MODEL), (600, Culprit.PROVIDER)], ids=["alone", "tail"]
)
def test_the_tail_of_a_providers_outage_stays_its_own(
    world: World, outage_s: int, culprit: Culprit
) -> None:
    world.failing = {one.id: "server_error" for one in (OPUS, SONNET, HAIKU)}
    world.run(outage_s)
    world.failing, world.faint = {}, {SONNET.id: 3}
    told = world.run(1800)[SONNET.id]
    assert (told.verdict, told.culprit) == (Verdict.PROBLEM, culprit)


def test_one_model_fails_with_400_and_429(world: World) -> None:
    world.failing = {SONNET.id: "http_400"}
    told = world.run(120)
    assert (told[SONNET.id].culprit, told[SONNET.id].culprit_name) == (Culprit.MODEL, "sonnet")
    assert told[OPUS.id].verdict is Verdict.NONE


def test_people_report_while_all_is_well(world: World) -> None:
    for _ in range(12):
        world.report(WEB.id, 4)
        told = world.run(15)
    told = world.run(15)
    assert told[WEB.id].verdict is Verdict.POSSIBLE
    assert told[WEB.id].culprit is Culprit.CLIENT


def test_people_with_one_version_report(world: World) -> None:
    for _ in range(12):
        world.report(WEB.id, 4, version="3.2")
        told = world.run(15)
    told = world.run(15)
    assert (told[WEB.id].culprit, told[WEB.id].culprit_name) == (Culprit.CLIENT, "version 3.2")


@pytest.mark.parametrize("networks", [1, 3])
def test_few_networks_report_and_it_is_on_their_side(world: World, networks: int) -> None:
    told = world.told[WEB.id]
    for _ in range(40):
        world.report(WEB.id, 25, networks=networks)
        told = world.run(15)[WEB.id]
        assert told.verdict is Verdict.NONE
        assert told.culprit in {Culprit.NOBODY, Culprit.CLIENT}
    assert told.culprit is Culprit.CLIENT
    assert "their side" in told.reasons[-1]


def test_a_slow_model_without_reports_is_degraded(world: World) -> None:
    world.slow = {GPT.id}
    told = world.run(120)[GPT.id]
    assert told.verdict is Verdict.PROBLEM
    assert told.state is State.DEGRADED
    assert told.culprit is Culprit.MODEL


def test_wrong_answers_with_200_are_a_problem_of_the_model(world: World) -> None:
    world.wrong = {MINI.id}
    told = world.run(120)[MINI.id]
    assert told.verdict is Verdict.PROBLEM
    assert told.state is State.DEGRADED
    assert "wrong" in told.reasons[0]


@pytest.mark.parametrize("kind", ["connect", "dns"])
def test_all_providers_fail_together(world: World, kind: str) -> None:
    world.failing = {one.id: kind for one in MODELS}
    told = world.run(120)
    assert told[NETWORK.id].verdict is Verdict.PROBLEM
    assert {told[one.id].culprit for one in MODELS} == {Culprit.SHARED}


def test_what_surfaces_share_fails(world: World) -> None:
    world.failing = {one.id: "http_5xx" for one in (NETWORK, WEB, LOGIN)}
    told = world.run(120)
    for one in (WEB, NETWORK):
        assert (told[one.id].culprit, told[one.id].culprit_name) == (Culprit.SHARED, "Network")


def test_a_surface_fails_while_what_it_rests_on_works(world: World) -> None:
    world.failing = {API.id: "server_error"}
    assert world.run(120)[API.id].culprit is Culprit.US


def test_a_provider_says_that_one_model_is_in_trouble() -> None:
    watch = Watch(ALL)
    post = Post(component=OPUS.id, at_unix_s=T0, state=PageState.TROUBLE, words="Elevated errors")
    watch.on_post(post)
    told = {one.component: one for one in watch.judge(T0 + 5)}[OPUS.id]
    assert told.verdict is Verdict.POSSIBLE
    assert told.culprit is Culprit.PROVIDER  # of those that can be seen it is the only one
    assert told.state is State.UNKNOWN


def test_an_unreadable_page_says_nothing(world: World) -> None:
    for one in MODELS:
        world.watch.on_post(
            Post(component=one.id, at_unix_s=T0 + world.now_s, state=PageState.UNREADABLE)
        )
    assert not any(one.verdict for one in world.run(60).values())


def test_2_march_flips_in_the_middle(world: World) -> None:
    world.failing = {LOGIN.id: "auth", WEB.id: "http_5xx"}
    told = world.run(7200)
    assert told[API.id].verdict is Verdict.NONE
    world.failing[API.id] = "server_error"
    told = world.run(60)
    assert told[API.id].verdict is Verdict.PROBLEM
    assert told[API.id].culprit is Culprit.US
    assert told[LOGIN.id].culprit is Culprit.LOGIN
    del world.failing[WEB.id]
    told = world.run(600)
    assert told[WEB.id].verdict is Verdict.NONE
    assert told[API.id].verdict is told[LOGIN.id].verdict is Verdict.PROBLEM
