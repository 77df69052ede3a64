"""What the chat's database costs its readers: a million messages, one conversation of ten thousand.

    python bench/chat_store.py [--messages 1000000] [--mine 100000] [--rounds 200]

One person has a tenth of all messages, and the long conversation; the others share the rest.
Words come as in a language: few are in most messages, most in hardly any. Figures are of the
API's handlers with their database, warm, without HTTP, in milliseconds of CPU and of the clock; the
bound is kept or not in CPU time, as on a busy machine the clock says little.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import insert

from penstock.apps.chat.answering.answers import NoAnswers
from penstock.apps.chat.answering.log import NoLog
from penstock.apps.chat.api import conversations, search
from penstock.apps.chat.call import Call
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.store import open_chat
from penstock.apps.chat.tables import conversations as talks
from penstock.apps.chat.tables import messages
from penstock.config.model import Config
from penstock.ledger.store import Store
from penstock.web.endpoint import Actor, PageQuery

LONG: Final = 10_000  # messages of one conversation
TALK: Final = 50  # messages of the others
ACCOUNTS: Final = 500
VOCABULARY: Final = 30_000
PRIME: Final = 30_011
SYLLABLES: Final = [first + second for first in "bdfgklmnprst" for second in "aei"]
TEXT_WORDS: Final = 60
BATCH: Final = 10_000
ME: Final = "account-0"
P99: Final = 0.99
BOUND_MS: Final = 50.0


def words(rng: random.Random, count: int) -> str:
    """Return a text; the word of rank n comes about 1/n as often as the first."""
    ranks = (int(VOCABULARY ** rng.random()) for _ in range(count))
    return " ".join(word(rank) for rank in ranks)


def word(rank: int) -> str:
    """Return the word of a rank: syllables, so that many words begin like it."""
    number, told = rank * 7919 % PRIME, ""
    for _ in range(3):
        number, at = divmod(number, len(SYLLABLES))
        told = SYLLABLES[at] + told
    return told


def made(
    rng: random.Random, total: int, mine: int
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield conversations with their messages."""
    number, at = 0, 0
    while number < total:
        is_mine = number < mine
        account = ME if is_mine else f"account-{rng.randrange(1, ACCOUNTS)}"
        name, size = f"conversation-{at}", LONG if at == 0 else TALK
        rows = [
            {
                "id": f"message-{number + one}",
                "conversation": name,
                "account": account,
                "parent": f"message-{number + one - 1}" if one else "",
                "role": "assistant" if one % 2 else "user",
                "state": "done",
                "text": words(rng, TEXT_WORDS),
                "created_unix_s": float(number + one),
            }
            for one in range(size)
        ]
        number, at = number + size, at + 1
        line = {"id": name, "account": account, "title": words(rng, 4), "leaf": rows[-1]["id"]}
        yield {**line, "updated_unix_s": float(number)}, rows


def fill(store: Store, total: int, mine: int) -> None:
    """Write all of it."""
    rng = random.Random(7)  # noise is the same each time
    lines: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for line, some in made(rng, total, max(LONG, mine)):
        lines.append(line)
        rows += some
        if len(rows) >= BATCH:
            _write(store, lines, rows)
            lines, rows = [], []
    if rows:
        _write(store, lines, rows)


def _write(store: Store, lines: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    with store.writing() as connection:
        connection.execute(insert(talks), lines)
        connection.execute(insert(messages), rows)


def measured(work: Callable[[], Any], rounds: int) -> tuple[list[float], list[float]]:
    """Return what each round took, in milliseconds of CPU and of the clock, sorted."""
    cpu: list[float] = []
    wall: list[float] = []
    for _ in range(rounds):
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        work()
        cpu.append((time.thread_time() - begun_cpu) * 1e3)
        wall.append((time.perf_counter() - begun) * 1e3)
    return sorted(cpu), sorted(wall)


def figures(took: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return took[len(took) // 2], took[min(len(took) - 1, int(len(took) * P99))]


def main() -> int:
    """Fill, measure, print; 1 if a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--mine", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    is_kept = True
    with tempfile.TemporaryDirectory() as folder:
        store = open_chat(Path(folder))
        begun = time.perf_counter()
        fill(store, given.messages, given.mine)
        size_mb = (Path(folder) / "chat.db").stat().st_size / 1e6
        sys.stdout.write(
            f"{given.messages} messages in {time.perf_counter() - begun:.0f} s, {size_mb:.0f} MB\n"
        )
        for name, work in works(parts_of(store, Path(folder))):
            cpu, wall = map(figures, measured(work, given.rounds))
            is_kept &= cpu[1] <= BOUND_MS
            sys.stdout.write(
                f"{name:50} CPU {cpu[0]:6.2f}, p99 {cpu[1]:6.2f}"
                f"   clock {wall[0]:6.2f}, p99 {wall[1]:6.2f}\n"
            )
        store.close()
    return 0 if is_kept else 1


def parts_of(store: Store, folder: Path) -> Parts:
    """Return what handlers work with."""
    return Parts(
        store=store,
        state_dir=folder,
        now_unix_s=time.time,
        config=Config(),
        log=NoLog(),
        answers=NoAnswers(),
        notices=tuple,
    )


def works(parts: Parts) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what is measured."""

    def call(handler: Callable[[Call], Any], query: Any, account: str = ME, **path: str) -> Any:
        actor = Actor("me", account=account)
        found = handler(Call(parts, actor, path, query, None, 0.0))
        return msgspec.json.encode(found)

    thread, page = conversations.ThreadQuery, PageQuery
    yield "list", lambda: call(conversations.list_conversations, page())
    long = "conversation-0"
    yield "open, of 10,000 messages", lambda: call(conversations.show, thread(), id=long)
    middle = thread(before="message-5000", limit=200)
    yield "older, of 10,000 messages", lambda: call(conversations.show, middle, id=long)
    for name, asked in (
        ("search, the most frequent word", word(1)),
        ("search, a word that goes on", word(1)[:3]),
        ("search, rare", word(29_001)),
        ("search, two words", f"{word(2)} {word(7)}"),
        ("search, not there", "nothing"),
    ):
        query = search.SearchQuery(q=asked)
        yield name, lambda query=query: call(search.find, query)
        yield (
            f"{name}, of a person with few",
            lambda query=query: call(search.find, query, "account-9"),
        )


if __name__ == "__main__":
    sys.exit(main())
