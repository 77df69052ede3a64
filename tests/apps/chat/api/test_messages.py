"""Sending, another answer, going on, stopping: each once, whatever is sent again."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, update
from tests.apps.chat.api.ground import Ground

from penstock.apps.chat import tables
from penstock.apps.chat.api.sending import OPEN_MAX
from penstock.apps.chat.parts import Said
from penstock.apps.chat.rates import SENDS

TALK = "conversation-1"
FIRST = {"id": "user-0001", "answer": "answer-0001", "text": "How deep is the sea?"}
PLACE = f"/conversations/{TALK}/messages"


def begin(chat: Ground, who: str = "ada", name: str = TALK) -> Any:
    return chat.done(who, "POST", "/conversations", {"id": name})


def count(chat: Ground, table: Any) -> int:
    with chat.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar() or 0


def test_a_send_is_a_message_a_waiting_answer_and_its_job(chat: Ground) -> None:
    begin(chat)
    sent = chat.done("ada", "POST", PLACE, FIRST)
    assert sent["user"]["text"] == FIRST["text"]
    assert (sent["user"]["state"], sent["answer"]["state"]) == ("done", "waiting")
    assert sent["answer"]["parent"] == FIRST["id"]
    assert sent["conversation"]["title"] == FIRST["text"]
    assert sent["conversation"]["is_running"]
    assert chat.engine.begun == [FIRST["answer"]]
    kinds = [kind for account, kind, _ in chat.told.told if account == "ada-account"]
    assert kinds == ["conversation", "conversation", "message", "message"]
    with chat.store.reading() as connection:
        job = connection.execute(select(tables.jobs)).one()
    assert (job.message, job.tier, job.base_units) == (FIRST["answer"], "free", 0)
    assert job.idempotency_key


def test_sending_twice_is_sending_once(chat: Ground) -> None:
    begin(chat)
    one = chat.done("ada", "POST", PLACE, FIRST)
    told = len(chat.told.told)
    assert chat.done("ada", "POST", PLACE, FIRST) == one
    assert (count(chat, tables.messages), count(chat, tables.jobs)) == (2, 1)
    assert chat.engine.begun == [FIRST["answer"]]
    assert len(chat.told.told) == told
    chat.end("answer-0001", "Deep.")
    again = chat.done("ada", "POST", PLACE, FIRST)
    assert (again["answer"]["text"], again["answer"]["state"]) == ("Deep.", "done")
    assert count(chat, tables.jobs) == 0


def test_an_id_that_is_taken_is_refused_in_the_same_words_whoevers_it_is(chat: Ground) -> None:
    begin(chat)
    begin(chat, "ada", "conversation-2")
    begin(chat, "bob", "conversation-3")
    chat.done("ada", "POST", PLACE, FIRST)
    own = chat.ask("ada", "POST", "/conversations/conversation-2/messages", FIRST)
    foreign = chat.ask("bob", "POST", "/conversations/conversation-3/messages", FIRST)
    assert own == foreign
    assert own[0] == 409
    assert chat.ask("bob", "POST", PLACE, FIRST)[0] == 404
    assert chat.ask("ada", "POST", PLACE, FIRST | {"answer": "answer-0002"})[0] == 409
    assert chat.ask("ada", "POST", PLACE, FIRST | {"id": "user-0002"})[0] == 409
    assert chat.ask("bob", "POST", "/conversations", {"id": TALK})[0] == 409
    assert count(chat, tables.messages) == 2


def test_an_edit_and_another_answer_are_siblings(chat: Ground) -> None:
    begin(chat)
    first = chat.talk("ada", TALK, "One")
    edited = chat.talk("ada", TALK, "One, edited")
    shown = chat.done("ada", "GET", f"/conversations/{TALK}")
    user, answer = shown["messages"]
    assert answer["id"] == edited
    assert len(user["siblings"]) == 2
    assert user["siblings"][1] == user["id"]
    other = chat.done("ada", "POST", f"/messages/{user['id']}/answers", {"id": "another-1"})
    assert other["user"] is None
    assert other["answer"]["siblings"] == [edited, "another-1"]
    assert other["conversation"]["leaf"] == "another-1"
    chat.end("another-1")
    back = chat.done("ada", "PUT", f"/conversations/{TALK}/leaf", {"message": first})
    assert [one["id"] for one in back["messages"]] == [user["siblings"][0], first]
    again = chat.done("ada", "PUT", f"/conversations/{TALK}/leaf", {"message": user["id"]})
    assert again["messages"][-1]["id"] == "another-1"


def test_a_message_waits_for_the_answer_before_it(chat: Ground) -> None:
    begin(chat)
    chat.done("ada", "POST", PLACE, FIRST)
    more = {"id": "user-0002", "answer": "answer-0002", "text": "And?", "parent": "answer-0001"}
    status, told = chat.ask("ada", "POST", PLACE, more)
    assert (status, told["error"]["code"]) == (409, "answer_running")
    chat.end("answer-0001")
    chat.done("ada", "POST", PLACE, more)
    status, told = chat.ask("ada", "POST", PLACE, more | {"id": "u" * 9, "parent": "user-0001"})
    assert status == 409
    wrong = more | {"id": "u" * 9, "answer": "a" * 9, "parent": "user-0001"}
    assert chat.ask("ada", "POST", PLACE, wrong)[0] == 422


@pytest.mark.parametrize(
    ("state", "finish", "can"),
    [
        ("stopped", "", True),
        ("broken", "", True),
        ("done", "length", True),
        ("done", "stop", False),
        ("refused", "", False),
    ],
)
def test_what_was_cut_goes_on_in_the_same_message(
    chat: Ground, state: str, finish: str, *, can: bool
) -> None:
    begin(chat)
    chat.done("ada", "POST", PLACE, FIRST)
    chat.end("answer-0001", "Half \N{GRINNING FACE}", state, finish=finish)
    status, sent = chat.ask("ada", "POST", "/messages/answer-0001/continue")
    assert (status < 300) is can
    if not can:
        return
    assert sent["answer"]["text"] == "Half \N{GRINNING FACE}"
    assert (sent["answer"]["state"], sent["answer"]["error"]) == ("waiting", None)
    again = chat.done("ada", "POST", "/messages/answer-0001/continue")
    assert again["answer"]["state"] == "waiting"
    with chat.store.reading() as connection:
        assert connection.execute(select(tables.jobs)).one().base_units == 7
    assert chat.engine.begun == ["answer-0001"] * 2


def test_stop_is_told_to_the_engine_once_and_only_for_what_runs(chat: Ground) -> None:
    begin(chat)
    chat.done("ada", "POST", PLACE, FIRST)
    assert chat.ask("bob", "POST", "/messages/answer-0001/stop")[0] == 404
    chat.done("ada", "POST", "/messages/answer-0001/stop")
    assert chat.engine.stopped == ["answer-0001"]
    chat.end("answer-0001", state="stopped")
    chat.done("ada", "POST", "/messages/answer-0001/stop")
    assert chat.engine.stopped == ["answer-0001"]


def test_a_running_answer_is_shown_as_far_as_it_is(chat: Ground) -> None:
    begin(chat)
    chat.done("ada", "POST", PLACE, FIRST)
    chat.engine.texts["answer-0001"] = Said("As far as \N{GRINNING FACE}", "Hm.", 9)
    shown = chat.done("ada", "GET", f"/conversations/{TALK}")["messages"][-1]
    assert (shown["text"], shown["reasoning"]) == ("As far as \N{GRINNING FACE}", "Hm.")
    assert shown["text_units"] == 12


def test_an_answer_that_ends_while_one_looks_is_shown_whole(chat: Ground) -> None:
    begin(chat)
    chat.done("ada", "POST", PLACE, FIRST)

    def ended(message: str) -> None:
        chat.end(message, "All of it.")

    chat.engine.said = ended  # it ends just between both looks
    shown = chat.done("ada", "GET", "/messages/answer-0001")
    assert (shown["text"], shown["state"]) == ("All of it.", "done")


def test_too_much_is_refused_with_words(chat: Ground) -> None:
    begin(chat)
    limits = msgspec.structs.replace(chat.parts.config.chat, message_chars_max=10)
    chat.parts.config = msgspec.structs.replace(chat.parts.config, chat=limits)
    for wrong in (
        {"text": "x" * 11},
        {"text": "  "},
        {"text": "a\x00b"},
        {"files": ["no-such-file"]},
        {"files": ["a" * 8] * 2},
        {"model": "nobody/knows"},
        {"answer": "user-0001"},
    ):
        status, told = chat.ask("ada", "POST", PLACE, {**FIRST, "text": "Short", **wrong})
        assert status == 422, told
        assert told["error"]["param"].startswith("body.")
    assert count(chat, tables.messages) == 0


def test_a_full_waiting_room_says_so_and_nothing_is_written(chat: Ground) -> None:
    begin(chat)
    limits = msgspec.structs.replace(chat.parts.config.chat, answers_waiting_max=0)
    chat.parts.config = msgspec.structs.replace(chat.parts.config, chat=limits)
    status, told = chat.ask("ada", "POST", PLACE, FIRST)
    assert (status, told["error"]["code"]) == (503, "waiting_room_full")
    assert count(chat, tables.messages) == 0


def test_a_person_has_so_many_answers_under_way(chat: Ground) -> None:
    begin(chat)
    for at in range(OPEN_MAX):
        body = {"id": f"user-{at:04d}", "answer": f"answer-{at:04d}", "text": "x"}
        chat.done("ada", "POST", PLACE, body)
    status, told = chat.ask("ada", "POST", PLACE, {**FIRST, "id": "u" * 8, "answer": "a" * 8})
    assert (status, told["error"]["code"]) == (429, "too_many")


def test_a_guest_has_a_days_messages(chat: Ground) -> None:
    begin(chat)
    limits = msgspec.structs.replace(chat.parts.config.chat, guest_messages_day=2)
    chat.parts.config = msgspec.structs.replace(chat.parts.config, chat=limits)
    with chat.store.writing() as connection:
        connection.execute(update(tables.memberships).values(is_guest=1))
    chat.talk("ada", TALK, "One")
    chat.talk("ada", TALK, "Two")
    status, told = chat.ask("ada", "POST", PLACE, FIRST)
    assert (status, told["error"]["code"]) == (429, "too_many")
    chat.now_s += 86_400
    chat.done("ada", "POST", PLACE, FIRST)


def test_who_sends_too_fast_waits(chat: Ground) -> None:
    begin(chat)
    answers = [chat.ask("ada", "POST", PLACE, FIRST)[0] for _ in range(int(SENDS.person_burst) + 1)]
    assert answers == [200] * int(SENDS.person_burst) + [429]
    chat.now_s += SENDS.person_each_s
    assert chat.ask("ada", "POST", PLACE, FIRST)[0] == 200
