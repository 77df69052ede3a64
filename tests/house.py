"""The checks of the house, as functions over source text, so that offences can be planted.

Each yields sentences that name the place. ``test_house.py`` runs them over the tree, and over one
planted offence each. No comment in the code can silence them. A text is parsed only where it holds
a word without which there is no offence: the tree has a thousand and more of them.
"""

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

FUNCTION_LINES_MAX: Final = 60
FUNCTION_LINES_P95: Final = 45  # hypercorn: 44
CORE_FILE_LINES_MAX: Final = 400
FILE_LINES_MAX: Final = 600

# What core may use: nothing that reads a clock, rolls dice, or touches the world.
CORE_MAY_IMPORT: Final = frozenset(
    {
        "bisect", "collections", "dataclasses", "enum", "fnmatch", "fractions", "functools",
        "hashlib", "heapq", "itertools", "math", "statistics", "types", "typing",
    }
)  # fmt: skip
BANNED_WORDS: Final = frozenset(
    {"util", "utils", "common", "misc", "manager", "helper", "helpers", "v2", "stuff", "base"}
)
MUTABLE: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS: Final = frozenset(
    {"list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict"}
)
# Built here, so that this file does not contain what it looks for.
SILENCERS: Final = re.compile(r"#\s*(?:no" + r"qa|type:\s*ignore|py" + r"right:\s*ignore)")
LATER: Final = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
LATER_REFERENCE: Final = re.compile(r"ADR[- ]?\d{4}|docs/[\w/.-]+")

IMPORT_INSIDE: Final = re.compile(r"^[ \t].*\bimport\b|:.*\bimport\b", re.MULTILINE)
GLOBAL: Final = re.compile(r"\bglobal\b")
TABLE: Final = re.compile(r"^(\w+)\s*:", re.MULTILINE)
CLASS: Final = re.compile(r"\bclass\s+(\w+)")
WORD: Final = re.compile(r"[A-Z][a-z0-9]*")
BROAD: Final = re.compile(r"\bexcept\s*:|\b(?:Base)?Exception\b")

BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function, methods and inner ones too: what blocks are made of, and no more."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Function):
            yield node
        for block in BLOCKS:
            nodes.extend(getattr(node, block, ()))


def length(function: Function) -> int:
    """Return how many lines a function has, decorators, comments and docstring included."""
    first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    return (function.end_lineno or function.lineno) - first + 1


@functools.cache
def lengths(text: str) -> tuple[tuple[int, str, int], ...]:
    """Return line, name and length of every function."""
    return tuple((one.lineno, one.name, length(one)) for one in functions(ast.parse(text)))


def long_functions(path: str, text: str) -> Iterator[str]:
    """A function has at most 60 lines."""
    for line, name, lines in lengths(text):
        if lines > FUNCTION_LINES_MAX:
            yield f"{path}:{line}: {name} has {lines} lines"


def long_tail(texts: Mapping[str, str]) -> Iterator[str]:
    """Nineteen functions of twenty have at most 45 lines."""
    found = sorted(lines for text in texts.values() for _, _, lines in lengths(text))
    if found and found[int(len(found) * 0.95)] > FUNCTION_LINES_P95:
        yield f"p95 of the length of functions is {found[int(len(found) * 0.95)]} lines"


def long_files(path: str, text: str) -> Iterator[str]:
    """A core file has at most 400 lines, any other 600."""
    lines = text.count("\n")
    if lines > (CORE_FILE_LINES_MAX if "/core/" in path else FILE_LINES_MAX):
        yield f"{path} has {lines} lines"


def inner_imports(path: str, text: str) -> Iterator[str]:
    """No import inside a function: it hides a cycle, or a cost."""
    if not IMPORT_INSIDE.search(text):
        return
    for function in functions(ast.parse(text)):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{path}:{node.lineno}: an import inside {function.name}"


def global_statements(path: str, text: str) -> Iterator[str]:
    """No ``global``: state lives in objects that are handed on."""
    if not GLOBAL.search(text):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Global):
            yield f"{path}:{node.lineno}: global {', '.join(node.names)}"


