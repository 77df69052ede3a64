"""Lists and threads come in pages without gaps; what is deleted leaves nothing behind."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from tests.apps.chat.api.ground import Ground

from penstock.apps.chat import tables
from penstock.apps.chat.titles import TITLE_MAX, title_of

TALK = "conversation-1"


def begin(chat: Ground, name: str = TALK, who: str = "ada", **more: Any) -> Any:
    return chat.done(who, "POST", "/conversations", {"id": name, **more})


def listed(chat: Ground, who: str = "ada", limit: int = 100) -> list[str]:
    seen: list[str] = []
    after = ""
    while True:
        told = chat.done(who, "GET", "/conversations", limit=limit, after=after)
        seen += [one["id"] for one in told["items"]]
        after = told["next"]
        if not after:
            return seen


def test_the_same_id_again_is_the_same_conversation(chat: Ground) -> None:
    made = begin(chat, title=" Whales ", system_prompt="Be brief.")
    assert (made["title"], made["is_titled"]) == ("Whales", True)
    assert begin(chat, title="Fish") == made
    assert len(chat.told.told) == 1


def test_pinned_ones_are_first_then_the_newest_in_pages_of_any_size(chat: Ground) -> None:
    names = [f"conversation-{at}" for at in range(7)]
    for name in names:
        begin(chat, name)
    chat.talk("ada", names[2], "Newest now")
    for name in (names[1], names[4]):
        chat.done("ada", "PATCH", f"/conversations/{name}", {"is_pinned": True})
    chat.done("ada", "PATCH", f"/conversations/{names[0]}", {"title": "Renamed, and not moved"})
    meant = [names[at] for at in (4, 1, 2, 6, 5, 3, 0)]
    for limit in (1, 2, 3, 100):
        assert listed(chat, limit=limit) == meant
    chat.done("ada", "PATCH", f"/conversations/{names[4]}", {"is_pinned": False})
    assert listed(chat)[0] == names[1]
    assert listed(chat, "bob") == []


def test_a_long_thread_comes_in_pages_the_newest_first(chat: Ground) -> None:
    begin(chat)
    answer = ""
    for at in range(6):
        answer = chat.talk("ada", TALK, f"Message {at}", answer)
    whole = chat.done("ada", "GET", f"/conversations/{TALK}")
    assert whole["before"] == ""
    for limit in (1, 3, 5, 12):
        seen: list[Any] = []
        before = ""
        while True:
            path = f"/conversations/{TALK}"
            page = chat.done("ada", "GET", path, before=before, limit=limit)
            assert len(page["messages"]) <= limit
            seen = page["messages"] + seen
            before = page["before"]
            if not before:
                break
        assert seen == whole["messages"]


def test_titles_follow_the_first_message_until_their_person_says(chat: Ground) -> None:
    begin(chat)
    answer = chat.talk("ada", TALK, "## How deep is the sea?")
    path = f"/conversations/{TALK}"
    assert chat.done("ada", "GET", path)["conversation"]["title"] == "How deep is the sea?"
    chat.talk("ada", TALK, "And the lake?", answer)
    assert chat.done("ada", "GET", path)["conversation"]["title"] == "How deep is the sea?"
    chat.talk("ada", TALK, "How high is the sky?")
    assert chat.done("ada", "GET", path)["conversation"]["title"] == "How high is the sky?"
    chat.done("ada", "PATCH", path, {"title": "Sky"})
    chat.talk("ada", TALK, "How wide?")
    assert chat.done("ada", "GET", path)["conversation"]["title"] == "Sky"
    changed = chat.done("ada", "PATCH", path, {"title": " "})
    assert (changed["title"], changed["is_titled"]) == ("How deep is the sea?", False)


@given(text=st.text(max_size=300), name=st.text(max_size=100))
def test_a_title_is_one_short_line(text: str, name: str) -> None:
    title = title_of(text, [name])
    assert len(title) <= TITLE_MAX
    assert title.isprintable()
    assert title == title.strip()


def test_what_is_deleted_leaves_nothing_behind(chat: Ground) -> None:
    begin(chat)
    begin(chat, "kept-conversation")
    chat.talk("ada", "kept-conversation", "Kept")
    chat.talk("ada", TALK, "Deleted")
    body = {"id": "user-0001", "answer": "answer-0001", "text": "Still waiting"}
    chat.done("ada", "POST", f"/conversations/{TALK}/messages", body)
    with chat.store.writing() as connection:
        for seq, (kind, message, data) in enumerate(
            [
                ("conversation", "", {"id": TALK, "title": "Deleted"}),
                ("message", "user-0001", {"id": "user-0001", "conversation": TALK}),
                ("delta", "answer-0001", {"message": "answer-0001", "text": "Deleted"}),
                ("conversation", "", {"id": "kept-conversation", "title": "Kept"}),
            ]
        ):
            row = {"seq": seq, "account": "ada-account", "kind": kind, "message": message}
            connection.execute(insert(tables.events).values(data=json.dumps(data), **row))
    assert chat.ask("bob", "DELETE", f"/conversations/{TALK}")[0] == 404
    chat.done("ada", "DELETE", f"/conversations/{TALK}")
    assert chat.engine.stopped == ["answer-0001"]
    assert chat.told.told[-1][1] == "conversation_gone"
    with chat.store.reading() as connection:
        for table in (tables.conversations, tables.messages, tables.jobs, tables.events):
            for row in connection.execute(select(table)):
                told = str(row)
                assert TALK not in told
                assert "Deleted" not in told
        assert len(connection.execute(select(tables.events)).all()) == 1
    assert listed(chat) == ["kept-conversation"]


@pytest.mark.parametrize("after", ["x", "~", "1~2", "a~b~c", "nan~inf~z", "1~2~3~4"])
def test_a_place_in_the_list_that_is_none_is_refused_or_empty(chat: Ground, after: str) -> None:
    begin(chat)
    assert chat.ask("ada", "GET", "/conversations", after=after)[0] in {200, 422}


def test_the_shown_branch_or_the_whole_tree_is_kept_as_a_file(chat: Ground) -> None:
    begin(chat, system_prompt="Be brief.")
    first = chat.talk("ada", TALK, "# One *star*")
    chat.talk("ada", TALK, "Two, instead")
    path = f"/conversations/{TALK}/export"
    told = chat.raw("ada", "GET", path)
    assert told.headers["content-type"].startswith("text/markdown")
    assert 'filename="Two-instead.md"' in told.headers["content-disposition"]
    assert "Two, instead" in told.text
    assert "One" not in told.text
    whole = chat.raw("ada", "GET", path, params={"is_whole": "true"}).text
    assert "# One *star*" in whole
    assert "behind 1" in whole
    branch = chat.raw("ada", "GET", path, params={"kind": "json"}).json()
    tree = chat.raw("ada", "GET", path, params={"kind": "json", "is_whole": "true"}).json()
    assert (len(branch["messages"]), len(tree["messages"])) == (2, 4)
    assert first in {one["id"] for one in tree["messages"]}
    assert chat.raw("bob", "GET", path).status_code == 404


def test_everything_of_a_person_is_one_file(chat: Ground) -> None:
    names = ["conversation-1", "conversation-2"]
    for name in names:
        begin(chat, name)
        chat.talk("ada", name, f"Said in {name}")
    begin(chat, "bobs-conversation", "bob")
    told = chat.raw("ada", "GET", "/export").json()
    assert [one["conversation"]["id"] for one in told["conversations"]] == names
    assert [len(one["messages"]) for one in told["conversations"]] == [2, 2]
    assert chat.raw("bob", "GET", "/export").json()["conversations"][0]["messages"] == []
    assert chat.raw("", "GET", "/export").status_code == 401


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(max_size=200).filter(lambda text: "\0" not in text))
def test_any_title_makes_a_file_with_a_name(chat: Ground, title: str) -> None:
    begin(chat)
    chat.ask("ada", "PATCH", f"/conversations/{TALK}", {"title": title})
    told = chat.raw("ada", "GET", f"/conversations/{TALK}/export")
    assert told.status_code == 200
    assert told.headers["content-disposition"].isascii()
