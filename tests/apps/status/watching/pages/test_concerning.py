"""Which of our models a line of a provider's page concerns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.status.components import Planned
from penstock.apps.status.watching.pages import concerning
from penstock.apps.status.watching.pages.reading import Line
from penstock.config.watching import PageKind, ProviderPage
from penstock.watch.component import Component, Layer


def _model(provider: str, family: str) -> Planned:
    watched = Component(id=family, name=family, layer=Layer.MODEL, provider=provider, family=family)
    return Planned(watched=watched, key=family)


CLAUDE = [
    _model("anthropic", name) for name in ("claude-opus-4-5", "claude-sonnet", "claude-haiku-4-5")
]
GPT = [_model("openai", name) for name in ("gpt-5.2", "gpt-5-mini", "o3")]
SURFACE = Planned(watched=Component(id="api", name="API", layer=Layer.SURFACE), key="api")


def _page(provider: str, *components: str) -> ProviderPage:
    return ProviderPage(
        name="p",
        provider=provider,
        kind=PageKind.STATUSPAGE,
        url="https://x",
        components=components,
    )


def _named(found: list[Planned], title: str, *names: str, setting: tuple[str, ...] = ()) -> str:
    page = _page(found[0].watched.provider, *setting)
    line = Line(title=title, components=names)
    return " ".join(concerning.concerned(found, page, line))


ALL = "claude-opus-4-5 claude-sonnet claude-haiku-4-5"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Elevated errors", ALL),
        ("Elevated errors on Claude", ALL),
        ("Elevated errors on Claude Opus 4.5", "claude-opus-4-5"),
        ("Elevated errors on Opus", "claude-opus-4-5"),
        ("Elevated errors on Opus 4.8", ""),
        ("Errors on Sonnet 4.6 and Haiku 4.5", "claude-sonnet claude-haiku-4-5"),
        ("Degraded image generation, embeddings", ""),
    ],
)
def test_words_of_a_family_narrow_a_line(title: str, expected: str) -> None:
    assert _named(CLAUDE, title) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Elevated errors", "gpt-5.2 gpt-5-mini o3"),
        ("GPT-5.2 is slow", "gpt-5.2"),
        ("GPT-5 mini is slow", "gpt-5-mini"),
        ("Errors with o3", "o3"),
        ("Sora cannot make videos", ""),
    ],
)
def test_versions_and_sizes_are_told_apart(title: str, expected: str) -> None:
    assert _named(GPT, title) == expected


def test_a_setting_says_which_of_the_pages_components_matter() -> None:
    setting = ("Claude API",)
    assert _named(CLAUDE, "Errors", "claude.ai", setting=setting) == ""
    assert _named(CLAUDE, "Errors", "claude.ai", "claude api", setting=setting) == ALL
    assert _named(CLAUDE, "Errors", setting=setting) == ALL


@pytest.mark.parametrize(
    ("names", "is_ours"),
    [
        (("claude.ai",), False),
        (("Claude Console", "Login"), False),
        (("claude.ai", "Claude API (api.anthropic.com)"), True),
        (("Chat Completions",), True),
        (("Web App API",), True),
    ],
)
def test_what_people_look_at_says_nothing_of_models(
    *, names: tuple[str, ...], is_ours: bool
) -> None:
    assert bool(_named(CLAUDE, "Errors", *names)) is is_ours


def test_a_page_speaks_of_models_of_its_provider() -> None:
    plan = [*CLAUDE, *GPT, SURFACE]
    assert concerning.models(plan, _page("Anthropic")) == CLAUDE


@given(st.text(), st.lists(st.text(max_size=10), max_size=3))
def test_any_line_concerns_only_models_of_the_page(title: str, names: list[str]) -> None:
    line = Line(title=title, components=tuple(names))
    for found in (CLAUDE, GPT, CLAUDE[:1], []):
        page = _page("anthropic")
        assert set(concerning.concerned(found, page, line)) <= {one.id for one in found}
