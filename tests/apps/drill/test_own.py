"""A user's own configuration in a drill: theirs, and it reaches and tells nobody."""

from pathlib import Path

import pytest

from penstock.apps.drill import set_up
from penstock.apps.drill.own import Own
from penstock.apps.drill.own_set_up import OwnSetUp
from penstock.apps.drill.set_up import Emulated, Emulator
from penstock.apps.drill.whose import OTHER, OWN
from penstock.config import load, toml
from penstock.config.check import problems
from penstock.config.model import Config
from penstock.config.tenancy import Tenant, TierName
from penstock.sim.drills import words
from penstock.sim.drills.shapes import Room
from penstock.sim.drills.surfaces import EMULATED
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC, FAST, FRONTIER

THEIRS = """
[gateway]
port = 9999
workers = 2
tls_cert_file = "/etc/ssl/ours.pem"
tls_key_file = "/etc/ssl/ours.key"

[control]
database_url = "postgresql://ledger@db.internal/penstock"

[[alerts.receivers]]
name = "night"
kind = "webhook"
url_env = "PAGER"

[traces]
endpoint = "https://traces.internal/v1/traces"

[[upstreams]]
name = "anthropic"
dialect = "anthropic_messages"
base_url = "https://api.anthropic.com"
api_key_env = "OUR_KEY"
quota = { tokens_per_min = 80000 }

[[upstreams]]
name = "azure"
dialect = "openai_chat"
base_url = "https://ours.openai.azure.com/openai/v1"
api_key_env = "OUR_KEY"

[[upstreams]]
name = "gpus"
dialect = "openai_chat"
base_url = "http://10.0.0.7:8000/v1"
engine = "vllm"
metrics_url = "http://10.0.0.7:8000/metrics"

[[routes]]
name = "writer"
on_break = "continue"
targets = [
    { upstream = "anthropic", model = "claude-opus-4-1" },
    { upstream = "azure", model = "gpt-5" },
]

[[routes]]
name = "quick"
targets = [
    { upstream = "gpus", model = "qwen3-8b-mini" },
    { upstream = "azure", model = "gpt-4o-mini" },
]

[[routes]]
name = "claude-*"
targets = [{ upstream = "anthropic" }]

[[provider_pages]]
name = "Claude"
provider = "anthropic"
kind = "statuspage"
url = "https://status.claude.com"

[[probes]]
name = "intranet"
kind = "http"
url = "https://intranet.internal/"
components = ["Web chat"]

[[components]]
name = "Web chat"
surface = "web"
"""
URL, ENGINE = "http://127.0.0.1:1", "http://127.0.0.1:2"


def emulator(url: str) -> Emulator:
    paths = {"claude": "/claude", "gpt": "/gpt/v1", "gemini": "/g/openai", "gemini_native": "/g"}
    return Emulator(url, {name: url + path for name, path in paths.items()})


WHERE = Emulated(
    emulator(URL), emulator(ENGINE), dict.fromkeys(("anthropic", "azure", "gpus"), "up.key")
)


def own() -> tuple[Own, Config]:
    config = load.parse(THEIRS)
    return Own(config), config


def test_nothing_of_theirs_is_reached_or_told(tmp_path: Path) -> None:
    del tmp_path
    made, _ = own()
    text = toml.document(made.emulated(WHERE))
    for word in ("internal", "10.0.0.7", "azure.com", "anthropic.com", "claude.com", "OUR_KEY",
                 "PAGER", "9999", "/etc/ssl"):  # fmt: skip
        assert word not in text
    again = load.parse(text)
    assert not list(problems(again))


def test_routes_breaks_quotas_and_workers_are_as_theirs() -> None:
    made, theirs = own()
    ours = made.emulated(WHERE)
    assert [one.name for one in ours.routes] == [one.name for one in theirs.routes]
    assert [one.on_break for one in ours.routes] == [one.on_break for one in theirs.routes]
    assert [[t.upstream for t in one.targets] for one in ours.routes] == [
        [t.upstream for t in one.targets] for one in theirs.routes
    ]
    assert ours.upstreams[0].quota == theirs.upstreams[0].quota
    assert ours.gateway.workers == theirs.gateway.workers
    assert made.quotas() == {"claude": {"tokens_per_min": 80000}}


def test_models_are_of_the_catalogue_and_own_engines_do_not_fail() -> None:
    made, _ = own()
    ours = made.emulated(WHERE)
    known = {model for models in EMULATED.values() for model in models}
    assert {t.model for one in ours.routes for t in one.targets} - {""} <= known
    assert made.providers == {"anthropic": "claude", "azure": "gpt", "gpus": OWN}
    assert made.has_engines
    assert [one.base_url.startswith(ENGINE) for one in ours.upstreams] == [False, False, True]
    assert any("claude-opus-4-1" in one for one in made.notes)
    assert any("does not fail" in one for one in made.notes)


