"""What is told of a request survives when its body is changed."""

import msgspec

from penstock.core.attributes import names_of
from penstock.core.tier import Tier
from penstock.dialects.contract import Inquiry


def test_another_body_changes_nothing_else() -> None:
    asked = Inquiry("m", {}, b"{}", is_stream=True)
    asked.needs_tools = asked.needs_images = asked.needs_documents = True
    asked.needs_structured_output = True
    asked.wants_usage = False
    asked.choices, asked.output_tokens_max = 2, 3
    asked.service_tier, asked.served = "flex", Tier.FREE
    fields = {"n": msgspec.Raw(b"1")}
    again = asked.saying(fields, b'{"n":1}')
    assert (again.fields, again.body) == (fields, b'{"n":1}')
    for name in set(names_of(Inquiry)) - {"fields", "body"}:
        assert getattr(again, name) == getattr(asked, name), name
