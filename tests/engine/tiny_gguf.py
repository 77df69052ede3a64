"""Write a model for tests: a llama with random weights, a quarter of a megabyte, the same by seed.

    python tests/engine/tiny_gguf.py FILE [SEED]

A GGUF file is: magic, version, two counts, the metadata, one entry a tensor, then from an aligned
offset on the tensors, each aligned. Numbers are little-endian. The metadata says:

    a llama of 2 layers, 32 wide, 2 heads; its context is 8192 tokens
    a vocabulary of control tokens, 256 bytes, and the printable ASCII characters, one token each
    a chat template that ends each turn with a line break, but leaves one of the assistant open
    if it is the last

A token is a character, so a text has only one way to be cut into tokens: what a model has said
is read back as what it had said. It says ASCII letters and spaces only, and never ends by itself:
the rows of all other tokens are zero on the way out. Nothing it says means anything.
"""

import array
import math
import random
import string
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ALIGNMENT: Final = 32
WIDTH: Final = 32
HEADS: Final = 2
FORWARD: Final = 64
LAYERS: Final = 2
CONTEXT: Final = 8192
SPACE: Final = "\u2581"  # how SentencePiece writes it
CONTROL: Final = ("<unk>", "<s>", "</s>")
SPOKEN: Final = string.ascii_letters + SPACE
WRITTEN: Final = SPOKEN + string.digits + string.punctuation
# In this order the types of tokens are 2 (unknown), 3 (control), 6 (byte), 1 (normal).
TOKENS: Final = (*CONTROL, *(f"<0x{byte:02X}>" for byte in range(256)), *WRITTEN)
TYPES: Final = (2, 3, 3, *(6 for _ in range(256)), *(1 for _ in WRITTEN))
TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ message['role'] }}: {{ message['content'] }}"
    "{% if not (loop.last and message['role'] == 'assistant') %}{{ '\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if messages[-1]['role'] != 'assistant' %}{{ 'assistant: ' }}{% endif %}"
)
# The types of values.
U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9
I32: Final = 5

Tensor = tuple[str, tuple[int, ...], bytes]


def text(value: str) -> bytes:
    """Return a string with its length in front."""
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, kind: int, value: bytes) -> bytes:
    """Return one entry of the metadata."""
    return text(key) + struct.pack("<I", kind) + value


def listed(key: str, kind: int, values: Iterable[bytes]) -> bytes:
    """Return an entry that holds a list."""
    items = list(values)
    return entry(key, ARRAY, struct.pack("<IQ", kind, len(items)) + b"".join(items))


def metadata() -> Iterator[bytes]:
    """Yield the entries."""
    yield entry("general.architecture", STRING, text("llama"))
    yield entry("general.name", STRING, text("tiny"))
    numbers = {
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": FORWARD,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": HEADS,
        "llama.vocab_size": len(TOKENS),
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    for key, number in numbers.items():
        yield entry(key, U32, struct.pack("<I", number))
    yield entry("llama.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", 1e-5))
    yield entry("tokenizer.ggml.model", STRING, text("llama"))
    yield entry("tokenizer.ggml.add_space_prefix", BOOL, b"\0")
    yield listed("tokenizer.ggml.tokens", STRING, map(text, TOKENS))
    yield listed("tokenizer.ggml.scores", F32, (struct.pack("<f", 0.0) for _ in TOKENS))
    yield listed("tokenizer.ggml.token_type", I32, (struct.pack("<i", one) for one in TYPES))
    yield entry("tokenizer.chat_template", STRING, text(TEMPLATE))


def tensors(seed: int) -> Iterator[Tensor]:
    """Yield all tensors; the weights keep the size of what goes through them."""
    dice = random.Random(seed)

    def weights(name: str, inner: int, outer: int, gain: float = 1.0) -> Tensor:
        size = gain / math.sqrt(inner)
        values = array.array("f", (dice.gauss(0.0, size) for _ in range(inner * outer)))
        return name, (inner, outer), values.tobytes()

    def ones(name: str) -> Tensor:
        return name, (WIDTH,), array.array("f", [1.0] * WIDTH).tobytes()

    yield weights("token_embd.weight", WIDTH, len(TOKENS), gain=math.sqrt(WIDTH))
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        yield ones(f"{block}attn_norm.weight")
        for part in "qkv":
            yield weights(f"{block}attn_{part}.weight", WIDTH, WIDTH, gain=2.0)
        yield weights(f"{block}attn_output.weight", WIDTH, WIDTH, gain=2.0)
        yield ones(f"{block}ffn_norm.weight")
        yield weights(f"{block}ffn_gate.weight", WIDTH, FORWARD, gain=2.0)
        yield weights(f"{block}ffn_up.weight", WIDTH, FORWARD, gain=2.0)
        yield weights(f"{block}ffn_down.weight", FORWARD, WIDTH, gain=2.0)
    yield ones("output_norm.weight")
    name, shape, raw = weights("output.weight", WIDTH, len(TOKENS))
    row = WIDTH * 4
    said = (
        raw[at * row : at * row + row] if one in SPOKEN else bytes(row)
        for at, one in enumerate(TOKENS)
    )
    yield name, shape, b"".join(said)


def gguf(seed: int) -> bytes:
    """Return the whole file."""
    entries = list(metadata())
    made = list(tensors(seed))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(made), len(entries)) + b"".join(entries)
    body = b""
    for name, shape, raw in made:
        sizes = struct.pack(f"<{len(shape)}Q", *shape)
        head += text(name) + struct.pack("<I", len(shape)) + sizes
        head += struct.pack("<IQ", 0, len(body))  # 0: 32-bit floats
        body += aligned(raw)
    return aligned(head) + body


def aligned(raw: bytes) -> bytes:
    """Return it filled up with zeros."""
    return raw + bytes(-len(raw) % ALIGNMENT)


def main(path: str, seed: str = "6") -> None:
    """Write a file."""
    Path(path).write_bytes(gguf(int(seed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
