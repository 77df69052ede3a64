"""Pages from templates: Jinja2, everything escaped, a name that is missing is an error.

    "base.html"                     of this package: ``web/templates/base.html``
    "apps/control/overview.html"    of another: ``apps/control/templates/overview.html``

What every template has beside its values: ``asset(name)`` the address of a file, ``styles()`` all
style for inlining, ``style_of(name)`` that of one more file, ``shape(state)`` the shape of a state
as SVG, ``uptime_bars`` the bars of ``charts/days.py``, and as filters the words of
``quantities.py`` and ``moments.py``.
"""

import functools
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined

from penstock.config import money
from penstock.web import assets, moments, quantities, shapes
from penstock.web.charts import days

PACKAGES: Final = Path(__file__).parent.parent
FOLDER: Final = "templates"
TOOLS: Final[dict[str, Any]] = {
    "asset": assets.address,
    "shape": shapes.shape,
    "style_of": assets.text,
    "styles": assets.styles,
    "uptime_bars": days.bars,
}
WORDS: Final[dict[str, Any]] = {
    "ago": moments.ago,
    "day": moments.day,
    "dollars": money.dollars,
    "iso": moments.iso,
    "money": quantities.money,
    "number": quantities.number,
    "seconds": quantities.seconds,
    "sentence": quantities.sentence,
    "share": quantities.share,
    "size": quantities.size,
    "utc": moments.utc,
}
CACHED_MAX: Final = 256  # templates; all of them are about sixty


def render(template: str, /, **values: object) -> str:
    """Return a page; raises jinja2.TemplateError, of which none is expected in operation."""
    return environment().get_template(template).render(**values)


@functools.cache
def environment() -> Environment:
    """Return what all templates share; made once."""
    made = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        cache_size=CACHED_MAX,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(TOOLS)
    made.filters.update(WORDS)
    return made


def _source(name: str) -> tuple[str, str, None] | None:
    """Return a template's text and file; None if there is none."""
    folder, _, file = name.rpartition("/")
    place = PACKAGES / (folder or "web") / FOLDER / file
    if ".." in name or not place.is_file():
        return None
    return place.read_text(encoding="utf-8"), str(place), None
