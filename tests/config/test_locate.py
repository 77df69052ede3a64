"""Places and the lines that name them."""

import pytest

from penstock.config.locate import Lines

TEXT = """\
top = 1
[gateway]
port = 1
  [gateway.limits]  # nested
  head_s = 1
[[upstreams]]
name = "a"
[[upstreams]]
name = "b"
[[routes]]
[[routes.targets]]
upstream = "a"
[[routes.targets]]
upstream = "b"
[routes.timeouts]
total_s = 1
[[routes]]
targets = [
  {upstream = "a"},
]
[[routes]]
[[routes.targets]]
upstream = "a"
[routes.models."a.b"]
tools = 1
[routes.models."c-d"]
tools = 1
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("top", 1),
        ("gateway.port", 3),
        ("gateway.limits.head_s", 5),
        ("upstreams[0].name", 7),
        ("upstreams[1].name", 9),
        ("routes[0].targets[1].upstream", 14),
        ("routes[0].timeouts.total_s", 16),
        ("routes[1].targets[0].upstream", 18),
        ("routes[2].targets[0].upstream", 23),
        ('routes[2].models."a.b".tools', 25),
        ("routes[2].models.c-d.tools", 27),
        ("routes[2].models.c-d.stop", 26),
        ("upstreams[1].base_url", 8),
        ("gateway.drain_s", 2),
        ("nowhere", 0),
        ("", 0),
    ],
)
def test_a_place_has_the_line_that_names_it(place: str, line: int) -> None:
    assert Lines(TEXT).of(place) == line
