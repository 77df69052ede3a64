"""What ``make compiled`` compiles can be compiled: pyproject.toml lists it, ADR 0023 says why."""

import ast
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
HOOK: Final = ("tool", "hatch", "build", "targets", "wheel", "hooks", "mypyc")
BUILT_FROM_ANNOTATIONS: Final = {"Struct", "msgspec.Struct"}


def listed() -> list[str]:
    """Return the modules that are compiled, as paths from the root."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for name in HOOK:
        found = found[name]
    names: list[str] = found["include"]
    return names


def bases(tree: ast.Module) -> set[str]:
    """Return what the classes of a module are made from."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {ast.unparse(base) for one in classes for base in one.bases}


def test_each_module_is_listed_once_and_in_order() -> None:
    assert listed() == sorted(set(listed()))


@pytest.mark.parametrize("path", listed())
def test_nothing_in_it_is_built_from_annotations(path: str) -> None:
    assert not bases(ast.parse((ROOT / path).read_text())) & BUILT_FROM_ANNOTATIONS


def floats_first(tree: ast.Module) -> list[str]:
    """Return the constants that are tuples with a float in front: mypyc takes them for unset."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.annotation) == "Final"
        and isinstance(node.value, ast.Tuple)
        and isinstance(node.value.elts[0], ast.Constant)
        and isinstance(node.value.elts[0].value, float)
    ]


@pytest.mark.parametrize("path", listed())
def test_no_constant_is_taken_for_unset(path: str) -> None:
    assert floats_first(ast.parse((ROOT / path).read_text())) == []


def test_a_constant_that_would_be_is_found() -> None:
    assert floats_first(ast.parse("A: Final = (0.8, 1.3)")) == ["A: Final = (0.8, 1.3)"]
    assert floats_first(ast.parse("A: Final[tuple[float, ...]] = (0.8, 1.3)")) == []


def test_what_is_built_from_annotations_is_found() -> None:
    planted = "class A(msgspec.Struct, gc=False): ..."
    assert bases(ast.parse(planted)) & BUILT_FROM_ANNOTATIONS
