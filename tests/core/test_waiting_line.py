"""Lines of one tenant: by deadline, by age, and turned round."""

from penstock.core.claim import Claim
from penstock.core.tier import Tier
from penstock.core.waiting_line import GONE_SPARE, Aging, Line, Place, Urgent


class Item:
    """Something that waits."""

    def __init__(self, arrived_at_s: float, timeout_s: float = 0.0) -> None:
        self.claim = Claim("a", "key", Tier.FREE, 100, arrived_at_s)
        self.claim.ttft_timeout_s = timeout_s


def placed(line: Line[Item], arrived_at_s: float, timeout_s: float = 0.0) -> Place[Item]:
    place = Place(Item(arrived_at_s, timeout_s), arrived_at_s)
    line.add(place)
    return place


def taken(line: Line[Item], now_s: float) -> Place[Item]:
    place = line.first(now_s)
    line.drop(place)
    return place


def test_the_earliest_deadline_is_first_and_equals_in_the_order_of_coming() -> None:
    line: Urgent[Item] = Urgent("a", bound_s=2.0)
    patient, usual, same, urgent, early = (
        placed(line, *one) for one in ((0.0, 9.0), (0.0,), (0.0, 2.0), (0.0, 0.5), (-1.0,))
    )
    assert [taken(line, 0.0) for _ in range(5)] == [urgent, early, usual, same, patient]
    assert not line


def test_one_that_was_dropped_is_never_first() -> None:
    line: Urgent[Item] = Urgent("a", bound_s=2.0)
    first, second, third = (placed(line, float(at)) for at in range(3))
    line.drop(first)
    assert line.first(0.0) is second
    line.drop(second)
    assert line.first(0.0) is third
    assert len(line) == 1


def test_it_turns_once_the_oldest_has_waited_for_long_and_back_once_that_is_gone() -> None:
    line: Aging[Item] = Aging("a", lifo_after_s=4.0)
    places = [placed(line, float(at)) for at in range(5)]
    assert taken(line, 3.9) is places[0]
    assert taken(line, 4.9) is places[1]
    assert taken(line, 6.0) is places[4]
    line.drop(places[2])  # gave up
    assert line.first(6.9) is places[3]
    late = placed(line, 6.95)
    assert line.first(6.99) is places[3]
    assert line.first(7.0) is late


def test_a_line_of_deadlines_does_not_grow_with_those_who_gave_up() -> None:
    line: Urgent[Item] = Urgent("a", bound_s=2.0)
    placed(line, -100.0)
    for _ in range(1000):
        line.drop(placed(line, 0.0))
    assert len(line) == 1
    assert line.entries <= 2 + GONE_SPARE


def test_a_line_of_deadlines_holds_on_to_nobody_who_was_served() -> None:
    line: Urgent[Item] = Urgent("a", bound_s=2.0)
    first, last = placed(line, 0.0), placed(line, 1.0)
    line.drop(first)
    assert line.entries == 1
    placed(line, 0.5)
    line.drop(last)  # not at the top: marked
    taken(line, 0.0)
    assert line.entries == 0


def test_how_many_go_before() -> None:
    for line in (Urgent[Item]("a", 2.0), Aging[Item]("a", 4.0)):
        places = [placed(line, float(at)) for at in range(5)]
        assert [line.ahead(place) for place in places] == [0, 1, 2, 3, 4]
        taken(line, 0.0)
        assert [line.ahead(place) for place in places[1:]] == [0, 1, 2, 3]
    line = Aging[Item]("a", 4.0)
    places = [placed(line, float(at)) for at in range(5)]
    line.first(4.0)
    assert [line.ahead(place) for place in places] == [4, 3, 2, 1, 0]
