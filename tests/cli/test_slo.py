"""``penstock slo``: OpenSLO in, TOML out; objectives in, rules and OpenSLO out."""

import tomllib
from pathlib import Path

import pytest
import yaml

from penstock.cli.main import main
from penstock.config import load

CONFIG = """
[[upstreams]]
name = "a"
dialect = "openai_chat"
base_url = "https://a.example/v1"
[[routes]]
name = "auto"
targets = [{ upstream = "a" }]
[[objectives]]
name = "quick"
sli = "ttft"
threshold_s = 2.5
target_ratio = 0.99
tier = "enterprise"
[[objectives]]
name = "for-one"
tenant = "acme"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "penstock.toml"
    path.write_text(CONFIG)
    return path


def test_rules_are_yaml_and_say_what_is_missing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["slo", "export", "--prometheus", "--config", str(config)]) == 0
    told = capsys.readouterr().out
    assert "# for-one: metrics have no tenants" in told
    groups = yaml.safe_load(told)["groups"]
    assert [group["name"] for group in groups] == ["penstock-slo-quick"]


def test_what_is_exported_can_be_imported(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["slo", "export", "--openslo", "--config", str(config)]) == 0
    file = tmp_path / "slo.yaml"
    file.write_text(capsys.readouterr().out)
    assert main(["slo", "import", str(file)]) == 0
    told = capsys.readouterr()
    found, problems = load.convert(tomllib.loads(CONFIG.partition("[[objectives]]")[0] + told.out))
    assert problems == []
    assert found.objectives == load.load(config).objectives
    assert "2 objectives" in told.err


def test_an_import_tells_what_was_left_out_and_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "slo.yaml"
    file.write_text(
        "{apiVersion: openslo/v1, kind: SLO, metadata: {name: x}, spec: {indicator: {spec: "
        "{thresholdMetric: {}}}, objectives: [{op: lte, value: 250, target: 0.9}]}}"
    )
    assert main(["slo", "import", str(file)]) == 1
    told = capsys.readouterr()
    assert tomllib.loads(told.out)["objectives"][0]["threshold_s"] == 250
    assert "objectives[0].threshold_s" in told.err
    assert "query cannot be carried over" in told.err


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not YAML"), ("\xff\xfe", "no objective"), ("", "no objective"), ("[[" * 2000, "YAML")],
)
def test_a_file_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    file = tmp_path / "slo.yaml"
    file.write_text(text)
    assert main(["slo", "import", str(file)]) == 1
    assert words in capsys.readouterr().err
    assert main(["slo", "import", str(tmp_path / "none")]) == 1
    assert "cannot be read" in capsys.readouterr().err
