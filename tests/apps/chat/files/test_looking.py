"""A file is what its bytes say, within bounds, whatever they are."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.apps.chat.files import samples

from penstock.apps.chat.files.looking import PIXELS_MAX, SIDE_MAX, KindError, look

PICTURES = {
    "image/png": (samples.png,),
    "image/gif": (samples.gif,),
    "image/jpeg": (samples.jpeg,),
    "image/webp": (samples.webp, samples.webp_lossless, samples.webp_extended),
}
SIDES = st.integers(1, 9_000)


@pytest.mark.parametrize(
    ("kind", "make"), [(kind, make) for kind, makes in PICTURES.items() for make in makes]
)
@given(width=SIDES, height=SIDES)
def test_a_picture_has_the_size_that_it_says(
    kind: str, make: samples.Make, width: int, height: int
) -> None:
    found = look(make(width, height))
    assert (found.kind, found.width, found.height) == (kind, width, height)


@pytest.mark.parametrize("make", [samples.pdf, samples.packed_pdf])
@given(pages=st.integers(1, 60))
def test_pages_are_counted(make: samples.Count, pages: int) -> None:
    found = look(make(pages))
    assert (found.kind, found.pages) == ("application/pdf", pages)


@pytest.mark.parametrize(
    "raw",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"\n%PDF-1.4",
        b"MZ\x90",
        b"BM" + bytes(60),
        b"\0\0\0 ftypavif",
        b"PK\x03\x04",
        b"\x89PNG\r\n\x1a\n<html>",
        samples.png(0, 5),
        samples.png(SIDE_MAX, PIXELS_MAX // SIDE_MAX + 2),
        samples.jpeg()[:20],
        samples.jpeg(0, 0),
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(KindError):
        look(raw)


HEADS = [
    b"",
    b"%PDF-",
    b"\xff\xd8\xff",
    b"GIF89a",
    b"RIFF\0\0\0\0WEBPVP8L",
    b"%PDF-/ObjStm stream\n",
]


@example(b"%PDF-" + b"/ObjStm stream\n" * 300)
@example(b"%PDF-" + b"/Type /Page " * 9)
@example(b"\xff\xd8" + b"\xff" * 5_000)
@given(st.builds(bytes.__add__, st.sampled_from(HEADS), st.binary(max_size=400)))
def test_whatever_comes_is_looked_at_or_refused(raw: bytes) -> None:
    with contextlib.suppress(KindError):
        found = look(raw)
        assert found.kind in PICTURES or found.kind == "application/pdf"
        assert found.kind == "application/pdf" or 0 < found.width * found.height <= PIXELS_MAX
