"""What broke is gone on with from where it broke, and nothing else is taken for broken."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.apps.emulate.answer import compose
from penstock.apps.emulate.ask import Ask, Role, Turn
from penstock.apps.emulate.catalogue import GPT, MODELS, Model
from penstock.apps.emulate.continuation import QUOTE_MIN, find, quoted_end, told
from penstock.core.fault import FaultKind

MARKS = [("«", "»"), ("“", "”"), ('"', '"')]
QUESTION = Turn(Role.USER, "How do gates work?")
PREFILLED = [model for model in MODELS if model.may_prefill and model.provider != GPT]


def ask(model: Model, *turns: Turn) -> Ask:
    return Ask(model=model, turns=turns, input_tokens=1, output_tokens_max=100_000)


def said(model: Model, *turns: Turn, fault: FaultKind | None = None) -> str:
    return compose(ask(model, *turns), 5, fault, is_shared=True).choices[0].text


def broken_off(at: int, length: int = 40) -> tuple[str, str, tuple[Turn, ...]]:
    """Return the whole answer, the end of its beginning, and the wish to go on from there."""
    whole = said(MODELS[0], QUESTION)
    partial = whole[:at].rstrip()
    quote = partial[-length:].lstrip()
    wish = Turn(Role.USER, f"My connection dropped after «{quote}». Repeat it and go on.")
    return whole, quote, (QUESTION, Turn(Role.ASSISTANT, partial), wish)


@given(
    st.text(min_size=40),
    st.text(),
    st.text(),
    st.integers(QUOTE_MIN, 300),
    st.sampled_from(MARKS),
)
def test_a_quoted_end_is_found_in_any_text(
    partial: str, before: str, after: str, length: int, marks: tuple[str, str]
) -> None:
    partial = partial.rstrip()
    quote = partial[-length:].lstrip()
    assume(len(quote) >= QUOTE_MIN)
    found = quoted_end(partial, f"{before}{marks[0]}{quote}{marks[1]}{after}")
    assert found.endswith(quote)
    assert partial.endswith(found)


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_found_is_an_end_that_was_quoted(partial: str, wish: str) -> None:
    found = quoted_end(partial, wish)
    assert partial.endswith(found)
    assert found in wish
    assert len(found) >= QUOTE_MIN or found in {"", partial.lstrip()}


@given(st.sampled_from(MODELS), st.integers(1, 10_000), st.integers(QUOTE_MIN, 60))
def test_any_model_goes_on_with_what_another_began(model: Model, at: int, length: int) -> None:
    whole, quote, turns = broken_off(at, length)
    partial = turns[1].text
    assume(partial and len(partial) < len(whole))
    assume(len(quote) >= QUOTE_MIN or quote == partial)
    more = said(model, *turns)
    assert more.startswith(quote)
    assert partial + more.removeprefix(quote) == whole


@given(st.sampled_from(PREFILLED), st.integers(1, 10_000))
def test_a_prefill_of_another_model_is_gone_on_from(model: Model, at: int) -> None:
    whole, _, turns = broken_off(at)
    assume(turns[1].text)
    assert turns[1].text + said(model, *turns[:2]) == whole


@pytest.mark.parametrize(
    "wish",
    [
        "Go on.",
        "What does “gate” mean?",
        'You say "something that nobody said at all here". Why?',
        "What does «{middle}» mean?",
        "{end}",
        "It ended in «{end} and more».",
    ],
)
def test_an_ordinary_follow_up_is_answered(wish: str) -> None:
    _, end, turns = broken_off(300)
    partial = turns[1].text
    wish = wish.replace("{middle}", partial[50:90].strip()).replace("{end}", end)
    turns = (*turns[:2], Turn(Role.USER, wish))
    assert find(ask(MODELS[0], *turns)) is None


def test_a_short_answer_that_is_quoted_is_no_break() -> None:
    turns = (
        Turn(Role.USER, "[[say:Yes.]]"),
        Turn(Role.ASSISTANT, "Yes."),
        Turn(Role.USER, 'Why "Yes."? [[say:Because.]]'),
    )
    assert said(MODELS[0], *turns) == "Because."
    begun = (turns[0], Turn(Role.ASSISTANT, "Ye"), Turn(Role.USER, "It broke after «Ye»."))
    assert said(MODELS[0], *begun) == "Yes."


def test_each_fault_goes_on_in_its_own_way() -> None:
    whole, quote, turns = broken_off(300)
    rest = whole[len(turns[1].text) :]

    def gone_on(kind: str) -> str:
        return said(MODELS[0], *turns, fault=FaultKind(f"continue_{kind}"))

    assert gone_on("restart") == whole
    assert gone_on("no_repeat") == rest
    respaced = gone_on("respaced")
    assert not respaced.startswith(quote)
    assert respaced.removesuffix(rest).split() == quote.split()
    overlap = gone_on("overlap").removesuffix(rest)
    assert quote.endswith(overlap)
    assert 0 < len(overlap) < len(quote)
    model = PREFILLED[0]
    prefilled = {
        kind: said(model, *turns[:2], fault=FaultKind(f"continue_{kind}"))
        for kind in ("restart", "no_repeat", "respaced", "overlap")
    }
    assert prefilled["restart"] == whole
    assert prefilled["no_repeat"] == rest
    assert prefilled["respaced"] == "\n" + rest.lstrip()
    assert turns[1].text.endswith(prefilled["overlap"].removesuffix(rest))
    assert prefilled["overlap"] != rest


def test_marks_of_quotes_can_change_in_the_repeat() -> None:
    question = Turn(Role.USER, "[[say:He said 'no' and \"never\" to all of us, and then he left.]]")
    turns = (
        question,
        Turn(Role.ASSISTANT, "He said 'no' and \"never\" to all"),
        Turn(Role.USER, "I have it up to «said 'no' and \"never\" to all»."),
    )
    changed = said(MODELS[0], *turns, fault=FaultKind.CONTINUE_REQUOTED)
    assert changed == "said \u2019no\u2019 and \u201cnever\u201c to all of us, and then he left."


def test_shared_text_is_the_same_for_all_and_own_text_is_not() -> None:
    shared = {said(model, QUESTION) for model in MODELS}
    own = {compose(ask(model, QUESTION), 5).choices[0].text for model in MODELS}
    assert len(shared) == 1
    assert len(own) == len(MODELS)
    two = replace(ask(MODELS[0], QUESTION), choices=2)
    assert len({choice.text for choice in compose(two, 5, is_shared=True).choices}) == 2


def test_a_conversation_is_the_same_however_it_is_cut_into_turns() -> None:
    one = (
        QUESTION,
        Turn(Role.ASSISTANT, 'Let me see.\nlook({"a":1})'),
        Turn(Role.TOOL, "fine\n3"),
        Turn(Role.USER, "And?"),
    )
    other = (
        QUESTION,
        Turn(Role.ASSISTANT, "Let me see."),
        Turn(Role.ASSISTANT, 'look({"a":1})'),
        Turn(Role.TOOL, '{"result": "fine"}'),
        Turn(Role.TOOL, '{"output": 3}'),
        Turn(Role.USER, "And?"),
        Turn(Role.USER, ""),
    )
    assert told(one) == told(other)
