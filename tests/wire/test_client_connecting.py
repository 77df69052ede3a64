"""What keeps a connection from being made has a kind and a plain sentence, and sends nothing."""

import asyncio
from typing import Any

import pytest
from tests.wire.certificates import server_tls
from tests.wire.loopback import free_port, run, turn, until
from tests.wire.upstream import OK, Owner, Site, attempt_of, entry_of, with_upstream

from penstock.core.errors import StoreError
from penstock.core.outcome import FailureKind
from penstock.wire.client import HttpDialer


def failure_of(base_url: str, **changes: Any) -> tuple[FailureKind, str]:
    """Dial in vain."""
    owner = Owner()

    async def main() -> None:
        loop, entry = asyncio.get_running_loop(), entry_of(base_url, **changes)
        async with asyncio.TaskGroup() as tasks:
            dialer = HttpDialer(loop, tasks)
            dialer.configure((entry,), {})
            dialer.dial(attempt_of(entry, owner))
            await until(lambda: owner.is_over)
            pool = dialer.pools["up"]
            await until(lambda: pool.open == 0)

    run(main)
    assert owner.told == ["failed"]
    assert owner.failure is not None
    return owner.failure.kind, owner.failure.detail


def test_refused() -> None:
    port = free_port()
    kind, detail = failure_of(f"http://127.0.0.1:{port}/v1")
    assert kind is FailureKind.UNREACHABLE
    assert detail == f"127.0.0.1:{port} refuses connections"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_name_that_does_not_resolve(host: str) -> None:
    kind, detail = failure_of(f"http://{host}/v1")
    assert kind is FailureKind.UNREACHABLE
    assert detail == f"the name {host!r} does not resolve"


def test_an_upstream_that_a_reload_took_away() -> None:
    async def main(site: Site) -> None:
        site.dialer.configure((), {})
        attempt, owner = site.dial()
        assert owner.told == []  # no port calls back before it has returned
        await until(lambda: owner.is_over)
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.UNREACHABLE
        attempt, owner = site.dial()
        site.dialer.cancel(attempt)
        await turn()
        await turn()
        assert owner.told == []

    with_upstream(main)


def test_tls_connections_are_used_again(ca_files: Any) -> None:
    ca, ca_file = ca_files

    async def main(site: Site) -> None:
        (end,) = await site.idle(1)
        attempt, owner, same = await site.asked(b"{again}")
        assert attempt.is_reused
        assert same is end
        end.write(OK)
        await until(lambda: owner.is_over)
        assert len(site.ends) == 1

    url = "https://localhost:{port}/v1"
    with_upstream(main, tls=server_tls(ca), base_url=url, tls_ca_file=str(ca_file))


@pytest.mark.parametrize(
    ("name", "is_trusted", "word"),
    [
        ("localhost", False, "CERTIFICATE_VERIFY_FAILED"),
        ("other.example", True, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_wrong_certificate_is_refused_before_anything_is_sent(
    ca_files: Any, name: str, word: str, *, is_trusted: bool
) -> None:
    ca, ca_file = ca_files

    async def main(site: Site) -> None:
        _, owner = site.dial()
        await until(lambda: owner.is_over)
        assert owner.told == ["failed"]
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.UNREACHABLE
        assert word in owner.failure.detail
        assert all(end.received == b"" for end in site.ends)

    trust = {"tls_ca_file": str(ca_file)} if is_trusted else {}
    url = "https://localhost:{port}/v1"
    with_upstream(main, tls=server_tls(ca, name), base_url=url, **trust)


def test_a_plain_server_behind_https_is_unreachable(ca_files: Any) -> None:
    async def main(site: Site) -> None:
        _, owner = site.dial()
        await until(lambda: bool(site.ends) and bool(site.ends[0].received))
        site.ends[0].write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        site.ends[0].close()
        await until(lambda: owner.is_over)
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.UNREACHABLE
        assert b"the-key" not in site.ends[0].received

    url = "https://localhost:{port}/v1"
    with_upstream(main, base_url=url, tls_ca_file=str(ca_files[1]))


def test_a_server_that_hangs_up_in_the_handshake_is_unreachable(ca_files: Any) -> None:
    async def main(site: Site) -> None:
        _, owner = site.dial()
        await until(lambda: bool(site.ends) and bool(site.ends[0].received))
        site.ends[0].reset()
        await until(lambda: owner.is_over)
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.UNREACHABLE

    url = "https://localhost:{port}/v1"
    with_upstream(main, base_url=url, tls_ca_file=str(ca_files[1]))


def test_a_ca_file_that_cannot_be_used_changes_nothing(tmp_path: Any) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")

    async def main(site: Site) -> None:
        before = site.pool
        for path in (bad, tmp_path / "missing.pem"):
            entry = entry_of("https://localhost/v1", tls_ca_file=str(path))
            with pytest.raises(StoreError, match="CA file"):
                site.dialer.configure((entry,), {})
        assert site.pool is before

    with_upstream(main)
