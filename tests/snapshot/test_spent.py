"""What was spent outlives the process, and a file that is lost or damaged stops nobody."""

from pathlib import Path

import pytest

from penstock.config.tenancy import Contract, Limits, Price, Tenant, TierName
from penstock.core.claim import Claim
from penstock.core.price import Used
from penstock.core.tier import Tier
from penstock.exchange.tenancy import Tenancy
from penstock.snapshot.spent import KEEP_S, SpentFile

NOON_UNIX_S = 20_000 * 86_400.0 + 43_200
KEYS = {"k": Limits(budget_day_microusd=10_000)}
ACME = Tenant(id="acme", tier=TierName.ENTERPRISE, contract=Contract(tokens_per_min=60_000))
PRICES = (Price(model="m", input_microusd=1_000_000),)


def tenancy(*tenants: Tenant) -> Tenancy:
    made = Tenancy()
    made.use(tenants, KEYS, PRICES, 0.0, NOON_UNIX_S)
    return made


def spend(made: Tenancy, tokens: int) -> None:
    claim = Claim("acme", "k", Tier.STANDARD, tokens, 0.0)
    assert made.admit(claim, "m", 0.0) is None
    made.settle(claim, Used(tokens, 0), "m", 0.0, is_final=True)


def left(made: Tenancy) -> int:
    return made.remaining("acme", "k", 0.0)[0].remaining


def test_a_restart_knows_what_was_spent(tmp_path: Path) -> None:
    path = tmp_path / "spent.json"
    made = tenancy()
    kept = SpentFile(path, made)
    kept.restore(0.0)
    spend(made, 700)
    kept.tick(KEEP_S - 0.1)
    assert not path.exists()
    kept.tick(KEEP_S)
    assert path.stat().st_mode & 0o777 == 0o600
    spend(made, 300)
    kept.write(KEEP_S)
    other = tenancy()
    kept = SpentFile(path, other)
    kept.restore(0.0)
    assert left(other) == 9_000
    assert kept.error == ""


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "spent.json"
    made = tenancy()
    kept = SpentFile(path, made)
    kept.write(0.0)
    assert not path.exists()
    spend(made, 1)
    kept.write(1.0)
    path.unlink()
    kept.write(2.0)
    assert not path.exists()
    spend(made, 1)
    kept.write(3.0)
    assert path.exists()


def test_levels_of_contracts_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "spent.json"
    made = tenancy(ACME)
    claim = Claim("acme", "k", Tier.ENTERPRISE, 400_000, 0.0)
    assert made.admit(claim, "m", 0.0) is None
    SpentFile(path, made).write(0.0)
    other = tenancy(ACME)
    SpentFile(path, other).restore(0.0)
    again = Claim("acme", "k2", Tier.ENTERPRISE, 1, 0.0)
    assert other.admit(again, "m", 0.0) is None
    assert again.served is Tier.STANDARD


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"keys": 1}', '{"keys": {"k": 1}}', '{"at_unix_s": "x"}']
)
def test_a_damaged_file_begins_at_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "spent.json"
    path.write_text(text)
    path.chmod(0o600)
    made = tenancy(ACME)
    kept = SpentFile(path, made)
    kept.restore(0.0)
    assert "cannot be understood" in kept.error
    assert left(made) == 10_000
    spend(made, 10)
    kept.write(1.0)
    assert kept.error == ""


def test_a_disk_that_does_not_take_it_stops_nobody(tmp_path: Path) -> None:
    made = tenancy()
    kept = SpentFile(tmp_path / "no" / "spent.json", made)
    spend(made, 10)
    kept.write(0.0)
    assert "cannot be written" in kept.error
    (tmp_path / "no").mkdir()
    kept.write(1.0)
    assert kept.error == ""
