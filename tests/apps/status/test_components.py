"""Components of the page: what they rest on, and that they stay themselves."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.apps.status.installation import emulated

from penstock.apps.status.components import family_of, id_of, planned
from penstock.config.watching import Component, Surface
from penstock.watch.component import Layer

LISTED = (
    Component(name="Web chat", surface=Surface.WEB),
    Component(name="API", surface=Surface.API),
    Component(name="auto", routes=("auto",)),
    Component(name="Claude", upstreams=("emulated-claude",)),
    Component(name="CDN", is_shared=True),
)


def test_surfaces_rest_on_what_is_shared_and_routes_do_not() -> None:
    config = msgspec.structs.replace(emulated(), components=LISTED)
    plan = {one.watched.name: one for one in planned(config, "page")}
    shared, claude = plan["CDN"].id, plan["Claude"].id
    assert plan["CDN"].watched.layer is Layer.SHARED
    assert plan["Web chat"].watched.rests_on == (shared,)
    assert set(plan["API"].watched.rests_on) == {shared, claude}
    assert plan["auto"].watched.rests_on == (claude,)


def test_nothing_rests_on_the_status_page_itself() -> None:
    plan = planned(emulated(), "page")
    page = next(one.id for one in plan if one.watched.name == "Status page")
    assert all(page not in one.watched.rests_on for one in plan)


@given(st.text(max_size=20), st.text(max_size=20))
def test_ids_are_opaque_and_the_same_again(page: str, key: str) -> None:
    found = id_of(page, key)
    assert len(found) == 12
    assert found.isalnum()
    assert found.islower() or found.isdigit()
    assert found == id_of(page, key)


def test_a_family_is_a_model_without_its_day_and_its_path() -> None:
    assert family_of("anthropic/claude-opus-4-6-20260301") == "claude-opus-4-6"
    assert family_of("gpt-5.6") == "gpt-5.6"
    assert family_of("claude-haiku-4-5@latest") == "claude-haiku-4-5"
