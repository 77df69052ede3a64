"""Which reports count, for any order of people, networks and components."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.status.reports import desk
from penstock.apps.status.reports.desk import NETWORK_MAX, SECOND_MAX, WINDOW_S, Desk, Fate, Sender

SALT = b"s" * 32
AT = 1_772_409_600.0
CALLS = st.lists(
    st.tuples(
        st.integers(0, 5), st.integers(0, 3), st.sampled_from(["api", "login"]), st.floats(0, 400)
    ),
    max_size=60,
)


def address(network: int, host: int = 1) -> str:
    return f"198.51.{network % 256}.{host % 256}"


@given(CALLS)
def test_a_person_counts_once_a_window_and_component(
    calls: list[tuple[int, int, str, float]],
) -> None:
    it = Desk(SALT)
    now_unix_s = AT
    last: dict[tuple[int, int, str], float] = {}
    for network, person, component, after_s in calls:
        now_unix_s += after_s
        fate = it.take(Sender(address(network), str(person)), component, now_unix_s).fate
        key = (network, person, component)
        is_new = key not in last or last[key] <= now_unix_s - WINDOW_S
        assert (fate is Fate.COUNTED) == is_new
        if is_new:
            last[key] = now_unix_s


def test_a_network_has_only_so_many_and_the_others_are_not_hurt() -> None:
    it = Desk(SALT)
    fates = [
        it.take(Sender(address(7, host), str(host)), "api", AT + host).fate
        for host in range(NETWORK_MAX + 20)
    ]
    assert fates.count(Fate.COUNTED) == NETWORK_MAX
    assert fates.count(Fate.CROWDED) == 20
    assert it.take(Sender(address(8), "x"), "api", AT + 99).fate is Fate.COUNTED


def test_a_flood_is_neither_noted_nor_remembered() -> None:
    it = Desk(SALT)
    fates = [
        it.take(Sender(f"10.{n // 250}.{n % 250}.1", "x"), "api", AT).fate
        for n in range(SECOND_MAX + 50)
    ]
    assert fates.count(Fate.FULL) == 50
    late = it.take(Sender("10.9.9.1", "x"), "api", AT + 1.0)
    assert late.fate is Fate.COUNTED


def test_an_account_is_the_same_person_wherever_it_is_and_words_tell_nothing() -> None:
    it = Desk(SALT)
    one = it.take(Sender("198.51.100.7", "a", "user-1"), "api", AT)
    two = it.take(Sender("203.0.113.9", "b", "user-1"), "api", AT)
    assert (one.voter, two.fate) == (two.voter, Fate.REPEATED)
    assert one.network != two.network
    assert "198.51" not in one.network + one.voter
    it.use(b"t" * 32)
    assert it.take(Sender("198.51.100.7", "a", "user-1"), "api", AT).voter != one.voter


def test_neighbours_of_a_network_are_one_place_and_two_people() -> None:
    it = Desk(SALT)
    one = it.take(Sender("2001:db8:1:2::3", "a"), "api", AT)
    two = it.take(Sender("2001:db8:1:9::4", "b"), "api", AT)
    assert one.network == two.network
    assert two.fate is Fate.COUNTED
    assert desk.day_of(AT) + 1 == desk.day_of(AT + 86_400)
