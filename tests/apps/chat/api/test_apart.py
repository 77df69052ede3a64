"""Two people do whatever they like: neither ever sees, changes or can tell anything of the other.

A model keeps what each has made. Each step may use ids of either; what is not one's own is answered
exactly as an id that nobody has. After each step both see their own lists, threads and searches, as
the model has them.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.apps.chat.api.ground import Ground, ground
from tests.apps.chat.files import samples

PEOPLE = ("ada", "bob")
WHO = st.sampled_from(PEOPLE)
AT = st.integers(0, 30)
WORDS = st.sampled_from(["whales", "deep sea", "有用的工具", "café"])
NOBODYS = "nobodys-id"


class Apart(RuleBasedStateMachine):
    """Two accounts of one database."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.chat: Ground = self.stack.enter_context(ground(Path(folder)))
        self.count = 0
        self.talks: dict[str, str] = {}  # conversation: whose
        self.users: dict[str, str] = {}  # message: its conversation
        self.answers: dict[str, str] = {}
        self.files: dict[str, str] = {}  # file: whose
        self.secrets: dict[str, list[str]] = {"ada": [], "bob": []}

    def teardown(self) -> None:
        self.stack.close()

    def fresh(self, kind: str, who: str) -> str:
        self.count += 1
        return f"{who}-{kind}-{self.count:06d}"

    def secret(self, who: str, words: str) -> str:
        told = f"{words} {who}secret{self.count}"
        self.secrets[who].append(told)
        return told

    def pick(self, have: dict[str, str], at: int) -> str:
        names = [*have, NOBODYS]
        return names[at % len(names)]

    def ask(self, who: str, owner: str, method: str, path: str, body: Any = None) -> Any:
        """Ask; what is not one's own is refused as what nobody has is."""
        self.chat.now_s += 30.0
        status, told = self.chat.ask(who, method, path, body)
        assert status < 500, told
        if owner == who:
            return told if status < 300 else None
        missing = path.replace(path.split("/")[2], NOBODYS)
        assert (status, told) == self.chat.ask(who, method, missing, body), path
        assert status == 404
        return None

    @rule(who=WHO, words=WORDS)
    def make(self, who: str, words: str) -> None:
        name = self.fresh("conversation", who)
        body = {"id": name, "title": self.secret(who, words)}
        self.chat.done(who, "POST", "/conversations", body)
        self.talks[name] = who

    @rule(who=WHO, at=AT)
    def make_again(self, who: str, at: int) -> None:
        name = self.pick(self.talks, at)
        if name != NOBODYS:
            status, told = self.chat.ask(who, "POST", "/conversations", {"id": name})
            assert status == (200 if self.talks[name] == who else 409), told

    @rule(who=WHO, at=AT, behind=AT, words=WORDS, file=AT)
    def send(self, who: str, at: int, behind: int, words: str, file: int) -> None:
        talk = self.pick(self.talks, at)
        parent = self.pick(self.answers, behind)
        wanted = self.pick(self.files, file)
        user, answer = self.fresh("user", who), self.fresh("answer", who)
        body = {
            "id": user,
            "answer": answer,
            "text": self.secret(who, words),
            "parent": parent if self.answers.get(parent) == talk else "",
            "files": [wanted] if self.files.get(wanted) == who else [],
        }
        sent = self.ask(
            who, self.talks.get(talk, ""), "POST", f"/conversations/{talk}/messages", body
        )
        if sent:
            self.users[user] = self.answers[answer] = talk
            self.chat.end(answer, self.secret(who, words), "stopped")

    @rule(who=WHO, at=AT, behind=AT)
    def send_with_what_is_not_ones_own(self, who: str, at: int, behind: int) -> None:
        mine = [name for name, owner in self.talks.items() if owner == who]
        theirs = {name: one for name, one in self.answers.items() if self.talks[one] != who}
        files = {name: one for name, one in self.files.items() if one != who}
        if not mine:
            return
        path = f"/conversations/{mine[at % len(mine)]}/messages"
        body = {"id": self.fresh("user", who), "answer": self.fresh("answer", who), "text": "x"}
        self.chat.now_s += 30.0
        for wrong in ({"parent": self.pick(theirs, behind)}, {"files": [self.pick(files, behind)]}):
            status, told = self.chat.ask(who, "POST", path, {**body, **wrong})
            nobodys = {
                name: type(one)(NOBODYS) if isinstance(one, str) else [NOBODYS]
                for name, one in wrong.items()
            }
            assert (status, told) == self.chat.ask(who, "POST", path, {**body, **nobodys})
            assert status == 422
        if theirs:
            taken = {**body, "answer": self.pick(theirs, behind)}
            assert self.chat.ask(who, "POST", path, taken)[0] in {409, 200}

    @rule(who=WHO, at=AT, step=st.sampled_from(["continue", "stop", "answers", ""]))
    def with_a_message(self, who: str, at: int, step: str) -> None:
        name = self.pick(self.users | self.answers, at)
        talk = (self.users | self.answers).get(name, "")
        path = f"/messages/{name}/{step}".rstrip("/")
        method = "POST" if step else "GET"
        answer = self.fresh("answer", who)
        body = {"id": answer} if step == "answers" else None
        done = self.ask(who, self.talks.get(talk, ""), method, path, body)
        if done and step == "answers":
            self.answers[answer] = talk
            self.chat.end(answer, self.secret(who, "again"), "stopped")
        if done and step == "continue":
            self.chat.end(name, self.secret(who, "on"), "stopped")

    @rule(who=WHO, at=AT, leaf=AT, step=st.sampled_from(["GET", "PATCH", "PUT", "EXPORT"]))
    def with_a_conversation(self, who: str, at: int, leaf: int, step: str) -> None:
        name = self.pick(self.talks, at)
        owner = self.talks.get(name, "")
        steps: dict[str, Callable[[], Any]] = {
            "GET": lambda: self.ask(who, owner, "GET", f"/conversations/{name}"),
            "PATCH": lambda: self.ask(
                who, owner, "PATCH", f"/conversations/{name}", {"is_pinned": bool(at % 2)}
            ),
            "PUT": lambda: self.ask(
                who,
                owner,
                "PUT",
                f"/conversations/{name}/leaf",
                {"message": self.pick(self.answers, leaf)},
            ),
            "EXPORT": lambda: self.chat.raw(
                who, "GET", f"/conversations/{name}/export", params={"kind": "json"}
            ),
        }
        steps[step]()

    @rule(who=WHO, at=AT)
    def delete(self, who: str, at: int) -> None:
        name = self.pick(self.talks, at)
        owner = self.talks.get(name, "")
        self.ask(who, owner, "DELETE", f"/conversations/{name}")
        if owner == who:
            del self.talks[name]
            self.users = {one: talk for one, talk in self.users.items() if talk != name}
            self.answers = {one: talk for one, talk in self.answers.items() if talk != name}

    @rule(who=WHO)
    def upload(self, who: str) -> None:
        self.chat.now_s += 30.0
        sent = self.chat.upload(who, samples.png(), f"{who}secret.png")
        self.files[sent.json()["id"]] = who

    @rule(who=WHO, at=AT)
    def look_at_a_file(self, who: str, at: int) -> None:
        name = self.pick(self.files, at)
        got = self.chat.raw(who, "GET", f"/files/{name}")
        if self.files.get(name) != who:
            assert got.status_code == 404

    @invariant()
    def each_sees_what_is_ones_own_and_nothing_else(self) -> None:
        for who in PEOPLE:
            other = PEOPLE[1 - PEOPLE.index(who)]
            mine = {name for name, owner in self.talks.items() if owner == who}
            told = self.chat.raw(who, "GET", "/conversations", params={"limit": 500})
            assert {one["id"] for one in told.json()["items"]} == mine
            for asked in ("whales", f"{other}sec"):
                found = self.chat.raw(who, "GET", "/search", params={"q": asked, "limit": 50})
                assert f"{other}secret" not in found.text
                assert {one["id"] for one in found.json()["items"]} <= mine
        for account, _, data in self.chat.told.told:
            other = PEOPLE[1 - PEOPLE.index(account.removesuffix("-account"))]
            assert f"{other}secret" not in repr(data)
        self.chat.told.told.clear()

    @invariant()
    def a_download_of_everything_is_of_ones_own(self) -> None:
        if self.count % 5 == 0:
            for who in PEOPLE:
                other = PEOPLE[1 - PEOPLE.index(who)]
                assert f"{other}secret" not in self.chat.raw(who, "GET", "/export").text


TestApart = pytest.mark.slow(Apart.TestCase)
TestApart.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
