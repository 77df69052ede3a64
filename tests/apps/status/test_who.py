"""Who may come in: tokens that are expired, foreign or tampered with let nobody in, and say why."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.apps.status.operator import ring_of, token

from penstock.apps.status import who
from penstock.apps.status.who import Who
from penstock.core.errors import KeyRefusedError
from penstock.identity import signing
from penstock.identity.signing import LASTS_S, Claim, Ring
from penstock.web.endpoint import Role

NOW_S = 1_772_443_200.0
GLASS = "pc-canary"
ADDRESS = "192.0.2.1"


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def refused(found: Who, raw: str) -> str:
    """Return why a token is refused; nobody comes in by it."""
    assert found.by_token(raw, ADDRESS).role is Role.NOBODY
    with pytest.raises(KeyRefusedError) as caught:
        found.enter(raw, ADDRESS)
    assert "control.token" in caught.value.remedy
    return caught.value.message


def test_a_signed_token_holds_for_twelve_hours_and_then_says_so(folder: Path) -> None:
    ring, clock = ring_of(folder, NOW_S), Clock()
    found = Who(folder, GLASS, clock)
    raw = token(ring, "operator", NOW_S)
    entered = found.enter(raw, ADDRESS)
    assert (entered.actor.role, entered.actor.name) == (Role.OPERATOR, "account-1")
    assert (entered.value, entered.expires_unix_s) == (raw, NOW_S + LASTS_S)
    clock.now_s = NOW_S + LASTS_S + 2 * signing.LEEWAY_S
    assert "has expired" in refused(found, raw)


def test_foreign_tokens_and_other_audiences_are_refused(folder: Path, tmp_path: Path) -> None:
    ring_of(folder, NOW_S)
    found = Who(folder, GLASS, Clock())
    foreign = signing.turned(Ring(), NOW_S)
    assert "not one of this installation's" in refused(found, token(foreign, "owner", NOW_S))
    for issuer, audience in (("other", who.AUDIENCE), (who.ISSUER, "other")):
        ring = ring_of(folder, NOW_S)
        raw = signing.issue(ring, Claim(issuer, audience, "a", "owner"), NOW_S)
        assert "not one of this installation's" in refused(found, raw)
    assert "no token was given" in refused(found, "")
    del tmp_path


@settings(max_examples=60)
@given(at=st.integers(0, 1000), letter=st.sampled_from("abcXYZ019-_."))
def test_a_token_that_was_tampered_with_lets_nobody_in(
    at: int, letter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / "run").mkdir()
    raw = token(ring_of(folder, NOW_S), "viewer", NOW_S)
    at %= raw.rindex(".")  # the signature's last letter has bits that mean nothing
    tampered = raw[:at] + letter + raw[at + 1 :]
    if tampered != raw:
        refused(Who(folder, GLASS, Clock()), tampered)


def test_a_raised_role_is_refused(folder: Path) -> None:
    raw = token(ring_of(folder, NOW_S), "viewer", NOW_S)
    head, body, seal = raw.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raised = json.dumps({**claims, "role": "owner"}).encode()
    forged = base64.urlsafe_b64encode(raised).decode().rstrip("=")
    assert "not one of" in refused(Who(folder, GLASS, Clock()), f"{head}.{forged}.{seal}")


def test_where_control_never_ran_only_the_break_glass_token_lets_in(folder: Path) -> None:
    clock = Clock()
    found = Who(folder, GLASS, clock)
    assert "control has never run here" in refused(found, "x.y.z")
    entered = found.enter(GLASS, ADDRESS)
    assert (entered.actor.role, entered.actor.name) == (Role.OWNER, who.BREAK_GLASS)
    assert GLASS not in entered.value


def test_a_name_in_a_token_is_shown_instead_of_the_account(folder: Path) -> None:
    claim = Claim(who.ISSUER, who.AUDIENCE, "account-1", "viewer", "ann@example.org")
    raw = signing.issue(ring_of(folder, NOW_S), claim, NOW_S)
    assert Who(folder, GLASS, Clock()).by_token(raw, ADDRESS).name == "ann@example.org"
