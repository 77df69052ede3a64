"""check, init, keys, reload and tail, each as a process of its own."""

import json
from pathlib import Path

import pytest
from tests.cli import stored
from tests.cli.running import penstock

from penstock.cli.init import render
from penstock.config import discover, load
from penstock.snapshot import keys

BAD = '[gateway]\nprot = 1\n[[upstreams]]\nname = "a"\ndialect = "x"\nbase_url = "https://h"\n'
GOOD = """
[[upstreams]]
name = "a"
dialect = "openai_chat"
base_url = "https://a.example/v1"
api_key_env = "A_KEY"
[[routes]]
name = "auto"
targets = [{upstream = "a"}]
"""
RECORDS = [
    {"kind": "opened", "id": "1", "upstream": "gpt"},
    {
        "kind": "closed", "at_unix_s": 1_700_000_000.0, "duration_s": 1.5, "ttft_s": 0.25,
        "model": "auto", "outcome": "complete", "status": 200,
        "attempts": [
            {"upstream": "claude", "outcome": "overloaded"},
            {"upstream": "gpt", "outcome": "success"},
        ],
    },
]  # fmt: skip


def test_check_lists_every_problem(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text(BAD)
    told = penstock(tmp_path, "check")
    assert told.returncode == 1
    assert "penstock.toml has 3 problems" in told.stdout
    assert "line 2, gateway.prot: is not a setting\n    did you mean 'port'?" in told.stdout
    as_json = json.loads(penstock(tmp_path, "check", "--json").stdout)
    assert [one["place"] for one in as_json["problems"]] == [
        "routes",
        "gateway.prot",
        "upstreams[0].dialect",
    ]


def test_check_looks_for_the_keys_unless_told_not_to(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text(GOOD)
    told = penstock(tmp_path, "check")
    assert told.returncode == 1
    assert "A_KEY is empty or not set" in told.stdout
    told = penstock(tmp_path, "check", "--text-only")
    assert told.returncode == 0
    assert "penstock.toml is good: 1 upstream, 1 route" in told.stdout
    assert "'auto' cannot fail over" in told.stdout
    assert penstock(tmp_path, "check", A_KEY="canary").returncode == 0


def test_check_without_a_file_says_how_to_get_one(tmp_path: Path) -> None:
    told = penstock(tmp_path, "check")
    assert told.returncode == 2
    assert "penstock init" in told.stderr


def test_init_writes_what_check_accepts_and_never_over_a_file(tmp_path: Path) -> None:
    told = penstock(tmp_path, "init", ANTHROPIC_API_KEY="canary", OPENAI_API_KEY="canary")
    assert told.returncode == 0, told.stderr
    text = (tmp_path / "penstock.toml").read_text()
    assert "canary" not in text + told.stdout
    config = load.load(tmp_path / "penstock.toml")
    assert [one.name for one in config.upstreams][:2] == ["anthropic", "openai"]
    assert len(config.routes[0].targets) >= 2
    again = penstock(tmp_path, "init")
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert (tmp_path / "penstock.toml").read_text() == text
    assert penstock(tmp_path, "init", "--force").returncode == 0


def test_init_renders_what_was_found_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    path.write_text(render([]))
    assert load.load(path).emulate.is_enabled
    found = discover.providers({one.variable: "x" for one in discover.PROVIDERS})
    path.write_text(render(found))
    config = load.load(path)
    expected = discover.config(found)
    assert config.upstreams == expected.upstreams
    assert config.routes == expected.routes


@pytest.mark.slow
def test_keys_are_shown_once_and_kept_as_hashes(tmp_path: Path) -> None:
    key = penstock(tmp_path, "keys", "add", "team").stdout.strip()
    assert key.startswith("pk-")
    assert len(key) == 3 + 43
    state = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not [path for path in state if key.encode() in path.read_bytes()]
    assert not [path for path in state if path.stat().st_mode & 0o077]
    assert stored.keys(tmp_path)[0].sha256 == keys.sha256(key)
    listed = penstock(tmp_path, "keys", "list").stdout
    assert "team" in listed
    assert key not in listed
    as_json = json.loads(penstock(tmp_path, "keys", "list", "--json").stdout)
    assert as_json["sha256"] == keys.sha256(key)
    assert "there is a key named 'team'" in penstock(tmp_path, "keys", "add", "team").stderr
    assert stored.keys(tmp_path)[0].may_keep
    penstock(tmp_path, "keys", "add", "secretive", "--no-keep")
    assert [key.may_keep for key in stored.keys(tmp_path) if key.id == "secretive"] == [False]
    assert penstock(tmp_path, "keys", "revoke", "secretive").returncode == 0
    assert penstock(tmp_path, "keys", "revoke", "team").returncode == 0
    assert penstock(tmp_path, "keys", "revoke", "team").returncode == 1
    assert "There are no keys" in penstock(tmp_path, "keys", "list").stdout


@pytest.mark.parametrize(
    "name",
    ["../x", *(pytest.param(one, marks=pytest.mark.slow) for one in ("", "a b", "a" * 65, "é"))],
)
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    told = penstock(tmp_path, "keys", "add", name)
    assert told.returncode == 1
    assert "is not a name" in told.stderr


def test_reload_without_anything_running_says_so(tmp_path: Path) -> None:
    told = penstock(tmp_path, "reload")
    assert told.returncode == 1
    assert "no 'penstock up' runs on" in told.stderr


def test_tail_shows_how_an_answer_came_about(tmp_path: Path) -> None:
    spool = tmp_path / "state" / "spool"
    spool.mkdir(parents=True)
    lines = [json.dumps(one) for one in RECORDS]
    (spool / "1.jsonl").write_text("\n".join(lines) + "\nnot json\n" + lines[1][:30])
    told = penstock(tmp_path, "tail", "--no-follow")
    assert told.returncode == 0
    _, row = told.stdout.splitlines()
    assert row.split() == [
        "22:13:20", "●", "complete", "200", "auto", "0.25s", "1.50s",
        "claude", "(overloaded)", ">", "gpt",
    ]  # fmt: skip
    raw = penstock(tmp_path, "tail", "--no-follow", "--json", "-n", "2").stdout
    assert raw == lines[1] + "\nnot json\n"
