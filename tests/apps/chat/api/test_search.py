"""Search finds what was said, by nobody else; any text may be asked for."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from tests.apps.chat.api.ground import Ground

from penstock.apps.chat import tables
from penstock.apps.chat.words import CLOSES, OPENS

OPEN = "sea-conversation"


def begin(chat: Ground, name: str = OPEN, who: str = "ada") -> None:
    chat.done(who, "POST", "/conversations", {"id": name})


def found(chat: Ground, asked: str, who: str = "ada", **query: Any) -> list[str]:
    told = chat.done(who, "GET", "/search", q=asked, **query)
    return [one["id"] for one in told["items"]]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("How deep is the Mariana Trench?", "mariana trench"),
        ("How deep is the Mariana Trench?", "trench deep"),
        ("How deep is the Mariana Trench?", "mari"),
        ("Où est le café de Zoë?", "cafe zoe"),
        ("Le cafe\N{COMBINING ACUTE ACCENT} ouvert", "café"),
        ("use foo_bar in C++", "foo_bar c++"),
        ("a well-known fact", "well-kno"),
        ("这是一个很有用的工具", "有用"),
        ("这是一个很有用的工具", "用"),
        ("東京タワーに行きたい", "タワー"),
        ("한국어를 배우고 싶어요", "한국어"),
        ("ฉันรักประเทศไทย", "ประเทศ"),
        ("Я люблю море", "ЛЮБЛЮ мор"),
        ('say "hello" AND NEAR(x)', "NEAR(x)"),
        ("rock & roll", "rock & roll"),
    ],
)
def test_what_was_said_is_found_and_marked(chat: Ground, said: str, asked: str) -> None:
    begin(chat)
    begin(chat, "other-conversation")
    chat.talk("ada", OPEN, said)
    chat.done("ada", "PATCH", f"/conversations/{OPEN}", {"title": "x"})
    chat.talk("ada", "other-conversation", "Nothing of this kind")
    (hit,) = chat.done("ada", "GET", "/search", q=asked)["items"]
    assert hit["id"] == OPEN
    assert OPENS in hit["snippet"]
    assert hit["snippet"].count(OPENS) == hit["snippet"].count(CLOSES)


@pytest.mark.parametrize("asked", ["ariana", "mariana valley", "deepest", "不存在", "用有"])
def test_what_was_not_said_is_not_found(chat: Ground, asked: str) -> None:
    begin(chat)
    chat.talk("ada", OPEN, "How deep is the Mariana Trench? 有用")
    assert found(chat, asked) == []


def test_titles_are_found_first_and_follow_their_person(chat: Ground) -> None:
    for name in (OPEN, "newer-conversation"):
        begin(chat, name)
    chat.talk("ada", OPEN, "One")
    chat.talk("ada", "newer-conversation", "About whales")
    chat.done("ada", "PATCH", "/conversations/newer-conversation", {"title": "Of the sea"})
    chat.done("ada", "PATCH", f"/conversations/{OPEN}", {"title": "Whales"})
    assert found(chat, "whales") == [OPEN, "newer-conversation"]
    chat.done("ada", "PATCH", f"/conversations/{OPEN}", {"title": "Fish"})
    assert found(chat, "whales") == ["newer-conversation"]
    assert found(chat, "fish") == [OPEN]


def test_an_answer_is_found_when_it_has_ended(chat: Ground) -> None:
    begin(chat)
    body = {"id": "user-0001", "answer": "answer-0001", "text": "How deep?"}
    chat.done("ada", "POST", f"/conversations/{OPEN}/messages", body)
    with chat.store.writing() as connection:
        values = {"text": "Eleven kilo", "state": "streaming"}
        mine = tables.messages.c.id == "answer-0001"
        connection.execute(update(tables.messages).where(mine).values(**values))
    assert found(chat, "eleven") == []
    chat.end("answer-0001", "Eleven kilometres", "stopped")
    assert found(chat, "eleven kilometres") == [OPEN]
    chat.done("ada", "POST", "/messages/answer-0001/continue")
    assert found(chat, "eleven") == []
    chat.end("answer-0001", "Eleven miles")
    assert (found(chat, "kilometres"), found(chat, "miles")) == ([], [OPEN])


def test_nobody_finds_what_another_has_said(chat: Ground) -> None:
    begin(chat)
    begin(chat, "bobs-conversation", "bob")
    chat.talk("ada", OPEN, "whales")
    chat.talk("bob", "bobs-conversation", "whales")
    assert found(chat, "whales") == [OPEN]
    assert found(chat, "whales", "bob") == ["bobs-conversation"]


def test_what_is_deleted_leaves_the_index(chat: Ground) -> None:
    begin(chat)
    chat.talk("ada", OPEN, "whales")
    chat.done("ada", "DELETE", f"/conversations/{OPEN}")
    with chat.store.writing() as connection:
        for index in ("message_words", "conversation_words"):
            vocabulary = f"CREATE VIRTUAL TABLE temp.words_of USING fts5vocab(main, {index}, row)"
            connection.execute(text(vocabulary))
            assert connection.execute(text("SELECT term FROM temp.words_of")).all() == []
            connection.execute(text("DROP TABLE temp.words_of"))


def test_pages_follow_each_other_without_gaps(chat: Ground) -> None:
    names = [f"conversation-{at:03d}" for at in range(7)]
    for name in names:
        begin(chat, name)
        chat.talk("ada", name, "whales and whales")
        chat.done("ada", "PATCH", f"/conversations/{name}", {"title": "x"})
    seen: list[str] = []
    after = ""
    while True:
        told = chat.done("ada", "GET", "/search", q="whales", limit=3, after=after or 0)
        seen += [one["id"] for one in told["items"]]
        after = told["next"]
        if not after:
            break
    assert seen == names[::-1]


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(asked=st.text(max_size=60) | st.text(alphabet="ab\"*^:-+()ANDORNEAR{} '", max_size=30))
def test_any_text_may_be_asked_for(chat: Ground, asked: str) -> None:
    status, told = chat.ask("ada", "GET", "/search", q=asked.encode(errors="ignore").decode())
    assert status in {200, 422}, told
    assert status == 200 or "\x00" in asked
