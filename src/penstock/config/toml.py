"""From settings to a file: a configuration as TOML, with what differs from its defaults.

What is written reads back as it was. Lists of small tables stand in lines of their own, larger
tables under their headings; comments are the caller's.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final, cast

import msgspec

INLINE: Final = frozenset({"targets"})  # lists of tables that read better in lines


def document(settings: msgspec.Struct) -> str:
    """Return all tables of a configuration."""
    return "\n".join(part.rstrip() + "\n" for part in _tables(settings, ""))


def value(one: Any) -> str:
    """Return text, a number, a truth or a list as TOML; JSON of these is valid there."""
    if isinstance(one, Enum):
        one = one.value
    if isinstance(one, tuple | list):
        return f"[{', '.join(value(part) for part in _parts(one))}]"
    if isinstance(one, Mapping):
        pairs = ", ".join(f"{_key(name)} = {value(part)}" for name, part in _map(one).items())
        return f"{{ {pairs} }}"
    return _json(one)


def _tables(settings: msgspec.Struct, place: str) -> Iterator[str]:
    plain: list[str] = []
    inner: list[tuple[str, Any]] = []
    for name, one in unusual(settings):
        if isinstance(one, msgspec.Struct) or _is_list_of_structs(one) or _is_map_of_structs(one):
            inner.append((name, one))
        else:
            plain.append(f"{_key(name)} = {value(one)}\n")
    lists = [(name, one) for name, one in inner if name in INLINE]
    plain += [f"{_key(name)} = {_in_lines(one)}\n" for name, one in lists]
    if plain:
        yield (f"{place}\n" if place else "") + "".join(plain)
    elif place.startswith("[["):
        yield f"{place}\n"
    path = place.strip("[]")
    for name, one in inner:
        if name not in INLINE:
            yield from _inner(f"{path}.{_key(name)}" if path else _key(name), one)


def _inner(path: str, one: Any) -> Iterator[str]:
    if isinstance(one, msgspec.Struct):
        yield from _tables(one, f"[{path}]")
    elif isinstance(one, Mapping):
        for name, entry in _map(one).items():
            yield from _tables(entry, f"[{path}.{_key(name)}]")
    else:
        for entry in one:
            yield from _tables(entry, f"[[{path}]]")


def _in_lines(entries: Any) -> str:
    rows = "".join(f"    {value(dict(unusual(entry)))},\n" for entry in entries)
    return f"[\n{rows}]"


def unusual(settings: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Yield the fields that are required, or differ from their default; TOML has no null."""
    for field in msgspec.structs.fields(settings):
        one: Any = getattr(settings, field.name)
        usual: Any = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            usual = field.default_factory()
        if one is not None and one != usual:
            yield field.name, one


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if is_bare else _json(name)


def _json(one: Any) -> str:
    """Return a scalar as JSON, which TOML reads, but for one character."""
    return msgspec.json.encode(one).decode().replace("\x7f", "\\u007f")


def _is_list_of_structs(one: Any) -> bool:
    return isinstance(one, tuple) and any(isinstance(x, msgspec.Struct) for x in _parts(one))


def _is_map_of_structs(one: Any) -> bool:
    return isinstance(one, Mapping) and any(
        isinstance(part, msgspec.Struct) for part in _map(one).values()
    )


def _parts(one: Any) -> list[Any]:
    return list(cast("list[Any]", one))


def _map(one: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", one)
