"""Colours: words stand out by 4.5, graphics by 3, on every ground, in light and in dark."""

import math
import re

import pytest

from penstock.web import assets

VALUE = r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)"
FOUND = {
    name: ((light), (dark))
    for name, *rest in re.findall(rf"--([\w-]+): light-dark\({VALUE}, {VALUE}\)", assets.tokens())
    for light, dark in [(tuple(map(float, rest[:3])), tuple(map(float, rest[3:])))]
}
GROUNDS = ("ground", "raised", "sunken")
WORDS = ("ink", "muted", "faint", "accent")
STATES = ("good", "degraded", "partial", "bad", "work", "unknown")
GRAPHICS = [name for name in FOUND if re.match(r"(tier|provider|series)-|edge$", name)]


def luminance(colour: tuple[float, ...]) -> float:
    """Return the relative luminance of OKLCH (Ottosson 2020; WCAG 2.2)."""
    light, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(1.0, max(0.0, one)) for one in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(name: str, other: str, theme: int) -> float:
    low, high = sorted(luminance(FOUND[one][theme]) for one in (name, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_words_can_be_read(ground: str, theme: int) -> None:
    weak = {name: contrast(name, ground, theme) for name in (*WORDS, *STATES)}
    assert {name: ratio for name, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_graphics_can_be_seen(theme: int) -> None:
    assert len(GRAPHICS) == 18
    seen = {name: contrast(name, "raised", theme) for name in GRAPHICS}
    assert {name: ratio for name, ratio in seen.items() if ratio < 3.0} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_a_button_can_be_read(theme: int) -> None:
    assert contrast("on-accent", "accent", theme) >= 4.5
