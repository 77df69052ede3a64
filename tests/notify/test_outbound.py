"""An address that somebody gave leads to a public server that has its name, or nowhere."""

import asyncio
import ipaddress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notify.receiver import Authority, Received, receiving

from penstock.notify import outbound
from penstock.notify.outbound import Answer, Outbound, OutboundError, RefusedError

PUBLIC = "93.184.215.14"
WITHIN_S = 20.0
ANY = str(ipaddress.IPv4Address(0))

EVASIONS = [
    "127.0.0.1", "127.8.8.8", ANY, "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.127.255.254",
    "192.0.0.192", "198.18.0.1", "198.19.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1",
    "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
    "::ffff:a9fe:a9fe", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2001:10::1", "100::1", "3fff::1",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "1::1", "4000::1",
    "localhost", "", "2130706433", "0177.0.0.1", "127.1", "0x7f.1",
]  # fmt: skip


@pytest.mark.parametrize("address", EVASIONS)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not outbound.is_allowed(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert outbound.is_allowed(address)


@given(st.ip_addresses())
def test_nothing_beside_what_the_registry_calls_global_is_allowed(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not outbound.is_allowed(str(address))


@given(st.ip_addresses(v=4), st.sampled_from(["::{}", "::ffff:{}", "64:ff9b::{}"]))
def test_an_address_inside_another_is_refused(address: ipaddress.IPv4Address, written: str) -> None:
    assert not outbound.is_allowed(written.format(address))


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("127.0.0.1", True), ("10.0.0.1", True), ("fd12::1", True), ("::1", True), (PUBLIC, True),
        ("169.254.169.254", False), ("::ffff:169.254.169.254", False), ("fe80::1", False),
        ("fd00:ec2::254", False), (ANY, False), ("::", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("fe80::1%eth0", False),
    ],
)  # fmt: skip
def test_an_operators_own_receiver_may_be_private_but_not_metadata(
    address: str, *, is_allowed: bool
) -> None:
    assert outbound.is_allowed(address, may_be_private=True) == is_allowed


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "//example.org/",
        "example.org", "", "https://", "https:///path", "https://user@example.org/",
        "https://user:password@example.org/", "https://example.org@127.0.0.1/",
        "https://example.org:22/", "https://example.org:80/", "https://example.org:0/",
        "https://example.org:99999/", "https://example.org:x/", "https://example.org/#here",
        "https://example.org\\@127.0.0.1/", "https://exam ple.org/", "https://example.org/\r\nx: y",
        "https://ex\u00e4mple.org/", "https://[::1", "gopher://example.org/", "HTTPS//example.org",
        "https://example.org/" + "x" * 2048,
    ],
)  # fmt: skip
def test_a_url_that_says_more_than_host_and_path_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        outbound.checked(url)


@pytest.mark.parametrize(
    "url", ["https://example.org", "https://example.org:443/a?b=c", "https://example.org:8443/"]
)
def test_a_plain_https_url_is_taken(url: str) -> None:
    assert outbound.checked(url).hostname == "example.org"


def call(url: str, caller: Outbound, body: bytes = b"{}") -> Answer:
    return asyncio.run(caller.post(url, body, {"content-type": "application/json"}))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.1", "localhost", "[::1]",
     "[::ffff:127.0.0.1]", "0", "[::]", "[64:ff9b::7f00:1]"],
)  # fmt: skip
def test_however_this_machine_is_written_it_is_not_called(host: str) -> None:
    with pytest.raises(OutboundError) as told:
        call(f"https://{host}/", Outbound())
    assert (
        isinstance(told.value, RefusedError)
        or "cannot be" in told.value.message
        or ("not a name" in told.value.message)
    )


class Names:
    """Resolves as it is told, one answer after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


def test_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"10\.0\.0\.7"):
        call("https://example.org/", Outbound(resolve=Names([PUBLIC, "10.0.0.7"])))


@pytest.fixture
def public_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 127.0.0.1 and any port count as public; everything else stays as it is."""
    strict = outbound.is_allowed

    def is_allowed(address: str, *, may_be_private: bool = False) -> bool:
        return address == "127.0.0.1" or strict(address, may_be_private=may_be_private)

    monkeypatch.setattr(outbound, "is_allowed", is_allowed)
    monkeypatch.setattr(outbound, "PORTS", range(1, 65536))


