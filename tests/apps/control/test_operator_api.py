"""Keys, tenants and prices over the operator API: what is answered, kept, served and noted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.apps.control.operator import Operator, operator
from tests.postgres import Postgres

from penstock.core.errors import StoreError
from penstock.snapshot import file, keys
from penstock.snapshot.model import Key, Snapshot


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operator]:
    """An operator's API, with either database."""
    url = ""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database()
    with operator(tmp_path, url) as one:
        yield one


def served(api: Operator) -> dict[str, Key]:
    return {key.id: key for key in api.snapshot().keys}


def log(api: Operator, **only: Any) -> list[tuple[str, str, str]]:
    page = api.done("GET", "/audit", **only)
    return [(one["actor"], one["action"], one["object"]) for one in page["items"]]


def test_a_key_that_would_have_expired_is_not_made(api: Operator) -> None:
    status, told = api.ask("POST", "/keys", {"id": "team", "expires_unix_s": 1.0})
    assert status == 422
    assert told["error"]["param"] == "body.expires_unix_s"
    assert "team" not in served(api)


def test_a_key_is_shown_once_and_served_at_once(api: Operator) -> None:
    asked = {"id": "team", "tenant": "acme", "routes": ["auto"], "expires_unix_s": 4e9}
    status, made = api.ask("POST", "/keys", asked)
    assert status == 201
    key = served(api)["team"]
    assert key.sha256 == keys.sha256(made["secret"])
    assert (key.tenant, key.routes, key.expires_unix_s) == ("acme", ("auto",), 4e9)
    shown = api.raw("GET", "/keys/team").text + api.raw("GET", "/audit").text
    assert made["secret"] not in shown
    assert made["row"]["entry"]["hint"] == made["secret"][:8]
    status, told = api.ask("POST", "/keys", asked)
    assert (status, told["error"]["code"]) == (409, "conflict")
    assert log(api) == [("break-glass", "make", "team")]


def test_a_revoked_key_is_gone_and_its_name_may_be_given_again(api: Operator) -> None:
    first = api.done("POST", "/keys", {"id": "team"})["secret"]
    api.done("DELETE", "/keys/team")
    assert served(api) == {}
    assert api.ask("DELETE", "/keys/team")[0] == 404
    assert api.done("GET", "/keys")["items"] == []
    assert api.done("GET", "/keys", with_revoked=True)["items"][0]["entry"]["revoked_unix_s"] > 0
    second = api.done("POST", "/keys", {"id": "team"})["secret"]
    assert served(api)["team"].sha256 == keys.sha256(second) != keys.sha256(first)
    assert log(api, action="revoke") == [("break-glass", "revoke", "team")]


def test_a_rotated_key_goes_on_until_the_overlap_is_over(api: Operator) -> None:
    api.done("POST", "/keys", {"id": "team", "limits": {"requests_per_min": 7}})
    made = api.done("POST", "/keys/team/rotate", {"overlap_s": 3600})
    assert made["row"]["entry"]["key"]["id"] == "team-2"
    old, new = served(api)["team"], served(api)["team-2"]
    assert new.limits.requests_per_min == 7
    assert new.expires_unix_s is None
    assert old.expires_unix_s is not None
    assert 0 < old.expires_unix_s - made["row"]["created_unix_s"] - 3599 < 2
    assert api.ask("POST", "/keys/team/rotate", {})[0] == 409
    again = api.done("POST", "/keys/team-2/rotate", {"overlap_s": 0})
    assert again["row"]["entry"]["key"]["id"] == "team-3"


def test_what_is_left_out_of_a_change_stays(api: Operator) -> None:
    made = api.done("POST", "/keys", {"id": "k", "tier_max": "free", "note": "n"})["row"]
    row = api.done("PATCH", "/keys/k", {"limits": {"concurrency": 3}})
    assert row["entry"]["note"] == "n"
    key = served(api)["k"]
    assert (key.tier_max is not None, key.limits.concurrency) == (True, 3)
    stale = {"updated_unix_s": made["updated_unix_s"], "note": "m"}
    assert api.ask("PATCH", "/keys/k", stale)[0] == 409
    fresh = {"updated_unix_s": row["updated_unix_s"], "tier_max": None}
    assert api.done("PATCH", "/keys/k", fresh)["entry"]["key"]["tier_max"] is None


