"""A message is tried until it is taken or too old, and a crash neither loses nor ends it."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.notify import outbox
from penstock.notify.outbox import Entry

CHANCES = st.floats(0.0, 1.0)


def test_a_message_is_due_at_once_and_never_after_it_was_sent() -> None:
    entry = Entry(created_unix_s=100.0, next_unix_s=100.0)
    assert outbox.is_due(entry, 100.0)
    assert not outbox.is_due(entry, 99.9)
    assert not outbox.is_due(outbox.sent(entry), 1e12)


@given(chance=CHANCES, is_dying=st.lists(st.booleans(), max_size=50))
def test_tries_go_on_for_a_day_even_if_some_die_in_the_middle(
    chance: float, is_dying: list[bool]
) -> None:
    entry, now_s, waits = Entry(created_unix_s=0.0), 0.0, list[float]()
    deaths = iter(is_dying)
    while entry.state == outbox.WAITING:
        assert outbox.is_due(entry, now_s)
        before = entry.tries
        entry = outbox.taken(entry, now_s)
        assert entry.tries == before + 1
        assert not outbox.is_due(entry, now_s), "nobody else takes it meanwhile"
        if not next(deaths, False):
            entry = outbox.failed(entry, now_s, lambda: chance)
        waits.append(entry.next_unix_s - now_s)
        now_s = entry.next_unix_s
        assert entry.tries < 200
    assert entry.state == outbox.GIVEN_UP
    assert (
        0.9 * outbox.GIVE_UP_S - 1.1 * outbox.HOURLY_S < now_s <= outbox.GIVE_UP_S + outbox.TAKEN_S
    )
    assert all(10.0 <= wait <= 3960.0 for wait in waits)


def test_waits_double_up_to_an_hour() -> None:
    entry, waits = Entry(), list[float]()
    for _ in range(11):
        entry = outbox.taken(entry, 0.0)
        waits.append(outbox.failed(entry, 0.0, lambda: 0.0).next_unix_s)
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


def test_what_is_gone_is_given_up_at_once() -> None:
    assert outbox.failed(Entry(), 0.0, lambda: 0.0, is_final=True).state == outbox.GIVEN_UP
