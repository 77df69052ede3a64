"""Vectors that are the same for the same text, and of length one.

They say nothing of the meaning of a text. Fewer dimensions are the beginning of more, made to
length one again, as those of the providers' models are.
"""

import base64
import hashlib
import math
import struct
from collections.abc import Iterable


def vector(voice: Iterable[str], text: str, dimensions: int) -> list[float]:
    """Return the vector of a text, in single precision."""
    seed = "\0".join((*voice, text)).encode("utf-8", "surrogatepass")
    raw = struct.unpack(f"<{dimensions}h", hashlib.shake_128(seed).digest(2 * dimensions))
    length = math.sqrt(sum(value * value for value in raw)) or 1.0
    form = f"<{dimensions}f"
    return list(struct.unpack(form, struct.pack(form, *(value / length for value in raw))))


def in_base64(values: list[float]) -> str:
    """Return a vector as its bytes in single precision, least significant first."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
