"""The mark with a dot of the state: one file a state, so that a page names the one of its own.

Colours are of ``tokens.css``, as plain sRGB: some browsers' icons know no other.
"""

from typing import Final

from penstock.apps.status.site.files import File
from penstock.web import assets, shapes

KIND: Final = "image/svg+xml"
AGE_S: Final = 86_400
COLOURS: Final = {
    "good": "#1c7a3f",
    "degraded": "#b27a00",
    "partial": "#cf5a00",
    "bad": "#c62f36",
    "work": "#7a4fc4",
    "unknown": "#6b7680",
}
# The dot lies at the lower right, on a ring without ink, a bit more than half as large as the icon.
DOT: Final = (
    '<g transform="translate(7.2 7.2) scale(.55)" fill="{colour}" stroke="{colour}">'
    '<circle cx="8" cy="8" r="10" fill="#fff" stroke="none" fill-opacity=".92"/>{path}</g></svg>'
)


def files() -> dict[str, File]:
    """Return the icons by path."""
    mark = assets.text("mark.svg").strip().removesuffix("</svg>")
    return {
        address(state): File(
            (mark + DOT.format(colour=colour, path=shapes.PATHS[state])).encode(), KIND, AGE_S
        )
        for state, colour in COLOURS.items()
    }


def address(state: str) -> str:
    """Return where the icon of a state is."""
    return f"/favicon-{state}.svg"
