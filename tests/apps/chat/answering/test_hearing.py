"""What the gateway says, in whatever chunks it comes."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.chat.answering.hearing import (
    Done,
    Failed,
    Finish,
    Heard,
    Hearing,
    Note,
    Queued,
    Reasoning,
    Text,
    Usage,
    refusal,
)

WORDS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=8
)
SAID = st.one_of(
    WORDS.map(Text),
    WORDS.map(Reasoning),
    st.just(Finish("stop")),
    st.builds(Usage, st.integers(0, 99), st.integers(0, 99)),
    st.builds(Queued, st.integers(1, 99), st.sampled_from([-1.0, 0.5, 12.25])),
    st.just(Note("continued", "two", "m", "it broke")),
)


def told(word: Heard) -> bytes:
    """Return a word as the gateway says it."""
    if isinstance(word, Queued):
        eta = b" eta_s=%g" % word.eta_s if word.eta_s >= 0 else b""
        return b": queued position=%d%b\n\n" % (word.position, eta)
    if isinstance(word, Note):
        note = {"upstream": word.upstream, "model": word.model, "because": word.because}
        return b": %b %b\n\n" % (word.kind.encode(), json.dumps(note).encode())
    return b"data: [DONE]\n\n" if isinstance(word, Done) else event(chunk_of(word))


def chunk_of(word: Text | Reasoning | Finish | Usage | Failed) -> object:
    match word:
        case Text(text=text):
            return {"choices": [{"delta": {"content": text}}]}
        case Reasoning(text=text):
            return {"choices": [{"delta": {"reasoning_content": text}}]}
        case Finish(reason=reason):
            return {"choices": [{"finish_reason": reason}]}
        case Usage(input_tokens=used, output_tokens=made):
            return {
                "choices": [],
                "usage": {"prompt_tokens": used, "completion_tokens": made},
            }
        case Failed(code=code, message=message):
            return {"error": {"code": code, "message": message}}


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def joined(words: list[Heard]) -> list[Heard]:
    """Return the same with neighbours of a kind as one."""
    found: list[Heard] = []
    for word in words:
        last = found[-1] if found else None
        if isinstance(word, Text) and isinstance(last, Text):
            found[-1] = Text(last.text + word.text)
        elif isinstance(word, Reasoning) and isinstance(last, Reasoning):
            found[-1] = Reasoning(last.text + word.text)
        else:
            found.append(word)
    return found


def heard(raw: bytes, cuts: list[int]) -> list[Heard]:
    hearing = Hearing()
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    pairs = itertools.pairwise(places)
    return joined([word for a, b in pairs for word in hearing.feed(raw[a:b])])


@given(st.lists(SAID, max_size=12), st.lists(st.integers(0, 2000), max_size=12))
def test_chunks_change_nothing_in_what_is_said(words: list[Heard], cuts: list[int]) -> None:
    raw = b": keepalive\n\n".join([*map(told, words), told(Done())])
    assert heard(raw, cuts) == [*joined(words), Done()]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_no_bytes_make_it_fail(raw: bytes, cuts: list[int]) -> None:
    heard(raw, cuts)
    refusal(500, raw)


def test_nothing_follows_an_end() -> None:
    hearing = Hearing()
    failed = Failed("overloaded", "Too much.", "")
    assert hearing.feed(told(failed) + told(Text("more"))) == [failed]
    assert hearing.feed(told(Text("more"))) == []


def test_what_cannot_be_read_is_a_failure() -> None:
    assert isinstance(Hearing().feed(b"data: {nonsense\n\n")[0], Failed)
    assert isinstance(Hearing().feed(b"data: x" * 400_000)[0], Failed)


def test_a_refusal_is_read() -> None:
    assert refusal(429, b'{"error":{"code":"x","message":"y"}}') == Failed("x", "y", "")
    assert refusal(502, b"<html>").code == "status_502"
