"""What is asked for is what it says, or it is refused in words: no address is two."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.status.subscriptions import asking
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.web.endpoint import InvalidError

KNOWN = {"aaa": (), "bbb": (), "ggg": ("aaa", "bbb")}
FINE = ["a@example.org", "A.b+c@Sub.Example.ORG", "o'neill@example.org", "x_{}@a-b.example"]
HOSTILE = [
    "", "a", "a@", "@example.org", "a@b", "a b@example.org", "a@exam ple.org",
    "a@example.org\nBcc: b@example.org", "a@example.org\r\nBcc: b@example.org",
    "a@example.org,b@example.org", "a@example.org;b@example.org", "<a@example.org>",
    "A <a@example.org>", '"a b"@example.org', "a@example.org\0", "a@@example.org",
    "a@[127.0.0.1]", "a(comment)@example.org", ".a@example.org", "a.@example.org",
    "a..b@example.org", "a@-example.org", "a@example-.org", "a@example..org", "a@example.org.",
    "\u00fc@example.org", "a@ex\u00e4mple.org", "a@example.org\u2028b", "\uff41@example.org",
    "a" * 65 + "@example.org", "a@" + "b" * 64 + ".org", "a@" + "b." * 130 + "org",
]  # fmt: skip


def email(address: str) -> Asked:
    return asking.asked("email", address, (), KNOWN)


@pytest.mark.parametrize("address", FINE)
def test_an_address_is_taken(address: str) -> None:
    assert email(f" {address} ").address.lower() == address.lower()


@pytest.mark.parametrize("address", HOSTILE)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidError) as told:
        email(address)
    assert told.value.param == "address"


@given(st.one_of(st.text(), st.from_regex(asking.EMAIL)))
def test_whatever_is_taken_names_one_box_and_writes_no_header(text: str) -> None:
    try:
        address = email(text).address
    except InvalidError:
        return
    mail = EmailMessage()
    mail["To"] = address
    (only,) = mail["To"].addresses
    assert only.addr_spec == address
    assert address.isascii()
    assert address.isprintable()
    unfolded = mail.as_bytes(policy=mail.policy.clone(max_line_length=None))
    assert unfolded.count(b"\n") == 2


def test_two_ways_to_write_one_address_are_one() -> None:
    assert email("A@Example.org").key == email("a@example.ORG").key
    assert email("a+1@example.org").key != email("a@example.org").key
    assert email("a+1@example.org").mailbox == email("A+2@example.org").mailbox


@pytest.mark.parametrize(
    "url", ["http://example.org/", "https://example.org:22/", "javascript:alert(1)", "", "a@b.org"]
)
def test_a_webhook_is_https(url: str) -> None:
    for kind in ("webhook", "slack"):
        with pytest.raises(InvalidError):
            asking.asked(kind, url, (), KNOWN)


def test_a_private_webhook_only_where_it_may_be() -> None:
    url = "http://10.0.0.1:8080/hook"
    asked = asking.asked("webhook", url, (), KNOWN, may_be_private=True)
    assert asked == Asked(Kind.WEBHOOK, url)


def test_a_group_stands_for_its_members() -> None:
    assert asking.components(["ggg", "aaa", "", "aaa"], KNOWN) == ("aaa", "bbb")
    assert asking.components([], KNOWN) == ()
    with pytest.raises(InvalidError, match="not on this page"):
        asking.components(["zzz"], KNOWN)


@pytest.mark.parametrize(("kind", "words"), [("sms", "text messages"), ("pigeon", "choose")])
def test_a_kind_that_is_not_served_is_refused_in_words(kind: str, words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        asking.asked(kind, "a@example.org", (), KNOWN)
