"""400s: told as sent, unless there are too many of them for callers' own mistakes."""

from tests.exchange.world import DONE, World, problem, stop, text

GOOD = (text("Hello"), stop(), DONE)
WRONG = problem("wrong", "invalid_request_error")


def refuse_often(world: World, *names: str) -> None:
    """Let so many requests to an upstream be refused that it is in doubt."""
    route = world.route(*names)
    for _ in range(5):
        route.targets[0].state.doubt.on_refused()


def test_a_400_goes_nowhere_unless_its_upstream_is_in_doubt() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.answer(400, WRONG)
    assert world.dialled() == "a"
    assert run.caller.status == 400


def test_while_400s_are_in_doubt_another_may_answer() -> None:
    world = World()
    refuse_often(world, "a", "b")
    run = world.start(world.route("a", "b"))
    world.line.answer(400, WRONG)
    assert world.dialled() == "a b"
    world.line.stream(*GOOD)
    assert run.caller.status == 200
    assert run.is_done


def test_what_another_refuses_too_is_the_callers_fault_and_told_as_first_sent() -> None:
    world = World()
    refuse_often(world, "a", "b", "c")
    route = world.route("a", "b", "c")
    run = world.start(route)
    world.line.answer(400, WRONG)
    world.line.answer(400, problem("wrong again", "invalid_request_error"))
    assert world.dialled() == "a b"
    assert run.caller.status == 400
    assert b"wrong again" not in run.caller.body
    assert not route.targets[0].state.doubt.is_open
