"""Keys: random, kept as hashes, and the same over restarts where that is promised."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config import private_file
from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.core.errors import StoreError
from penstock.snapshot import keys
from penstock.snapshot.model import Key

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


def test_keys_are_256_random_bits() -> None:
    made = {keys.new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(len(key) == len("pk-") + 43 for key in made)


COUNT = st.none() | st.integers(1, 2**63 - 1)
LIMITS = st.builds(Limits, **dict.fromkeys(Limits.__struct_fields__, COUNT))
KEYS = st.builds(
    Key,
    id=TEXT,
    tenant=TEXT,
    sha256=TEXT,
    routes=st.lists(TEXT, max_size=2).map(tuple),
    tier_max=st.none() | st.sampled_from(TierName),
    may_assert_user=st.booleans(),
    limits=LIMITS,
)
SECONDS = st.floats(1e-9, 1e12)
TENANTS = st.builds(
    Tenant,
    id=TEXT,
    tier=st.sampled_from(TierName),
    weight=SECONDS,
    contract=st.none() | st.builds(Contract, **dict.fromkeys(Contract.__struct_fields__, COUNT)),
    limits=LIMITS,
    may_degrade_model=st.booleans(),
    ttft_timeout_s=st.none() | SECONDS,
)


@given(st.lists(KEYS, max_size=3), st.lists(TENANTS, max_size=3))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, some: list[Key], tenants: list[Tenant]
) -> None:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    keys.write_book(path, keys.Book(tuple(some), tuple(tenants)))
    assert keys.read_book(path) == keys.Book(tuple(some), tuple(tenants))
    keys.write(path, some[:1])
    assert keys.read_book(path) == keys.Book(tuple(some[:1]), tuple(tenants))


def test_a_file_without_tenants_is_as_good(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    private_file.write(path, '[[keys]]\nid = "a"\ntenant = "b"\nsha256 = "00"\n')
    assert keys.read_book(path) == keys.Book((Key(id="a", tenant="b", sha256="00"),), ())
    keys.write(path, keys.read(path))
    assert "tenants]]" not in path.read_text()


def test_no_file_is_no_keys(tmp_path: Path) -> None:
    assert keys.read(tmp_path / "keys.toml") == []


@pytest.mark.parametrize(
    "text",
    [
        "[[keys]\n",
        "[[keys]]\nid = 3\n",
        "keys = 1\n",
        '[[tenants]]\nid = "a"\n[tenants.contract]\ntokens_per_mni = 1\n',
        '[[tenants]]\nid = "a"\ntier = "first"\n',
    ],
)
def test_a_damaged_file_is_said_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    private_file.write(path, text)
    with pytest.raises(StoreError, match="cannot be understood"):
        keys.read(path)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    keys.write(path, [])
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        keys.read(path)


@pytest.mark.parametrize("name", keys.KEPT)
def test_a_kept_key_stays_and_nobody_else_reads_it(name: str, tmp_path: Path) -> None:
    key = keys.kept_key(tmp_path, name)
    assert keys.kept_key(tmp_path, name) == key
    assert (tmp_path / f"{name}.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / f"{name}.key").unlink()
    assert keys.kept_key(tmp_path, name) != key
