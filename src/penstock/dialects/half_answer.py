"""How much content a whole answer holds of which perhaps only the first half came.

    counted       the strings under the names that all dialects use for text, thoughts and the
                  arguments of calls; the last one may have no end
    not counted   everything else: ids, names, signatures, pictures, figures
    arguments     that are objects and not strings are left out: what is counted is rather too
                  little than too much

Escapes count as they stand: a line feed as two bytes, a letter beyond ASCII as up to six.
"""

import re
from typing import Final

SCANNED_BYTES_MAX: Final = 256 * 1024  # about a millisecond; the rest is taken as alike
_CONTENT: Final = re.compile(
    rb'"(?:text|content|thinking|reasoning|reasoning_content|refusal|arguments)"'
    rb'\s*:\s*"((?:[^"\\]|\\.)*+)',
    re.DOTALL,
)


def content_bytes(body: bytes) -> int:
    """Return about how many bytes of content there are in JSON, be it whole or cut anywhere."""
    scanned = body[:SCANNED_BYTES_MAX]
    found = sum(len(content) for content in _CONTENT.findall(scanned))
    return found if len(scanned) == len(body) else found * len(body) // len(scanned)
