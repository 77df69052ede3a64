"""What no linter can hold, over the whole tree; and each check finds a planted offence."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from tests import house

ROOT = Path(__file__).parents[1]
FILES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in ("src", "tests", "bench", "docs")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
SOURCES = {path: text for path, text in FILES.items() if path.startswith("src/")}
CORE = {path: text for path, text in SOURCES.items() if "/core/" in path}
WITH_HEADER = {p: text for p, text in SOURCES.items() if "/core/" in p or "/exchange/" in p}

# A process may catch everything once, at its task boundary.
PROCESSES = ("up", "gateway", "emulate")

# Shapes without behaviour of their own; this list only gets shorter.
UNTESTED = ("contract", "events", "message")

Check = Callable[[str, str], Iterable[str]]


@pytest.mark.parametrize(
    ("check", "files"),
    [
        (house.long_functions, FILES),
        (house.long_files, FILES),
        (house.inner_imports, FILES),
        (house.global_statements, FILES),
        (house.mutable_globals, SOURCES),
        (house.changed_tables, SOURCES),
        (house.core_imports, CORE),
        (house.missing_header, WITH_HEADER),
        (house.banned_words, FILES),
        (house.silencers, FILES),
        (house.open_ends, FILES),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_tree_keeps_the_rule(check: Check, files: dict[str, str]) -> None:
    assert files
    assert [told for path, text in files.items() for told in check(path, text)] == []


def test_long_functions_are_rare() -> None:
    assert list(house.long_tail(SOURCES)) == []


def test_core_and_dialects_are_tested_file_by_file() -> None:
    found = {told.partition(" ")[0] for told in house.missing_tests(SOURCES, FILES)}
    assert found <= {f"src/penstock/dialects/{name}.py" for name in UNTESTED}


def test_a_process_catches_everything_at_most_once() -> None:
    found = [told for path, text in SOURCES.items() for told in house.broad_excepts(path, text)]
    assert len(found) <= len(PROCESSES), found


def function_of(lines: int) -> str:
    return "def f() -> None:\n" + "    pass\n" * (lines - 1)


LATER = "TO" + "DO"

PLANTED: list[tuple[Check, str, str, str]] = [
    (house.long_functions, "src/a.py", function_of(61), function_of(60)),
    (house.long_files, "src/core/a.py", "#\n" * 401, "#\n" * 400),
    (house.long_files, "src/wire/a.py", "#\n" * 601, "#\n" * 600),
    (house.inner_imports, "a.py", "def f():\n    import os\n", "import os\n"),
    (house.inner_imports, "a.py", "def f():\n    from os import path\n", "from os import path\n"),
    (house.global_statements, "a.py", "def f():\n    global x\n", "x = 1\n"),
    (house.mutable_globals, "a.py", "cache = {}\n", "CACHE: Final = {}\n"),
    (house.mutable_globals, "a.py", "cache: dict[str, int] = {}\n", "cache = ()\n"),
    (house.mutable_globals, "a.py", "seen = set()\n", "seen = frozenset()\n"),
    (house.mutable_globals, "a.py", "q = collections.deque()\n", "q = tuple()\n"),
    (
        house.changed_tables,
        "a.py",
        "T: Final = {}\ndef f():\n    T[1] = 2\n",
        "T: Final = {}\ndef f():\n    return T[1]\n",
    ),
    (house.core_imports, "a.py", "import time\n", "import math\n"),
    (house.core_imports, "a.py", "from os.path import join\n", "from typing import Final\n"),
    (
        house.core_imports,
        "a.py",
        "from penstock.config import model\n",
        "from penstock.core.outcome import RULES\n",
    ),
    (house.missing_header, "a.py", "x = 1\n", '"""Rules."""\n'),
    (house.banned_words, "src/wire/utils.py", "", ""),
    (house.banned_words, "src/wire/pool_manager.py", "", ""),
    (house.banned_words, "a.py", "class PoolManager: ...\n", "class Pool: ...\n"),
    (house.silencers, "a.py", "x = 1  # no" + "qa: F401\n", "x = 1  # a reason\n"),
    (house.silencers, "a.py", "x = 1  # type" + ": ignore\n", "x: int = 1\n"),
    (house.silencers, "a.py", "x = 1  # py" + "right: ignore\n", "x = 1\n"),
    (house.open_ends, "a.py", f"# {LATER}: later\n", f"# {LATER}: ADR 0003\n"),
    (house.open_ends, "a.py", f"# {LATER}: later\n", f"# {LATER}: docs/plan.md\n"),
    (
        house.broad_excepts,
        "a.py",
        "try: ...\nexcept Exception: ...\n",
        "try: ...\nexcept OSError: ...\n",
    ),
    (
        house.broad_excepts,
        "a.py",
        "try: ...\nexcept (OSError, BaseException): ...\n",
        "try: ...\nexcept (OSError, ValueError): ...\n",
    ),
    (house.broad_excepts, "a.py", "try: ...\nexcept: ...\n", "try: ...\nfinally: ...\n"),
]


@pytest.mark.parametrize(("check", "path", "bad", "good"), PLANTED)
def test_a_planted_offence_is_found(check: Check, path: str, bad: str, good: str) -> None:
    assert len(list(check(path, bad))) == 1
    good_path = path if bad != good else "src/wire/pool.py"
    assert list(check(good_path, good)) == []


def test_a_planted_long_tail_is_found() -> None:
    short = {str(at): function_of(10) for at in range(90)}
    assert list(house.long_tail(short)) == []
    assert list(house.long_tail(short | {str(at): function_of(50) for at in range(90, 100)}))


def test_a_planted_file_without_tests_is_found() -> None:
    sources = ["src/penstock/core/a.py", "src/penstock/dialects/b.py", "src/penstock/wire/c.py"]
    assert len(list(house.missing_tests(sources, ["tests/core/test_a.py"]))) == 1
    there = ["tests/core/test_a.py", "tests/dialects/test_b.py"]
    assert list(house.missing_tests([*sources, "src/penstock/core/__init__.py"], there)) == []


def test_every_check_has_a_planted_offence() -> None:
    checks = {one for one in vars(house).values() if callable(one) and (one.__doc__ or "")}
    named = {one.__name__ for one in checks if getattr(one, "__module__", "") == house.__name__}
    planted = {getattr(check, "__name__", "") for check, *_ in PLANTED}
    tools = {"functions", "length", "lengths", "Function"}
    assert named - planted - tools == {"links", "long_tail", "missing_tests"}


def test_every_link_in_the_docs_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    lost = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in house.links(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert lost == []


def test_a_planted_link_is_found() -> None:
    text = "[a](b.md#c) ![d](e.svg) [f](https://g.example) [h](#i)"
    assert list(house.links(text)) == ["b.md", "e.svg"]
