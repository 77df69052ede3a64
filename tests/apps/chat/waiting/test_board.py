"""Banners: each line of the board's header, and that browsers are told what has changed only."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.chat.shapes import Notices
from penstock.apps.chat.waiting import seen
from penstock.apps.chat.waiting.board import LOAD_S, Board

URL = "https://status.example"


def board() -> tuple[Board, list[Notices]]:
    """A board and what it has told."""
    told: list[Notices] = []
    return Board(told.append), told


def page(
    web: str = "operational",
    claude: str = "operational",
    incidents: tuple[seen.Incident, ...] = (),
) -> seen.Document:
    """A status page with a component of each kind."""
    components = (
        seen.Component("web1", "Web chat", "surface", "web", web),
        seen.Component("log1", "Log-in", "surface", "login", "operational"),
        seen.Component("rou1", "claude", "route", None, claude),
    )
    return seen.Document(seen.Page(URL), components, incidents)


def test_nothing_is_told_while_all_is_well() -> None:
    one, told = board()
    one.on_gateway(is_down=False, now_s=0.0)
    one.on_status(page(), 1.0)
    one.on_load(0, (), 2.0)
    one.on_load(1, (), 2.0)  # retries: nobody sees that
    one.on_logins((), 3.0)
    assert told == []
    assert one.notices == ()


def test_a_gateway_out_of_reach_is_told_once_and_taken_back() -> None:
    one, told = board()
    for at_s in range(5):
        one.on_gateway(is_down=True, now_s=float(at_s))
    assert [len(each.notices) for each in told] == [1]
    assert "kept" in one.notices[0].text
    assert one.notices[0].level == "bad"
    one.on_gateway(is_down=False, now_s=9.0)
    assert [len(each.notices) for each in told] == [1, 0]


@given(st.integers(2, 9), st.lists(st.sampled_from(["max_tokens", "model", "surprise"])))
def test_only_what_is_taken_is_said_to_be(level: int, degraded: list[str]) -> None:
    one, _ = board()
    one.on_load(level, tuple(degraded), 0.0)
    (notice,) = one.notices
    assert ("shorter" in notice.text) == ("max_tokens" in degraded)
    assert ("smaller model" in notice.text) == ("model" in degraded)
    assert ("wait in line" in notice.text) == (level >= 5)
    assert notice.text.endswith(".")


def test_load_is_over_a_while_after_the_last_answer_that_said_so() -> None:
    one, told = board()
    one.on_load(5, ("max_tokens",), 0.0)
    one.on_load(2, ("max_tokens",), LOAD_S - 1.0)
    one.look(LOAD_S)
    assert one.notices[0].id == "load-5"
    one.look(LOAD_S + 0.1)
    assert one.notices[0].id == "load-2"
    one.look(2 * LOAD_S)
    assert one.notices == ()
    assert len(told) == 3


def test_the_status_pages_own_words_and_links_the_gravest_first() -> None:
    one, _ = board()
    incidents = (
        seen.Incident("a", "Slow answers of Claude", f"{URL}/a", status="monitoring",
                      impact="minor", components=("rou1",)),
        seen.Incident("b", "Log-in fails", f"{URL}/b", status="investigating", impact="critical"),
        seen.Incident("c", "Long ago", f"{URL}/c", status="resolved", impact="critical"),
        seen.Incident("d", "Next week", f"{URL}/d", is_maintenance=True, status="scheduled"),
    )  # fmt: skip
    one.on_status(page(incidents=incidents, web="partial_outage"), 0.0)
    assert [(each.level, each.text, each.href) for each in one.notices] == [
        ("bad", "Log-in fails", f"{URL}/b"),
        ("degraded", "Slow answers of Claude", f"{URL}/a"),
        ("degraded", "The status page says: Web chat fails for some.", URL),
    ]


def test_a_page_that_cannot_be_read_is_not_known_and_no_banner() -> None:
    one, _ = board()
    one.on_status(page(claude="major_outage", web="major_outage"), 0.0)
    assert one.state_of("claude") == "major_outage"
    assert len(one.notices) == 1
    one.on_status(None, 1.0)
    assert one.notices == ()
    assert one.state_of("claude") == "unknown"


def test_who_cannot_log_in_is_told_and_who_is_in_is_calmed() -> None:
    one, _ = board()
    one.on_logins(("single sign-on",), 0.0)
    assert "single sign-on fails" in one.notices[0].text
    assert "stays so" in one.notices[0].text
    one.on_logins((), 1.0)
    assert one.notices == ()


@given(st.binary(max_size=200))
def test_what_is_no_status_page_is_none(raw: bytes) -> None:
    found = seen.decoded(raw)
    assert found is None or found.components == ()


def test_reports_go_to_the_component_that_is_meant() -> None:
    found = page()
    named = {name: seen.component_of(found, name) for name in ("web", "login", "claude", "nope")}
    assert named == {"web": "web1", "login": "log1", "claude": "rou1", "nope": ""}
