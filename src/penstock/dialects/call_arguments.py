"""The arguments of a tool call: a text of JSON in OpenAI's dialects, an object in the others.

a JSON object               the same, byte for byte
nothing, or only blanks     ``{}``
anything else               ``{"_raw": "..."}``: nothing that a model wrote is lost
"""

from typing import Final

import msgspec

from penstock.dialects import json_fields

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_object(arguments: str) -> bool:
    """Tell whether the arguments are one whole JSON object."""
    try:
        _OBJECT.decode(arguments)
    except json_fields.MALFORMED:
        return False
    return True


def as_object(arguments: str) -> msgspec.Raw:
    """Return the arguments as an object."""
    if not arguments.strip():
        return msgspec.Raw(b"{}")
    if not is_object(arguments):
        return msgspec.Raw(msgspec.json.encode({"_raw": arguments}))
    return msgspec.Raw(arguments.encode())
