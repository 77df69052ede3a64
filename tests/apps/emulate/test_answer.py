"""Answers are the same for the same question, and can be gone on with."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.answer import Finish, compose
from penstock.apps.emulate.ask import Ask, Role, Thinking, Turn
from penstock.apps.emulate.catalogue import MODELS, Model

LIMIT = 100_000
TAKES_PREFILL = [model for model in MODELS if model.may_prefill]


def ask(model: Model, *turns: Turn, limit: int = LIMIT, thinking: Thinking = Thinking.OFF) -> Ask:
    return Ask(model=model, turns=turns, input_tokens=1, output_tokens_max=limit, thinking=thinking)


def user(text: str) -> Turn:
    return Turn(Role.USER, text)


@given(st.sampled_from(MODELS), st.text(), st.integers())
def test_the_same_question_has_the_same_answer(model: Model, text: str, seed: int) -> None:
    assert compose(ask(model, user(text)), seed) == compose(ask(model, user(text)), seed)


@given(st.text(), st.integers(0, 60), st.sampled_from(list(Thinking)))
def test_the_limit_cuts_and_changes_nothing_else(text: str, limit: int, thinking: Thinking) -> None:
    (whole,) = compose(ask(MODELS[0], user(text), thinking=thinking), 1).choices
    (cut,) = compose(ask(MODELS[0], user(text), limit=limit, thinking=thinking), 1).choices
    assert cut.output_tokens == min(limit, whole.output_tokens)
    assert whole.text.startswith(cut.text)
    assert (cut.finish is Finish.LENGTH) == (limit < whole.output_tokens)


@given(st.sampled_from(TAKES_PREFILL), st.integers(0, 200), st.integers())
def test_prefill_and_rest_are_the_unbroken_answer(model: Model, at: int, seed: int) -> None:
    question = user("How do gates work?")
    whole = compose(ask(model, question), seed).choices[0].text
    partial = whole[:at].rstrip()
    if not partial:
        return
    rest = compose(ask(model, question, Turn(Role.ASSISTANT, partial)), seed).choices[0].text
    assert partial + rest == whole


@given(st.sampled_from(MODELS), st.integers(60, 150), st.integers(12, 40))
def test_a_quoted_end_is_repeated_and_gone_on_from(model: Model, at: int, length: int) -> None:
    question = user("How do gates work?")
    whole = compose(ask(model, question), 3).choices[0].text
    partial = whole[:at].rstrip()
    quote = partial[-length:].lstrip()
    wish = user(f"My connection dropped after «{quote}». Repeat that and go on.")
    if len(quote) < 12 or partial == whole:
        return
    more = compose(ask(model, question, Turn(Role.ASSISTANT, partial), wish), 3).choices[0].text
    assert more.startswith(quote)
    assert partial + more.removeprefix(quote) == whole


def test_another_model_goes_on_in_its_own_words_after_the_quote() -> None:
    turns = (
        user("hi"),
        Turn(Role.ASSISTANT, "Nobody here would have begun like this"),
        user("I received it up to «begun like this»; go on."),
    )
    said = compose(ask(MODELS[0], *turns), 1).choices[0].text
    assert said.startswith("begun like this ")
