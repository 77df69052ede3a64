"""A surface that fails by itself is not blamed on models that fail as well; and the other way."""

from collections.abc import Sequence

import msgspec
import pytest
from tests.sim.watching.given import case, dice

from penstock.sim.watching import installation as inst
from penstock.sim.watching import trial
from penstock.sim.watching.case import Case, Expect, Span
from penstock.sim.watching.trial import Finding, Play
from penstock.watch.assessment import Culprit
from penstock.watch.watch import Watch

MINUTES = 25.0
OURS = (Culprit.US, Culprit.LOGIN)
THEIRS = (Culprit.MODEL, Culprit.PROVIDER)
SEEDS = (0, 1, *(pytest.param(one, marks=pytest.mark.slow) for one in (2, 3)))


def said(spans: Sequence[tuple[str, float, float, float]], culprits: tuple[Culprit, ...],
         seed: int) -> Finding:  # fmt: skip
    """What is said at last of the web chat, where these fail: component, from, to (s), share."""
    whole = case(minutes=MINUTES)
    onset_s = whole.from_unix_s + 600.0
    expect = Expect(
        components=(inst.WEB,),
        from_unix_s=onset_s,
        to_unix_s=whole.to_unix_s,
        culprits=culprits,
        settle_s=60.0 * MINUTES,
    )
    made: Case = msgspec.structs.replace(
        whole,
        onset_unix_s=onset_s,
        spans=tuple(
            Span(one, onset_s + from_s, onset_s + to_s, share) for one, from_s, to_s, share in spans
        ),
        expect=(expect,),
    )
    play = Play("test", seed, is_whole=True)
    return trial.play(made, Watch(inst.COMPONENTS), dice(f"{seed}"), play)


def rising(component: str, from_s: float) -> list[tuple[str, float, float, float]]:
    """Return a model that fails in 10 %, then in 40 %."""
    return [(component, from_s, from_s + 120.0, 0.1), (component, from_s + 120.0, 900.0, 0.4)]


@pytest.mark.parametrize("later_s", [0.0, 120.0, 400.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_chat_that_fails_by_itself_is_not_a_models_fault(later_s: float, seed: int) -> None:
    own = [(inst.WEB, 0.0, 900.0, 0.9), (inst.LOGIN, 0.0, 900.0, 0.9)]
    found = said([*own, *rising(inst.OPUS, later_s)], OURS, seed)
    assert found.found[0].culprit in OURS
    assert found.is_component_right


@pytest.mark.parametrize("seed", SEEDS)
def test_nor_where_the_model_fails_wholly_and_others_stand_in(seed: int) -> None:
    spans = [(inst.WEB, 0.0, 900.0, 0.9), (inst.OPUS, 0.0, 900.0, 1.0)]
    assert said(spans, (Culprit.US,), seed).found[0].culprit is Culprit.US


@pytest.mark.parametrize("seed", SEEDS)
def test_nor_is_the_half_that_fails_alone_before_its_models_do(seed: int) -> None:
    spans = [(inst.WEB, 0.0, 900.0, 0.5)]
    spans += [(one, 180.0, 900.0, 0.6) for one in (inst.SONNET, inst.CODE)]
    assert said(spans, (Culprit.US,), seed).found[0].culprit is Culprit.US


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_chat_whose_only_model_fails_is_that_models_fault(share: float, seed: int) -> None:
    """Its route has no other model; the route fails, too."""
    hit = (inst.SONNET, inst.CODE, inst.WEB)
    spans = [(one, 0.0, 900.0, share) for one in hit]
    assert said(spans, THEIRS, seed).found[0].culprit in THEIRS


@pytest.mark.parametrize("seed", SEEDS)
def test_a_chat_that_fails_as_a_part_of_its_provider_does_is_the_providers_fault(seed: int) -> None:
    models = inst.PROVIDERS["anthropic"]
    hit = (*models, inst.CODE, inst.API, inst.STREAMING, inst.WEB)
    spans = [(one, 0.0, 900.0, 1.0 if one in models else 0.6) for one in hit]
    assert said(spans, THEIRS, seed).found[0].culprit in THEIRS


@pytest.mark.parametrize("seed", SEEDS)
def test_what_failed_a_little_by_itself_is_the_models_once_that_is_most_of_it(seed: int) -> None:
    spans = [(inst.WEB, 0.0, 900.0, 0.2), (inst.SONNET, 240.0, 900.0, 1.0)]
    spans += [(one, 240.0, 900.0, 1.0) for one in (inst.CODE, inst.WEB)]
    assert said(spans, THEIRS, seed).found[0].culprit in THEIRS