@pytest.mark.usefixtures("public_loopback")
class TestStrict:
    """Calls as strangers' addresses get them, to a real server over TLS."""

    authority = Authority()

    def post(
        self, received_by: str, *answers: list[str], script: bytes = b""
    ) -> tuple[Received, Answer, Names]:
        names = Names(*answers)

        async def run() -> tuple[Received, Answer]:
            async with receiving(self.authority.server(received_by)) as received:
                received.answers = [script] if script else []
                caller = Outbound(tls=self.authority.client(), resolve=names, within_s=WITHIN_S)
                url = f"https://example.org:{received.port}/hook?a=b"
                return received, await caller.post(url, b'{"x":1}', {"x-id": "7"})

        received, answer = asyncio.run(run())
        return received, answer, names

    def test_the_call_goes_to_the_pinned_address_under_the_name(self) -> None:
        received, answer, _ = self.post("example.org", ["127.0.0.1"])
        assert (answer.status, answer.body) == (200, b"ok")
        assert received.heads[0].startswith(b"POST /hook?a=b HTTP/1.1")
        assert received.header("host") == f"example.org:{received.port}"
        assert received.header("x-id") == "7"
        assert received.header("accept-encoding") == "identity"
        assert received.bodies == [b'{"x":1}']

    def test_a_certificate_for_another_name_ends_the_call(self) -> None:
        with pytest.raises(OutboundError, match=r"example\.org"):
            self.post("other.example", ["127.0.0.1"])

    def test_a_name_is_looked_up_once(self) -> None:
        """The second answer is the attack: a name whose server has meanwhile moved inside."""
        _, answer, names = self.post("example.org", ["127.0.0.1"], ["10.0.0.1"])
        assert answer.status == 200
        assert len(names.asked) == 1
        assert names.answers == [["10.0.0.1"]]

    def test_a_dead_address_is_passed_over(self) -> None:
        async def run() -> int:
            async with receiving(self.authority.server("example.org")) as received:
                names = Names(["127.0.0.2", "127.0.0.1"])
                caller = Outbound(tls=self.authority.client(), resolve=names, may_be_private=True)
                url = f"https://example.org:{received.port}/"
                return (await caller.post(url, b"", {})).status

        assert asyncio.run(run()) == 200

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        async def run() -> tuple[Answer, Received]:
            async with (
                receiving() as inside,
                receiving(self.authority.server("example.org")) as out,
            ):
                location = f"http://127.0.0.1:{inside.port}/"
                out.answers = [
                    f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\n"
                    "content-length: 0\r\n\r\n".encode()
                ]
                caller = Outbound(tls=self.authority.client(), resolve=Names(["127.0.0.1"]))
                return await caller.post(f"https://example.org:{out.port}/", b"", {}), inside

        answer, inside = asyncio.run(run())
        assert answer.status == status
        assert inside.heads == []


LONG = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNK = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"


def plain(
    *answers: bytes, drip: bytes = b"", stays: str = "", within_s: float = WITHIN_S
) -> Answer:
    async def run() -> Answer:
        async with receiving() as received:
            received.answers, received.drip = list(answers), drip
            received.is_silent, received.is_slow = stays == "silent", stays == "slow"
            caller = Outbound(may_be_private=True, within_s=within_s)
            return await caller.post(f"http://127.0.0.1:{received.port}/", b"{}", {})

    return asyncio.run(run())


def test_an_endless_answer_is_cut() -> None:
    answer = plain(LONG, drip=CHUNK)
    assert answer.is_cut
    assert len(answer.body) == outbound.ANSWER_BYTES_MAX


def test_a_compressed_answer_stays_compressed() -> None:
    body = b"\x1f\x8b\x08\x00" + b"\x00" * 20
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n"
    assert plain(head.encode() + body).body == body


def test_an_endless_head_ends_the_call() -> None:
    with pytest.raises(OutboundError, match="broke off"):
        plain(b"HTTP/1.1 200 OK\r\n", drip=b"x-more: " + b"y" * 1000 + b"\r\n")


def test_silence_ends_with_the_time() -> None:
    with pytest.raises(OutboundError, match="within"):
        plain(stays="silent", within_s=0.05)


def test_a_slow_body_ends_with_the_time() -> None:
    """Each chunk comes in time; all together do not."""
    with pytest.raises(OutboundError, match="within"):
        plain(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow", stays="slow", within_s=0.2)


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH\r\n", b"\x00\x01\x02\r\n\r\n"])
def test_what_is_not_http_ends_the_call(garbage: bytes) -> None:
    with pytest.raises(OutboundError, match="broke off"):
        plain(garbage)


def test_a_closed_port_is_said_without_the_path() -> None:
    with pytest.raises(OutboundError) as told:
        call("http://127.0.0.1:9/secret-in-path", Outbound(may_be_private=True))
    assert "127.0.0.1" in told.value.text
    assert "secret" not in told.value.text


def test_a_name_that_is_not_there_is_said() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError(host, port)

    with pytest.raises(OutboundError, match="not a name"):
        call("https://nowhere.invalid/", Outbound(resolve=nowhere))


def test_what_is_sent_is_bounded() -> None:
    with pytest.raises(OutboundError, match="larger"):
        call("https://example.org/", Outbound(), b"x" * (outbound.SENT_BYTES_MAX + 1))


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert httpx.Client().trust_env, "or this test shows nothing"
    assert plain().status == 200


def test_a_stranger_with_a_certificate_of_its_own_is_not_believed() -> None:
    async def run() -> None:
        async with receiving(Authority().server("127.0.0.1")) as received:
            caller = Outbound(may_be_private=True)
            await caller.post(f"https://127.0.0.1:{received.port}/", b"", {})

    with pytest.raises(OutboundError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(run())
