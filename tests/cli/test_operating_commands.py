"""``penstock prices``, ``audit`` and ``tenants forget``, over the operator API."""

import json
from pathlib import Path

import pytest
from tests.cli.running import penstock

pytestmark = pytest.mark.slow

LIST = """markup_ratio = 1.5

[[prices]]
model = "gpt-5.6"
input = 1.25
output = 10.00
tier_ratios = { batch = 0.5 }
"""


def test_prices_are_shown_set_and_told_apart(tmp_path: Path) -> None:
    told = penstock(tmp_path, "prices", "show")
    assert (told.stdout, "the list that ships is in force" in told.stderr) == ("", True)
    path = tmp_path / "prices.toml"
    path.write_text(LIST)
    told = penstock(tmp_path, "prices", "set", str(path))  # nobody types yes
    assert told.returncode == 1
    assert "+ price of gpt-5.6 from 1970-01-01: $1.25 in, $10.00 out, by tier" in told.stderr
    assert "~ markup_ratio 1 -> 1.5" in told.stderr
    assert penstock(tmp_path, "prices", "show").stdout == ""
    told = penstock(tmp_path, "prices", "set", str(path), "--yes")
    assert told.returncode == 0, told.stderr
    assert "version 1 is in force, 1 rate" in told.stderr
    assert penstock(tmp_path, "prices", "show").stdout == LIST
    assert json.loads(penstock(tmp_path, "prices", "show", "--json").stdout)["version"] == 1
    again = penstock(tmp_path, "prices", "set", str(path), "--yes")
    assert "nothing differs from version 1" in again.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[prices]\n", "prices.toml cannot be understood"),
        ('[[prices]]\nmodel = "a*b"\n', "costs[0].model"),
    ],
)
def test_a_wrong_list_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(text)
    told = penstock(tmp_path, "prices", "set", "prices.toml", "--yes")
    assert (told.returncode, words in told.stderr) == (1, True), told.stderr


def test_the_log_is_listed_and_a_tenant_forgotten(tmp_path: Path) -> None:
    penstock(tmp_path, "tenants", "set", "acme")
    penstock(tmp_path, "keys", "add", "k", "--tenant", "acme")
    told = penstock(tmp_path, "tenants", "forget", "acme")  # nobody types its name
    assert (told.returncode, "nothing is deleted" in told.stderr) == (1, True)
    told = penstock(tmp_path, "tenants", "forget", "acme", "--yes")
    assert (told.returncode, "acme: deleted nothing there" in told.stderr) == (0, True)
    rows = [json.loads(line) for line in penstock(tmp_path, "audit", "--json").stdout.splitlines()]
    assert [(one["action"], one["kind"], one["object"]) for one in rows] == [
        ("delete_data", "tenant", "acme"), ("make", "key", "k"), ("put", "tenant", "acme"),
    ]  # fmt: skip
    assert len(penstock(tmp_path, "audit", "--kind", "tenant").stdout.splitlines()) == 2
    assert "make key k" in penstock(tmp_path, "audit", "--object", "k").stdout
    assert "no such changes" in penstock(tmp_path, "audit", "--until", "2020-01-01").stdout