def mutable_globals(path: str, text: str) -> Iterator[str]:
    """No module-level mutable state; a table that is only read is declared Final."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign):
            value: ast.expr | None = node.value
            is_final = False
        elif isinstance(node, ast.AnnAssign):
            value, is_final = node.value, "Final" in ast.unparse(node.annotation)
        else:
            continue
        name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        if value is not None and _is_mutable(value) and not is_final and name != "__all__":
            yield f"{path}:{node.lineno}: {name} is mutable and not Final"


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else value.func
        return (name.id if isinstance(name, ast.Name) else name) in MUTABLE_CALLS
    return isinstance(value, MUTABLE)


def changed_tables(path: str, text: str) -> Iterator[str]:
    """No function changes a table of its module: Final binds the name, not the content."""
    if not any(f"{name}[" in text for name in TABLE.findall(text)):
        return
    tree = ast.parse(text)
    names = {
        node.target.id
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            for target in targets:
                if isinstance(target, ast.Subscript) and ast.unparse(target.value) in names:
                    yield f"{path}:{node.lineno}: {ast.unparse(target.value)} is changed"


def core_imports(path: str, text: str) -> Iterator[str]:
    """Core imports itself and an allowed list of the standard library."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        for module in modules:
            is_own = module.startswith("penstock.core.")
            if not is_own and module.partition(".")[0] not in CORE_MAY_IMPORT:
                yield f"{path}:{node.lineno}: core may not import {module}"


def missing_header(path: str, text: str) -> Iterator[str]:
    """A module of core or exchange begins with its specification."""
    if not ast.get_docstring(ast.parse(text)):
        yield f"{path} has no header"


def missing_tests(sources: Iterable[str], tests: Iterable[str]) -> Iterator[str]:
    """Every file of core and dialects has a test file of its own."""
    there = set(tests)
    for path in sources:
        found = re.fullmatch(r"src/penstock/((?:core|dialects)/(?:\w+/)*)(\w+)\.py", path)
        if found and found[2] != "__init__":
            wanted = f"tests/{found[1]}test_{found[2]}.py"
            if wanted not in there:
                yield f"{path} has no {wanted}"


def banned_words(path: str, text: str) -> Iterator[str]:
    """No file and no class is named by a word that says nothing."""
    for part in re.split(r"[/_.]", path.removesuffix(".py")):
        if part in BANNED_WORDS:
            yield f"{path}: a file named {part!r}"
    if not any(_words_of(name) & BANNED_WORDS for name in CLASS.findall(text)):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            for word in _words_of(node.name) & BANNED_WORDS:
                yield f"{path}:{node.lineno}: a class named {word!r}"


def _words_of(name: str) -> set[str]:
    return {word.lower() for word in WORD.findall(name)}


def silencers(path: str, text: str) -> Iterator[str]:
    """No check is silenced in place."""
    for number, line in enumerate(text.splitlines(), start=1):
        if SILENCERS.search(line):
            yield f"{path}:{number}: a check is silenced"


def open_ends(path: str, text: str) -> Iterator[str]:
    """What is left for later names the decision or the note that says why."""
    for number, line in enumerate(text.splitlines(), start=1):
        if LATER.search(line) and not LATER_REFERENCE.search(line):
            yield f"{path}:{number}: something left for later, without an ADR or a note in docs/"


def broad_excepts(path: str, text: str) -> Iterator[str]:
    """``except Exception`` stands once per process, at its task boundary."""
    if not BROAD.search(text):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            kinds = ast.unparse(node.type) if node.type else "BaseException"
            if re.search(r"\b(?:Base)?Exception\b", kinds):
                yield f"{path}:{node.lineno}: except {kinds}"


def links(text: str) -> Iterator[str]:
    """Yield the files that a page in Markdown links to."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path = str(target).partition("#")[0]
        if path and "://" not in path:
            yield path
