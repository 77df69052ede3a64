"""Files come in as streams, are served to their owner alone, and nothing of them stays behind."""

import errno
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.apps.chat.api.ground import Ground, ground
from tests.apps.chat.files import samples

from penstock.apps.chat.files import keeping
from penstock.apps.chat.parts import FILES
from penstock.apps.chat.rates import UPLOADS
from penstock.core.errors import StoreError

TALK = "conversation-1"


@pytest.fixture
def chat(tmp_path: Path) -> Generator[Ground]:
    """The chat's API over a fresh database."""
    with ground(tmp_path) as one:
        yield one


def limited(chat: Ground, **limits: Any) -> None:
    changed = msgspec.structs.replace(chat.parts.config.chat, **limits)
    chat.parts.config = msgspec.structs.replace(chat.parts.config, chat=changed)


def kept(chat: Ground) -> list[str]:
    folder = chat.folder / FILES
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


def test_what_was_sent_comes_back_to_its_owner_and_may_do_nothing(chat: Ground) -> None:
    sent = chat.upload("ada", samples.png(30, 20), "C:\\holiday\\sea \N{WATER WAVE}.png")
    assert sent.status_code == 200, sent.text
    told = sent.json()
    assert (told["name"], told["kind"]) == ("sea \N{WATER WAVE}.png", "image/png")
    assert (told["width"], told["height"], told["bytes"]) == (30, 20, len(samples.png()))
    got = chat.raw("ada", "GET", f"/files/{told['id']}")
    assert got.content == samples.png(30, 20)
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-disposition"].startswith("inline")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    again = chat.raw("bob", "GET", f"/files/{told['id']}")
    assert again.status_code == 404
    assert chat.raw("bob", "DELETE", f"/files/{told['id']}").status_code == 404
    assert chat.raw("", "GET", f"/files/{told['id']}").status_code == 401
    assert chat.raw("", "POST", "/files", content=samples.png()).status_code == 401


def test_a_pdf_is_offered_to_be_kept(chat: Ground) -> None:
    told = chat.upload("ada", samples.pdf(4), 'a "b"\r\n.pdf').json()
    assert told["pages"] == 4
    got = chat.raw("ada", "GET", f"/files/{told['id']}")
    assert got.headers["content-disposition"].startswith("attachment")
    assert "\n" not in got.headers["content-disposition"]


def test_what_a_browser_has_is_not_sent_again_but_asked_for_each_time(chat: Ground) -> None:
    told = chat.upload("ada", samples.png()).json()
    path = f"/api/v1/files/{told['id']}"
    tag = chat.raw("ada", "GET", path.removeprefix("/api/v1")).headers["etag"]
    for who, status in (("ada", 304), ("bob", 404)):
        headers = {"x-who": who, "if-none-match": tag}
        answer = chat.run(chat.client.get(f"http://chat{path}", headers=headers))
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"<html>", 415, "unsupported_file"),
        (b"", 415, "unsupported_file"),
        (samples.png() + bytes(2_000), 413, "file_too_large"),
    ],
)
def test_what_is_refused_leaves_nothing(chat: Ground, raw: bytes, status: int, code: str) -> None:
    limited(chat, file_bytes_max=1_000)

    async def pieces() -> Any:
        yield raw

    for content in (raw, pieces()):
        sent = chat.raw("ada", "POST", "/files", content=content)
        assert (sent.status_code, sent.json()["error"]["code"]) == (status, code)
    assert kept(chat) == []


def test_an_account_has_its_room(chat: Ground) -> None:
    limited(chat, files_account_bytes_max=2 * len(samples.png()))
    answers = [chat.upload("ada", samples.png()).status_code for _ in range(3)]
    assert answers == [200, 200, 413]
    assert len(kept(chat)) == 2
    assert chat.upload("bob", samples.png()).status_code == 200


def test_a_full_disk_is_said_to_be_full(chat: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        del descriptor
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    sent = chat.upload("ada", samples.png())
    assert (sent.status_code, sent.json()["error"]["code"]) == (507, "disk_full")
    monkeypatch.undo()
    assert kept(chat) == []
    assert chat.upload("ada", samples.png()).status_code == 200


def test_a_file_goes_with_its_message_and_an_edit_has_its_own(chat: Ground) -> None:
    chat.done("ada", "POST", "/conversations", {"id": TALK})
    one = chat.upload("ada", samples.png(), "sea.png").json()
    foreign = {"id": "u" * 8, "answer": "a" * 8, "text": "Look", "files": [one["id"]]}
    chat.done("bob", "POST", "/conversations", {"id": "bobs-conversation"})
    assert chat.ask("bob", "POST", "/conversations/bobs-conversation/messages", foreign)[0] == 422
    chat.talk("ada", TALK, "", files=[one["id"]])
    chat.talk("ada", TALK, "Look at this", files=[one["id"]])
    shown = chat.done("ada", "GET", f"/conversations/{TALK}")["messages"][0]
    (other,) = shown["files"]
    assert other["id"] != one["id"]
    assert chat.raw("ada", "DELETE", f"/files/{one['id']}").status_code == 204
    assert chat.raw("ada", "GET", f"/files/{other['id']}").content == samples.png()
    chat.done("ada", "DELETE", f"/conversations/{TALK}")
    assert kept(chat) == []
    assert chat.raw("ada", "GET", f"/files/{other['id']}").status_code == 404


def test_what_is_not_sent_within_a_day_goes_and_so_do_bytes_of_nobody(chat: Ground) -> None:
    chat.done("ada", "POST", "/conversations", {"id": TALK})
    sent, unsent = (chat.upload("ada", samples.png()).json()["id"] for _ in range(2))
    chat.talk("ada", TALK, "Look", files=[sent])
    (chat.folder / FILES / ".coming-fi-0").write_bytes(b"half")
    later_s = chat.now_s + keeping.UNSENT_S - 10.0
    times = (chat.now_s, chat.now_s)
    for name in kept(chat):
        os.utime(chat.folder / FILES / name, times)
    keeping.sweep(chat.store, chat.folder, later_s)
    assert len(kept(chat)) == 3
    keeping.sweep(chat.store, chat.folder, later_s + 100.0)
    assert kept(chat) == [sent]
    assert chat.raw("ada", "GET", f"/files/{unsent}").status_code == 404


def test_who_sends_files_too_fast_waits(chat: Ground) -> None:
    burst = int(UPLOADS.person_burst)
    answers = [chat.upload("ada", samples.png()).status_code for _ in range(burst + 1)]
    assert answers == [200] * burst + [429]


def test_a_file_that_is_given_up_while_it_is_written_leaves_nothing(tmp_path: Path) -> None:
    coming = keeping.begin(tmp_path)
    with coming.guard:  # a thread that writes
        coming.close()
        assert list((tmp_path / FILES).iterdir()) != []
    with pytest.raises(StoreError):
        coming.write(b"more")
    assert list((tmp_path / FILES).iterdir()) == []
