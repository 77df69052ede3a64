"""What an installed chat is called: as this one is."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.chat.site.files import Files
from penstock.apps.chat.site.shell import MANIFEST, manifest

BODY = Files().by_path[MANIFEST].body


@given(st.text(min_size=1))
def test_an_installed_chat_has_the_name_of_this_one(name: str) -> None:

    before, after = msgspec.json.decode(BODY), msgspec.json.decode(manifest(BODY, name))
    assert (after.pop("name"), after.pop("short_name")) == (name, name)
    del before["name"], before["short_name"]
    assert after == before
