"""A message as plain text."""

from penstock.notify.message import Message


def test_text_holds_title_evidence_and_link() -> None:
    message = Message(
        id="a", kind="test", severity="", title="T", lines=("x", "y"), link="http://z"
    )
    assert message.text == "T\nx\ny\nhttp://z"
    assert Message(id="a", kind="test", severity="", title="T").text == "T"
