"""The overview: the sentence is true of the sums, and each state of the page is there."""

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.apps.control.console import NOW, client_of, parts_in
from tests.apps.control.rows import attempts, exchange, put, traffic

from penstock.apps.control.console.overview import Now, sentence
from penstock.apps.control.parts import Parts
from penstock.apps.control.queries.now import UpstreamSums
from penstock.ledger import tables
from penstock.web.live import Figures

UP = Figures(
    at_unix_s=NOW, interval_s=None, url="u", is_up=True, severity="good", headline="idle",
    said=("idle",),
)  # fmt: skip
DOWN = Figures(
    at_unix_s=NOW, interval_s=None, url="", is_up=False, severity="bad", headline="no gateway",
    said=("no gateway",),
)  # fmt: skip


def sums(name: str, answers: int, failures: int) -> UpstreamSums:
    return UpstreamSums(name, answers + failures, failures, answers, ())


NOTHING, MUTE = "nothing came in the last minutes", "the gateway does not answer"
AS_FAR = "as far as the ledger knows"
CLAUDE, GPT = sums("claude", 10, 90), sums("gpt", 500, 1)


@pytest.fixture
def parts(tmp_path: Path) -> Generator[Parts]:
    made = parts_in(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("fates", "upstreams", "figures", "state", "words"),
    [
        ({"served": 500}, [GPT], UP, "good", "All is served"),
        (
            {"served": 500}, [CLAUDE, GPT], UP, "degraded",
            "All is served; claude is failing, gpt answers most",
        ),
        (
            {"served": 400, "failed": 100}, [CLAUDE], UP, "bad",
            "100 of 500 exchanges failed in 5 minutes; claude is failing",
        ),
        ({"served": 9, "lost": 1}, [], UP, "degraded", "1 of 10 exchanges failed in 5 minutes"),
        ({"served": 90, "shed": 10}, [], UP, "partial", "10.0 % of exchanges are shed"),
        ({"limited": 9, "left": 5}, [], UP, "good", f"All is ready; {NOTHING}"),
        ({"served": 9}, [], DOWN, "degraded", f"All was served, {AS_FAR}; {MUTE}"),
        ({}, [], DOWN, "unknown", f"Nothing came in the last minutes, and {MUTE}"),
    ],
)  # fmt: skip
def test_the_sentence_says_the_worst_first(
    fates: dict[str, int], upstreams: list[UpstreamSums], figures: Figures, state: str, words: str
) -> None:
    assert sentence(Now(fates, upstreams, figures)) == (state, words)


def test_the_page_shows_what_the_sums_say(parts: Parts) -> None:
    put(parts.store, tables.exchanges, [exchange(1, NOW - 61)])
    put(parts.store, tables.traffic, [traffic(NOW - 120, 600), traffic(NOW, 77)])
    put(
        parts.store,
        tables.attempts,
        [
            attempts(NOW - 120, "claude", "server_error", 90),
            attempts(NOW - 120, "claude", "success", 10),
            attempts(NOW - 120, "gpt", "success", 590),
        ],
    )
    refused = {"grain_s": 60, "start_s": int(NOW) // 60 * 60 - 120, "tenant": "acme",
               "tier": "free", "route": "claude", "status": 503, "code": "no_capacity",
               "exchanges": 12}  # fmt: skip
    put(parts.store, tables.refusals, [refused])
    alert = {"id": "a", "objective": "answers <fast>", "severity": "page", "state": "firing",
             "opened_unix_s": NOW - 600, "document": "{}"}  # fmt: skip
    put(parts.store, tables.alerts, [alert])
    for path in ("/", "/overview/now"):
        page = client_of(parts).get(path).text
        assert "All is served; claude is failing, gpt answers most" in page
        assert "90.0 %" in page
        assert "98.3 %" in page
        assert "/exchanges?status=503&amp;code=no_capacity&amp;since=" in page
        assert "answers &lt;fast&gt;" in page
        assert "Live figures are unknown since 2027-01-15 08:00:00 UTC" in page
        assert 'title="600"' in page
    assert "data-refresh-url" in client_of(parts).get("/").text
    assert "<html" not in client_of(parts).get("/overview/now").text


def test_a_span_without_traffic_says_so(parts: Parts) -> None:
    put(parts.store, tables.exchanges, [exchange(1, NOW - 86_400)])
    page = client_of(parts).get("/?span=1h").text
    assert "Nothing went through in the last hour" in page
    assert "Everybody was served" in page
    assert client_of(parts).get("/?span=century").status_code == 200
