"""All problems of a file at once; secrets read late and never shown."""

import os
from pathlib import Path
from typing import Any

import pytest

from penstock.config import load
from penstock.config.model import DialectName, Feature, ModelOverrides, Upstream
from penstock.core.errors import ConfigError, Problem, StoreError
from penstock.dialects.capability import EFFORTS, Engine, Prefill

GOOD = """
[gateway]
port = 9000
[timeouts]
connect_s = 2

[[upstreams]]
name = "a"
dialect = "anthropic_messages"
base_url = "https://example.com"
api_key_env = "A_KEY"

[[routes]]
name = "auto"
[[routes.targets]]
upstream = "a"
lacks = ["images"]
"""

BAD = """
[gateway]
prot = 1
port = "x"
[timeouts]
connect_s = 700
[[upstreams]]
name = "a"
dialect = "opnai_chat"
base_url = "https://u:p@h"
[[upstreams]]
name = "a"
base_url = 3
headers = {Host = "x"}
[[routes]]
name = "x"
targets = [{upstream="b"}, 7]
[[routes]]
name = "y"
[[routes.targets]]
upstream = "a"
lacks = ["tols"]
"""


def problems_of(text: str, folder: Path) -> list[Problem]:
    path = folder / "penstock.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load.load(path)
    return raised.value.problems


def test_a_good_file_becomes_structs(tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    path.write_text(GOOD)
    config = load.load(path)
    assert config.gateway.port == 9000
    assert config.timeouts.connect_s == 2.0
    assert config.upstreams[0].dialect is DialectName.ANTHROPIC_MESSAGES
    assert config.routes[0].targets[0].lacks == (Feature.IMAGES,)


ENGINE = """
[[upstreams]]
name = "local"
dialect = "openai_chat"
base_url = "http://127.0.0.1:8000/v1"
engine = "vllm"

[upstreams.models."qwen3:8b"]
context_tokens_max = 32768
prefill = "literal"
efforts = ["low"]

[[routes]]
name = "auto"
targets = [{upstream = "local"}]
"""


def test_what_a_model_accepts_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    path.write_text(ENGINE)
    upstream = load.load(path).upstreams[0]
    assert upstream.engine is Engine.VLLM
    model = ModelOverrides(context_tokens_max=32_768, prefill=Prefill.LITERAL, efforts=("low",))
    assert upstream.models == {"qwen3:8b": model}


def test_what_is_wrong_with_a_model_has_its_place_and_line(tmp_path: Path) -> None:
    text = (
        ENGINE.replace('"vllm"', '"vlm"')
        .replace("32768", '"many"')
        .replace("prefill =", "prefil =")
        .replace('"low"', '"lo"')
    )
    found = {one.place: (one.line, one.remedy) for one in problems_of(text, tmp_path)}
    model = 'upstreams[0].models."qwen3:8b"'
    assert found == {
        "upstreams[0].engine": (6, "did you mean 'vllm'?"),
        f"{model}.context_tokens_max": (9, "see docs/reference/settings.md"),
        f"{model}.prefil": (10, "did you mean 'prefill'?"),
        f"{model}.efforts[0]": (11, f"one of {', '.join(EFFORTS)}"),
    }


@pytest.mark.parametrize(
    ("models", "remedy"),
    [
        ("models = 3", "write each as [upstreams[0].models.NAME]"),
        ("models = {a = 3}", "write it as [upstreams[0].models.a]"),
    ],
)
def test_models_are_tables(models: str, remedy: str, tmp_path: Path) -> None:
    text = ENGINE.replace('engine = "vllm"', models).replace("[upstreams.models", "[emulate.models")
    assert remedy in [one.remedy for one in problems_of(text, tmp_path)]


def test_all_problems_appear_at_once_with_place_and_line(tmp_path: Path) -> None:
    found = {(problem.place, problem.line) for problem in problems_of(BAD, tmp_path)}
    assert found == {
        ("gateway.prot", 3),
        ("gateway.port", 4),
        ("timeouts.connect_s", 6),
        ("upstreams[0].dialect", 9),
        ("upstreams[0].base_url", 10),
        ("upstreams[1].dialect", 11),
        ("upstreams[1].name", 12),
        ("upstreams[1].base_url", 13),
        ("upstreams[1].headers.Host", 14),
        ("routes[0].targets[0].upstream", 17),
        ("routes[0].targets[1]", 17),
        ("routes[1].targets[0].lacks[0]", 22),
    }


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("[gatway]\n", "did you mean 'gateway'?"),
        ("[emulate]\nis_enable = true", "did you mean 'is_enabled'?"),
        ('[[routes]]\nname="x"\npolicy="wieght"\ntargets=[]', "did you mean 'weight'?"),
        ("upstreams = 3", "write each as [[upstreams]]"),
        ("gateway = 3", "write it as [gateway]"),
        ('[emulate]\nport = "x"', "see docs/reference/settings.md"),
        ("[[upstreams]]", "add 'name = ...'"),
    ],
)
def test_each_problem_has_its_remedy(text: str, remedy: str, tmp_path: Path) -> None:
    assert remedy in [problem.remedy for problem in problems_of(text, tmp_path)]


@pytest.mark.parametrize("text", ["a = ", "[x\n", "\xff"])
def test_what_is_not_toml_is_said_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="is not TOML"):
        load.load(path)


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="penstock init"):
        load.load(tmp_path / "none.toml")


def upstream(**settings: Any) -> Upstream:
    return Upstream(
        name="a", dialect=DialectName.OPENAI_CHAT, base_url="https://example.com", **settings
    )


def test_a_secret_comes_from_the_variable_or_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text("from-file\n")
    monkeypatch.setenv("A_KEY", "from-env")
    assert load.secret(upstream(api_key_env="A_KEY")) == "from-env"
    assert load.secret(upstream(api_key_file=str(path))) == "from-file"
    assert load.secret(upstream()) == ""
    path.write_text("changed\n")
    assert load.secret(upstream(api_key_file=str(path))) == "changed"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("canary-secret")
    path.chmod(mode)
    with pytest.raises(StoreError, match="chmod 600") as raised:
        load.secret(upstream(api_key_file=str(path)))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("value", ["", "  ", "canary two", "canary\x01", "canary-é"])
def test_what_is_no_key_is_refused_without_showing_it(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", value)
    with pytest.raises(StoreError, match="A_KEY") as raised:
        load.secret(upstream(api_key_env="A_KEY"))
    assert "canary" not in str(raised.value)


def test_files_and_variables_that_are_missing_are_named(tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    tls = 'tls_cert_file = "no.pem"\ntls_key_file = "no.key"\n'
    path.write_text(GOOD.replace("port = 9000", tls).replace("A_KEY", "PENSTOCK_NO_SUCH_KEY"))
    found = {problem.place for problem in load.file_problems(load.load(path))}
    assert found == {"upstreams[0].api_key_env", "gateway.tls_cert_file", "gateway.tls_key_file"}


def test_the_state_directory_is_made_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE_DIR", str(tmp_path / "deep" / "state"))
    assert load.state_dir().stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("PENSTOCK_STATE_DIR", os.devnull)
    with pytest.raises(StoreError, match="state directory"):
        load.state_dir()


def test_the_file_is_given_or_named_or_lies_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PENSTOCK_CONFIG", raising=False)
    assert load.config_path() is None
    (tmp_path / "penstock.toml").touch()
    assert load.config_path() == Path("penstock.toml")
    monkeypatch.setenv("PENSTOCK_CONFIG", "b.toml")
    assert load.config_path() == Path("b.toml")
    assert load.config_path("c.toml") == Path("c.toml")
