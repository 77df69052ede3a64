"""The emulated provider's page: silent until the real one spoke, and read as any page is."""

import asyncio
from typing import Any

import httpx
import pytest

from penstock.apps.drill.provider_page import ProviderPage
from penstock.apps.status.watching.pages import statuspage
from penstock.apps.status.watching.pages.reading import Reading
from penstock.sim.drills.shapes import Strike
from penstock.watch.evidence import PageState


def strike(place: str, from_s: float, to_s: float, model: str = "*") -> Strike:
    return Strike(
        place=place, kind="http_500", share=0.5, from_s=from_s, to_s=to_s, surface="", model=model
    )


STRIKES = (
    strike("chat", 10.0, 180.0),
    strike("api", 100.0, 180.0),
    strike("api", 150.0, 180.0, "claude-opus-*"),
    strike("chat", 300.0, 400.0),
)
POSTS = (90.0,)


def read(at_s: float) -> Reading:
    async def asked() -> Any:
        async with (
            ProviderPage(STRIKES, POSTS, lambda: at_s) as page,
            httpx.AsyncClient(base_url=page.url, trust_env=False) as http,
        ):
            assert (await http.get("/")).status_code == 404
            return (await http.get("/api/v2/summary.json")).json()

    return statuspage.read(asyncio.run(asked()))


@pytest.mark.parametrize("at_s", [-1.0, 50.0, 89.0, 200.0, 350.0])
def test_before_it_spoke_when_all_is_over_and_in_a_wave_of_which_it_never_spoke(
    at_s: float,
) -> None:
    found = read(at_s)
    assert (found.state, found.lines) == (PageState.GOOD, ())


@pytest.mark.parametrize(
    ("at_s", "named"),
    [
        (90.0, ("Web app",)),
        (120.0, ("Web app", "API")),
        (160.0, ("Web app", "API", "API claude opus")),
    ],
)
def test_it_names_what_fails_now(at_s: float, named: tuple[str, ...]) -> None:
    (line,) = read(at_s).lines
    assert tuple(line.components) == named
