"""The chat's table: each contradiction is found at its place, and what is meant passes."""

from typing import Any

import msgspec
import pytest

from penstock.config import check
from penstock.config.chatting import Chat, Oidc, SignUp
from penstock.config.model import Config, DialectName, Emulate, Route, Target, Upstream

CONFIG = Config(emulate=Emulate(is_enabled=True))
UPSTREAM = Upstream(name="a", dialect=DialectName.OPENAI_CHAT, base_url="http://127.0.0.1:1/v1")
ROUTED = msgspec.structs.replace(
    CONFIG,
    upstreams=(UPSTREAM,),
    routes=(
        Route(name="quick", targets=(Target(upstream="a", model="m"),)),
        Route(name="gpt-*", targets=(Target(upstream="a", model="m"),)),
    ),
)
GOOD_OIDC = Oidc(issuer="https://login.example.org", client_id="penstock")


def chat(config: Config = CONFIG, **values: Any) -> Config:
    return msgspec.structs.replace(config, chat=Chat(**values))


def oidc(**values: Any) -> Config:
    return chat(oidc=Oidc(**values))


def found(config: Config) -> set[str]:
    return {problem.place for problem in check.problems(config) if problem.place.startswith("chat")}


def doubted(config: Config) -> set[str]:
    return {problem.place for problem in check.warnings(config) if problem.place.startswith("chat")}


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        chat(hosts=("chat.example.org", "http://chat.lan:8404"), trusted_proxies=("10.0.0.0/8",)),
        chat(gateway_url="http://10.0.0.2:8400", status_url="https://status.example.org"),
        chat(ROUTED, models=("quick",), auto="gpt-*"),
        chat(models=("made-at-the-start",)),
        chat(sign_up=SignUp.INVITED),
        chat(sign_up=SignUp.CLOSED, oidc=GOOD_OIDC),
        chat(sign_up=SignUp.CLOSED, guests=True),
        oidc(issuer="http://127.0.0.1:9000/oidc", client_id="penstock", client_secret_env="SECRET"),
        chat(session_days=1, session_idle_days=1),
    ],
)
def test_what_is_meant_passes(config: Config) -> None:
    assert found(config) == set()


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (chat(host="http://127.0.0.1"), "chat.host"),
        (chat(port=70_000), "chat.port"),
        (chat(hosts=("a b",)), "chat.hosts[0]"),
        (chat(hosts=("chat.example.org/path",)), "chat.hosts[0]"),
        (chat(trusted_proxies=("proxy",)), "chat.trusted_proxies[0]"),
        (chat(gateway_url="gateway:8400"), "chat.gateway_url"),
        (chat(gateway_url="http://me:secret@gateway"), "chat.gateway_url"),
        (chat(status_url="ftp://status.example.org"), "chat.status_url"),
        (chat(name=" "), "chat.name"),
        (chat(name="x" * 81), "chat.name"),
        (chat(system_prompt="x" * 100_001), "chat.system_prompt"),
        (chat(ROUTED, models=("quik",)), "chat.models"),
        (chat(ROUTED, models=("gpt-*",)), "chat.models[0]"),
        (chat(ROUTED, models=("quick", "quick")), "chat.models[1]"),
        (chat(ROUTED, auto="slow"), "chat.auto"),
        (chat(sign_up=SignUp.CLOSED), "chat.sign_up"),
        (
            chat(
                sign_up=SignUp.CLOSED, oidc=msgspec.structs.replace(GOOD_OIDC, makes_accounts=False)
            ),
            "chat.sign_up",
        ),
        (oidc(client_id="penstock"), "chat.oidc.issuer"),
        (oidc(issuer="http://login.example.org", client_id="penstock"), "chat.oidc.issuer"),
        (oidc(issuer="login.example.org", client_id="penstock"), "chat.oidc.issuer"),
        (oidc(issuer="https://login.example.org"), "chat.oidc.client_id"),
        (oidc(name=""), "chat.oidc.name"),
        (oidc(client_secret_env="A", client_secret_file="b"), "chat.oidc.client_secret_file"),
        (chat(session_days=0, session_idle_days=0), "chat.session_days"),
        (chat(session_idle_days=0), "chat.session_idle_days"),
        (chat(session_days=10, session_idle_days=11), "chat.session_idle_days"),
        (chat(session_days=401), "chat.session_days"),
        (chat(guest_messages_day=0), "chat.guest_messages_day"),
        (chat(message_chars_max=0), "chat.message_chars_max"),
        (chat(message_chars_max=2_000_001), "chat.message_chars_max"),
        (chat(file_bytes_max=2**40, files_account_bytes_max=2**41), "chat.file_bytes_max"),
        (chat(files_message_max=65), "chat.files_message_max"),
        (chat(files_account_bytes_max=1000), "chat.files_account_bytes_max"),
        (chat(conversations_max=0), "chat.conversations_max"),
        (chat(answers_running_max=-1), "chat.answers_running_max"),
        (chat(answers_waiting_max=0), "chat.answers_waiting_max"),
        (chat(answer_tokens_max=0), "chat.answer_tokens_max"),
        (chat(group_s=2.0), "chat.group_s"),
        (chat(group_s=0.0), "chat.group_s"),
        (chat(wait_max_s=-1.0), "chat.wait_max_s"),
    ],
)
def test_what_is_wrong_is_found_at_its_place(config: Config, place: str) -> None:
    assert place in found(config)


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (chat(host="192.0.2.1"), "chat.host"),
        (chat(trusted_proxies=("0.0.0.0/0",)), "chat.trusted_proxies[0]"),
        (chat(hosts=("chat.example.org",)), "chat.trusted_proxies"),
        (chat(gateway_url="http://10.0.0.2:8400"), "chat.gateway_key_file"),
    ],
)
def test_what_may_not_be_meant_is_doubted(config: Config, place: str) -> None:
    assert place in doubted(config)
    assert doubted(msgspec.structs.replace(config, chat=Chat(is_enabled=False))) == set()
    assert doubted(CONFIG) == set()
