"""Scenario files: all that are shipped load, and what is wrong in one is told with its place."""

from importlib import resources

import pytest

from penstock.core.errors import ConfigError
from penstock.sim import policies, scenario, targets

FOLDER = resources.files("penstock.sim") / "scenarios"
FILES = sorted(one.name for one in FOLDER.iterdir() if one.name.endswith(".toml"))
GOOD = """
name = "one"
title = "One"
about = "One."

[[upstreams]]
name = "gpu"

[[traffic]]
name = "free"
load_ratio = 0.5
"""


def test_there_are_the_scenarios_of_the_design_and_those_that_targets_need() -> None:
    assert [name[:3] for name in FILES if name.startswith("s")] == [
        f"s{at:02}" for at in range(1, 15)
    ]
    assert {f"{name}.toml" for name in targets.SCENARIOS} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_shipped_scenario_loads(name: str) -> None:
    one = scenario.parse((FOLDER / name).read_text(encoding="utf-8"), name)
    assert f"{one.name}.toml" == name
    policies.check(one.policies)
    assert one.policies[0] == "penstock"


def test_every_target_has_a_run() -> None:
    by_name = {
        name.removesuffix(".toml"): scenario.parse((FOLDER / name).read_text("utf-8"), name)
        for name in FILES
    }
    for one in targets.TARGETS:
        entry = by_name[one.scenario]
        assert one.policy in entry.policies
        assert not one.against or one.against in entry.policies
        assert one.x in (entry.sweep or (0.0,))


WRONG = [
    ("name = ", "nome = ", "nome"),
    ('name = "gpu"', 'name = "gpu"\nslotz = 3', "upstreams[0]"),
    ("load_ratio = 0.5", "load_ratio = 0.5\nfills_to = 2", "load is not clear"),
    ("load_ratio = 0.5", "sweeps = true", "nothing to sweep"),
    ("load_ratio = 0.5", 'load_ratio = 0.5\nclients = "rude"', "rude"),
    ("load_ratio = 0.5", 'load_ratio = 0.5\ntier = "royal"', "traffic[0]"),
    ("load_ratio = 0.5", "load_ratio = 0.5\nturns = 0", "turns"),
    ('about = "One."', 'about = "One."\nduration_s = 5', "warmup_s"),
    ('name = "free"', 'name = "free"\nload_ratio = 0.1\n[[traffic]]\nname = "free"', "twice"),
    ('name = "one"', 'name = "one', "TOML"),
    ("[[upstreams]]\n", '[[events]]\nwhat = "outage"\nat_s = 3\n[[upstreams]]\n', "events[0]"),
    (
        "[[upstreams]]\n",
        '[[events]]\nwhat = "rate"\ntraffic = "free"\nat_s = 3\nuntil_s = 2\n[[upstreams]]\n',
        "before it begins",
    ),
]


def test_the_smallest_scenario_loads() -> None:
    assert scenario.parse(GOOD, "x").traffic[0].load_ratio == 0.5


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG)
def test_what_is_wrong_is_told(right: str, wrong: str, told: str) -> None:
    assert right in GOOD
    with pytest.raises(ConfigError) as error:
        scenario.parse(GOOD.replace(right, wrong, 1), "x.toml")
    text = "\n".join(str(one) for one in error.value.problems)
    assert told in text
    assert "x.toml" in text


def test_all_that_is_wrong_is_told_at_once() -> None:
    bad = GOOD.replace('name = "gpu"', 'name = "gpu"\na = 1').replace("0.5", '"much"')
    with pytest.raises(ConfigError) as error:
        scenario.parse(bad, "x.toml")
    assert len(error.value.problems) == 2


def test_a_policy_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="lottery"):
        policies.check(["penstock", "lottery"])
