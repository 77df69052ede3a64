"""What all parts of the configuration file have in common."""

import msgspec


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: frozen, and a key that nobody knows is a mistake."""
