"""From LiteLLM's files to answers: callers go on with the keys that they have."""

import hashlib
import json
import stat
from pathlib import Path

import openai
import pytest
from tests.cli import stored
from tests.cli.running import REAL, penstock, running
from tests.e2e.conftest import StartEmulator

pytestmark = pytest.mark.slow

CALLERS = "sk-callers-canary-4711"
OF_A_TEAM = "sk-team-canary-0815"
PROVIDERS = "sk-providers-canary-1234"
CONFIG = """
model_list:
  - model_name: gpt
    litellm_params: {{model: openai/gpt-5.6, api_base: {base}, api_key: {key},
                      input_cost_per_token: 0.000002, output_cost_per_token: 0.000008}}
  - model_name: other
    litellm_params: {{model: bedrock/x}}
router_settings: {{routing_strategy: least-busy}}
general_settings: {{master_key: sk-1234-canary}}
"""


def written(folder: Path, base: str) -> None:
    (folder / "config.yaml").write_text(CONFIG.format(base=base, key=PROVIDERS))
    rows = [
        {"token": hashlib.sha256(CALLERS.encode()).hexdigest(), "key_alias": "web shop"},
        {"token": OF_A_TEAM, "key_alias": "team", "team_id": "shop", "rpm_limit": 600},
    ]
    (folder / "keys.json").write_text(json.dumps(rows))


@pytest.mark.slow
def test_old_keys_work_at_the_gateway(tmp_path: Path, start_emulator: StartEmulator) -> None:
    written(tmp_path, start_emulator("--instant").urls["gpt"])
    told = penstock(tmp_path, "import", "litellm", "config.yaml", "--keys", "keys.json")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "from 1 of 2 models" in told.stdout
    assert "'bedrock' is no provider that is known" in told.stdout
    checked = penstock(tmp_path, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with running(tmp_path, REAL) as up:
        base = up.ready()["urls"]["gateway"] + "/v1"
        for key in (CALLERS, OF_A_TEAM):
            client = openai.OpenAI(base_url=base, api_key=key, max_retries=0)
            found = client.chat.completions.create(
                model="gpt", messages=[{"role": "user", "content": "Hello"}], max_tokens=8
            )
            assert found.choices[0].message.content
        stranger = openai.OpenAI(base_url=base, api_key="sk-stranger", max_retries=0)
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()
        again = penstock(
            tmp_path, "import", "litellm", "config.yaml", "--keys", "keys.json", "--json"
        )
        assert json.loads(again.stdout)["keys"] == {"made": 0, "kept": 2}
        up.stop()
    shown = told.stdout + told.stderr + again.stdout
    state = (tmp_path / "state").rglob("*")
    left = b"".join(path.read_bytes() for path in state if path.is_file())
    for canary in (CALLERS, OF_A_TEAM, PROVIDERS, "sk-1234-canary"):
        assert canary not in shown
        assert canary.encode() not in left


def test_what_is_there_is_not_replaced_and_a_clash_is_named(tmp_path: Path) -> None:
    written(tmp_path, "http://127.0.0.1:1/v1")
    path = tmp_path / "penstock.toml"
    command = ("import", "litellm", "config.yaml", "--keys", "keys.json")
    assert penstock(tmp_path, *command, "--dry-run").returncode == 0
    assert not path.exists()
    assert not (tmp_path / "state").exists()
    path.write_text("# mine\n")
    told = penstock(tmp_path, *command)
    assert (told.returncode, "--force replaces it" in told.stderr) == (1, True)
    assert (path.read_text(), (tmp_path / "keys").exists()) == ("# mine\n", False)
    path.unlink()
    penstock(tmp_path, "keys", "add", "team")
    path.write_text("# mine\n")
    told = penstock(tmp_path, *command, "--force", "--json")
    report = json.loads(told.stdout)
    assert told.returncode == 1, told.stderr
    assert [one["place"] for one in report["clashes"]] == ["keys.team"]
    assert (report["keys"]["made"], report["tenants"]["made"]) == (1, 1)
    assert report["prices"] == {"made": 1, "kept": 0}
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f"{PROVIDERS}\n"
    assert [key.id for key in stored.keys(tmp_path)] == ["team", "web-shop"]


def test_keys_wait_until_the_file_can_be_served(tmp_path: Path) -> None:
    written(tmp_path, "no-address")
    told = penstock(tmp_path, "import", "litellm", "config.yaml", "--keys", "keys.json")
    assert (told.returncode, "upstreams[0].base_url" in told.stdout) == (1, True), told.stdout
    assert "keys and prices were not taken over" in told.stdout
    assert not (tmp_path / "state").exists()
    path = tmp_path / "penstock.toml"
    path.write_text(path.read_text().replace("no-address", "http://127.0.0.1:1/v1"))
    command = ("import", "litellm", "config.yaml", "--keys", "keys.json", "--keys-only")
    assert penstock(tmp_path, *command).returncode == 0
    assert [key.id for key in stored.keys(tmp_path)] == ["team", "web-shop"]


def test_a_file_that_is_none_is_refused_without_being_quoted(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("model_list: [sk-canary\nx: *nothing\n")
    told = penstock(tmp_path, "import", "litellm", "config.yaml")
    assert (told.returncode, "is not YAML in line" in told.stderr) == (1, True)
    assert "canary" not in told.stderr