def test_callers_ask_for_routes_of_their_size_and_are_bound_to_the_first_upstream() -> None:
    made, _ = own()
    asked = {one.model: one for one in made.asked}
    assert asked["writer"].size == FRONTIER
    assert asked["quick"].size == FAST
    assert asked["quick"].provider == OWN
    assert asked["claude-sonnet-5-5"].bound_model == "claude-sonnet-5-5", "one of its pattern"
    ready = OwnSetUp(DEFAULT_TRAFFIC, made, (), "penstock.toml")
    keys = set_up.tiered_keys(ready.tenants)
    bound, behind = ready.bound_places(WHERE), ready.gateway_places(URL, keys)
    for one in DEFAULT_TRAFFIC:
        assert len(bound[one.name]) == len(behind[one.name]), "the same user draws the same route"
        assert [place.provider for place in bound[one.name]] == [
            place.provider for place in behind[one.name]
        ]


def test_tenants_are_theirs_the_heaviest_of_each_tier() -> None:
    made, _ = own()
    tenants = (
        Tenant(id="small", tier=TierName.ENTERPRISE),
        Tenant(id="large", tier=TierName.ENTERPRISE, weight=5.0),
    )
    ready = OwnSetUp(DEFAULT_TRAFFIC, made, tenants, "penstock.toml")
    assert ready.tenants[TierName.ENTERPRISE].id == "large"
    assert ready.tenants[TierName.FREE].id == "drill-free"
    assert any("free" in one for one in ready.notes)


ELSEWHERE = """
[[upstreams]]
name = "openai"
dialect = "openai_chat"
base_url = "https://api.openai.com/v1"
api_key_env = "A"
quota = { tokens_per_min = 60000 }

[[upstreams]]
name = "my_azure"
dialect = "openai_chat"
base_url = "https://ours.openai.azure.com/openai/v1"
api_key_env = "B"
quota = { tokens_per_min = 120000 }

[[upstreams]]
name = "bedrock"
dialect = "anthropic_messages"
base_url = "https://bedrock-runtime.eu-central-1.amazonaws.com"
api_key_env = "C"

[[upstreams]]
name = "gpus"
dialect = "openai_chat"
base_url = "http://10.0.0.7:8000/v1"
concurrency_max = 48

[[upstreams]]
name = "hosted"
dialect = "openai_chat"
base_url = "https://api.elsewhere.example/v1"
api_key_env = "D"

[[routes]]
name = "all"
targets = [
    { upstream = "openai", model = "gpt-5.6" },
    { upstream = "my_azure", model = "gpt-5.6" },
    { upstream = "bedrock", model = "claude-sonnet-5-5" },
    { upstream = "gpus", model = "qwen3-32b" },
    { upstream = "hosted", model = "llama" },
]
"""


def in_outage_of(provider: str) -> Own:
    return Own(load.parse(ELSEWHERE), provider)


@pytest.mark.parametrize(
    ("provider", "openai", "azure", "bedrock"),
    [
        ("openai", "gpt", "azure", "claude"),  # Azure has the same models, and another house
        ("azure", "openai", "gpt", "claude"),
        ("aws", "gpt", "gpt", "claude"),
        ("anthropic", "gpt", "gpt", "claude"),  # nobody else serves Claude: it stands in
        ("cloudflare", "gpt", "azure", "claude"),
        ("", "gpt", "gpt", "claude"),
    ],
)
def test_an_outage_is_of_one_house(provider: str, openai: str, azure: str, bedrock: str) -> None:
    found = in_outage_of(provider).providers
    assert found == {
        "openai": openai,
        "my_azure": azure,
        "bedrock": bedrock,
        "gpus": OWN,
        "hosted": OTHER,
    }


def test_who_is_spared_is_asked_elsewhere_and_nothing_is_claimed_of_what_both_serve() -> None:
    made = in_outage_of("openai")
    where = Emulated(emulator(URL), emulator(ENGINE), dict.fromkeys(made.upstreams, "up.key"))
    at = {one.name: one.base_url for one in made.emulated(where).upstreams}
    assert [name for name in at if at[name].startswith(ENGINE)] == ["my_azure", "gpus", "hosted"]
    assert made.apart.shared == {"gpt-5.6"}
    assert made.apart.spared == {"gpt-5.6-mini"}, "what no provider serves here"
    assert made.names.get("gpt-5.6-mini") is None, "it plays two of theirs"
    assert made.models["all"][OWN] == "", "own engines have no price"


def test_a_provider_has_room_for_all_accounts_together_and_engines_for_their_slots() -> None:
    made = in_outage_of("aws")
    rooms = {one.provider: one for one in made.rooms()}
    assert made.quotas() == {"gpt": {"tokens_per_min": 120_000}}, "the largest, of each account"
    assert rooms["gpt"].tokens_per_s == 3000.0
    assert rooms[OWN].slots == 48
    assert rooms["claude"] == Room(provider="claude"), "nothing is declared of it"


def test_what_is_not_as_they_have_it_is_told_with_their_names_untouched() -> None:
    told = " | ".join(words.plain(one) for one in in_outage_of("openai").notes)
    assert '"my_azure" is played by an emulator that does not fail' in told
    told = " | ".join(own()[0].notes)
    for word in ("certificates", "database", "receivers of alerts", "traces", "metrics of engines",
                 "intranet", "status page", "secrets were neither"):  # fmt: skip
        assert word in told
    assert any("plays its part" in one for one in in_outage_of("claude").notes)
