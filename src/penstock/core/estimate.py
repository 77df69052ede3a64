"""Token estimates, for what no provider has counted.

Four bytes a token is the rule of thumb that OpenAI gives for English text; other scripts take
fewer bytes a token, so the estimate is low there. What is estimated is always marked so.
"""

BYTES_PER_TOKEN = 4


def tokens(size_bytes: int) -> int:
    """Return about how many tokens so many bytes of text are; at least 1 for any text."""
    return -(-size_bytes // BYTES_PER_TOKEN)
