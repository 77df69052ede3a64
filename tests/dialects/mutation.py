"""JSON of any shape, and valid JSON with something of any shape in it."""

from typing import Final, cast

from hypothesis import strategies as st

Json = object
WORDS: Final = st.sampled_from(
    ["", "text", "image", "document", "file", "tool_use", "tool_result", "user", "low", "auto"]
) | st.text(max_size=5)
LEAVES: Final = (
    st.none()
    | st.booleans()
    | st.integers(-1, 5)
    | st.sampled_from([10**30, -(2**63), 0.5, 1e300])
    | WORDS
)
ANY: Final[st.SearchStrategy[Json]] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of everything in a value, itself included."""
    found = [path]
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Json]", value).items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(cast("list[Json]", value)):
            found += places(inner, (*path, at))
    return found


def replaced(value: Json, path: tuple[str | int, ...], new: Json) -> Json:
    """Return a copy with something else at a path."""
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        fields = cast("dict[str | int, Json]", value)
        return fields | {head: replaced(fields[head], rest, new)}
    items = list(cast("list[Json]", value))
    at = cast("int", head)
    items[at] = replaced(items[at], rest, new)
    return items


@st.composite
def mutated(draw: st.DrawFn, value: Json, times_max: int = 2) -> Json:
    """Draw a value with up to so many places replaced by anything."""
    for _ in range(draw(st.integers(0, times_max))):
        value = replaced(value, draw(st.sampled_from(places(value))), draw(ANY))
    return value
