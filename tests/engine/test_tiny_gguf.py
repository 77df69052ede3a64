"""The model is the same by its seed, and its file is whole."""

import struct
import subprocess
import sys
from pathlib import Path

from tests.engine import tiny_gguf


def test_a_seed_always_gives_the_same_file(tmp_path: Path) -> None:
    written: list[bytes] = []
    for name, seed in (("a", "6"), ("b", "6"), ("c", "7")):
        path = tmp_path / name
        script = tiny_gguf.__file__
        subprocess.run([sys.executable, script, path, seed], check=True, timeout=60)
        written.append(path.read_bytes())
    assert written[0] == written[1] == tiny_gguf.gguf(6)
    assert written[0] != written[2]
    assert len(written[0]) < 256 * 1024


def test_each_token_has_a_type_and_each_character_one_token() -> None:
    assert len(tiny_gguf.TYPES) == len(tiny_gguf.TOKENS)
    characters = [one for one in tiny_gguf.TOKENS if len(one) == 1]
    assert len(set(characters)) == len(characters)


def test_the_head_says_what_is_there_and_all_of_it_is() -> None:
    raw = tiny_gguf.gguf(1)
    magic, version, tensors, entries = struct.unpack_from("<4sIQQ", raw)
    assert (magic, version) == (b"GGUF", 3)
    made = list(tiny_gguf.tensors(1))
    assert tensors == len(made)
    assert entries == len(list(tiny_gguf.metadata()))
    assert all(len(weights) % tiny_gguf.ALIGNMENT == 0 for _, _, weights in made)
    assert raw.endswith(b"".join(weights for _, _, weights in made))
    assert (len(raw) - sum(len(weights) for _, _, weights in made)) % tiny_gguf.ALIGNMENT == 0
