"""Wire formats: bytes in, events out; events in, bytes out. Pure."""