def test_a_tenant_is_put_shown_and_refused_while_it_has_keys(api: Operator) -> None:
    entry = {"tenant": {"id": "acme", "tier": "enterprise", "weight": 2.0}, "note": "vip"}
    row = api.done("PUT", "/tenants/acme", entry)
    assert api.done("GET", "/tenants/acme") == row
    assert api.snapshot().tenants[0].weight == 2.0
    api.done("POST", "/keys", {"id": "k", "tenant": "acme"})
    status, told = api.ask("DELETE", "/tenants/acme")
    assert (status, "has keys (k)" in told["error"]["message"]) == (409, True)
    api.done("DELETE", "/tenants/acme", is_forced=True)
    assert api.snapshot().tenants == ()
    assert log(api, kind="tenant") == [
        ("break-glass", "delete", "acme"), ("break-glass", "put", "acme"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("PUT", "/tenants/a", {"tenant": {"id": "a", "weight": 0}}, "tenants.a.weight"),
        ("PUT", "/tenants/a", {"tenant": {"id": "b"}}, "body.tenant.id"),
        (
            "PUT",
            "/tenants/a",
            {"tenant": {"id": "a"}, "sla": {"calculator": "x"}},
            "sla.calculator",
        ),
        ("PUT", "/tenants/a", {"tenant": {"id": "a"}, "x": 1}, "body"),
        ("POST", "/keys", {"id": "a b"}, "body.id"),
        ("POST", "/keys", {"id": "a", "limits": {"concurrency": 0}}, "keys.a.limits.concurrency"),
        ("POST", "/keys", {"id": "a", "tenant": "../x"}, "body.tenant"),
        ("PUT", "/prices", {"costs": [{"model": "a*b"}]}, "costs[0].model"),
        ("GET", "/keys?limit=501", None, "query.limit"),
        ("GET", "/audit?actor=%00", None, "query.actor"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    method: str, path: str, body: object, param: str, api: Operator
) -> None:
    before = api.snapshot().version
    status, told = api.ask(method, path, body)
    assert (status, told["error"]["param"]) == (422, param)
    assert api.snapshot().version == before
    assert api.done("GET", "/keys")["items"] == api.done("GET", "/tenants")["items"] == []
    assert log(api) == []


def test_prices_are_versions(api: Operator) -> None:
    assert api.done("GET", "/prices")["version"] == 0
    first = api.done("PUT", "/prices", {"costs": [{"model": "gpt-*", "input_microusd": 5}]})
    second = api.done("PUT", "/prices", {"markup_ratio": 1.5}, version=first["version"])
    assert api.ask("PUT", "/prices", {}, version=first["version"])[0] == 409
    assert api.done("GET", "/prices") == second
    assert api.done("GET", f"/prices/versions/{first['version']}") == first
    newest, older = api.done("GET", "/prices/versions")["items"]
    assert (newest["version"], older["version"]) == (second["version"], first["version"])
    page = api.done("GET", "/prices/versions", limit=1)
    assert page["next"] == second["version"]
    rest = api.done("GET", "/prices/versions", limit=1, before=page["next"])
    assert [one["version"] for one in rest["items"]] == [first["version"]]


def test_pages_have_every_entry_once(api: Operator) -> None:
    names = [f"k{at}" for at in range(7)]
    for name in names:
        api.done("POST", "/keys", {"id": name})
    api.done("DELETE", "/keys/k3")
    found: list[str] = []
    after = ""
    while True:
        page = api.done("GET", "/keys", limit=2, after=after)
        found += [row["entry"]["key"]["id"] for row in page["items"]]
        after = page["next"]
        if not after:
            break
    assert found == [name for name in names if name != "k3"]


def test_a_path_or_method_that_is_not_there_is_told_in_json(api: Operator) -> None:
    status, told = api.ask("GET", "/nothing/here")
    assert (status, told["error"]["code"]) == (404, "not_found")
    answer = api.raw("POST", "/tenants")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_nobody_is_told_nothing(api: Operator) -> None:
    answer = api.raw("GET", "/keys", headers={"authorization": "Bearer pc-wrong"})
    assert answer.status_code == 401


def test_the_configuration_is_shown_without_what_may_be_secret(api: Operator) -> None:
    shown = api.raw("GET", "/configuration").text + api.raw("GET", "/upstreams").text
    assert "canary" not in shown
    assert "A_KEY" in shown
    assert [one["name"] for one in api.done("GET", "/routes")] == ["auto"]


def test_a_text_is_checked_against_what_is_served(api: Operator) -> None:
    told = api.done("POST", "/configuration/check", {"text": "[gateway]\nprot = 1\n"})
    assert ("gateway.prot", 2) in {(one["place"], one["line"]) for one in told["problems"]}
    text = """
        [gateway]
        port = 9000
        [[upstreams]]
        name = "a"
        dialect = "openai_chat"
        base_url = "http://127.0.0.1:1/v1"
        quota = {tokens_per_min = 2000}
        [[routes]]
        name = "auto"
        targets = [{upstream = "a", model = "gpt-5.6"}]
    """
    told = api.done("POST", "/configuration/check", {"text": text})
    assert told["problems"] == []
    changes = {one["place"]: (one["before"], one["after"]) for one in told["changes"]}
    assert changes["gateway.port"] == ("8400", "9000")
    assert changes["upstreams.a.quota.tokens_per_min"] == ("1000", "2000")


def test_what_was_saved_and_not_published_is_said_and_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with operator(tmp_path) as api:

        def refuse(path: Path, snapshot: Snapshot) -> None:
            raise StoreError(f"{path} cannot be written: {snapshot.version}")

        with monkeypatch.context() as patch:
            patch.setattr(file, "write", refuse)
            status, told = api.ask("POST", "/keys", {"id": "k"})
            assert (status, told["error"]["code"]) == (503, "saved_not_served")
            api.try_to_publish()
            assert api.done("GET", "/status")["snapshot"]["is_behind"]
        assert served(api) == {}
        api.try_to_publish()
        assert list(served(api)) == ["k"]
        assert not api.done("GET", "/status")["snapshot"]["is_behind"]


def test_files_of_before_move_in_once_and_local_stays(tmp_path: Path) -> None:
    key = keys.kept_key(tmp_path, keys.LOCAL)
    local = Key(id="local", tenant="local", sha256=keys.sha256(key))
    team = Key(id="team", tenant="acme", sha256="ab" * 32, routes=("auto",))
    keys.write(tmp_path / "keys.toml", [local, team])
    (tmp_path / "prices.toml").write_text('[[prices]]\nmodel = "gpt-*"\ninput = 2.5\n')
    with operator(tmp_path) as api:
        assert served(api) == {"local": local, "team": team}
        assert api.done("GET", "/prices")["prices"]["costs"][0]["input_microusd"] == 2_500_000
        api.done("DELETE", "/keys/team")
    assert not (tmp_path / "keys.toml").exists()
    (tmp_path / "keys.toml.imported").rename(tmp_path / "keys.toml")  # as after a death half-way
    (tmp_path / "prices.toml.imported").rename(tmp_path / "prices.toml")
    with operator(tmp_path) as api:
        assert list(served(api)) == ["local"]
        assert api.done("GET", "/prices/versions")["items"][1:] == []


def test_the_key_of_the_probes_is_of_a_tenant_that_never_waits(tmp_path: Path) -> None:
    key = keys.kept_key(tmp_path, keys.STATUS)
    status = Key(id="status", tenant="status", sha256=keys.sha256(key))
    with operator(tmp_path) as api:
        assert served(api) == {"status": status}
        assert api.done("GET", "/tenants/status")["entry"]["tenant"]["tier"] == "control"
        api.done("DELETE", "/keys/status")
        assert served(api) == {}
    again = keys.kept_key(tmp_path, keys.STATUS)
    assert again != key
    with operator(tmp_path) as api:
        assert served(api)["status"].sha256 == keys.sha256(again)


def test_without_a_plan_the_book_is_kept_and_nothing_is_served(tmp_path: Path) -> None:
    with operator(tmp_path, with_plan=False) as api:
        api.done("POST", "/keys", {"id": "k"})
        assert not (tmp_path / "snapshot").exists()
        assert api.ask("GET", "/configuration")[0] == 404


def test_a_database_that_only_reads_is_asked_once_to_note_who_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with operator(tmp_path, "") as api:
        token = api.done("POST", "/tokens", {"name": "ci", "role": "viewer"})["token"]
        asked: list[str] = []

        def writing(rows: object) -> object:
            del rows
            asked.append("again")
            raise StoreError("it takes nothing now")

        monkeypatch.setattr(type(api.control.parts.identity.rows), "writing", writing)
        api.client.headers["authorization"] = f"Bearer {token}"
        assert [api.ask("GET", "/keys")[0] for _ in range(3)] == [200] * 3
        assert asked == ["again"]
