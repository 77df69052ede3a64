"""Strokes of SVG: across in percent of the plane, down in pixels.

A plane is as wide as its place, and its words keep their size: only paths are stretched (``path``).
Colours are classes (``c-tier-free``) of ``static/tokens.css``, so that light and dark are the
page's, and a content security policy has nothing to forbid. Text is escaped here and nowhere else.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

WIDE: Final = 1000  # units across, of paths
ALONE: Final = (62.0, 34.0, 520.0, 720.0)  # left, top, width of the plane, width of the file


class Drawn(str):
    """A piece of HTML that was made here: templates take it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


class Words(NamedTuple):
    """Where words stand: percent across, pixels down, and how they are set."""

    x: float
    y: float
    anchor: str = "start"
    kind: str = ""
    aside: float = 0.0  # pixels across, beside x


def escape(words: str) -> str:
    """Return words as text or the value of an attribute."""
    return html.escape(words)


def text(at: Words, words: str) -> str:
    """Return words at a place."""
    aside = f' dx="{at.aside:g}"' if at.aside else ""
    kind = f' class="{at.kind}"' if at.kind else ""
    anchor = f' text-anchor="{at.anchor}"' if at.anchor != "start" else ""
    return f'<text x="{at.x:.2f}%" y="{at.y:.1f}"{aside}{anchor}{kind}>{escape(words)}</text>'


def line(ends: tuple[float, float, float, float], kind: str, dash: str = "") -> str:
    """Return a straight line of x1, y1, x2, y2."""
    x1, y1, x2, y2 = ends
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.2f}%" y1="{y1:.1f}" x2="{x2:.2f}%" y2="{y2:.1f}" class="{kind}"{dashed}/>'
    )


def box(place: tuple[float, float, float, float], kind: str, title: str = "") -> str:
    """Return a rectangle of x, y, width, height; its title shows when it is pointed at."""
    x, y, width, height = place
    head = (
        f'<rect x="{x:.2f}%" y="{y:.1f}" width="{max(0.0, width):.2f}%"'
        f' height="{max(0.0, height):.1f}" class="{kind}"'
    )
    return f"{head}><title>{escape(title)}</title></rect>" if title else f"{head}/>"


def path(points: Iterable[tuple[float, float]], kind: str, dash: str = "") -> str:
    """Return a line through points, percent across; stands in ``stretched``."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<polyline class="{kind}" vector-effect="non-scaling-stroke"{dashed}'
        f' points="{_points(points)}"/>'
    )


def area(points: Iterable[tuple[float, float]], kind: str) -> str:
    """Return a filled shape, percent across; stands in ``stretched``."""
    return (
        f'<polygon class="{kind}" vector-effect="non-scaling-stroke" points="{_points(points)}"/>'
    )


def stretched(inner: str, height: float) -> str:
    """Return paths as wide as the plane; their strokes keep their width."""
    return (
        f'<svg width="100%" height="{height:g}" viewBox="0 0 {WIDE} {height:g}"'
        f' preserveAspectRatio="none">{inner}</svg>'
    )


def plane(inner: str, height: float, label: str) -> str:
    """Return the SVG of a plane, which is told to those who do not see it in one sentence."""
    return f'<svg role="img" aria-label="{escape(label)}" height="{height:g}">{inner}</svg>'


def alone(inner: str, height: float, title: str, style: str) -> str:
    """Return a plane as a file of its own, with its title, its style and a ground."""
    left, top, width, whole = ALONE
    told = escape(title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole:g} {height + top + 6:g}"'
        f' role="img" aria-label="{told}"><style>{style}</style>'
        f'<rect width="100%" height="100%" class="fill c-raised"/>'
        f'<text x="8" y="20" class="name">{told}</text>'
        f'<svg x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}"'
        f' overflow="visible">{inner}</svg></svg>\n'
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], label: str) -> str:
    """Return the figures behind a chart, folded away."""
    cells = "".join(
        f'<th scope="col"{_number(at)}>{escape(one)}</th>' for at, one in enumerate(head)
    )
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return (
        f'<details><summary>As a table</summary><div class="table" tabindex="0" role="region"'
        f' aria-label="{escape(label)}"><table><thead><tr>{cells}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div></details>"
    )


def keys(entries: Iterable[tuple[str, str]], dashes: Mapping[str, str] = {}) -> str:
    """Return names with their colours, for a plane too narrow for names beside it."""
    told = "".join(
        f'<li><svg aria-hidden="true">{key(colour, dashes.get(colour, ""), (0, 4))}</svg>'
        f"{escape(name)}</li>"
        for name, colour in entries
    )
    return f'<ul class="keys">{told}</ul>' if told else ""


def key(colour: str, dash: str, at: tuple[float, float]) -> str:
    """Return what stands before a name: its colour, or its line if that is dashed."""
    x, y = at
    if dash:
        return (
            f'<line x1="{x:g}" y1="{y:.1f}" x2="{x + 15:g}" y2="{y:.1f}"'
            f' class="stroke c-{colour}" stroke-dasharray="{dash}"/>'
        )
    place = f'x="{x + 2:g}" y="{y - 4:.1f}" width="11" height="8" rx="2"'
    return f'<rect {place} class="fill c-{colour}"/>'


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x * WIDE / 100:.1f},{y:.1f}" for x, y in points)


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td{_number(at)}>{escape(one)}</td>" for at, one in enumerate(row))


def _number(at: int) -> str:
    return ' class="n"' if at else ""
